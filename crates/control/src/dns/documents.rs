//! Documents about zones that no request sends.

use evenkeel_api::{DnssecSettings, Zone, parse_time};
use evenkeel_model::ZoneKey;
use serde::{Deserialize, Serialize};

/// How far a zone has come, under the zone's identifier: the serial of its SOA record.
///
/// Kept, and not made of what the zone holds: a serial must never go back, and of a record that was
/// deleted nothing is left to count. It is written in the batch of the change itself, so that no two
/// states of a zone have one serial, on whichever node they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneSerial {
    pub(crate) serial: u32,
}

impl ZoneSerial {
    /// The serial of a zone that was not changed since serials are kept: when it was last written.
    /// Nothing later was ever served of it.
    pub(crate) fn first(zone: &Zone) -> Self {
        let written = parse_time(&zone.modified_on).unwrap_or_default();
        Self { serial: seconds(written.0 / 1000) }
    }

    /// The serial after this one: the time in seconds since 1970, or one more where changes come
    /// faster than that or the clock was set back. Serials that are times stay ahead of those that
    /// an older copy of the data would go on with.
    ///
    /// Later means later in the arithmetic of RFC 1982, in which half of all numbers are: the
    /// numbers may run over, in 2106.
    pub(crate) fn next(self, now_ms: u64) -> Self {
        let now = seconds(now_ms / 1000);
        let ahead = now.wrapping_sub(self.serial);
        let is_later = (1..1 << 31).contains(&ahead);
        Self { serial: if is_later { now } else { self.serial.wrapping_add(1) } }
    }
}

/// The lower half, in which serials are counted.
fn seconds(since_1970: u64) -> u32 {
    (since_1970 & u64::from(u32::MAX)) as u32
}

/// Whether a zone is signed, and with what; under the zone's identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneDnssec {
    pub(crate) zone_id: String,
    pub(crate) settings: DnssecSettings,
    /// Kept while the zone is not signed, so that what its registrar was told stays right.
    pub(crate) keys: Vec<StoredKey>,
}

/// A key on the disk.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    algorithm: u8,
    flags: u16,
    #[serde(with = "as_hex")]
    public_key: Vec<u8>,
    #[serde(with = "as_hex")]
    private_key: Vec<u8>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredKey(…)")
    }
}

impl From<ZoneKey> for StoredKey {
    fn from(key: ZoneKey) -> Self {
        let ZoneKey { algorithm, flags, public, private } = key;
        Self { algorithm, flags, public_key: public.into(), private_key: private.into() }
    }
}

impl From<&StoredKey> for ZoneKey {
    fn from(key: &StoredKey) -> Self {
        Self {
            algorithm: key.algorithm,
            flags: key.flags,
            public: key.public_key.as_slice().into(),
            private: key.private_key.as_slice().into(),
        }
    }
}

/// Bytes as hexadecimal digits.
mod as_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ids::{hex, unhex};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let pairs = text.as_bytes().chunks(2);
        let byte = |pair| std::str::from_utf8(pair).ok().and_then(unhex::<1>);
        let bytes: Option<Vec<_>> = pairs.map(|pair| Some(byte(pair)?[0])).collect();
        bytes.ok_or_else(|| serde::de::Error::custom("expected pairs of hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_times_and_only_ever_grow() {
        for (serial, now_s, next) in [
            (1_000, 2_000, 2_000),
            (2_000, 2_000, 2_001),
            (2_005, 2_000, 2_006),
            (0, 1_790_000_000, 1_790_000_000),
            // A serial of another world: as a date.
            (2_026_112_201, 1_790_000_000, 2_026_112_202),
            // It runs over.
            (u32::MAX, 10, 10),
            (u32::MAX, u64::from(u32::MAX), 0),
            (u32::MAX - 5, (1 << 32) + 7, 7),
        ] {
            assert_eq!(ZoneSerial { serial }.next(now_s * 1000).serial, next, "{serial} {now_s}");
        }
    }

    #[test]
    fn a_key_reads_back_and_is_not_shown() {
        let key = ZoneKey {
            algorithm: 13,
            flags: 257,
            public: [0, 1, 0xFE].into(),
            private: [0xAB, 0xCD].into(),
        };
        let dnssec = ZoneDnssec {
            zone_id: "z".into(),
            settings: DnssecSettings::default(),
            keys: vec![key.clone().into()],
        };
        let text = serde_json::to_string(&dnssec).unwrap();
        assert!(text.contains(r#""private_key":"abcd""#), "{text}");
        let read: ZoneDnssec = serde_json::from_str(&text).unwrap();
        assert_eq!(ZoneKey::from(&read.keys[0]), key);
        assert!(!format!("{read:?}").contains("abcd"));
        for damaged in ["abc", "xx", "+1"] {
            let text = text.replace("abcd", damaged);
            serde_json::from_str::<ZoneDnssec>(&text).unwrap_err();
        }
    }
}
