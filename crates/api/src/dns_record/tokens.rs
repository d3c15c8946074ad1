//! The words of a master file (RFC 1035 section 5.1): bare or quoted, with their escapes. Content of
//! records is written in them, and so are zone files.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

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

/// Writes a word in quotes, so that [`tokens`] reads the same bytes. Text stays readable; of bytes
/// that are none only ASCII does.
pub(super) fn quote(bytes: &[u8], out: &mut String) {
    out.push('"');
    match core::str::from_utf8(bytes) {
        Ok(text) => text.chars().for_each(|char| match char {
            char if char.is_ascii() => push(char as u8, out),
            char => out.push(char),
        }),
        Err(_) => bytes.iter().for_each(|byte| push(*byte, out)),
    }
    out.push('"');
}

fn push(byte: u8, out: &mut String) {
    match byte {
        b'"' | b'\\' => {
            out.push('\\');
            out.push(char::from(byte));
        }
        b' '..=b'~' => out.push(char::from(byte)),
        _ => {
            let _ = write!(out, "\\{byte:03}");
        }
    }
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
    fn bytes_that_are_no_text_read_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut quoted = String::new();
        quote(&bytes, &mut quoted);
        assert!(quoted.is_ascii(), "{quoted}");
        assert_eq!(tokens(&quoted).unwrap()[0].bytes, bytes);
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
