//! TLS towards clients: handshakes, and what they agreed on.
//!
//! A [`Terminator`] reads the ClientHello first and decides by it: which policy holds for the name
//! that is asked for, which certificate is shown, whether an authority is looking for the answer to
//! its challenge. Where certificates come from is the business of whoever fills the [`Identities`];
//! time limits, HTTP, and whether a request's host goes with the name of its connection are the
//! caller's.
//!
//! ```text
//! bytes ─ hello ─┬─ HTTP in plain text → told so, PlainHttp
//!                ├─ no TLS, broken, too long → alert, Client
//!                ├─ acme-tls/1 → shown the answer, AcmeChallenge
//!                ├─ nothing to show → alert, NoCertificate
//!                └─ policy by name → handshake → Accepted, or alert, Client
//! ```

mod hello;
mod identities;
mod policies;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError,
    WebPkiClientVerifier,
};
use rustls::{RootCertStore, ServerConfig, version};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

pub use self::identities::Identities;
pub use self::policies::Policy;
use super::{ALPN_HTTP1, ALPN_HTTP2, Protocol, TlsVersion};
use crate::certificate::normal;

/// The protocol by which an authority looks for the answer to a tls-alpn-01 challenge (RFC 8737).
const ALPN_ACME: &[u8] = b"acme-tls/1";

/// What a TLS listener hands its sockets to. Clones are one and the same; all workers share it, and
/// with it the keys of session tickets, so that a session resumes on whichever worker it lands.
#[derive(Debug, Clone)]
pub struct Terminator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identities: Identities,
    /// One for each [`Policy`], by its index.
    configs: ArcSwap<[Arc<ServerConfig>; Policy::ALL.len()]>,
    challenged: Arc<ServerConfig>,
}

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Accepted<S> {
    /// Plain text for us, TLS for the client.
    pub stream: TlsStream<S>,
    /// The name that was asked for, in lower case, without a final dot. Absent when the client sent
    /// none or an address.
    pub sni: Option<Box<str>>,
    /// What was agreed on. A client that names no protocol speaks HTTP/1.1.
    pub protocol: Protocol,
    /// What was agreed on.
    pub version: TlsVersion,
    /// The client's certificate in DER, checked against the authorities for clients.
    pub client_certificate: Option<Arc<[u8]>>,
}

/// Why there is no connection. The client has been told; what remains is to close.
#[derive(Debug)]
pub enum HandshakeError {
    /// The client sent a request in plain text, and was told so in plain text.
    PlainHttp,
    /// An authority looked for the answer to its challenge and saw it.
    AcmeChallenge,
    /// No certificate is for the name asked for, and there is no default.
    NoCertificate,
    /// What the client sent was no TLS, not acceptable, or its certificate was not.
    Client(rustls::Error),
    /// The connection failed or ended.
    Io(io::Error),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlainHttp => f.write_str("HTTP without TLS was sent to a TLS listener"),
            Self::AcmeChallenge => f.write_str("a challenge of an authority was answered"),
            Self::NoCertificate => f.write_str("no certificate is for the name asked for"),
            Self::Client(_) => f.write_str("the TLS handshake failed"),
            Self::Io(_) => f.write_str("the connection failed during the TLS handshake"),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::PlainHttp | Self::AcmeChallenge | Self::NoCertificate => None,
            Self::Client(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match super::in_tls(&error) {
            Some(error) => Self::Client(error.clone()),
            None => Self::Io(error),
        }
    }
}

/// What is asked of clients about themselves.
#[derive(Debug, Clone)]
pub struct ClientAuth(Option<Arc<dyn ClientCertVerifier>>);

impl ClientAuth {
    /// Nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// A certificate by one of these authorities; a client that has none may go on, one that shows
    /// another may not.
    ///
    /// # Errors
    /// When there is no authority.
    pub fn request(authorities: RootCertStore) -> Result<Self, VerifierBuilderError> {
        let builder = Self::builder(authorities);
        builder.allow_unauthenticated().build().map(|verifier| Self(Some(verifier)))
    }

    /// A certificate by one of these authorities.
    ///
    /// # Errors
    /// When there is no authority.
    pub fn require(authorities: RootCertStore) -> Result<Self, VerifierBuilderError> {
        Self::builder(authorities).build().map(|verifier| Self(Some(verifier)))
    }

