//! Chunk extensions (RFC 9112 section 7.1.1): read by the grammar, then forgotten.
//!
//! A lone LF or CR in here is what request smuggling by extensions is made of, so the grammar is
//! followed to the letter although nothing is done with what it yields.

use crate::grammar::{is_token_byte, is_value_byte};

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` the reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extension {
    /// Before a `;`.
    #[default]
    Gap,
    /// Behind a `;`, before a name.
    NameStart,
    /// In a name.
    Name,
    /// Behind a name and whitespace.
    NameGap,
    /// Behind a `=`, before a value.
    ValueStart,
    /// In a token.
    Value,
    /// In a quoted string.
    Quoted,
    /// Behind a backslash in a quoted string.
    Escaped,
    /// Behind a quoted string.
    QuotedEnd,
}

/// What one byte leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// On to the next byte.
    Extension(Extension),
    /// The byte was the CR that ends the line.
    LineEnd,
    /// The byte cannot stand here.
    Malformed,
}

impl Extension {
    pub(crate) const fn after(self, byte: u8) -> After {
        use Extension as E;
        After::Extension(match (self, byte) {
            (E::Name | E::Value | E::QuotedEnd, b'\r') => return After::LineEnd,
            (E::Gap | E::Name | E::NameGap | E::Value | E::QuotedEnd, b';') => E::NameStart,
            (E::Gap | E::NameStart | E::NameGap | E::ValueStart, b' ' | b'\t') => self,
            (E::Name, b' ' | b'\t') => E::NameGap,
            (E::Value | E::QuotedEnd, b' ' | b'\t') => E::Gap,
            (E::Name | E::NameGap, b'=') => E::ValueStart,
            (E::ValueStart, b'"') => E::Quoted,
            (E::Quoted, b'"') => E::QuotedEnd,
            (E::Quoted, b'\\') => E::Escaped,
            (E::Quoted | E::Escaped, _) if is_value_byte(byte) => E::Quoted,
            (E::NameStart | E::Name, _) if is_token_byte(byte) => E::Name,
            (E::ValueStart | E::Value, _) if is_token_byte(byte) => E::Value,
            _ => return After::Malformed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the text between chunk size and LF is read to its end.
    fn accepts(text: &str) -> bool {
        let mut state = Extension::default();
        for (at, byte) in text.bytes().enumerate() {
            match state.after(byte) {
                After::Extension(next) => state = next,
                After::LineEnd => return at + 1 == text.len(),
                After::Malformed => return false,
            }
        }
        false
    }

    #[test]
    fn row06_the_grammar_and_nothing_else() {
        let accepted = [
            ";a\r",
            ";a=b\r",
            ";a=\"b\"\r",
            "; a\r",
            " ;a\r",
            "\t; a\r",
            ";a = b\r",
            ";a;b\r",
            ";a=b ;c\r",
            ";a=\"\"\r",
            ";a=\"x;y=\\\"z\\\\\"\r",
            ";a=\"\u{e9}\t \" ; b\r",
            ";!#$=%\r",
        ];
        for text in accepted {
            assert!(accepts(text), "{text:?}");
        }
        let refused = [
            ";\r",
            ";;a\r",
            ";=b\r",
            ";a=\r",
            ";a b\r",
            ";a=b c\r",
            ";a=\"b\r",
            ";a=\"b\"c\r",
            " \r",
            ";a \r",
            ";a=b \r",
            " a\r",
            ";a\n",
            ";a=\"\n\"\r",
            ";a=\"\\\n\"\r",
            ";a=\"\r\n\"\r",
            ";a\0\r",
            ";a=\"\0\"\r",
            ";a\x0b\r",
            ";a=\"\x7f\"\r",
            ";\u{e9}\r",
            ";a,b\r",
            ";a\r;b\r",
        ];
        for text in refused {
            assert!(!accepts(text), "{text:?}");
        }
    }
}
