//! What PEM says: the certificates of a chain, for which names they are, by whom and for how long.
//!
//! Only what TLS shows or needs is read. Whether signatures are right is the business of whoever is
//! shown the chain; that a private key is the certificate's is [`Keys`](super::Keys)' to say.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evenkeel_model::{HostPattern, Timestamp};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::CHAIN_BYTES_MAX;
use crate::hosts;
use crate::problem::NO_LEAF;
use crate::read::{Clipped, Object};

/// Most certificates of a chain: rustls follows no longer ones.
const CERTIFICATES_MAX: usize = 8;
/// Characters on a line of PEM (RFC 7468 section 2).
const LINE_CHARS: usize = 64;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Certificates in the order in which TLS shows them: the one it is about, then each the issuer of
/// the one before it.
#[derive(Debug)]
pub(super) struct Chain {
    certificates: Vec<Read>,
}

/// One certificate, read.
#[derive(Debug)]
struct Read {
    certificate: Certificate,
    der: Vec<u8>,
    facts: Facts,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// DNS names of its subject alternative name, in their stored form.
    pub(super) hosts: Vec<String>,
    /// Its issuer as people call it: the organisation, or else the common name.
    pub(super) issuer: String,
    /// Its issuer in full (RFC 4514).
    pub(super) issuer_name: String,
    /// By what it is signed, in the published words.
    pub(super) signature: String,
    /// RFC 3339.
    pub(super) valid_from: String,
    /// RFC 3339.
    pub(super) expires_on: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// Whether it may sign others.
    pub(super) is_authority: bool,
    /// Whether its issuer is its subject.
    pub(super) is_self_issued: bool,
}

impl Chain {
    /// Reads the member `certificate`: any text with certificates between their BEGIN and END
    /// lines. What is wrong is noted.
    pub(super) fn read(object: &Object<'_>, now: Timestamp) -> Option<Self> {
        object.require("certificate");
        let text = object.text_within("certificate", 1..=CHAIN_BYTES_MAX)?;
        let wrong = |reason: String| {
            object.problem_at("certificate", format_args!("{reason}"));
            None
        };
        let blocks = match blocks(&text) {
            Ok(blocks) => blocks,
            Err(reason) => return wrong(reason),
        };
        let mut certificates = Vec::with_capacity(blocks.len());
        for (place, der) in blocks.into_iter().enumerate() {
            match read(der) {
                Ok(read) => certificates.push(read),
                Err(reason) => return wrong(format!("certificate {}: {reason}", place + 1)),
            }
        }
        for Read { certificate, facts, .. } in &certificates {
            if now.0 > facts.not_after.0 {
                let subject = certificate.tbs_certificate().subject().to_string();
                let (subject, when) = (Clipped(&subject), &facts.expires_on);
                return wrong(format!("the certificate of \"{subject}\" expired on {when}"));
            }
        }
        let Some(leaf) = leaf(&certificates) else {
            object.coded_at(
                "certificate",
                NO_LEAF,
                format_args!(
                    "The certificate chain you uploaded has no leaf certificates: none of them \
                     is for a server or a client, all are for authorities."
                ),
            );
            return None;
        };
        match in_order(certificates, leaf) {
            Ok(certificates) => Some(Self { certificates }),
            Err(stranger) => wrong(format!(
                "the certificate of \"{}\" is not part of the chain: leave it out",
                Clipped(&stranger)
            )),
        }
    }

    /// The certificate that it is about.
    pub(super) fn facts(&self) -> &Facts {
        &self.certificates[0].facts
    }

    /// How many certificates it has, at least one.
    pub(super) fn len(&self) -> usize {
        self.certificates.len()
    }

    /// As DER.
    pub(super) fn ders(&self) -> Vec<&[u8]> {
        self.certificates.iter().map(|read| &*read.der).collect()
    }

    /// As PEM, with nothing but the certificates.
    pub(super) fn to_pem(&self) -> String {
        let mut pem = String::new();
        for Read { der, .. } in &self.certificates {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = BASE64.encode(der);
            for line in encoded.as_bytes().chunks(LINE_CHARS) {
                pem.extend(line.iter().map(|byte| char::from(*byte)));
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }
}

/// The DER of chains that were stored, for whoever checks keys against them.
pub(super) fn ders(pem: &str) -> Vec<Vec<u8>> {
    blocks(pem).unwrap_or_default()
}

/// What stands between the BEGIN and END lines, in order. Text around them is passed over
/// (RFC 7468 section 2).
fn blocks(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let whole = || "a BEGIN line has no END line of its own".to_owned();
        let (label, body) = begun.split_once(DASHES).ok_or_else(whole)?;
        let (body, ended) = body.split_once(END).ok_or_else(whole)?;
        let end = format!("{label}{DASHES}");
        rest = ended.strip_prefix(end.as_str()).ok_or_else(whole)?;
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
            let label = Clipped(label);
            return Err(format!("it has a {label}, and must have nothing but certificates"));
        }
        let base64: String = body.chars().filter(|char| !char.is_ascii_whitespace()).collect();
        let number = blocks.len() + 1;
        let der =
            BASE64.decode(base64).map_err(|_| format!("certificate {number} is not base64"))?;
        if number > CERTIFICATES_MAX {
            return Err(format!("it has more than {CERTIFICATES_MAX} certificates"));
        }
        blocks.push(der);
    }
    if blocks.is_empty() {
        return Err("certificate must be PEM: it has no BEGIN CERTIFICATE line".to_owned());
    }
    Ok(blocks)
}