    fn builder(authorities: RootCertStore) -> rustls::server::ClientCertVerifierBuilder {
        let provider = Arc::new(aws_lc_rs::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
    }
}

impl Terminator {
    /// A terminator that shows what is in the table at the time of each handshake.
    ///
    /// # Errors
    /// When there is no randomness to be had for the keys of session tickets.
    pub fn new(identities: Identities, client_auth: &ClientAuth) -> Result<Self, rustls::Error> {
        let configs = ArcSwap::from_pointee(configs(&identities, client_auth)?);
        let challenged = Arc::new(identities::Challenged(identities.clone()));
        let mut challenged = config(challenged, TlsVersion::Tls12, &ClientAuth::off());
        challenged.alpn_protocols = vec![ALPN_ACME.to_vec()];
        // An authority looks once.
        challenged.send_tls13_tickets = 0;
        let challenged = Arc::new(challenged);
        Ok(Self(Arc::new(Inner { identities, configs, challenged })))
    }

    /// Changes what is asked of clients, from the next handshake on. Sessions begun before are not
    /// resumed.
    ///
    /// # Errors
    /// As [`Self::new`]; then nothing has changed.
    pub fn ask_clients(&self, client_auth: &ClientAuth) -> Result<(), rustls::Error> {
        self.0.configs.store(Arc::new(configs(&self.0.identities, client_auth)?));
        Ok(())
    }

    /// The table.
    #[must_use]
    pub fn identities(&self) -> &Identities {
        &self.0.identities
    }

    /// Shakes hands. Has no time limit of its own, and bounded memory.
    ///
    /// Dropping the future closes the connection without a word.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn accept<S>(&self, mut stream: S) -> Result<Accepted<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let accepted = hello::read(&mut stream).await?;
        let hello = accepted.client_hello();
        if is_challenge(&hello) && self.0.identities.challenge(hello.server_name()).is_some() {
            let start = StartHandshake::from_parts(accepted, stream);
            let mut stream = start.into_stream(Arc::clone(&self.0.challenged)).await?;
            stream.shutdown().await?;
            return Err(HandshakeError::AcmeChallenge);
        }
        if !self.0.identities.has(hello.server_name()) {
            hello::alert(&mut stream, hello::Alert::UnrecognizedName).await?;
            return Err(HandshakeError::NoCertificate);
        }
        let policy = self.0.identities.policy(hello.server_name());
        let config = Arc::clone(&self.0.configs.load()[policy.index()]);
        let stream = StartHandshake::from_parts(accepted, stream).into_stream(config).await?;
        Ok(Accepted::new(stream))
    }
}

impl<S> Accepted<S> {
    fn new(stream: TlsStream<S>) -> Self {
        let connection = stream.get_ref().1;
        let sni = connection.server_name().map(normal);
        let protocol = Protocol::by_alpn(connection.alpn_protocol());
        let version = TlsVersion::of(connection.protocol_version());
        let certificate = connection.peer_certificates().and_then(|chain| chain.first());
        let client_certificate = certificate.map(|certificate| certificate.as_ref().into());
        Self { stream, sni, protocol, version, client_certificate }
    }
}

/// Offers of other protocols beside it are not RFC 8737's, and get an ordinary handshake.
fn is_challenge(hello: &ClientHello<'_>) -> bool {
    hello
        .alpn()
        .is_some_and(|mut offered| offered.next() == Some(ALPN_ACME) && offered.next().is_none())
}

/// What follows the first label of a name, when anything does.
fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent).filter(|parent| !parent.is_empty())
}

fn configs(
    identities: &Identities,
    client_auth: &ClientAuth,
) -> Result<[Arc<ServerConfig>; Policy::ALL.len()], rustls::Error> {
    let mut all = Vec::with_capacity(Policy::ALL.len());
    for policy in Policy::ALL {
        let mut config = config(Arc::new(identities.clone()), policy.version_min, client_auth);
        // Each policy its own keys: a session begun under a laxer one is unreadable here. They are
        // replaced every six hours and open nothing after twelve.
        config.ticketer = Ticketer::new()?;
        config.alpn_protocols = match policy.http2 {
            true => vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()],
            false => vec![ALPN_HTTP1.to_vec()],
        };
        all.push(Arc::new(config));
    }
    Ok(all.try_into().expect("one was pushed for each policy"))
}

fn config(
    identities: Arc<dyn ResolvesServerCert>,
    version_min: TlsVersion,
    client_auth: &ClientAuth,
) -> ServerConfig {
    let versions: &[_] = match version_min {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("the provider has cipher suites for TLS 1.2 and 1.3");
    let builder = match &client_auth.0 {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
    };
    let mut config = builder.with_cert_resolver(identities);
    // Sessions live in their tickets, not here. Early data stays off: what it carries can be sent
    // again by anybody (RFC 8446 section 8).
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}
