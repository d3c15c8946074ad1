//! Domain names in wire format: labels with their lengths, and the root's zero byte.

use core::fmt;

use arrayvec::{ArrayString, ArrayVec};

/// Longest name in bytes (RFC 1035 section 2.3.4).
pub const NAME_BYTES_MAX: usize = 255;

/// A name as it stood in a message: well-formed, not compressed, letter case kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'b>(&'b [u8]);

impl<'b> Name<'b> {
    /// The root.
    pub const ROOT: Name<'static> = Name(&[0]);

    /// A name in wire format; `None` when it is not one, or something follows it.
    #[must_use]
    pub fn new(wire: &'b [u8]) -> Option<Self> {
        (length(wire)? == wire.len()).then_some(Self(wire))
    }

    /// Bytes that are known to be a name.
    #[must_use]
    pub(crate) const fn of_checked(wire: &'b [u8]) -> Self {
        Self(wire)
    }

    /// The name that begins these bytes, unless it is malformed or compressed.
    #[must_use]
    pub fn at_start_of(bytes: &'b [u8]) -> Option<Self> {
        Some(Self(&bytes[..length(bytes)?]))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_wire(self) -> &'b [u8] {
        self.0
    }

    /// The labels from the left, the root's empty one excluded.
    pub fn labels(self) -> impl Iterator<Item = &'b [u8]> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let label = after.get(..usize::from(*length)).filter(|label| !label.is_empty())?;
            rest = &after[label.len()..];
            Some(label)
        })
    }

    /// The same in lower case, where names are compared.
    #[must_use]
    pub fn lower(self) -> LowerName {
        let mut lower = LowerName::new();
        lower.try_extend_from_slice(self.0).expect("a name fits");
        // Lengths are below the letters, so they stay what they are.
        lower.make_ascii_lowercase();
        lower
    }

    /// In presentation format and lower case, without the final dot.
    #[must_use]
    pub fn lower_text(self) -> NameText {
        let mut text = NameText::new();
        self.write_text(&mut text);
        text.make_ascii_lowercase();
        text
    }

    /// Writes it in presentation format, without the final dot, in place of what the text was.
    pub fn write_text(self, text: &mut NameText) {
        text.clear();
        for label in self.labels() {
            if !text.is_empty() {
                text.push('.');
            }
            for byte in label {
                if is_plain(byte) {
                    text.push(char::from(*byte));
                } else {
                    write_escaped(text, *byte).expect("there is room for every escape");
                }
            }
        }
    }
}

/// Room for the longest name in presentation format: every byte as `\\DDD`.
pub type NameText = ArrayString<{ 4 * NAME_BYTES_MAX }>;

/// A name in lower case that is not kept anywhere.
pub type LowerName = ArrayVec<u8, NAME_BYTES_MAX>;

/// What is left of a name in wire format without its first label; `None` for the root.
#[must_use]
pub fn parent(name: &[u8]) -> Option<&[u8]> {
    match name.first() {
        None | Some(0) => None,
        Some(length) => name.get(usize::from(*length) + 1..),
    }
}

/// A host name in wire format; `None` when it is none. Labels hold no dots and no escapes.
#[must_use]
pub fn host_to_wire(host: &str) -> Option<LowerName> {
    let mut wire = LowerName::new();
    for label in host.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        wire.try_push(length).ok()?;
        wire.try_extend_from_slice(label.as_bytes()).ok()?;
    }
    wire.try_push(0).ok()?;
    Some(wire)
}

/// How long the name is that begins these bytes.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = *bytes.get(at)?;
        at += 1 + usize::from(label);
        if at > NAME_BYTES_MAX || label > 63 {
            return None;
        }
        if label == 0 {
            return Some(at);
        }
    }
}

/// Whether a byte stands for itself in presentation format, and in every host name.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn write_escaped(out: &mut impl fmt::Write, byte: u8) -> fmt::Result {
    match byte {
        b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
            write!(out, "\\{}", char::from(byte))
        }
        0x21..=0x7e => out.write_char(char::from(byte)),
        other => write!(out, "\\{other:03}"),
    }
}

/// In presentation format (RFC 1035 section 5.1), without the final dot; the root is `.`.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == [0] {
            return f.write_str(".");
        }
        for (n, label) in self.labels().enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            for byte in label {
                write_escaped(f, *byte)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_plain_names_are_names() {
        let longest: Vec<u8> = [&[63; 64][..], &[63; 64], &[63; 64], &[61; 62], &[0]].concat();
        assert_eq!(longest.len(), NAME_BYTES_MAX);
        let mut longer = longest.clone();
        longer.insert(193, 62);
        longer[192] = 62;
        for (wire, is_name) in [
            (&b"\0"[..], true),
            (b"\x03www\x02eu\0", true),
            (&longest, true),
            (&longer, false),
            (b"", false),
            (b"\x03www", false),
            (b"\x03www\x02eu\0\0", false),
            (b"\x03www\xc0\x0c", false),
            (b"\x40", false),
        ] {
            assert_eq!(Name::new(wire).is_some(), is_name, "{wire:?}");
        }
    }

    #[test]
    fn a_name_is_shown_with_its_escapes() {
        for (wire, text) in [
            (&b"\0"[..], "."),
            (b"\x03wWw\x02eu\0", "wWw.eu"),
            (b"\x03a.b\x01\x00\0", "a\\.b.\\000"),
            (b"\x02\xc3\xa4\0", "\\195\\164"),
        ] {
            assert_eq!(Name::new(wire).unwrap().to_string(), text);
            let mut written = NameText::new();
            Name::new(wire).unwrap().write_text(&mut written);
            assert_eq!(&*written, text.trim_matches('.'));
        }
        assert_eq!(Name::new(b"\x03wWw\x02EU\0").unwrap().lower()[..], *b"\x03www\x02eu\0");
    }

    #[test]
    fn the_parent_of_a_name_lacks_its_first_label() {
        assert_eq!(parent(b"\x03www\x02eu\0"), Some(&b"\x02eu\0"[..]));
        assert_eq!(parent(b"\x02eu\0"), Some(&b"\0"[..]));
        assert_eq!(parent(b"\0"), None);
    }
}
