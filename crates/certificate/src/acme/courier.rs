//! HTTPS to the authority, in bounded time and memory.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::RootCertStore;

/// How long the authority may take to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer read: a chain has some 10 KiB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

pub(super) struct Courier(Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl Courier {
    /// A client that believes these authorities, and asks over HTTPS alone (RFC 8555 section 6.1).
    pub(super) fn new(roots: &Arc<RootCertStore>) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(evenkeel_net::tls::verifying(Arc::clone(roots)))
            .https_only()
            .enable_http1()
            .build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Courier {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answer {
        let answer = self.0.request(request);
        let whole = async move {
            let (parts, body) = answer.await.map_err(other)?.into_parts();
            let body =
                Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(Error::Other)?;
            Ok(BytesResponse { parts, body: Box::new(body.to_bytes()) })
        };
        Box::pin(async move {
            tokio::time::timeout(REQUEST_TIMEOUT, whole)
                .await
                .unwrap_or_else(|late| Err(other(late)))
        })
    }
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Other(error.into())
}
