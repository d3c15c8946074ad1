//! Servers on loopback that behave, or do not, as a test has it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers and closes.
    Say(Vec<u8>),
    /// Answers and leaves the connection open.
    SayAndHang(Vec<u8>),
    /// Answers, one byte every ten milliseconds, without an end.
    Drip(&'static [u8]),
    /// Answers, then resets the connection.
    SayAndReset(&'static [u8]),
}

impl Reply {
    /// A response without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Say(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes())
    }

    /// A response of status 200.
    pub(crate) fn body(body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut response =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        response.extend_from_slice(body);
        Self::Say(response)
    }

    /// A redirect.
    pub(crate) fn to(location: &str) -> Self {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n");
        Self::Say([head.as_bytes(), b"\r\n"].concat())
    }
}

/// A running server. Dropping it ends its connections.
pub(crate) struct Server {
    pub address: SocketAddr,
    /// One entry per connection: the request head, and before it, the SNI of a TLS server.
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers the n-th request by `reply(n)`.
    pub(crate) async fn http(reply: impl Fn(usize) -> Reply + Send + 'static) -> Self {
        Self::start(None, reply).await
    }

    /// The same over TLS.
    pub(crate) async fn https(
        config: ServerConfig,
        reply: impl Fn(usize) -> Reply + Send + 'static,
    ) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), reply).await
    }

    async fn start(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(usize) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for n in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                log.lock().unwrap().push(String::new());
                let (tls, reply, log) = (tls.clone(), reply(n), Arc::clone(&log));
                connections.spawn(async move {
                    let note = |text: &str| log.lock().unwrap()[n].push_str(text);
                    // A client that goes away early is what some tests are about.
                    let _ = serve(stream, tls, reply, note).await;
                });
            }
        });
        Self { address, seen, _tasks: tasks }
    }

    /// What each connection brought so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    reply: Reply,
    note: impl Fn(&str),
) -> io::Result<()> {
    let resets = matches!(reply, Reply::SayAndReset(_));
    if resets {
        stream.set_zero_linger()?;
    }
    match tls {
        None => answer(&mut stream, reply, note).await,
        Some(tls) => {
            let mut stream = tls.accept(stream).await?;
            note(&format!("SNI {:?}\n", stream.get_ref().1.server_name()));
            answer(&mut stream, reply, note).await?;
            if resets { Ok(()) } else { stream.shutdown().await }
        }
    }
}

async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    reply: Reply,
    note: impl Fn(&str),
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await?;
        head.push(byte);
    }
    note(&String::from_utf8_lossy(&head));
    match reply {
        Reply::Say(response) => {
            stream.write_all(&response).await?;
            stream.flush().await
        }
        Reply::SayAndReset(response) => stream.write_all(response).await,
        Reply::SayAndHang(response) => {
            stream.write_all(&response).await?;
            stream.flush().await?;
            stream.read_u8().await.map(drop)
        }
        Reply::Drip(response) => {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for byte in response.iter().chain(std::iter::repeat(&b'.')) {
                pace.tick().await;
                stream.write_all(&[*byte]).await?;
            }
            Ok(())
        }
    }
}

/// Answers every connection's first bytes with others, whatever they are, and closes.
pub(crate) async fn raw(reply: &'static [u8]) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(reply).await;
        }
    });
    (address, tasks)
}

/// Resets every connection at once.
pub(crate) async fn resetting() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_zero_linger();
        }
    });
    (address, tasks)
}

/// Says one text to begin with and one after each line it hears; the empty text, and what comes
/// after the last, is silence. Takes one connection.
pub(crate) struct Dialogue {
    pub address: SocketAddr,
    heard: tokio::task::JoinHandle<String>,
}

impl Dialogue {
    /// A server that says these.
    pub(crate) async fn start(lines: &[&str]) -> Self {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut heard = String::new();
            for line in lines {
                // A client that goes away early is what some tests are about.
                let _ = stream.write_all(line.as_bytes()).await;
                let _ = stream.read_line(&mut heard).await;
            }
            let _ = stream.read_to_string(&mut heard).await;
            heard
        });
        Self { address, heard }
    }

    /// Everything that the client said, once it is gone.
    pub(crate) async fn heard(self) -> String {
        self.heard.await.unwrap()
    }
}

/// An address that refuses.
pub(crate) fn refusing() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// An address that answers no SYN: its queue is full and nobody accepts. Holds while the rest of
/// the answer is kept.
pub(crate) async fn silent() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            Ok(stream) => queued.push(stream.unwrap()),
            Err(_) => return (address, listener, queued),
        }
    }
}

/// An authority of the tests.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A store that believes it.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    /// A server with a certificate for these names.
    pub(crate) fn server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| ())
    }

    /// A server with a certificate that ran out.
    pub(crate) fn expired_server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        })
    }

    /// A server with a certificate that is not valid yet.
    pub(crate) fn early_server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2999, 1, 1);
            params.not_after = rcgen::date_time_ymd(3000, 1, 1);
        })
    }

    fn server_with(
        &self,
        names: &[&str],
        alter: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        alter(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
