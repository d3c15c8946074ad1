//! Choices that follow from a key alone: weighted rendezvous hashing, and the fixed hash below it.
//!
//! Each item's score is `−w / ln(u)`, `u` being the hash of key, pool and item on (0, 1); the highest
//! wins (behaviour.md 3). So the share of keys an item wins is its share of the weights, the order of
//! items means nothing, and taking one away moves only the keys it had. Hash and logarithm are
//! ours, not the machine's: all nodes agree, and restarts change nothing.

use core::cmp::Ordering;
use core::hash::Hasher;
use core::net::IpAddr;

use siphasher::sip::SipHasher13;

/// What a choice follows from: a client's address, or a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    bytes: [u8; 16],
    len: u8,
}

impl Key {
    /// By the address, IPv4-mapped IPv6 folded to IPv4.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&v4.octets());
                Self { bytes, len: 4 }
            }
            IpAddr::V6(v6) => Self { bytes: v6.octets(), len: 16 },
        }
    }

    /// By a number, as a session has one.
    pub(crate) const fn of_number(number: u128) -> Self {
        Self { bytes: number.to_be_bytes(), len: 16 }
    }

    /// The key's hash for a purpose, with something to tell it from others of that purpose.
    pub(crate) fn hash(self, purpose: Purpose, salts: [&[u8]; 2]) -> u64 {
        let mut hash = SipHasher13::new();
        hash.write(&[purpose as u8, self.len]);
        hash.write(&self.bytes[..usize::from(self.len)]);
        salts.into_iter().for_each(|salt| hash.write(salt));
        hash.finish()
    }
}

/// What a hash is for. Those of different purposes know nothing of each other: who is shed does not
/// depend on whom the endpoint policy would have picked. The numbers are fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Endpoint = 1,
    Pool = 2,
    Shedding = 3,
}

/// The item with the highest score; `None` when nothing weighs anything. Equal scores, of which
/// there are none in practice, go to the smaller hash.
pub(crate) fn pick<T>(items: impl Iterator<Item = (T, u64, u32)>) -> Option<T> {
    let weighed = items.filter(|(_, _, weight)| *weight > 0);
    let scored = weighed.map(|(item, hash, weight)| (item, score(hash, weight), hash));
    scored.max_by(|a, b| order((a.1, a.2), (b.1, b.2))).map(|(item, ..)| item)
}

/// How two scores with their hashes compare.
pub(crate) fn order(a: (f64, u64), b: (f64, u64)) -> Ordering {
    a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))
}

/// `−w / ln(u)`.
pub(crate) fn score(hash: u64, weight: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits of the hash are enough")]
    let u = (hash as f64 + 0.5) / 18_446_744_073_709_551_616.0;
    // The logarithm is negative, but for hashes that round to 1: infinitely high, they win as they
    // should.
    f64::from(weight) / libm::log(u).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_the_addresses_they_map() {
        let [v4, mapped] = ["203.0.113.9", "::ffff:203.0.113.9"].map(|text| text.parse().unwrap());
        assert_eq!(Key::of_address(v4), Key::of_address(mapped));
    }

    #[test]
    fn hashes_are_fixed_for_ever() {
        // Another value here would move every client of every hash policy on an upgrade.
        let key = Key::of_address([203, 0, 113, 9].into());
        let hash = key.hash(Purpose::Endpoint, [b"pool", b"endpoint"]);
        assert_eq!(hash, 17_906_161_295_013_552_534);
    }

    #[test]
    fn the_extreme_hashes_have_scores() {
        assert!(score(0, 1) > 0.0);
        assert!(score(u64::MAX, 100) > score(u64::MAX / 2, 100));
        assert_eq!(pick([('a', 0, 0), ('b', 9, 0)].into_iter()), None);
    }
}
