//! Names written before, for later ones to point at (RFC 1035 section 4.1.4).
//!
//! Performance-critical path: a response with one owner name, the question's, never looks anything
//! up.

use arrayvec::ArrayVec;

/// Suffixes remembered. A response has a handful of names; when more come, they are written out,
/// which is always allowed.
const SUFFIXES_MAX: usize = 64;

/// A pointer has fourteen bits.
const OFFSET_MAX: usize = 0x3FFF;

/// Where names stand in a message that is being written.
#[derive(Debug)]
pub(super) struct Compression {
    /// Where the message begins in its buffer.
    start: usize,
    suffixes: ArrayVec<Suffix, SUFFIXES_MAX>,
}

#[derive(Debug, Clone, Copy)]
struct Suffix {
    /// From the message's beginning.
    offset: u16,
    /// Bytes of the whole name from there, its root included, were it not compressed.
    length: u8,
}

impl Compression {
    /// For the message that begins at this place of its buffer.
    pub(super) const fn new(start: usize) -> Self {
        Self { start, suffixes: ArrayVec::new_const() }
    }

    /// Remembers a name that stands uncompressed at this offset of the message.
    pub(super) fn remember(&mut self, mut offset: usize, mut name: &[u8]) {
        while let Some((label, rest)) = split(name) {
            let Ok(length) = u8::try_from(name.len()) else { return };
            let Ok(place) = u16::try_from(offset) else { return };
            if offset > OFFSET_MAX {
                return;
            }
            if self.suffixes.try_push(Suffix { offset: place, length }).is_err() {
                return;
            }
            offset += label;
            name = rest;
        }
    }

    /// Forgets what stands at or behind this offset, because it was taken back.
    pub(super) fn forget_from(&mut self, offset: usize) {
        self.suffixes.retain(|suffix| usize::from(suffix.offset) < offset);
    }

    /// Writes a name: the labels that are new, then a pointer to the others.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        let offset = out.len() - self.start;
        let mut rest = name;
        let mut new = 0;
        while let Some((label, after)) = split(rest) {
            if let Some(at) = self.find(out, rest) {
                out.extend_from_slice(&name[..new]);
                out.extend_from_slice(&(0xC000 | at).to_be_bytes());
                self.remember_head(offset, name, new);
                return;
            }
            new += label;
            rest = after;
        }
        out.extend_from_slice(name);
        self.remember(offset, name);
    }

    /// Remembers the suffixes that begin in the first `new` bytes of a name.
    fn remember_head(&mut self, offset: usize, name: &[u8], new: usize) {
        let mut at = 0;
        while at < new {
            let Ok(length) = u8::try_from(name.len() - at) else { return };
            let Ok(place) = u16::try_from(offset + at) else { return };
            if offset + at > OFFSET_MAX
                || self.suffixes.try_push(Suffix { offset: place, length }).is_err()
            {
                return;
            }
            at += usize::from(name[at]) + 1;
        }
    }

    fn find(&self, out: &[u8], name: &[u8]) -> Option<u16> {
        let message = &out[self.start..];
        let same_length = |suffix: &&Suffix| usize::from(suffix.length) == name.len();
        let mut candidates = self.suffixes.iter().filter(same_length);
        candidates
            .find(|suffix| stands_at(message, usize::from(suffix.offset), name))
            .map(|suffix| suffix.offset)
    }
}

/// The length of a name's first label with its length byte, and the rest; `None` for the root.
fn split(name: &[u8]) -> Option<(usize, &[u8])> {
    let label = usize::from(*name.first().filter(|length| **length > 0)?) + 1;
    Some((label, name.get(label..)?))
}

/// Whether a name stands at an offset, in any letter case, itself perhaps compressed.
fn stands_at(message: &[u8], mut at: usize, mut name: &[u8]) -> bool {
    loop {
        let Some(length) = message.get(at) else { return false };
        if *length >= 0xC0 {
            let Some(low) = message.get(at + 1) else { return false };
            at = usize::from(*length & 0x3F) << 8 | usize::from(*low);
            continue;
        }
        let Some((label, rest)) = split(name) else { return *length == 0 };
        let Some(here) = message.get(at..at + label) else { return false };
        if !here.eq_ignore_ascii_case(&name[..label]) {
            return false;
        }
        at += label;
        name = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_met_before_become_pointers() {
        let mut out = vec![0; 14];
        let mut names = Compression::new(2);
        for (name, written) in [
            (&b"\x03www\x02eu\x03org\0"[..], &b"\x03www\x02eu\x03org\0"[..]),
            (b"\x03www\x02eu\x03org\0", b"\xc0\x0c"),
            (b"\x03WWW\x02eu\x03org\0", b"\xc0\x0c"),
            (b"\x04mail\x02EU\x03org\0", b"\x04mail\xc0\x10"),
            (b"\x01a\x04mail\x02eu\x03org\0", b"\x01a\xc0\x1c"),
            (b"\x02us\x03org\0", b"\x02us\xc0\x13"),
            (b"\0", b"\0"),
            (b"\x03com\0", b"\x03com\0"),
        ] {
            let before = out.len();
            names.write(&mut out, name);
            assert_eq!(out[before..], *written, "{:?}", name.escape_ascii().to_string());
        }
    }

    #[test]
    fn what_was_taken_back_is_not_pointed_at() {
        let (mut out, mut names) = (vec![0; 12], Compression::new(0));
        names.write(&mut out, b"\x03org\0");
        let kept = out.len();
        names.write(&mut out, b"\x02eu\x03org\0");
        out.truncate(kept);
        names.forget_from(kept);
        names.write(&mut out, b"\x02us\x03org\0");
        names.write(&mut out, b"\x02eu\x03org\0");
        assert_eq!(out[kept..], *b"\x02us\xc0\x0c\x02eu\xc0\x0c");
    }
}
