//! Certificates that nobody vouches for: enough to speak TLS until there is a real one.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

/// A certificate and its key, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfSigned {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Makes a certificate for these names, with a fresh P-256 key. It does not expire: those who
/// believe it have taken it for what it is.
///
/// # Errors
/// When a name is none, or there is no randomness to be had.
pub fn self_signed(names: &[&str]) -> Result<SelfSigned, rcgen::Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "evenkeel");
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?.pem();
    Ok(SelfSigned { certificate, key: key.serialize_pem() })
}
