//! The DNS zones that are served: their records as they stand on the wire, what signs them, and who
//! may copy them.
//!
//! Names are uncompressed wire format in lower case: labels with their lengths, and the root's zero
//! byte. Looking names up in a zone, its wildcards and its cuts are `dns`'s; how a document becomes
//! a record is `api`'s.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::ZoneId;

/// All zones served, by name. A zone that did not change keeps its `Arc` from one view to the next,
/// so that a reader can keep what it made of it by [`Arc::ptr_eq`].
#[derive(Debug, Default)]
pub struct Zones {
    /// In the order of their names' bytes, each name once.
    by_name: Vec<Arc<Zone>>,
}

impl Zones {
    /// Of zones with one name, the first is kept.
    #[must_use]
    pub fn new(mut zones: Vec<Arc<Zone>>) -> Self {
        // Stable: what is given in order costs one pass, and the first of a name stays the first.
        zones.sort_by(|a, b| a.name.cmp(&b.name));
        zones.dedup_by(|later, first| later.name == first.name);
        Self { by_name: zones }
    }

    /// All of them, in the order of their names' bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Zone>> {
        self.by_name.iter()
    }

    /// The zone with a name, which is in wire format and lower case.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Arc<Zone>> {
        let place = self.by_name.binary_search_by(|zone| (*zone.name).cmp(name)).ok()?;
        Some(&self.by_name[place])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// A zone that is served with authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its identifier in the API.
    pub id: ZoneId,
    /// Its apex.
    pub name: Box<[u8]>,
    /// Grows, in the arithmetic of RFC 1982, with every change of what the records say. Load
    /// balancers' answers change without it.
    pub serial: u32,
    /// Every record but the SOA, those of the apex's NS set included. No order, no repetitions.
    pub records: Vec<Record>,
    /// What the SOA record says besides the serial.
    pub soa: Soa,
    /// What the zone is signed with; empty when it is not signed.
    pub keys: Vec<ZoneKey>,
    /// Who may copy it.
    pub transfer: Transfer,
}

/// One resource record of class IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its owner's name, at or below the zone's.
    pub name: Box<[u8]>,
    /// Its type's number.
    pub rtype: u16,
    /// Seconds that a resolver may keep it; "automatic" is resolved by now.
    pub ttl_s: u32,
    /// What follows the length in a message, uncompressed. Names in it keep their case.
    pub rdata: Box<[u8]>,
    /// Whether the name is answered with this node's own addresses in place of this A, AAAA or
    /// CNAME record.
    pub proxied: bool,
    /// Whether the addresses behind this CNAME record are answered in its place. That of the apex
    /// always is, for a CNAME record cannot stand beside others.
    pub flatten: bool,
}

/// What a zone's SOA record says, besides the serial (RFC 1035 section 3.3.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// The primary name server.
    pub mname: Box<[u8]>,
    /// The mailbox of who is responsible, as a name.
    pub rname: Box<[u8]>,
    /// Seconds until a secondary asks again.
    pub refresh_s: u32,
    /// Seconds until it asks again when nobody answered.
    pub retry_s: u32,
    /// Seconds until it stops serving what it could not refresh.
    pub expire_s: u32,
    /// Seconds that a negative answer may be kept, together with `ttl_s` (RFC 2308 section 5).
    pub minimum_ttl_s: u32,
    /// The record's own time to live.
    pub ttl_s: u32,
}

/// A key that a zone is signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct ZoneKey {
    /// Its algorithm's number: 13 is ECDSA P-256 with SHA-256.
    pub algorithm: u8,
    /// The flags of its DNSKEY record: 257 is a key that signs keys as well as records.
    pub flags: u16,
    /// The public key as the DNSKEY record has it.
    pub public: Box<[u8]>,
    /// The private key, in PKCS#8.
    pub private: Box<[u8]>,
}

impl ZoneKey {
    /// What the key's DNSKEY record says (RFC 4034 section 2.1).
    #[must_use]
    pub fn dnskey(&self) -> Vec<u8> {
        let mut rdata = Vec::with_capacity(4 + self.public.len());
        rdata.extend(self.flags.to_be_bytes());
        rdata.extend([3, self.algorithm]);
        rdata.extend(&*self.public);
        rdata
    }

    /// By which signatures and DS records refer to it (RFC 4034 appendix B).
    #[must_use]
    pub fn tag(&self) -> u16 {
        let sum: u32 = (self.dnskey().chunks(2))
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
            .sum();
        // Folded as the RFC does it: the carry is added once.
        ((sum + (sum >> 16)) & 0xFFFF) as u16
    }
}