fn read(der: Vec<u8>) -> Result<Read, String> {
    let certificate =
        Certificate::from_der(&der).map_err(|error| format!("it cannot be read: {error}"))?;
    let facts = facts(&certificate).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(Read { certificate, der, facts })
}

fn facts(certificate: &Certificate) -> Result<Facts, x509_cert::der::Error> {
    let tbs = certificate.tbs_certificate();
    let validity = tbs.validity();
    let alternative = tbs.get_extension::<SubjectAltName>()?;
    let constraints = tbs.get_extension::<BasicConstraints>()?;
    Ok(Facts {
        hosts: alternative.map(|(_, names)| hosts_of(&names)).unwrap_or_default(),
        issuer: called(tbs.issuer()),
        issuer_name: tbs.issuer().to_string(),
        signature: signature(&certificate.signature_algorithm().oid.to_string()),
        valid_from: validity.not_before.to_date_time().to_string(),
        expires_on: validity.not_after.to_date_time().to_string(),
        not_before: timestamp(validity.not_before),
        not_after: timestamp(validity.not_after),
        is_authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
        is_self_issued: tbs.issuer() == tbs.subject(),
    })
}

fn timestamp(time: Time) -> Timestamp {
    Timestamp::from_seconds(time.to_unix_duration().as_secs())
}

/// The names that TLS clients ask for, each once.
fn hosts_of(names: &SubjectAltName) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for name in &names.0 {
        let GeneralName::DnsName(name) = name else { continue };
        let Some(host) = hosts::pattern(name.as_ref()) else { continue };
        let host = host.to_string();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// An issuer as people call it.
fn called(name: &Name) -> String {
    let organisation = name.organization().ok().flatten();
    let called = organisation.or_else(|| name.common_name().ok().flatten());
    match called {
        Some(called) => called.value().into_owned(),
        None => name.to_string(),
    }
}

/// An algorithm in the published words (RFC 8017 appendix A.2.4, RFC 5758, RFC 8410).
fn signature(oid: &str) -> String {
    match oid {
        "1.2.840.113549.1.1.5" => "SHA1WithRSA",
        "1.2.840.113549.1.1.11" => "SHA256WithRSA",
        "1.2.840.113549.1.1.12" => "SHA384WithRSA",
        "1.2.840.113549.1.1.13" => "SHA512WithRSA",
        "1.2.840.113549.1.1.10" => "RSAPSS",
        "1.2.840.10045.4.3.2" => "ECDSAWithSHA256",
        "1.2.840.10045.4.3.3" => "ECDSAWithSHA384",
        "1.2.840.10045.4.3.4" => "ECDSAWithSHA512",
        "1.3.101.112" => "Ed25519",
        other => other,
    }
    .to_owned()
}

/// The place of the certificate that the chain is about: the first that is no authority's, or the
/// only one.
fn leaf(certificates: &[Read]) -> Option<usize> {
    match certificates {
        [_] => Some(0),
        _ => certificates.iter().position(|read| !read.facts.is_authority),
    }
}

/// The certificates from a leaf upwards, each the issuer of the one before it.
///
/// # Errors
/// The subject of one that has no place among them.
fn in_order(mut left: Vec<Read>, leaf: usize) -> Result<Vec<Read>, String> {
    let mut chain = vec![left.remove(leaf)];
    while !left.is_empty() {
        let last = chain.last().expect("it begins with one").certificate.tbs_certificate();
        let issues = |read: &Read| read.certificate.tbs_certificate().subject() == last.issuer();
        match left.iter().position(issues) {
            Some(next) => chain.push(left.remove(next)),
            None => return Err(left[0].certificate.tbs_certificate().subject().to_string()),
        }
    }
    Ok(chain)
}

/// Whether a certificate for this name is of use to a zone.
pub(super) fn is_in_zone(host: &str, zone: &str) -> bool {
    HostPattern::parse(host).is_ok_and(|host| host.is_in_zone(zone))
}
