//! `url_decode`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Most times that decoding is repeated. Each costs a pass over the string, and a string of
/// `%25252525…` could ask for thousands.
const PASSES_MAX: u32 = 8;

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Decoding {
    /// Until nothing changes, up to [`PASSES_MAX`] times.
    pub(crate) recursive: bool,
    /// `%uHHHH` too, UTF-16 units that become UTF-8.
    pub(crate) unicode: bool,
}

impl Decoding {
    /// `%HH` becomes a byte and `+` a space. What is malformed stays.
    pub(super) fn apply(self, mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
        let passes = if self.recursive { PASSES_MAX } else { 1 };
        for _ in 0..passes {
            match self.pass(&text) {
                Some(decoded) => text = Cow::Owned(decoded),
                None => break,
            }
        }
        text
    }

    /// One pass. `None` if it changes nothing.
    fn pass(self, text: &[u8]) -> Option<Vec<u8>> {
        memchr::memchr2(b'%', b'+', text)?;
        let mut decoded = Vec::with_capacity(text.len());
        let mut changed = false;
        let mut rest = text;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            if *byte == b'+' {
                changed = true;
                decoded.push(b' ');
            } else if let Some((value, behind)) = hex::<2>(rest).filter(|_| *byte == b'%') {
                (rest, changed) = (behind, true);
                decoded.push(value as u8);
            } else if let Some((char, behind)) =
                unicode(rest).filter(|_| *byte == b'%' && self.unicode)
            {
                (rest, changed) = (behind, true);
                decoded.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                decoded.push(*byte);
            }
        }
        changed.then_some(decoded)
    }
}

/// The character of `uHHHH`, or of a surrogate pair `uHHHH%uHHHH`; half a pair is U+FFFD.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, behind) = hex::<4>(text.strip_prefix(b"u")?)?;
    let second = behind.strip_prefix(b"%u").and_then(hex::<4>);
    if let Some((second, behind)) = second
        && let Some(Ok(char)) = char::decode_utf16([first, second]).next()
        && char.len_utf16() == 2
    {
        return Some((char, behind));
    }
    Some((char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER), behind))
}

/// The value of N hexadecimal digits, at most four, and what stands behind.
fn hex<const N: usize>(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, behind) = text.split_first_chunk::<N>()?;
    let mut value = 0;
    for digit in digits {
        value = value << 4 | char::from(*digit).to_digit(16)? as u16;
    }
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn decodes() {
        let plain = Decoding::default();
        let recursive = Decoding { recursive: true, ..plain };
        let unicode = Decoding { unicode: true, ..plain };
        let rows: [(&str, Decoding, &[u8]); 16] = [
            ("", plain, b""),
            ("John%20Doe", plain, b"John Doe"),
            ("John+Doe", plain, b"John Doe"),
            ("%2520", plain, b"%20"),
            ("%2520", recursive, b" "),
            ("%25252520", recursive, b" "),
            ("%E4%bd", plain, b"\xe4\xbd"),
            ("%", plain, b"%"),
            ("%4", plain, b"%4"),
            ("%4g%41", plain, b"%4gA"),
            ("%+1", plain, b"% 1"),
            ("%u2601", plain, b"%u2601"),
            ("%u2601", unicode, "☁".as_bytes()),
            ("%uD83D%uDE00!", unicode, "😀!".as_bytes()),
            ("%uD83Dx%uDE00", unicode, "\u{fffd}x\u{fffd}".as_bytes()),
            ("%u00e9%u12", unicode, "é%u12".as_bytes()),
        ];
        for (text, decoding, expected) in rows {
            assert_eq!(*decoding.apply(Cow::Borrowed(text.as_bytes())), *expected, "{text}");
        }
        let kept = plain.apply(Cow::Borrowed(b"nothing to do"));
        assert!(matches!(kept, Cow::Borrowed(_)));
    }

    #[test]
    fn repeated_decoding_ends() {
        let text = format!("%{}41", "25".repeat(100));
        let decoding = Decoding { recursive: true, unicode: true };
        let decoded = decoding.apply(Cow::Borrowed(text.as_bytes()));
        assert_eq!(decoded.len(), text.len() - 2 * PASSES_MAX as usize);
    }
}
