//! The record as stored and answered.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::RecordData;
use super::fields::Member;
use crate::Map;
use crate::words::words;

/// A DNS record of a zone (api.md 6.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsRecord {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// The full name in lower case and in ASCII, without a final dot; `*.` may come first.
    pub name: String,
    /// What the content is.
    pub r#type: RecordType,
    /// What the record says, in the presentation form of its type. MX and URI have their priority
    /// beside it.
    pub content: String,
    /// Of MX and URI, lower being preferred; elsewhere as sent, without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// The parts of the content, of types that have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<Member>>,
    /// Whether `proxied` may be true.
    #[schemars(extend("readOnly" = true))]
    pub proxiable: bool,
    /// Whether the name resolves to this installation, which forwards to what the record says.
    pub proxied: bool,
    /// Seconds an answer may be kept; 1 is automatic, and proxied records are always that.
    pub ttl: u32,
    /// Special wishes.
    pub settings: RecordSettings,
    /// Always empty.
    #[schemars(extend("readOnly" = true))]
    pub meta: RecordMeta,
    /// A note of at most 500 characters; null while unset.
    pub comment: Option<String>,
    /// Notes of the form `name` or `name:value`.
    pub tags: Vec<String>,
    /// Kept as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_routing: Option<bool>,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// When the comment became what it is, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub comment_modified_on: Option<String>,
    /// When the tags became what they are, while there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub tags_modified_on: Option<String>,
}

impl DnsRecord {
    /// What the record says, for whoever answers with it. `None` only for a document that no
    /// request could have left behind.
    #[must_use]
    pub fn record_data(&self) -> Option<RecordData> {
        RecordData::parse(self.r#type, &self.content, self.priority).ok()
    }
}

/// `settings` of a record. Members are out as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RecordSettings {
    /// Only A records are made of a proxied one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_only: Option<bool>,
    /// Only AAAA records are made of a proxied one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_only: Option<bool>,
    /// The addresses behind a CNAME are answered instead of it; always out for CNAME records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flatten_cname: Option<bool>,
}

/// `meta` of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RecordMeta {}

words! {
    /// `type` of a record.
    RecordType {
        /// An IPv4 address.
        A = "A",
        /// An IPv6 address.
        Aaaa = "AAAA",
        /// Who may issue certificates (RFC 8659).
        Caa = "CAA",
        /// A certificate (RFC 4398).
        Cert = "CERT",
        /// Another name of the same thing; at the apex its addresses are answered instead.
        Cname = "CNAME",
        /// A key of DNSSEC (RFC 4034).
        Dnskey = "DNSKEY",
        /// The digest of a delegated zone's key (RFC 4034).
        Ds = "DS",
        /// How to reach a web server (RFC 9460).
        Https = "HTTPS",
        /// Where something is on earth (RFC 1876).
        Loc = "LOC",
        /// A mail server.
        Mx = "MX",
        /// A rule that rewrites names (RFC 3403).
        Naptr = "NAPTR",
        /// A name server.
        Ns = "NS",
        /// A public key of OpenPGP (RFC 7929).
        Openpgpkey = "OPENPGPKEY",
        /// The name of an address.
        Ptr = "PTR",
        /// A certificate of S/MIME (RFC 8162).
        Smimea = "SMIMEA",
        /// Where a service is (RFC 2782).
        Srv = "SRV",
        /// The fingerprint of an SSH key (RFC 4255).
        Sshfp = "SSHFP",
        /// How to reach a service (RFC 9460).
        Svcb = "SVCB",
        /// A certificate of a TLS server (RFC 6698).
        Tlsa = "TLSA",
        /// Free text.
        Txt = "TXT",
        /// Where something is on the web (RFC 7553).
        Uri = "URI",
    }
}

impl RecordType {
    /// The number of the type on the wire (IANA, DNS parameters).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
            Self::Loc => 29,
            Self::Srv => 33,
            Self::Naptr => 35,
            Self::Cert => 37,
            Self::Ds => 43,
            Self::Sshfp => 44,
            Self::Dnskey => 48,
            Self::Tlsa => 52,
            Self::Smimea => 53,
            Self::Openpgpkey => 61,
            Self::Svcb => 64,
            Self::Https => 65,
            Self::Uri => 256,
            Self::Caa => 257,
        }
    }

    /// Whether the record can stand for this installation.
    #[must_use]
    pub const fn is_proxiable(self) -> bool {
        matches!(self, Self::A | Self::Aaaa | Self::Cname)
    }

    /// Whether the content needs a priority beside it.
    #[must_use]
    pub const fn has_priority(self) -> bool {
        matches!(self, Self::Mx | Self::Uri)
    }
}
