//! The cryptography behind uploaded certificates: whether a private key can be used, and whose it is.
//! Asked of the very library that serves TLS with them later, so that what is accepted works.

use evenkeel_api::certificate::{KeyProblem, Keys};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};

/// Checks keys with rustls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rustls;

impl Keys for Rustls {
    fn check(&self, chain: &[&[u8]], private_key: &str) -> Result<(), KeyProblem> {
        // Both forms of a key with a passphrase say so in plain text (RFC 7468 section 11, RFC 1421).
        if private_key.contains("ENCRYPTED") {
            return Err(KeyProblem::Encrypted);
        }
        let der = PrivateKeyDer::from_pem_slice(private_key.as_bytes())
            .map_err(|_| KeyProblem::Missing)?;
        let key = aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(der)
            .map_err(|_| KeyProblem::Unusable)?;
        let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        match CertifiedKey::new(chain, key).keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
            Err(Error::InconsistentKeys(_)) => Err(KeyProblem::Mismatch),
            Err(_) => Err(KeyProblem::Certificate),
        }
    }
}
