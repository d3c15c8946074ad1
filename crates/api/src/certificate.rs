//! Certificates that users bring along: what is shown to clients, what endpoints are shown, and
//! whose signatures on endpoints' certificates count.
//!
//! | paths below `/zones/{zone_id}` | document | kept apart from it |
//! |---|---|---|
//! | `/custom_certificates` | [`CustomCertificate`] | the chain and its key |
//! | `/origin_tls_client_auth` | [`ClientCertificate`] | its key |
//! | `/acm/custom_trust_store` | [`TrustedCertificate`] | – |
//!
//! What a certificate says is read here (`x509`); whether a private key is its own takes
//! cryptography, which comes in through [`Keys`]. A private key is never part of a document that is
//! answered, and no problem repeats a part of one.

mod client;
mod custom;
mod material;
mod trusted;
mod x509;

use alloc::string::String;

use evenkeel_model::Timestamp;

use crate::problem::{INVALID_KEY, KEY_MISMATCH, Problem};
use crate::read::Object;
use crate::words::words;

pub use self::client::{ClientCertificate, ClientUpload};
pub use self::custom::{
    BundleMethod, Current, CustomCertificate, CustomScope, CustomType, CustomUpload,
    GeoRestrictions, StoredCertificate, prioritized,
};
pub use self::material::{MaterialDocuments, WithKey, served_hosts, zone_material};
pub use self::trusted::TrustedCertificate;

pub mod apply {
    //! From requests to documents.
    pub use super::client::{client_auth, upload as client};
    pub use super::custom::apply as custom;
    pub use super::trusted::add as trusted;
}

/// Longest chain, in bytes of PEM: four times what a long one of public authorities takes.
const CHAIN_BYTES_MAX: usize = 64 * 1024;
/// Longest private key, in bytes of PEM: RSA with 8192 bits takes 6.5 KiB.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// Whether private keys can be used, told by whoever has the cryptography.
pub trait Keys {
    /// Checks that a private key can be used and is that of the first certificate, which whoever
    /// uses it can read.
    ///
    /// # Errors
    /// Why it is not.
    fn check(&self, chain: &[&[u8]], private_key: &str) -> Result<(), KeyProblem>;
}

/// What is wrong with a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProblem {
    /// There is none in the text.
    Missing,
    /// It has a passphrase.
    Encrypted,
    /// It cannot be read, or is of a kind that nobody signs with.
    Unusable,
    /// It is another certificate's.
    Mismatch,
    /// The certificate cannot be used for TLS, whatever the key.
    Certificate,
}

impl KeyProblem {
    /// How it is told, with the way out.
    fn into_problem(self) -> Problem {
        let (code, member, message) = match self {
            Self::Missing => (
                INVALID_KEY,
                "private_key",
                "The private key is no PEM: it must be PKCS#8, PKCS#1 or SEC1 between its BEGIN \
                 and END lines.",
            ),
            Self::Encrypted => (
                INVALID_KEY,
                "private_key",
                "The private key has a passphrase: send it without (openssl pkey -in KEY).",
            ),
            Self::Unusable => (
                INVALID_KEY,
                "private_key",
                "The private key cannot be used: it must be RSA with 2048 to 8192 bits, ECDSA on \
                 P-256, P-384 or P-521, or Ed25519.",
            ),
            Self::Mismatch => {
                (KEY_MISMATCH, "private_key", "The private key is not that of the certificate.")
            }
            Self::Certificate => (
                crate::problem::INVALID,
                "certificate",
                "The certificate cannot be used for TLS: it must be X.509 version 3 with a key \
                 that TLS knows.",
            ),
        };
        Problem { code, pointer: alloc::format!("/{member}"), message: message.into() }
    }
}

words! {
    /// `status`.
    CertificateStatus {
        /// In use.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
        /// Its time has not come.
        Pending = "pending",
        /// It was just deleted.
        Deleted = "deleted",
    }
}

/// What a certificate is worth now.
const fn status_at(
    now: Timestamp,
    not_before: Timestamp,
    not_after: Timestamp,
) -> CertificateStatus {
    if now.0 > not_after.0 {
        CertificateStatus::Expired
    } else if now.0 < not_before.0 {
        CertificateStatus::Pending
    } else {
        CertificateStatus::Active
    }
}

/// A private key as sent, with one newline at its end.
fn private_key(object: &Object<'_>) -> Option<String> {
    let key = object.text_within("private_key", 1..=KEY_BYTES_MAX)?;
    Some(alloc::format!("{}\n", key.trim()))
}
