//! Names: of the records themselves, and those that records point to.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::hosts;

/// The full name of a record as stored: in lower case, without a final dot, in ASCII. Takes `@`,
/// names relative to the zone and full ones; only a final dot makes a name of elsewhere full, and
/// then it is refused.
pub(super) fn full(text: &str, zone: &str) -> Option<String> {
    if text == "@" {
        return Some(zone.to_owned());
    }
    let named = hosts::pattern(text);
    if let Some(pattern) = named.filter(|pattern| pattern.is_in_zone(zone)) {
        return Some(format!("{pattern}"));
    }
    let below = hosts::pattern(&format!("{text}.{zone}")).filter(|_| !text.ends_with('.'))?;
    Some(format!("{below}"))
}

/// A name that a record points to, in ASCII and otherwise as written: letter case and final dot
/// stay. `.` is the root, which says that there is nothing.
pub(super) fn target(text: &str) -> Option<Cow<'_, str>> {
    if text == "." {
        return Some(text.into());
    }
    let stored = hosts::name(text)?;
    Some(if text.is_ascii() { text.into() } else { stored.into() })
}

/// The same without the final dot, which is how host names are told.
pub(super) fn host(text: &str) -> Option<String> {
    let name = target(text)?;
    let bare = name.strip_suffix('.').filter(|bare| !bare.is_empty()).unwrap_or(&name);
    Some(bare.to_owned())
}

/// Writes a name that [`target`] took as labels (RFC 1035 section 3.1), not compressed.
pub(crate) fn wire(name: &str, out: &mut Vec<u8>) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_full() {
        for (sent, stored) in [
            ("@", Some("example.com")),
            ("example.com", Some("example.com")),
            ("Example.com.", Some("example.com")),
            ("www", Some("www.example.com")),
            ("WWW.example.com", Some("www.example.com")),
            ("www.example.com.", Some("www.example.com")),
            ("a.b", Some("a.b.example.com")),
            ("www.example.net", Some("www.example.net.example.com")),
            ("www.example.net.", None),
            ("notexample.com", Some("notexample.com.example.com")),
            ("*", Some("*.example.com")),
            ("*.dev", Some("*.dev.example.com")),
            ("*.example.com", Some("*.example.com")),
            ("_sip._tcp", Some("_sip._tcp.example.com")),
            ("bücher", Some("xn--bcher-kva.example.com")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("a.*.b", None),
            ("a b", None),
        ] {
            assert_eq!(full(sent, "example.com").as_deref(), stored, "{sent:?}");
        }
    }

    #[test]
    fn targets_keep_their_spelling() {
        for (sent, kept) in [
            ("Mail.Example.com", Some("Mail.Example.com")),
            ("mail.example.com.", Some("mail.example.com")),
            ("bücher.example.", Some("xn--bcher-kva.example")),
            (".", Some(".")),
            ("192.0.2.1", None),
            ("*.example.com", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(host(sent).as_deref(), kept, "{sent:?}");
        }
        assert_eq!(target("a.example.").as_deref(), Some("a.example."));
        let mut out = Vec::new();
        wire("ab.c.", &mut out);
        wire(".", &mut out);
        assert_eq!(out, b"\x02ab\x01c\x00\x00");
    }
}
