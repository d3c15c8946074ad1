//! What TLS on both sides is done with: uploaded certificates and keys, the authorities that zones
//! trust, and the hosts that certificates are wanted for.
//!
//! Apart from the view, because no decision needs it and because it holds secrets. Whoever terminates
//! and begins TLS hears of each new one and keeps its own tables by it; an entry that did not change
//! keeps its `Arc` from one to the next, so that what was made of it can be kept by
//! [`Arc::ptr_eq`].

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::{HostPattern, Timestamp, TlsVersion, ZoneId};

/// Everything that TLS is done with, of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeMaterial {
    /// The zones that have anything, in the order of their ids.
    pub zones: Vec<Arc<ZoneMaterial>>,
    /// The host of every enabled and proxied load balancer, in the order of the hosts, each once.
    pub hosts: Vec<ServedHost>,
}

/// What one zone was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneMaterial {
    /// The zone.
    pub zone: ZoneId,
    /// Certificates shown to clients, the one to be preferred for a name that several have first:
    /// by descending priority, then the newest. Expired ones are among them, because only whoever
    /// uses them knows the time.
    pub certificates: Vec<Arc<UploadedCertificate>>,
    /// Certificates of authorities that endpoints' certificates may come from, beside those that the
    /// node trusts: each PEM, one certificate.
    pub trusted: Vec<Arc<str>>,
    /// What endpoints are shown, when [`Edge::endpoint_certificate`](crate::Edge) says so.
    pub identity: Option<Arc<KeyPair>>,
}

/// A certificate that a user has uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedCertificate {
    /// Its identifier in the API: 32 lower-case hexadecimal digits.
    pub id: String,
    /// The names it is for: lower case, no final dot, `*.` and a suffix among them (one label deep,
    /// RFC 6125 section 6.4.3). Never empty.
    pub hosts: Vec<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// The chain and its key.
    pub pair: KeyPair,
}

/// A certificate chain and the private key of its first certificate. Known to belong together.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// PEM: the certificate itself, then those that lead up to an authority.
    pub chain: Arc<str>,
    /// PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub private_key: Arc<str>,
}

impl fmt::Debug for KeyPair {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// A host that traffic is proxied for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedHost {
    /// Its name, or the suffix of its names.
    pub host: HostPattern,
    /// The zone it is in.
    pub zone: ZoneId,
    /// The oldest version of TLS that its clients may speak.
    pub tls_min: TlsVersion,
    /// Whether its clients are offered HTTP/2.
    pub http2: bool,
}
