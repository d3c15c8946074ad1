//! Whether a zone is signed, and what its registrar has to be told (RFC 4034).
//!
//! The keys themselves are made, kept and used elsewhere; here is what is answered of them, and what
//! a request may change.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evenkeel_model::ZoneKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body;
use crate::dns_record::wire_name;
use crate::problem::{Problem, Problems};
use crate::read::Object;
use crate::words::words;

/// The digest of DS records that is answered, SHA-256 (RFC 4509).
const DIGEST_TYPE: u8 = 2;
/// The TTL that the DS record is written with, in seconds.
const DS_TTL_S: u32 = 3_600;

words! {
    /// `status`.
    DnssecStatus {
        /// Answers are signed.
        Active = "active",
        /// They are not.
        Disabled = "disabled",
    }
}

/// What the documents say: what a PATCH changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnssecSettings {
    /// Whether answers are signed.
    pub status: DnssecStatus,
    /// Whether others sign the zone as well, so that DNSKEY records may name their keys (RFC 8901).
    pub multi_signer: bool,
    /// When this was last written.
    pub modified_on: Option<String>,
}

impl Default for DnssecSettings {
    fn default() -> Self {
        Self { status: DnssecStatus::Disabled, multi_signer: false, modified_on: None }
    }
}

/// DNSSEC of a zone as it is answered. While it is disabled, all that is about the key is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dnssec {
    /// Whether answers are signed. There is no waiting for the registrar: signing has begun when
    /// this is answered.
    pub status: DnssecStatus,
    /// The flags of the key: 257, a key that signs keys and records.
    #[schemars(extend("readOnly" = true))]
    pub flags: Option<u16>,
    /// The number of its algorithm: `13`.
    #[schemars(extend("readOnly" = true))]
    pub algorithm: Option<String>,
    /// The name of its algorithm: `ECDSAP256SHA256`.
    #[schemars(extend("readOnly" = true))]
    pub key_type: Option<String>,
    /// The number of the digest: `2`.
    #[schemars(extend("readOnly" = true))]
    pub digest_type: Option<String>,
    /// The name of the digest: `SHA256`.
    #[schemars(extend("readOnly" = true))]
    pub digest_algorithm: Option<String>,
    /// The digest of the key, in hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub digest: Option<String>,
    /// The whole DS record, which belongs into the zone above.
    #[schemars(extend("readOnly" = true))]
    pub ds: Option<String>,
    /// A short number of the key.
    #[schemars(extend("readOnly" = true))]
    pub key_tag: Option<u16>,
    /// The public key in base64, for registrars that compute the digest themselves.
    #[schemars(extend("readOnly" = true))]
    pub public_key: Option<String>,
    /// Whether others sign the zone as well.
    pub dnssec_multi_signer: bool,
    /// Always false: zones are signed here.
    pub dnssec_presigned: bool,
    /// Always false: what does not exist is denied by compact NSEC records (RFC 9824).
    pub dnssec_use_nsec3: bool,
    /// When this was last written; null for a zone that never was signed.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: Option<String>,
}

/// What a PATCH leaves behind.
///
/// # Errors
/// Everything wrong with the body.
pub fn patch(
    body: &[u8],
    current: &DnssecSettings,
    now: &str,
) -> Result<DnssecSettings, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    for (name, way) in [
        ("dnssec_presigned", "zones are signed here"),
        ("dnssec_use_nsec3", "what does not exist is denied by compact NSEC records"),
    ] {
        if object.boolean(name) == Some(true) {
            object.problem_at(name, format_args!("{name} must be false, for {way}"));
        }
    }
    let settings = DnssecSettings {
        status: object.word("status").unwrap_or(current.status),
        multi_signer: object.boolean("dnssec_multi_signer").unwrap_or(current.multi_signer),
        modified_on: Some(now.to_owned()),
    };
    problems.unless_any(settings)
}

impl Dnssec {
    /// What is answered for the zone of a name, whose key this is; `sha256` computes digests.
    #[must_use]
    pub fn new(
        zone: &str,
        settings: &DnssecSettings,
        key: Option<&ZoneKey>,
        sha256: impl Fn(&[u8]) -> [u8; 32],
    ) -> Self {
        let key = key.filter(|_| settings.status == DnssecStatus::Active);
        let digest = key.map(|key| digest(zone, key, sha256));
        let ds = key.zip(digest.as_deref()).map(|(key, digest)| {
            let (tag, algorithm) = (key.tag(), key.algorithm);
            format!("{zone}. {DS_TTL_S} IN DS {tag} {algorithm} {DIGEST_TYPE} {digest}")
        });
        Self {
            status: settings.status,
            flags: key.map(|key| key.flags),
            algorithm: key.map(|key| key.algorithm.to_string()),
            key_type: key.map(|_| "ECDSAP256SHA256".to_owned()),
            digest_type: key.map(|_| DIGEST_TYPE.to_string()),
            digest_algorithm: key.map(|_| "SHA256".to_owned()),
            digest,
            ds,
            key_tag: key.map(ZoneKey::tag),
            public_key: key.map(|key| BASE64.encode(&key.public)),
            dnssec_multi_signer: settings.multi_signer,
            dnssec_presigned: false,
            dnssec_use_nsec3: false,
            modified_on: settings.modified_on.clone(),
        }
    }
}

/// The digest of a key (RFC 4034 section 5.1.4), in upper-case hexadecimal digits.
fn digest(zone: &str, key: &ZoneKey, sha256: impl Fn(&[u8]) -> [u8; 32]) -> String {
    let mut text = Vec::new();
    wire_name(zone, &mut text);
    text.extend(key.dnskey());
    sha256(&text).iter().map(|byte| format!("{byte:02X}")).collect()
}