/// Never shows the private key.
impl fmt::Debug for ZoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneKey")
            .field("algorithm", &self.algorithm)
            .field("flags", &self.flags)
            .field("tag", &self.tag())
            .finish_non_exhaustive()
    }
}

/// Who may copy a zone and is told when it changes. Nobody, unless there is a peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transfer {
    /// The secondary name servers.
    pub peers: Vec<Peer>,
}

/// A secondary name server of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it asks from and is notified.
    pub address: IpAddr,
    /// Where it hears notifications.
    pub port: u16,
    /// What it has to sign its requests with; without a key its address suffices.
    pub tsig: Option<Arc<TsigKey>>,
    /// Whether it may ask for differences; otherwise it gets the whole zone each time.
    pub ixfr: bool,
}

/// A secret shared with a secondary (RFC 8945).
#[derive(Clone, PartialEq, Eq)]
pub struct TsigKey {
    /// Its name on both sides.
    pub name: Box<[u8]>,
    /// What is computed with it.
    pub algorithm: TsigAlgorithm,
    /// The secret.
    pub secret: Box<[u8]>,
}

/// Never shows the secret.
impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsigKey")
            .field("name", &format_args!("{}", self.name.escape_ascii()))
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// What a TSIG is computed with (RFC 8945 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// `hmac-sha1`
    Sha1,
    /// `hmac-sha256`
    Sha256,
    /// `hmac-sha384`
    Sha384,
    /// `hmac-sha512`
    Sha512,
}

impl TsigAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name, which is a domain name of one label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "hmac-sha1",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;

    fn zone(id: u8, name: &[u8]) -> Arc<Zone> {
        let soa = Soa {
            mname: Box::new([0]),
            rname: Box::new([0]),
            refresh_s: 0,
            retry_s: 0,
            expire_s: 0,
            minimum_ttl_s: 0,
            ttl_s: 0,
        };
        let (keys, transfer) = (Vec::new(), Transfer::default());
        let (id, name, serial, records) = (ZoneId([id; 16]), name.into(), 1, Vec::new());
        Arc::new(Zone { id, name, serial, records, soa, keys, transfer })
    }

    #[test]
    fn zones_are_found_by_name_and_the_first_of_a_name_is_kept() {
        let (b, a, late) = (zone(1, b"\x01b\0"), zone(2, b"\x01a\0"), zone(3, b"\x01b\0"));
        let zones = Zones::new(vec![Arc::clone(&b), Arc::clone(&a), late]);
        assert_eq!(zones.len(), 2);
        assert!(Arc::ptr_eq(zones.get(b"\x01b\0").unwrap(), &b));
        assert!(Arc::ptr_eq(zones.iter().next().unwrap(), &a));
        assert!(zones.get(b"\x01c\0").is_none());
        assert!(Zones::default().is_empty());
    }

    /// RFC 6605 section 6.1: an ECDSA P-256 key and its tag.
    #[test]
    fn a_key_has_the_tag_that_the_rfc_computes() {
        let public = [
            0x1A, 0x88, 0xC8, 0x86, 0x15, 0xD4, 0x37, 0xFB, 0xB8, 0xBF, 0x9E, 0x19, 0x42, 0xA1,
            0x92, 0x9F, 0x28, 0x56, 0x27, 0x06, 0xAE, 0x6C, 0x2B, 0xD3, 0x99, 0xE7, 0xB1, 0xBF,
            0xB6, 0xD1, 0xE9, 0xE7, 0x5B, 0x92, 0xB4, 0xAA, 0x42, 0x91, 0x7A, 0xE1, 0xC6, 0x1B,
            0x70, 0x1E, 0xF0, 0x35, 0xC3, 0xFE, 0x7B, 0xE3, 0x00, 0x9C, 0xBA, 0xFE, 0x5A, 0x2F,
            0x71, 0x31, 0x6C, 0x90, 0x2D, 0xCF, 0x0D, 0x00,
        ];
        let key = ZoneKey {
            algorithm: 13,
            flags: 257,
            public: public.into(),
            private: b"hush".as_slice().into(),
        };
        assert_eq!(key.tag(), 55648);
        assert_eq!(key.dnskey()[..4], [1, 1, 3, 13]);
        assert!(!format!("{key:?}").contains("104"), "{key:?}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let name = b"\x03key\0".as_slice().into();
        let secret = b"hush".as_slice().into();
        let key = TsigKey { name, algorithm: TsigAlgorithm::Sha256, secret };
        assert_eq!(format!("{key:?}"), r#"TsigKey { name: \x03key\x00, algorithm: Sha256, .. }"#);
        for algorithm in TsigAlgorithm::ALL {
            assert!(algorithm.name().starts_with("hmac-sha"));
        }
    }
}
