//! TLS towards endpoints: whom each zone believes, who it says it is, and why a handshake failed.
//!
//! What a zone knows (its own authorities, its client certificate) is set by [`Outbound::publish`];
//! configurations are made when they are first needed and kept until it changes. Sessions are
//! resumed within one zone and one way of checking only. Dialing, time limits and what is said to
//! clients about a failure are the caller's.

#[cfg(test)]
mod tests;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::trust::ChainVerifier;
use super::{ALPN_HTTP1, ALPN_HTTP2, Protocol, insecure, with_default_provider};

/// Servers whose sessions one zone remembers per way of checking; the oldest is forgotten. A
/// forgotten one costs a full handshake.
const SESSIONS_MAX: usize = 64;

/// Names a zone: the bytes of its identifier.
pub type ZoneKey = [u8; 16];

/// What is checked of an endpoint's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checks {
    /// Nothing: it may be expired, self-signed, for another name (mode full).
    None,
    /// Dates, chain and name (mode strict).
    Full,
}

/// What a zone knows of TLS towards its endpoints.
#[derive(Debug, Clone, Default)]
pub struct ZoneTrust {
    /// Authorities that are believed beside the machine's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Shown to endpoints that ask for a certificate.
    pub identity: Option<Arc<CertifiedKey>>,
}

/// Whom to shake hands with, and how.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Whose trust, identity and sessions are used.
    pub zone: ZoneKey,
    /// What is checked of the certificate.
    pub checks: Checks,
    /// Whether the zone's own certificate is shown when asked for.
    pub identity: bool,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
    /// The host that the endpoint will be asked for, without a port. Asked for by name (SNI) unless
    /// it is an address.
    pub host: &'a str,
    /// The endpoint's own name or address. Asked for where `host` is none.
    pub endpoint: &'a str,
    /// The host that the client asked for, without a port. A certificate may also be for this one or
    /// for `endpoint` (behaviour.md 9.5).
    pub requested: &'a str,
}

/// A connection to an endpoint whose handshake is done and whose certificate is what was asked for.
#[derive(Debug)]
pub struct Connected<S> {
    /// Plain text for us, TLS for the endpoint.
    pub stream: TlsStream<S>,
    /// What was agreed on. An endpoint that chooses no protocol speaks HTTP/1.1.
    pub protocol: Protocol,
}

/// Of which kind a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The two sides could not agree, or the endpoint refused us (525).
    Handshake,
    /// The endpoint's certificate is not valid (526).
    Certificate,
    /// The connection failed or ended.
    Io,
}

/// Of which kind an error of a TLS stream is, during the handshake or after it: endpoints that want
/// a client certificate say so only once data flows (TLS 1.3).
#[must_use]
pub fn judge(error: &io::Error) -> Fault {
    match super::in_tls(error) {
        None => Fault::Io,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Fault::Certificate
        }
        Some(_) => Fault::Handshake,
    }
}

/// Why a handshake with an endpoint failed.
#[derive(Debug)]
pub struct ConnectError {
    /// Of which kind it is.
    pub fault: Fault,
    /// What happened.
    pub source: io::Error,
}

impl From<io::Error> for ConnectError {
    fn from(source: io::Error) -> Self {
        Self { fault: judge(&source), source }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            Fault::Handshake => "the TLS handshake with the endpoint failed",
            Fault::Certificate => "the endpoint's certificate is not valid",
            Fault::Io => "the connection failed during the TLS handshake",
        })
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// TLS clients of all zones. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    roots: Arc<RootCertStore>,
    zones: ArcSwap<HashMap<ZoneKey, Arc<Zone>>>,
    /// For zones that nothing was published of yet. They share it, so it resumes nothing.
    unknown: Zone,
    /// Versions given out so far.
    versions: AtomicU64,
}

/// One zone's clients, each made when it is first needed.
#[derive(Debug)]
struct Zone {
    version: u64,
    trust: ZoneTrust,
    roots: Arc<RootCertStore>,
    sessions_max: usize,
    /// By [`Target::index`].
    configs: [OnceLock<Arc<ClientConfig>>; 8],
}

