//! Certificates with their keys: read from files or text, made for oneself, and what they say; and
//! the answers by which an authority is shown that a name is served here.
//!
//! Which one is shown to whom is [`tls::server`](crate::tls::server)'s business.

mod challenges;
mod facts;
mod self_signed;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

pub use self::challenges::{CHALLENGE_PATH, Challenges};
pub use self::facts::Facts;
pub use self::self_signed::{SelfSigned, self_signed};

/// Longest file read: a chain of many certificates has some 20 KiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What the file of a staple adds to the name of the certificate's.
const OCSP_SUFFIX: &str = ".ocsp";

/// A certificate that can be shown: chain, key, what it says of itself, and at times what its
/// authority says of it (OCSP).
#[derive(Debug)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    facts: Facts,
}

impl Identity {
    /// From text in PEM form: the chain, leaf first, and the private key (PKCS#8, PKCS#1 or SEC1,
    /// not encrypted). `staple` is the authority's answer about the leaf, in DER (RFC 6960).
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        staple: Option<Vec<u8>>,
    ) -> Result<Self, IdentityError> {
        let chain = self::chain(chain).ok_or(IdentityError::Missing("certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| IdentityError::Missing("private key"))?;
        if staple.as_deref().is_some_and(|staple| !is_staple(staple)) {
            return Err(IdentityError::Staple);
        }
        let facts = Facts::read(&chain[0]).ok_or(IdentityError::Unreadable)?;
        let mut key = CertifiedKey::from_der(chain, key, &provider())?;
        key.ocsp = staple;
        Ok(Self { key: Arc::new(key), facts })
    }

    /// From two files, and from the certificate's file with `.ocsp` added to its name where there is
    /// one.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let staple = match read(&staple_path(certificate)) {
            Err(CertificateError::Read(_, error)) if error.kind() == io::ErrorKind::NotFound => {
                None
            }
            staple => Some(staple?),
        };
        Self::from_pem(&read(certificate)?, &read(key)?, staple).map_err(|error| match error {
            IdentityError::Missing(what @ "private key") => {
                CertificateError::Missing(key.to_owned(), what)
            }
            IdentityError::Missing(what) => CertificateError::Missing(certificate.to_owned(), what),
            IdentityError::Staple => CertificateError::Unusable(staple_path(certificate), error),
            error => CertificateError::Unusable(certificate.to_owned(), error),
        })
    }

    /// Names it is for, in lower case: host names, wildcards (`*.example.com`), addresses.
    #[must_use]
    pub fn names(&self) -> &[Box<str>] {
        &self.facts.names
    }

    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Chain and key, as TLS uses them.
    #[must_use]
    pub fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

/// Why a certificate and a key are of no use.
#[derive(Debug, Clone, PartialEq)]
pub enum IdentityError {
    /// There is nothing of the kind in PEM form; the word is what was looked for.
    Missing(&'static str),
    /// The certificate is not one.
    Unreadable,
    /// The two do not go together, or are of a kind that is not supported.
    Unusable(rustls::Error),
    /// The staple is no successful answer about a certificate.
    Staple,
}

impl From<rustls::Error> for IdentityError {
    fn from(error: rustls::Error) -> Self {
        Self::Unusable(error)
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "there is no {what} in PEM form"),
            Self::Unreadable => f.write_str("it is not an X.509 certificate"),
            Self::Unusable(rustls::Error::InconsistentKeys(_)) => {
                f.write_str("certificate and private key do not go together")
            }
            Self::Unusable(error) => error.fmt(f),
            Self::Staple => f.write_str("it is not a successful OCSP response in DER form"),
        }
    }
}

impl std::error::Error for IdentityError {}

