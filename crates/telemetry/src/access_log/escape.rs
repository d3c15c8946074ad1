//! What peers sent, made harmless: whatever its bytes, a value stays inside its quotes and its line.

use std::fmt;

/// Bytes of one value that are written; a longer one is cut and ends in an ellipsis. Long enough for
/// every address that works in browsers, and a bound on what one request adds to the log.
const VALUE_BYTES_MAX: usize = 8 * 1024;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// How the bytes of a value are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// As they are.
    Plain,
    /// Escaped, or looked at with their neighbours.
    Special,
}

/// By byte: quotes, backslash, controls and everything beyond ASCII are special.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Special; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        classes[byte] = Class::Plain;
        byte += 1;
    }
    classes[b'"' as usize] = Class::Special;
    classes[b'\\' as usize] = Class::Special;
    classes
};

/// Writes a value as the inside of a JSON string (RFC 8259 section 7). UTF-8 stays as it is, but for
/// controls and what moves or hides text; any other byte is read as Latin-1, as HTTP once did:
/// `\u00e9`.
pub(super) fn write_json(out: &mut Vec<u8>, value: &[u8]) {
    let (value, is_cut) = cut(value);
    let plain = value.iter().take_while(|byte| CLASSES[usize::from(**byte)] == Class::Plain);
    let (plain, rest) = value.split_at(plain.count());
    out.extend_from_slice(plain);
    for chunk in rest.utf8_chunks() {
        write_json_text(out, chunk.valid());
        for byte in chunk.invalid() {
            write_unicode(out, *byte);
        }
    }
    if is_cut {
        out.extend_from_slice("…".as_bytes());
    }
}

/// The same for what is known to be text.
fn write_json_text(out: &mut Vec<u8>, text: &str) {
    let mut from = 0;
    for (at, char) in text.char_indices() {
        // Controls beyond ASCII move cursors of terminals as well.
        if char != '"' && char != '\\' && !char.is_control() && !deceives(char) {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[from..at]);
        from = at + char.len_utf8();
        match char {
            '"' | '\\' => out.extend_from_slice(&[b'\\', char as u8]),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            // All are below U+10000.
            other => {
                let [.., high, low] = u32::from(other).to_be_bytes();
                out.extend_from_slice(b"\\u");
                write_hex(out, high);
                write_hex(out, low);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
}

/// Whether a character breaks lines for some readers, U+2028 and U+2029, or shows text in another
/// order than it is in (UAX #9).
const fn deceives(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn write_unicode(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"\\u00");
    write_hex(out, byte);
}

fn write_hex(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
}

/// Writes a value as Apache does between quotes: `\"`, `\\`, the C names of controls, and `\xhh` for
/// other controls and everything beyond ASCII.
pub(super) fn write_apache(out: &mut Vec<u8>, value: &[u8]) {
    let (value, is_cut) = cut(value);
    for byte in value {
        match byte {
            byte if CLASSES[usize::from(*byte)] == Class::Plain => out.push(*byte),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\x08' => out.extend_from_slice(b"\\b"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\x0b' => out.extend_from_slice(b"\\v"),
            byte => {
                out.extend_from_slice(b"\\x");
                write_hex(out, *byte);
            }
        }
    }
    if is_cut {
        out.extend_from_slice(b"...");
    }
}

fn cut(value: &[u8]) -> (&[u8], bool) {
    match value.get(..VALUE_BYTES_MAX) {
        Some(start) if value.len() > VALUE_BYTES_MAX => (start, true),
        _ => (value, false),
    }
}

/// Takes formatted text into a JSON string.
pub(super) struct JsonText<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for JsonText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_json(self.0, text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(value: &[u8]) -> String {
        let mut out = Vec::new();
        write_json(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn apache(value: &[u8]) -> String {
        let mut out = Vec::new();
        write_apache(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes() {
        for (value, as_json, as_apache) in [
            (&b"/a?b=c"[..], "/a?b=c", "/a?b=c"),
            (b"\"\\", "\\\"\\\\", "\\\"\\\\"),
            (
                b"\n\r\t\x08\x0b\x00\x1b\x7f",
                "\\n\\r\\t\\u0008\\u000b\\u0000\\u001b\\u007f",
                "\\n\\r\\t\\b\\v\\x00\\x1b\\x7f",
            ),
            ("é€".as_bytes(), "é€", "\\xc3\\xa9\\xe2\\x82\\xac"),
            ("\u{9b}".as_bytes(), "\\u009b", "\\xc2\\x9b"),
            ("a\u{2028}b".as_bytes(), "a\\u2028b", "a\\xe2\\x80\\xa8b"),
            ("\u{202e}\u{2066}".as_bytes(), "\\u202e\\u2066", "\\xe2\\x80\\xae\\xe2\\x81\\xa6"),
            (b"caf\xe9!", "caf\\u00e9!", "caf\\xe9!"),
            (b"\xf0\x9f\x92", "\\u00f0\\u009f\\u0092", "\\xf0\\x9f\\x92"),
        ] {
            assert_eq!((json(value).as_str(), apache(value).as_str()), (as_json, as_apache));
        }
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        let whole = "x".repeat(VALUE_BYTES_MAX);
        assert_eq!(json(whole.as_bytes()), whole);
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        assert_eq!(json(long.as_bytes()), format!("{whole}…"));
        assert_eq!(apache(long.as_bytes()), format!("{whole}..."));
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_json_string(value: Vec<u8>) {
            let text: String = serde_json::from_str(&format!("\"{}\"", json(&value))).unwrap();
            if let Ok(valid) = std::str::from_utf8(&value) {
                prop_assert_eq!(text, valid);
            }
        }

        #[test]
        fn any_bytes_are_printable_and_keep_the_quotes(value: Vec<u8>) {
            let text = apache(&value);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            let unescaped = text.replace("\\\\", "").replace("\\\"", "");
            prop_assert!(!unescaped.contains('"'));
        }
    }
}
