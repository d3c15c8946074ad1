//! TLS of `https` probes, and the documented names of what goes wrong with it.

use std::fmt;
use std::io;
use std::sync::Arc;

use evenkeel_model::FailureReason;
use evenkeel_net::tls;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Attempt, Miss};
use crate::trace::PhaseName;

/// The configurations that all probes share.
pub(crate) struct Connectors {
    verifying: [TlsConnector; 2],
    insecure: [TlsConnector; 2],
}

/// Whether a certificate is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Chain, dates and name.
    Verify,
    /// `allow_insecure`.
    Anyone,
}

impl Trust {
    /// As a monitor has it.
    pub(crate) const fn new(allow_insecure: bool) -> Self {
        if allow_insecure { Self::Anyone } else { Self::Verify }
    }
}

/// What is spoken inside, as it is told the other side (ALPN).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

/// What a handshake is to be.
#[derive(Debug)]
pub(crate) struct Tls {
    /// What the certificate must be for. Sent as SNI unless it is an IP address.
    pub name: ServerName<'static>,
    pub trust: Trust,
    pub speaks: Speaks,
}

impl Connectors {
    /// `roots` are whom a verifying probe believes.
    pub(crate) fn new(roots: Arc<RootCertStore>) -> Self {
        let connectors = |config: ClientConfig| {
            [Speaks::Http1, Speaks::Http2].map(|speaks| {
                let mut config = config.clone();
                config.alpn_protocols = vec![speaks.alpn().to_vec()];
                // A resumed session shows no certificate: one that expired would go unnoticed.
                config.resumption = Resumption::disabled();
                TlsConnector::from(Arc::new(config))
            })
        };
        Self { verifying: connectors(tls::verifying(roots)), insecure: connectors(tls::insecure()) }
    }

    /// Shakes hands. Dropping the future closes the connection.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        tls: Tls,
        attempt: Attempt<'_>,
    ) -> Result<TlsStream<TcpStream>, Miss> {
        let connectors = match tls.trust {
            Trust::Verify => &self.verifying,
            Trust::Anyone => &self.insecure,
        };
        attempt.trace.begin(PhaseName::Tls);
        let handshake = connectors[tls.speaks as usize].connect(tls.name, stream);
        let stream = attempt.within(FailureReason::HttpTimeout, handshake).await?;
        let stream = stream.map_err(|error| {
            attempt.trace.because(&error);
            handshake_reason(&error)
        })?;
        let session = stream.get_ref().1;
        // Servers that know no ALPN speak HTTP/1.1; HTTP/2 has to be agreed on (RFC 9113 3.2).
        if tls.speaks == Speaks::Http2 && session.alpn_protocol().is_none() {
            attempt.trace.because(&"the server does not offer HTTP/2");
            return Err(FailureReason::TlsProtocol.into());
        }
        attempt.trace.done(|| describe(session));
        Ok(stream)
    }
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connectors").finish_non_exhaustive()
    }
}

impl Speaks {
    const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Version and cipher suite, for people.
fn describe(session: &ClientConnection) -> String {
    let version = session.protocol_version().and_then(|version| version.as_str());
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    [version, suite].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn handshake_reason(error: &io::Error) -> FailureReason {
    stream_reason(error).unwrap_or(FailureReason::TlsHandshakeFailure)
}

/// What an error of a connection means by itself: a reset, or an alert that TLS raised. `None` for
/// an early end, whose meaning depends on what was awaited.
pub(crate) fn stream_reason(error: &io::Error) -> Option<FailureReason> {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return Some(tls_reason(error));
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Some(FailureReason::ConnectionReset),
        _ => None,
    }
}

fn tls_reason(error: &Error) -> FailureReason {
    match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => FailureReason::TlsNameMismatch,
        Error::InvalidCertificate(_) => FailureReason::TlsUntrustedCertificate,
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            FailureReason::TlsUnrecognizedName
        }
        Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::NoApplicationProtocol,
        )
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::NoApplicationProtocol
        | Error::PeerIncompatible(_)
        | Error::PeerSentOversizedRecord => FailureReason::TlsProtocol,
        _ => FailureReason::TlsHandshakeFailure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerIncompatible};

    #[test]
    fn tls_errors_have_documented_names() {
        use FailureReason::{
            TlsHandshakeFailure, TlsNameMismatch, TlsProtocol, TlsUnrecognizedName,
            TlsUntrustedCertificate,
        };
        let certificate = Error::InvalidCertificate;
        let alert = Error::AlertReceived;
        for (error, reason) in [
            (certificate(CertificateError::UnknownIssuer), TlsUntrustedCertificate),
            (certificate(CertificateError::Expired), TlsUntrustedCertificate),
            (certificate(CertificateError::NotValidForName), TlsNameMismatch),
            (alert(AlertDescription::UnrecognisedName), TlsUnrecognizedName),
            (alert(AlertDescription::ProtocolVersion), TlsProtocol),
            (alert(AlertDescription::NoApplicationProtocol), TlsProtocol),
            (alert(AlertDescription::HandshakeFailure), TlsHandshakeFailure),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), TlsProtocol),
            (Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13), TlsProtocol),
            (Error::NoCertificatesPresented, TlsHandshakeFailure),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(handshake_reason(&error), reason, "{error}");
        }
        for (kind, reason) in [
            (io::ErrorKind::ConnectionReset, FailureReason::ConnectionReset),
            (io::ErrorKind::UnexpectedEof, TlsHandshakeFailure),
        ] {
            assert_eq!(handshake_reason(&kind.into()), reason, "{kind}");
        }
    }
}
