//! Signatures that are still good, by what they sign.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashMap;

/// Signatures kept in one generation. Two generations of some 150 bytes each are 10 MB per worker
/// when all are in use.
const GENERATION_MAX: usize = 32_768;

/// A cache of bounded size: when a generation is full, the one before it is forgotten. What is used
/// moves to the younger one, so that a flood of names asked for once pushes out itself first.
#[derive(Debug)]
pub(super) struct Cache {
    young: HashMap<Key, Signature>,
    old: HashMap<Key, Signature>,
    hashers: [RandomState; 2],
}

/// What is signed, as two hashes with keys of their own: 128 bits that nobody outside can aim at.
type Key = [u64; 2];

/// A signature, and until when it is shown.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) rdata: Box<[u8]>,
    pub(super) good_until_s: u64,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), hashers: Default::default() }
    }

    /// The signature over these bytes: one that is known and still good, or the one that `make`
    /// makes.
    pub(super) fn get_or_make(
        &mut self,
        signed: &[u8],
        now_s: u64,
        make: impl FnOnce() -> Option<Signature>,
    ) -> Option<&Signature> {
        let key = self.hashers.each_ref().map(|hasher| hasher.hash_one(signed));
        let is_good = |signature: &Signature| now_s < signature.good_until_s;
        if !self.young.get(&key).is_some_and(is_good) {
            let signature = match self.old.remove(&key).filter(is_good) {
                Some(signature) => signature,
                None => make()?,
            };
            if self.young.len() >= GENERATION_MAX {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key, signature);
        }
        self.young.get(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(good_until_s: u64) -> Option<Signature> {
        Some(Signature { rdata: Box::new([1]), good_until_s })
    }

    #[test]
    fn what_is_good_is_made_once_and_made_anew_when_it_is_not() {
        let mut cache = Cache::new();
        let mut made = 0;
        for (now_s, expected) in [(0, 1), (9, 1), (10, 2), (19, 2)] {
            cache.get_or_make(b"a", now_s, || {
                made += 1;
                signature(now_s + 10)
            });
            assert_eq!(made, expected, "at {now_s}");
        }
    }

    #[test]
    fn a_flood_is_bounded_and_pushes_out_what_nobody_uses() {
        let mut cache = Cache::new();
        let mut made = 0;
        for n in 0..GENERATION_MAX * 4 {
            cache.get_or_make(&n.to_ne_bytes(), 0, || signature(10));
            cache.get_or_make(b"used", 0, || {
                made += 1;
                signature(10)
            });
        }
        assert_eq!(made, 1);
        assert!(cache.young.len() + cache.old.len() <= GENERATION_MAX * 2);
    }
}