impl Outbound {
    /// Clients that believe `roots`, see [`machine_roots`](super::machine_roots).
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        let unknown = Zone::new(0, &roots, ZoneTrust::default(), 0);
        let (zones, versions) = (ArcSwap::default(), AtomicU64::new(1));
        Self(Arc::new(Inner { roots, zones, unknown, versions }))
    }

    /// Replaces what is known of all zones. Zones whose trust is what it was keep their sessions.
    /// Authorities that cannot be read are passed over.
    pub fn publish(&self, zones: impl IntoIterator<Item = (ZoneKey, ZoneTrust)>) {
        let before = self.0.zones.load();
        let zones = zones.into_iter().map(|(key, trust)| {
            let kept = before.get(&key).filter(|zone| zone.trust.is_same(&trust));
            let version = || self.0.versions.fetch_add(1, Ordering::Relaxed);
            let new = || Arc::new(Zone::new(version(), &self.0.roots, trust, SESSIONS_MAX));
            (key, kept.cloned().unwrap_or_else(new))
        });
        let zones = Arc::new(zones.collect());
        self.0.zones.store(zones);
    }

    /// Which version of a zone's trust is in force: never the same after a change. A connection may be
    /// used again as long as it stays what it was when the handshake began.
    #[must_use]
    pub fn version(&self, zone: &ZoneKey) -> u64 {
        self.0.zones.load().get(zone).map_or(self.0.unknown.version, |zone| zone.version)
    }

    /// Shakes hands over a connected stream. Has no time limit of its own.
    ///
    /// Dropping the future closes the connection without a word.
    ///
    /// # Errors
    /// See [`ConnectError`]. No byte of a request has been sent then.
    pub async fn connect<S>(
        &self,
        stream: S,
        target: &Target<'_>,
    ) -> Result<Connected<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(self.config(target));
        let stream = connector.connect(target.server_name(), stream).await?;
        let connection = stream.get_ref().1;
        if target.checks == Checks::Full {
            // Here rather than in the handshake: the verifier belongs to the zone, since sessions
            // resume only under the verifier they began with, and the names to the request.
            let certificate = connection.peer_certificates().and_then(|chain| chain.first());
            target.check_name(certificate).map_err(|error| {
                let source = io::Error::new(io::ErrorKind::InvalidData, error);
                ConnectError { fault: Fault::Certificate, source }
            })?;
        }
        let protocol = Protocol::by_alpn(connection.alpn_protocol());
        Ok(Connected { stream, protocol })
    }

    fn config(&self, target: &Target<'_>) -> Arc<ClientConfig> {
        let zones = self.0.zones.load();
        let zone = zones.get(&target.zone).map_or(&self.0.unknown, |zone| zone);
        let config = zone.configs[target.index()].get_or_init(|| Arc::new(zone.config(target)));
        Arc::clone(config)
    }
}

impl ZoneTrust {
    fn is_same(&self, other: &Self) -> bool {
        let same_identity = match (&self.identity, &other.identity) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.cert == other.cert,
            _ => false,
        };
        same_identity && self.authorities == other.authorities
    }
}

impl Zone {
    fn new(
        version: u64,
        roots: &Arc<RootCertStore>,
        trust: ZoneTrust,
        sessions_max: usize,
    ) -> Self {
        let mut roots = Arc::clone(roots);
        if !trust.authorities.is_empty() {
            let own = trust.authorities.iter().cloned();
            Arc::make_mut(&mut roots).add_parsable_certificates(own);
        }
        Self { version, trust, roots, sessions_max, configs: Default::default() }
    }

    fn config(&self, target: &Target<'_>) -> ClientConfig {
        let mut config = match target.checks {
            Checks::None => insecure(),
            Checks::Full => with_default_provider()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ChainVerifier::new(&self.roots)))
                .with_no_client_auth(),
        };
        if let Some(identity) = self.trust.identity.as_ref().filter(|_| target.identity) {
            let identity = SingleCertAndKey::from(Arc::clone(identity));
            config.client_auth_cert_resolver = Arc::new(identity) as Arc<dyn ResolvesClientCert>;
        }
        config.alpn_protocols = match target.http2 {
            true => vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()],
            false => vec![ALPN_HTTP1.to_vec()],
        };
        config.resumption = match self.sessions_max {
            0 => Resumption::disabled(),
            sessions => Resumption::in_memory_sessions(sessions),
        };
        config
    }
}

impl Target<'_> {
    /// Which of its zone's configurations is meant.
    fn index(&self) -> usize {
        usize::from(self.checks == Checks::Full) * 4
            + usize::from(self.identity) * 2
            + usize::from(self.http2)
    }

    /// The name asked for, or an address, for which none is sent.
    fn server_name(&self) -> ServerName<'static> {
        let names = [self.host, self.endpoint].map(server_name);
        let is_name = |name: &&ServerName<'_>| matches!(name, ServerName::DnsName(_));
        let name = names.iter().flatten().find(is_name).or(names[1].as_ref());
        let nameless = ServerName::IpAddress(IpAddr::from(Ipv4Addr::UNSPECIFIED).into());
        name.map_or(nameless, ServerName::to_owned)
    }

    fn check_name(&self, certificate: Option<&CertificateDer<'_>>) -> Result<(), rustls::Error> {
        let certificate = certificate.ok_or(rustls::Error::NoCertificatesPresented)?;
        let certificate = rustls::server::ParsedCertificate::try_from(certificate)?;
        let mut error = CertificateError::NotValidForName.into();
        for name in [self.host, self.requested, self.endpoint].into_iter().filter_map(server_name) {
            match rustls::client::verify_server_name(&certificate, &name) {
                Ok(()) => return Ok(()),
                Err(other) => error = other,
            }
        }
        Err(error)
    }
}

/// A host as certificates know it; `None` for what cannot be one.
fn server_name(host: &str) -> Option<ServerName<'_>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(bare.strip_suffix('.').unwrap_or(bare)).ok()
}
