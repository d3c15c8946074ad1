//! Documents that only the control plane knows: who owns things, who may change them, and what this
//! installation keeps secret. What is balanced is `api`'s.

use serde::{Deserialize, Serialize, Serializer};

use crate::ids::{hex, unhex};

/// Kinds of documents, as the store knows them. Fixed for ever: they are on people's disks.
pub(crate) mod kind {
    pub(crate) const ACCOUNT: &str = "account";
    pub(crate) const USER: &str = "user";
    pub(crate) const TOKEN: &str = "token";
    pub(crate) const SECRET: &str = "secret";
    pub(crate) const NODE: &str = "node";
    pub(crate) const ZONE: &str = "zone";
    pub(crate) const LOAD_BALANCER: &str = "load_balancer";
    pub(crate) const POOL: &str = "pool";
    pub(crate) const MONITOR: &str = "monitor";
    pub(crate) const DNS_RECORD: &str = "dns_record";
    pub(crate) const NOTIFICATION_POLICY: &str = "notification_policy";
    pub(crate) const NOTIFICATION_WEBHOOK: &str = "notification_webhook";
    pub(crate) const MONITOR_GROUP: &str = "monitor_group";
    /// See [`ZoneSerial`](crate::dns::ZoneSerial).
    pub(crate) const ZONE_SERIAL: &str = "zone_serial";
    /// Whether a zone is signed, and its keys, under the zone's identifier.
    pub(crate) const DNSSEC: &str = "dnssec";
    /// Who may copy a zone, under the zone's identifier.
    pub(crate) const OUTGOING_TRANSFER: &str = "outgoing_transfer";
    /// A name server elsewhere.
    pub(crate) const DNS_PEER: &str = "dns_peer";
    /// A secret shared with name servers elsewhere.
    pub(crate) const TSIG: &str = "tsig";
    /// What a zone was set to, under the zone's identifier.
    pub(crate) const ZONE_SETTINGS: &str = "zone_settings";
    /// A certificate for clients.
    pub(crate) const CUSTOM_CERTIFICATE: &str = "custom_certificate";
    /// A certificate for endpoints.
    pub(crate) const CLIENT_CERTIFICATE: &str = "client_certificate";
    /// The private key of a certificate of either kind, under the certificate's identifier.
    pub(crate) const CERTIFICATE_KEY: &str = "certificate_key";
    /// An authority that a zone trusts.
    pub(crate) const TRUSTED_CERTIFICATE: &str = "trusted_certificate";
    /// What was last known of the health of pools.
    pub(crate) const HEALTH: &str = "health";
}

/// Identifier of the only document of a kind that has one: this node, the cookie keys.
pub(crate) const COOKIE_KEYS: &str = "cookie_keys";
/// See [`COOKIE_KEYS`].
pub(crate) const THIS_NODE: &str = "this";

/// A bearer token. The token itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Who made it, and who its holder is.
    pub(crate) user_id: String,
    /// The account that it belongs to and is confined to; else it is its user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    /// By what its rights are told.
    #[serde(default)]
    pub(crate) role: Role,
    /// SHA-256 of the token.
    #[serde(with = "as_hex")]
    pub(crate) hash: [u8; 32],
    /// The rest, as it is answered.
    #[serde(flatten)]
    pub(crate) document: evenkeel_api::Token,
}

/// By what the rights of a token are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// It may do everything, what later releases add included. Those that an installation starts
    /// with are like that; requests make no others.
    #[default]
    Administrator,
    /// Its policies.
    Limited,
}

/// What session cookies are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CookieKeys {
    #[serde(with = "as_hex")]
    pub(crate) current: [u8; 32],
    /// The key before the last change, still believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Key>,
}

impl std::fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKeys(…)")
    }
}

/// A key inside an optional member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(#[serde(with = "as_hex")] pub(crate) [u8; 32]);

/// A document of `api`, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owned<T> {
    pub(crate) owner: Owner,
    pub(crate) document: T,
}

/// Below which path a document stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    Account(String),
    Zone(String),
}

impl Owner {
    /// The account's or the zone's identifier.
    pub(crate) fn id(&self) -> &str {
        let (Self::Account(id) | Self::Zone(id)) = self;
        id
    }
}

/// The private key of a certificate. Apart from its certificate, so that nothing which tells of
/// that can tell the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateKey {
    /// PEM.
    pub(crate) private_key: String,
}

impl std::fmt::Debug for CertificateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CertificateKey(…)")
    }
}

/// This node, among the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
}

/// 32 bytes as 64 hex digits.
mod as_hex {
    use super::{Deserialize, Serializer, hex, unhex};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(bytes))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        unhex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hex digits"))
    }
}

/// The bytes a record is stored as.
pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records have text keys and finite numbers")
}
