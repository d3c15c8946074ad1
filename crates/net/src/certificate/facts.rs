//! What a certificate says of itself.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Names it is for, in lower case: host names, wildcards (`*.example.com`), addresses. The
    /// subject's common name counts for nothing, as in browsers.
    pub names: Vec<Box<str>>,
    /// Begin of its life, in seconds since 1970.
    pub not_before: u64,
    /// End of its life, in seconds since 1970.
    pub not_after: u64,
    /// Who vouches for it.
    pub issuer: String,
}

impl Facts {
    /// Reads a certificate; `None` when it is not one.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let certificate = certificate.tbs_certificate();
        let names = certificate.get_extension::<SubjectAltName>().ok()?;
        let names = names.iter().flat_map(|(_, names)| &names.0);
        let seconds = |time: &Time| time.to_unix_duration().as_secs();
        Some(Self {
            names: names.filter_map(name).collect(),
            not_before: seconds(&certificate.validity().not_before),
            not_after: seconds(&certificate.validity().not_after),
            issuer: certificate.issuer().to_string(),
        })
    }
}

fn name(name: &GeneralName) -> Option<Box<str>> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase().into()),
        GeneralName::IpAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(bytes.as_bytes()).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(bytes.as_bytes()).map(IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string().into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{chain, self_signed};

    #[test]
    fn names_and_dates_are_read() {
        let made = self_signed(&["*.A.example", "b.example", "192.0.2.1", "2001:db8::1"]).unwrap();
        let facts = Facts::read(&chain(made.certificate.as_bytes()).unwrap()[0]).unwrap();
        let names: Vec<&str> = facts.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["*.a.example", "b.example", "192.0.2.1", "2001:db8::1"]);
        assert!(facts.not_before < facts.not_after);
        assert_eq!(facts.issuer, "CN=evenkeel");
        assert_eq!(Facts::read(&CertificateDer::from(vec![0x30, 0x80])), None);
    }
}
