//! TLS on both sides of the proxy, and towards what monitors probe.
//!
//! [`server`] ends TLS of clients, [`client`] begins it towards endpoints. Below are the two clients
//! of those who judge a certificate themselves: [`verifying`] and [`insecure`] offer TLS 1.2 and
//! 1.3, no client certificate and no ALPN; whoever dials sets `alpn_protocols`, chooses the server
//! name and reads the errors.
//!
//! The provider is named here rather than installed for the process, so that no order of start-up
//! matters. Key exchange prefers X25519MLKEM768, which holds against those who record today and
//! compute tomorrow.

#[cfg(test)]
mod authority;
pub mod client;
pub mod server;

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};

const ALPN_HTTP1: &[u8] = b"http/1.1";
const ALPN_HTTP2: &[u8] = b"h2";

/// What a connection speaks above TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1, also where nothing was agreed on.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    fn by_alpn(agreed: Option<&[u8]>) -> Self {
        if agreed == Some(ALPN_HTTP2) { Self::Http2 } else { Self::Http1 }
    }
}

/// A version of TLS. Older ones are not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    fn of(agreed: Option<rustls::ProtocolVersion>) -> Self {
        match agreed {
            Some(rustls::ProtocolVersion::TLSv1_2) => Self::Tls12,
            _ => Self::Tls13,
        }
    }
}

/// What TLS itself says in an error of a stream, when it says anything.
#[must_use]
pub fn in_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// The authorities this machine trusts, or Mozilla's where the machine has none (a bare container).
///
/// Reads the store from disk, `SSL_CERT_FILE` and `SSL_CERT_DIR` included: some milliseconds, so
/// once per process. Entries that cannot be read are passed over, as every other client of the
/// machine does.
#[must_use]
pub fn machine_roots() -> RootCertStore {
    roots_or_builtin(rustls_native_certs::load_native_certs().certs)
}

fn roots_or_builtin(certs: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// A client that checks chain, dates and name of the server's certificate.
///
/// It resumes sessions; a resumed session shows no certificate, so whoever dials in order to judge
/// the certificate sets `resumption` to disabled.
#[must_use]
pub fn verifying(roots: impl Into<Arc<RootCertStore>>) -> ClientConfig {
    with_default_provider().with_root_certificates(roots).with_no_client_auth()
}

/// A client that takes any certificate: expired, self-signed, for another name
/// (`allow_insecure` of monitors, TLS mode `full`).
#[must_use]
pub fn insecure() -> ClientConfig {
    let provider = aws_lc_rs::default_provider();
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    with_provider(provider)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate { schemes }))
        .with_no_client_auth()
}

fn with_default_provider() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    with_provider(aws_lc_rs::default_provider())
}

fn with_provider(provider: CryptoProvider) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
}

/// Accepts every certificate, and does not check the handshake's signature either: a key that
/// nobody vouches for proves nothing, and reading it would refuse the old certificates (X.509 v1)
/// that this setting exists for.
#[derive(Debug)]
struct AnyCertificate {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_authorities_gets_mozillas() {
        let garbage = vec![CertificateDer::from(vec![0; 16])];
        for certs in [Vec::new(), garbage] {
            assert_eq!(roots_or_builtin(certs).len(), webpki_roots::TLS_SERVER_ROOTS.len());
        }
        assert!(!machine_roots().is_empty());
    }

    #[test]
    fn both_clients_speak_1_2_and_1_3_and_leave_alpn_open() {
        for config in [verifying(machine_roots()), insecure()] {
            assert!(config.alpn_protocols.is_empty());
            let suites = &config.crypto_provider().cipher_suites;
            for version in [rustls::ProtocolVersion::TLSv1_2, rustls::ProtocolVersion::TLSv1_3] {
                assert!(suites.iter().any(|suite| suite.version().version == version));
            }
        }
    }
}
