//! TLS towards clients: a certificate and its key, read from files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};

/// Why a certificate cannot be used.
#[derive(Debug)]
pub enum CertificateError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file has nothing of the kind in PEM form; the word is what was looked for.
    Missing(PathBuf, &'static str),
    /// The certificate and the key do not go together, or are of a kind that is not supported.
    Unusable(PathBuf, rustls::Error),
}

impl std::fmt::Display for CertificateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Missing(path, what) => {
                write!(f, "{} holds no {what} in PEM form", path.display())
            }
            Self::Unusable(path, error) => {
                write!(f, "the certificate {} cannot be used: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for CertificateError {}

/// A server with the chain of `certificate`, leaf first, and the private key of `key`. Speaks TLS
/// 1.2 and 1.3 and asks clients for no certificate; offers no protocol by ALPN until the caller
/// names some.
///
/// # Errors
/// See [`CertificateError`].
pub fn server(certificate: &Path, key: &Path) -> Result<ServerConfig, CertificateError> {
    let bytes = read(certificate)?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, pem::Error>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or(CertificateError::Missing(certificate.to_owned(), "certificate"))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| CertificateError::Missing(key.to_owned(), "private key"))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| CertificateError::Unusable(certificate.to_owned(), error))
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| CertificateError::Read(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let (none, empty) = (directory.path().join("none"), directory.path().join("empty"));
        std::fs::write(&empty, "not a certificate").unwrap();
        for (certificate, key, said) in
            [(&none, &empty, "cannot read"), (&empty, &none, "holds no certificate")]
        {
            let error = server(certificate, key).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
