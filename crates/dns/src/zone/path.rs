//! A name taken apart for look-ups: all its suffixes, each with its hash, in one pass.

use arrayvec::ArrayVec;

use crate::wire::{LowerName, Name};

/// Most labels of a name, the root's included: 127 of one letter each, and the root.
const LABELS_MAX: usize = 128;

/// A name in lower case and its suffixes: the whole name is suffix 0, the root is the last.
#[derive(Debug, Clone)]
pub struct Path {
    name: LowerName,
    suffixes: ArrayVec<Suffix, LABELS_MAX>,
}

#[derive(Debug, Clone, Copy)]
struct Suffix {
    at: u8,
    hash: u64,
}

impl Path {
    /// Takes a name apart.
    #[must_use]
    pub fn new(name: Name<'_>) -> Self {
        let mut path = Self::empty();
        path.set(name);
        path
    }

    /// Of no name yet: memory to [`Self::set`].
    #[inline]
    #[must_use]
    pub const fn empty() -> Self {
        Self { name: ArrayVec::new_const(), suffixes: ArrayVec::new_const() }
    }

    /// Takes another name apart, in the same memory: there is too much of it to be moved about for
    /// each query.
    pub fn set(&mut self, name: Name<'_>) {
        let wire = name.as_wire();
        self.name.clear();
        self.suffixes.clear();
        // A name has at most 255 bytes, and so at most 128 labels.
        self.name.try_extend_from_slice(wire).expect("a name fits");
        self.name.make_ascii_lowercase();
        let mut at = 0;
        while let Ok(place) = u8::try_from(at) {
            self.suffixes.push(Suffix { at: place, hash: 0 });
            match wire[at] {
                0 => break,
                length => at += 1 + usize::from(length),
            }
        }
        self.hash_all();
    }

    fn hash_all(&mut self) {
        let mut hash = ROOT_HASH;
        let mut end = self.name.len() - 1;
        for suffix in self.suffixes.iter_mut().rev() {
            let at = usize::from(suffix.at);
            if at < end {
                hash = hash_below(hash, &self.name[at + 1..end]);
            }
            suffix.hash = hash;
            end = at;
        }
    }

    /// How many suffixes there are: one more than labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.suffixes.len()
    }

    /// Never: the root itself has one suffix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.suffixes.is_empty()
    }

    /// The name itself, in lower case.
    #[must_use]
    pub fn name(&self) -> Name<'_> {
        Name::of_checked(&self.name)
    }

    /// A suffix and its hash.
    #[must_use]
    pub fn suffix(&self, n: usize) -> (&[u8], u64) {
        let Suffix { at, hash } = self.suffixes[n];
        (&self.name[usize::from(at)..], hash)
    }

    /// The hash of the wildcard below a suffix.
    #[must_use]
    pub fn wildcard_hash(&self, n: usize) -> u64 {
        hash_below(self.suffixes[n].hash, b"*")
    }
}

/// Whether a name is the wildcard directly below another one.
#[must_use]
pub(super) fn is_wildcard_of(name: &[u8], parent: &[u8]) -> bool {
    name.strip_prefix(b"\x01*").is_some_and(|rest| rest == parent)
}

/// The hash of a name in lower case.
#[must_use]
pub(super) fn hash(name: &[u8]) -> u64 {
    Name::new(name).map_or(ROOT_HASH, |name| Path::new(name).suffixes[0].hash)
}

const ROOT_HASH: u64 = 0x243F_6A88_85A3_08D3;
/// Odd, with bits all over: the golden ratio's.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of the name that a label makes below another. It need not withstand anybody: what is in
/// a table comes from the zones' owners, strangers only look up.
fn hash_below(parent: u64, label: &[u8]) -> u64 {
    let mut hash = parent ^ label.len() as u64;
    let mut chunks = label.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        hash = mix(hash ^ word);
    }
    let mut last = [0; 8];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

/// Both halves of the product, so that high and low bits of the result depend on every bit.
fn mix(word: u64) -> u64 {
    let product = u128::from(word) * u128::from(MULTIPLIER);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_every_suffix_and_the_hash_of_each() {
        let path = Path::new(Name::new(b"\x03wWw\x07example\x03COM\0").unwrap());
        let suffixes =
            [&b"\x03www\x07example\x03com\0"[..], b"\x07example\x03com\0", b"\x03com\0", b"\0"];
        assert_eq!(path.len(), suffixes.len());
        for (n, suffix) in suffixes.into_iter().enumerate() {
            assert_eq!(path.suffix(n), (suffix, hash(suffix)));
        }
        assert_eq!(path.wildcard_hash(1), hash(b"\x01*\x07example\x03com\0"));
        assert!(is_wildcard_of(b"\x01*\x03com\0", b"\x03com\0"));
        assert!(!is_wildcard_of(b"\x01*\x03com\0", b"\x03org\0"));
    }

    #[test]
    fn the_longest_names_are_taken_apart() {
        let many = [&[1, b'a'].repeat(127)[..], &[0]].concat();
        assert_eq!(Path::new(Name::new(&many).unwrap()).len(), LABELS_MAX);
        let long = [&[63; 64][..], &[63; 64], &[63; 64], &[61; 62], &[0]].concat();
        assert_eq!(Path::new(Name::new(&long).unwrap()).len(), 5);
        assert_eq!(Path::new(Name::ROOT).len(), 1);
    }
}
