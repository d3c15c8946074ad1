//! Endpoints that speak TLS and HTTP/2, each on a thread of its own, and a plan that leads to them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use evenkeel_model::EndpointTls;
use evenkeel_net::tls::client::{Outbound, ZoneTrust};
use evenkeel_proxy::Fronts;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::world::{Plan, eventually};

/// What tells the proxy that a client came by HTTPS: it is behind a proxy that says so.
pub(crate) const HTTPS: &str = "X-Forwarded-Proto: https\r\n";

/// An authority that certifies endpoints and clients.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self(issuer.unwrap())
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        Arc::new(roots)
    }

    /// A certificate for a name or an address, valid now.
    pub(crate) fn certify(&self, name: &str) -> Credentials {
        self.certify_with(name, |_| {})
    }

    /// One that was valid until 2001.
    pub(crate) fn certify_expired(&self, name: &str) -> Credentials {
        self.certify_with(name, |params| {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        })
    }

    fn certify_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Credentials {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Credentials { certificate, key: key.serialize_der() }
    }

    /// A client of this node that believes this authority alone, and resumes sessions.
    pub(crate) fn outbound(&self) -> Outbound {
        let outbound = Outbound::new(self.roots());
        outbound.publish([([0; 16], ZoneTrust::default())]);
        outbound
    }
}

impl Credentials {
    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }

    /// A server that shows them and speaks these protocols.
    pub(crate) fn server(&self, protocols: &[&str]) -> ServerConfig {
        let mut config = builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.private_key());
        let config = config.as_mut().unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.clone()
    }

    /// One that wants a certificate of its clients.
    pub(crate) fn server_asking_for(&self, authority: &Authority) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authority.roots(), provider).build();
        builder()
            .with_client_cert_verifier(verifier.unwrap())
            .with_single_cert(vec![self.certificate.clone()], self.private_key())
            .unwrap()
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// A plan whose endpoints are spoken to over TLS, in a mode.
pub(crate) fn secured(mode: EndpointTls, endpoints: &[SocketAddr], authority: &Authority) -> Plan {
    let mut plan = Plan::pool(endpoints);
    plan.outbound = Some(authority.outbound());
    plan.settings.fronts =
        Fronts { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..Fronts::default() };
    plan.tune = match mode {
        EndpointTls::Strict => |lb| lb.edge.endpoint_tls = EndpointTls::Strict,
        _ => |lb| lb.edge.endpoint_tls = EndpointTls::Full,
    };
    plan
}

/// What endpoints of this module have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Connections whose handshake is done.
    pub(crate) connections: AtomicUsize,
    pub(crate) ended: AtomicUsize,
    pub(crate) resumed: AtomicUsize,
    /// Requests that have come, and those that were given up.
    pub(crate) requests: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
    /// Name asked for and protocol agreed on, of each connection.
    pub(crate) handshakes: Mutex<Vec<(Option<String>, Option<String>)>>,
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.handshakes.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn protocols(&self) -> Vec<Option<String>> {
        self.handshakes.lock().unwrap().iter().map(|(_, protocol)| protocol.clone()).collect()
    }

    pub(crate) fn wait_for_requests(&self, count: usize) {
        eventually("requests seen", || self.requests() >= count);
    }

    pub(crate) fn wait_for_ends(&self, count: usize) {
        eventually("connections ended", || self.ended.load(Ordering::SeqCst) >= count);
    }
}

/// An endpoint over TLS.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

/// A connection to one.
pub(crate) type Secured = TlsStream<TcpStream>;

/// What an endpoint gets: a request, and the answer to come.
pub(crate) struct Call {
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
    pub(crate) seen: Arc<Seen>,
}

/// Accepts connections on a thread of its own.
pub(crate) fn accept<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                spawn_local(serve(stream));
            }
        });
    });
    address
}

impl Server {
    /// One whose connections are served by a function once their handshake is done.
    pub(crate) fn new<F, Fut>(config: ServerConfig, serve: F) -> Self
    where
        F: Fn(Secured, Arc<Seen>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let seen = Arc::<Seen>::default();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (serve, told) = (Arc::new(serve), Arc::clone(&seen));
        let address = accept(move |tcp| {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&told));
            let serve = Arc::clone(&serve);
            async move {
                let Ok(stream) = acceptor.accept(tcp).await else { return };
                let connection = stream.get_ref().1;
                let protocol =
                    connection.alpn_protocol().map(|p| String::from_utf8_lossy(p).into());
                let name = connection.server_name().map(str::to_owned);
                seen.handshakes.lock().unwrap().push((name, protocol));
                if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
                    seen.resumed.fetch_add(1, Ordering::SeqCst);
                }
                seen.connections.fetch_add(1, Ordering::SeqCst);
                serve(stream, Arc::clone(&seen)).await;
                seen.ended.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, seen }
    }

    /// One that answers every request in HTTP/1.1 with a name.
    pub(crate) fn http1(config: ServerConfig, name: &'static str) -> Self {
        Self::new(config, move |mut stream, seen| async move {
            while let Ok(head) = read_head(&mut stream).await {
                seen.requests.fetch_add(1, Ordering::SeqCst);
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0);
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let answer =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
                stream.flush().await.unwrap();
            }
        })
    }

    /// One that answers each HTTP/2 request by a function.
    pub(crate) fn http2<F, Fut>(config: ServerConfig, answer: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        Self::http2_with(config, h2::server::Builder::new(), answer)
    }

    pub(crate) fn http2_with<F, Fut>(
        config: ServerConfig,
        builder: h2::server::Builder,
        answer: F,
    ) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let answer = Arc::new(answer);
        Self::new(config, move |stream, seen| {
            serve_http2(stream, seen, builder.clone(), Arc::clone(&answer))
        })
    }
}

/// Serves an HTTP/2 connection, each request by a function.
pub(crate) async fn serve_http2<S, F, Fut>(
    stream: S,
    seen: Arc<Seen>,
    builder: h2::server::Builder,
    answer: Arc<F>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    F: Fn(Call) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let running = Rc::new(());
    while let Some(Ok((request, respond))) = connection.accept().await {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        let call = Call { request, respond, seen: Arc::clone(&seen) };
        let (call, running) = (answer(call), Rc::clone(&running));
        spawn_local(async move {
            call.await;
            drop(running);
        });
    }
}

/// Reads up to an empty line.
pub(crate) async fn read_head(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into())
}

impl Call {
    /// Reads the whole body and its trailers.
    pub(crate) async fn body(&mut self) -> (Vec<u8>, Option<HeaderMap>) {
        let body = self.request.body_mut();
        let mut read = Vec::new();
        while let Some(Ok(piece)) = body.data().await {
            body.flow_control().release_capacity(piece.len()).unwrap();
            read.extend_from_slice(&piece);
        }
        (read, body.trailers().await.unwrap())
    }

    /// Answers 200 with a body.
    pub(crate) fn answer(&mut self, body: impl Into<Bytes>) {
        self.head(Response::new(())).send_data(body.into(), true).unwrap();
    }

    /// Sends a head that a body follows.
    pub(crate) fn head(&mut self, response: Response<()>) -> SendStream<Bytes> {
        self.respond.send_response(response, false).unwrap()
    }

    /// Waits until the stream is given up, and notes it.
    pub(crate) async fn cancelled(&mut self) -> h2::Reason {
        let reason = std::future::poll_fn(|context| self.respond.poll_reset(context)).await;
        self.seen.cancelled.fetch_add(1, Ordering::SeqCst);
        reason.unwrap()
    }
}