/// Why files cannot be used.
#[derive(Debug)]
pub enum CertificateError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file has nothing of the kind in PEM form; the word is what was looked for.
    Missing(PathBuf, &'static str),
    /// What a file holds is of no use.
    Unusable(PathBuf, IdentityError),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Missing(path, what) => {
                write!(f, "{} holds no {what} in PEM form", path.display())
            }
            Self::Unusable(path, error) => write!(f, "{} cannot be used: {error}", path.display()),
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
    let identity = Identity::read(certificate, key)?;
    let resolver = rustls::sign::SingleCertAndKey::from(Arc::clone(identity.key()));
    Ok(ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver)))
}

/// The authorities in a file: one certificate after the other in PEM form.
///
/// # Errors
/// See [`CertificateError`].
pub fn authorities(path: &Path) -> Result<RootCertStore, CertificateError> {
    let missing = || CertificateError::Missing(path.to_owned(), "certificate");
    let mut roots = RootCertStore::empty();
    for certificate in chain(&read(path)?).ok_or_else(missing)? {
        roots.add(certificate).map_err(|error| {
            CertificateError::Unusable(path.to_owned(), IdentityError::Unusable(error))
        })?;
    }
    Ok(roots)
}

/// The certificates of a text in PEM form; `None` when there are none or one is broken.
#[must_use]
pub fn chain(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, pem::Error>>();
    chain.ok().filter(|chain| !chain.is_empty())
}

/// Where a staple for the certificate in a file is looked for.
#[must_use]
pub fn staple_path(certificate: &Path) -> PathBuf {
    let mut path = OsString::from(certificate);
    path.push(OCSP_SUFFIX);
    path.into()
}

/// A host name in lower case, without the final dot: how tables know it.
pub(crate) fn normal(name: &str) -> Box<str> {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into()
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    use io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| CertificateError::Read(path.to_owned(), error))?;
    Ok(bytes)
}

/// A sequence whose first member is the status successful (RFC 6960 section 4.2.1). What it says of
/// which certificate is the client's to judge.
fn is_staple(der: &[u8]) -> bool {
    let after_length = match der {
        [0x30, length, ..] if *length < 0x80 => 2,
        [0x30, 0x81, ..] => 3,
        [0x30, 0x82, ..] => 4,
        _ => return false,
    };
    der.get(after_length..).is_some_and(|members| members.starts_with(&[0x0a, 1, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let (none, empty) = (directory.path().join("none"), directory.path().join("empty"));
        std::fs::write(&empty, "not a certificate").unwrap();
        let (one, other) = (self_signed(&["a.example"]).unwrap(), self_signed(&["b"]).unwrap());
        let (chain, key) = (directory.path().join("chain"), directory.path().join("key"));
        std::fs::write(&chain, one.certificate).unwrap();
        std::fs::write(&key, other.key).unwrap();
        for (certificate, key, said) in [
            (&none, &empty, "cannot read"),
            (&empty, &key, "holds no certificate"),
            (&chain, &empty, "holds no private key"),
            (&chain, &key, "do not go together"),
        ] {
            let error = server(certificate, key).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(authorities(&empty).unwrap_err().to_string().contains("holds no certificate"));
        assert_eq!(authorities(&chain).unwrap().len(), 1);
    }

    #[test]
    fn a_staple_lies_beside_its_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let (chain, key) = (directory.path().join("a.pem"), directory.path().join("a.key"));
        let made = self_signed(&["a.example"]).unwrap();
        std::fs::write(&chain, made.certificate).unwrap();
        std::fs::write(&key, made.key).unwrap();
        assert_eq!(Identity::read(&chain, &key).unwrap().key().ocsp, None);
        let staple = [0x30, 0x03, 0x0a, 0x01, 0x00];
        std::fs::write(directory.path().join("a.pem.ocsp"), staple).unwrap();
        assert_eq!(Identity::read(&chain, &key).unwrap().key().ocsp, Some(staple.to_vec()));
        std::fs::write(directory.path().join("a.pem.ocsp"), [0x30, 0x03, 0x0a, 0x01, 0x06])
            .unwrap();
        assert!(Identity::read(&chain, &key).unwrap_err().to_string().contains("OCSP"));
    }
}
