//! The words of a master file (RFC 1035 section 5.1): bare or quoted, with their escapes. Content of
//! records is written in them, and so are zone files.

use alloc::string::String;
use alloc::vec::Vec;

/// The longest character string: its length is one byte on the wire (RFC 1035 section 3.3).
pub(super) const CHARACTER_STRING_BYTES_MAX: usize = 255;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it says, escapes resolved.
    pub(super) bytes: Vec<u8>,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
    /// Where it begins in the text.
    pub(super) start: usize,
}

impl Token {
    /// The word as text, when it is one.
    pub(super) fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.bytes).ok()
    }
}

/// The words of a text. `None` when a quote is not closed or an escape is none.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        let quoted = bytes[at] == b'"';
        at += usize::from(quoted);
        let mut said = Vec::new();
        loop {
            match bytes.get(at) {
                None if quoted => return None,
                None => break,
                Some(b'"') if quoted => {
                    at += 1;
                    break;
                }
                Some(byte) if !quoted && byte.is_ascii_whitespace() => break,
                Some(b'\\') => {
                    let (byte, length) = escape(&bytes[at + 1..])?;
                    said.push(byte);
                    at += 1 + length;
                }
                Some(byte) => {
                    said.push(*byte);
                    at += 1;
                }
            }
        }
        tokens.push(Token { bytes: said, quoted, start });
    }
    Some(tokens)
}

/// The byte meant by what follows a backslash, and how much of it that took: three digits, or any
/// other character for itself.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    let first = *rest.first()?;
    if !first.is_ascii_digit() {
        return Some((first, 1));
    }
    let digits = rest.get(..3)?;
    let number = core::str::from_utf8(digits).ok()?.parse::<u8>().ok()?;
    digits.iter().all(u8::is_ascii_digit).then_some((number, 3))
}

/// Writes a word in quotes, so that [`tokens`] reads the same bytes.
pub(super) fn quote(bytes: &[u8], out: &mut String) {
    out.push('"');
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '"' | '\\' => {
                out.push('\\');
                out.push(char);
            }
            char if char.is_ascii_control() => {
                let number = u32::from(char);
                out.push('\\');
                for digit in [number / 100, number / 10 % 10, number % 10] {
                    out.push(char::from_digit(digit, 10).unwrap_or('0'));
                }
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn said(text: &str) -> Option<Vec<String>> {
        let read = |token: &Token| String::from_utf8_lossy(&token.bytes).to_string();
        tokens(text).map(|tokens| tokens.iter().map(read).collect())
    }

    #[test]
    fn words_are_cut_at_spaces_outside_of_quotes() {
        for (text, words) in [
            ("", Some(&[][..])),
            (" a  b\t", Some(&["a", "b"])),
            (r#""a b" c"#, Some(&["a b", "c"])),
            (r#""" x"#, Some(&["", "x"])),
            (r#""a\"b" \065\\"#, Some(&["a\"b", "A\\"])),
            (r#"a"b"#, Some(&["a\"b"])),
            (r#""a"#, None),
            ("a\\", None),
            ("\\25", None),
            ("\\256", None),
            ("\\+12", Some(&["+12"])),
        ] {
            let words = words.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(said(text), words, "{text:?}");
        }
    }

    #[test]
    fn quoted_words_read_back() {
        for text in ["", "a b", "\"", "\\", "\u{1}\t\n", "grün", "a\\\"b"] {
            let mut quoted = String::new();
            quote(text.as_bytes(), &mut quoted);
            assert_eq!(said(&quoted), Some(alloc::vec![text.to_string()]), "{quoted}");
        }
    }
}
