//! `wildcard` and `strict wildcard`: the whole string, `*` for any bytes.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// A wildcard pattern, taken apart at its `*`.
#[derive(Debug)]
pub(crate) struct Wildcard {
    /// What stands between the `*`: one piece more than there are of these.
    pieces: Box<[Piece]>,
    strict: bool,
}

/// Bytes to be found. In lower case unless case counts.
#[derive(Debug)]
struct Piece {
    bytes: Box<[u8]>,
    /// How many bytes at the front of the piece end its first n + 1 (Knuth, Morris and Pratt): no
    /// text is looked at twice, so a search is linear whatever pattern and text are.
    fallbacks: Box<[usize]>,
}

/// Why a pattern is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WildcardError {
    /// Two `*` in a row.
    DoubleStar,
    /// A backslash before something other than `*` and `\`.
    Escape,
}

impl Wildcard {
    /// Takes a pattern apart, in which `\*` and `\\` stand for the second character.
    pub(crate) fn new(pattern: &[u8], strict: bool) -> Result<Self, WildcardError> {
        let (mut pieces, mut piece) = (Vec::new(), Vec::new());
        let mut bytes = pattern.iter();
        let mut after_star = false;
        while let Some(byte) = bytes.next() {
            let is_star = *byte == b'*';
            match byte {
                b'*' if after_star => return Err(WildcardError::DoubleStar),
                b'*' => pieces.push(Piece::new(core::mem::take(&mut piece), strict)),
                b'\\' => match bytes.next() {
                    Some(escaped @ (b'*' | b'\\')) => piece.push(*escaped),
                    _ => return Err(WildcardError::Escape),
                },
                byte => piece.push(*byte),
            }
            after_star = is_star;
        }
        pieces.push(Piece::new(piece, strict));
        Ok(Self { pieces: pieces.into(), strict })
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let [first, middle @ .., last] = &*self.pieces else {
            return self.pieces.iter().all(|whole| self.equal(&whole.bytes, text));
        };
        let Some((start, rest)) = text.split_at_checked(first.bytes.len()) else { return false };
        let Some(rest_len) = rest.len().checked_sub(last.bytes.len()) else { return false };
        let (mut rest, end) = rest.split_at(rest_len);
        if !self.equal(&first.bytes, start) || !self.equal(&last.bytes, end) {
            return false;
        }
        // The earliest place for each leaves the most room for the others.
        for piece in middle {
            match piece.find(rest, self.strict) {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        true
    }

    fn equal(&self, piece: &[u8], text: &[u8]) -> bool {
        if self.strict { piece == text } else { piece.eq_ignore_ascii_case(text) }
    }
}

impl Piece {
    fn new(mut bytes: Vec<u8>, strict: bool) -> Self {
        if !strict {
            bytes.make_ascii_lowercase();
        }
        let mut fallbacks = vec![0; bytes.len()];
        let mut matched = 0;
        for index in 1..bytes.len() {
            while matched > 0 && bytes[index] != bytes[matched] {
                matched = fallbacks[matched - 1];
            }
            matched += usize::from(bytes[index] == bytes[matched]);
            fallbacks[index] = matched;
        }
        Self { bytes: bytes.into(), fallbacks: fallbacks.into() }
    }

    /// Where its first occurrence ends.
    fn find(&self, text: &[u8], strict: bool) -> Option<usize> {
        let mut matched = 0;
        for (index, byte) in text.iter().enumerate() {
            let byte = if strict { *byte } else { byte.to_ascii_lowercase() };
            while matched > 0 && self.bytes.get(matched) != Some(&byte) {
                matched = self.fallbacks[matched - 1];
            }
            matched += usize::from(self.bytes.get(matched) == Some(&byte));
            if matched == self.bytes.len() {
                return Some(index + 1);
            }
        }
        // Between two stars there is always something, and an empty piece is found everywhere.
        self.bytes.is_empty().then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_has_to_match() {
        for (pattern, text, strict, loose) in [
            ("", "", true, true),
            ("", "a", false, false),
            ("*", "", true, true),
            ("*", "anything", true, true),
            ("abc", "abc", true, true),
            ("abc", "ABC", false, true),
            ("ABC", "abc", false, true),
            ("abc", "abcd", false, false),
            ("a*", "abc", true, true),
            ("A*", "abc", false, true),
            ("*c", "abc", true, true),
            ("*C", "abc", false, true),
            ("a*c", "ac", true, true),
            ("a*a", "a", false, false),
            ("ab*bc", "abc", false, false),
            ("*b*", "abc", true, true),
            ("*B*", "abc", false, true),
            ("*x*", "abc", false, false),
            ("a*b*c*d", "a-b-c-d", true, true),
            ("a*b*c*d", "a-c-b-d", false, false),
            ("*aab*", "aaaab", true, true),
            ("*abab*c", "abaababc", true, true),
            ("*abab*c", "ababac", true, true),
            ("https://*.example.com/*", "https://a.b.example.com/", true, true),
            ("https://*.example.com/*", "https://example.com/", false, false),
            (r"\*", "*", true, true),
            (r"\*", "a", false, false),
            (r"a\\*", r"a\b", true, true),
            (r"*\**", "a*b", true, true),
            (r"*\**", "ab", false, false),
            ("é*", "éa", true, true),
        ] {
            for (kind, expected) in [(true, strict), (false, loose)] {
                let wildcard = Wildcard::new(pattern.as_bytes(), kind).unwrap();
                assert_eq!(
                    wildcard.matches(text.as_bytes()),
                    expected,
                    "{pattern} {text}, strict: {kind}"
                );
            }
        }
    }

    #[test]
    fn malformed_patterns() {
        for (pattern, error) in [
            ("**", WildcardError::DoubleStar),
            ("a**b", WildcardError::DoubleStar),
            (r"\", WildcardError::Escape),
            (r"\a", WildcardError::Escape),
        ] {
            assert_eq!(Wildcard::new(pattern.as_bytes(), true).unwrap_err(), error, "{pattern}");
        }
        assert!(Wildcard::new(br"*\**", true).is_ok());
    }
}
