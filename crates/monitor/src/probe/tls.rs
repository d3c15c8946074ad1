//! TLS of `https` probes, and the documented names of what goes wrong with it.

use std::io;
use std::sync::Arc;

use evenkeel_model::FailureReason;
use evenkeel_net::tls;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Miss;

/// The two configurations that all probes share.
pub(crate) struct Connectors {
    verifying: TlsConnector,
    insecure: TlsConnector,
}

/// Whether a certificate is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Chain, dates and name.
    Verify,
    /// `allow_insecure`.
    Anyone,
}

impl Connectors {
    /// `roots` are whom a verifying probe believes.
    pub(crate) fn new(roots: Arc<RootCertStore>) -> Self {
        let connector = |mut config: ClientConfig| {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            // A resumed session shows no certificate: one that expired would go unnoticed.
            config.resumption = Resumption::disabled();
            TlsConnector::from(Arc::new(config))
        };
        Self { verifying: connector(tls::verifying(roots)), insecure: connector(tls::insecure()) }
    }

    /// Shakes hands. The name is what the certificate must be for; it is sent as SNI unless it is
    /// an IP address. Dropping the future closes the connection.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
        trust: Trust,
        deadline: Instant,
    ) -> Result<TlsStream<TcpStream>, Miss> {
        let connector = match trust {
            Trust::Verify => &self.verifying,
            Trust::Anyone => &self.insecure,
        };
        timeout_at(deadline, connector.connect(name, stream))
            .await
            .map_err(|_| Miss::TimedOut(FailureReason::HttpTimeout))?
            .map_err(|error| handshake_reason(&error).into())
    }
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
