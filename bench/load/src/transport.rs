//! Connections: TCP without delay, TLS where asked, and whether an idle one is still good.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::{self, Failure};
use crate::outcome::{Counters, Kind, count};

/// How handshakes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshakes {
    /// With the tickets of earlier ones, where the server gives any.
    Resumed,
    /// Every one from scratch.
    Full,
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Anybody, for measurements.
    Anyone,
    /// Certificates that one of this file's (PEM) signed.
    File(std::path::PathBuf),
}

/// TLS of every connection of a run.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// `host` is asked for by SNI and, unless anyone is trusted, has to be in the certificate.
    ///
    /// # Errors
    ///
    /// The file cannot be read or the host is no name.
    pub fn new(
        host: &str,
        alpn: &[u8],
        handshakes: Handshakes,
        trust: &Trust,
    ) -> failure::Result<Self> {
        use failure::Context as _;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .context("TLS")?;
        let mut config = match trust {
            Trust::Anyone => {
                let verifier = Arc::new(Credulous(provider));
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
            Trust::File(path) => {
                let mut roots = RootCertStore::empty();
                let shown = path.display();
                let certificates =
                    CertificateDer::pem_file_iter(path).context(shown.to_string())?;
                for certificate in certificates {
                    let certificate = certificate.context(shown.to_string())?;
                    roots.add(certificate).context(shown.to_string())?;
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        if handshakes == Handshakes::Full {
            config.resumption = Resumption::disabled();
        }
        let without_port = host
            .rsplit_once(':')
            .map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
        let name = without_port.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name)
            .map_err(|_| Failure::new(format!("--host: TLS cannot ask for {host:?}")))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

/// Believes every certificate; signatures of the handshake are still checked, as their cost is
/// part of what is measured.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over it.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects, and shakes hands where `tls` is given.
///
/// # Errors
///
/// [`Kind::Connect`] or [`Kind::Tls`].
pub async fn dial(to: SocketAddr, tls: Option<&Tls>, counters: &Counters) -> Result<Stream, Kind> {
    count(&counters.connections);
    let connected = TcpStream::connect(to).await;
    let tcp = connected.map_err(|error| counters.failed(Kind::Connect, error))?;
    tcp.set_nodelay(true).map_err(|error| counters.failed(Kind::Connect, error))?;
    let Some(tls) = tls else { return Ok(Stream::Plain(tcp)) };
    let shaken = tls.connector.connect(tls.name.clone(), tcp).await;
    let stream = shaken.map_err(|error| counters.failed(Kind::Tls, error))?;
    match stream.get_ref().1.handshake_kind() {
        Some(HandshakeKind::Resumed) => count(&counters.handshakes_resumed),
        _ => count(&counters.handshakes_full),
    }
    Ok(Stream::Tls(Box::new(stream)))
}

impl Stream {
    /// Whether an idle connection may take another request: the server has neither closed it nor
    /// sent what nobody asked for. Asks the kernel, because the runtime's own knowledge is as old
    /// as its last poll.
    pub async fn is_fit(&mut self) -> bool {
        let tcp = match self {
            Self::Plain(tcp) => &*tcp,
            Self::Tls(tls) => tls.get_ref().0,
        };
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let quiet = match rustix::net::recv(tcp, &mut [0_u8; 1], flags) {
            Err(rustix::io::Errno::AGAIN) => true,
            // Over TLS there may be a ticket, which nobody has read yet.
            Ok((1.., _)) => false,
            Ok(_) | Err(_) => return false,
        };
        if quiet {
            return true;
        }
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => {
                if tls.get_ref().0.readable().await.is_err() {
                    return false;
                }
                std::future::poll_fn(|cx| {
                    let mut byte = [0_u8; 1];
                    let read = Pin::new(&mut *tls).poll_read(cx, &mut ReadBuf::new(&mut byte));
                    Poll::Ready(read.is_pending())
                })
                .await
            }
        }
    }

    /// Reads until the server closes, which spares this machine a port in TIME_WAIT. For
    /// connections of one request, after the answer.
    pub async fn wait_closed(mut self) {
        let mut rest = [0_u8; 512];
        while matches!(self.read(&mut rest).await, Ok(1..)) {}
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
