//! Host names as clients write them.

use alloc::borrow::Cow;
use alloc::string::String;

use evenkeel_model::HostPattern;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The stored form of a host name or `*.` and a host name: lower case, no final dot, international
/// letters in their ASCII form (RFC 5891 by way of UTS 46). `None` when the text names no host.
pub(crate) fn pattern(text: &str) -> Option<HostPattern> {
    let ascii = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        // Which letters, hyphens and lengths are right is the pattern's to say.
        Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
            .ok()?
    };
    HostPattern::parse(&ascii).ok()
}

/// The stored form of a single host name. `None` too for wildcards, and for names that resolvers
/// read as an IPv4 address in an old spelling (`127.1`, `0x7f000001`, `2130706433`): those would
/// pass every check made on names and reach an address nobody checked.
pub(crate) fn name(text: &str) -> Option<String> {
    match pattern(text)? {
        HostPattern::Exact(name) if !ends_in_number(&name) => Some(name),
        _ => None,
    }
}

/// The test by which URL parsers tell addresses from names (WHATWG URL, "ends in a number").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let digits = last.bytes().all(|byte| byte.is_ascii_digit());
    let hex =
        last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    digits || hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_are_stored_in_one_form() {
        for (sent, stored) in [
            ("Shop.Example.COM.", Some("shop.example.com")),
            ("*.Example.com", Some("*.example.com")),
            ("_sip._tcp.example.com", Some("_sip._tcp.example.com")),
            ("Bücher.example", Some("xn--bcher-kva.example")),
            ("*.bücher.example", Some("*.xn--bcher-kva.example")),
            ("ａ.example", Some("a.example")),
            ("a。example", Some("a.example")),
            ("a b.example", None),
            ("a..example", None),
            ("*", None),
            ("", None),
            ("ü\u{0}.example", None),
        ] {
            assert_eq!(pattern(sent).map(|name| name.to_string()).as_deref(), stored, "{sent:?}");
        }
    }

    #[test]
    fn numbers_are_no_names() {
        for text in ["127.1", "0x7f.0.0.1", "2130706433", "0x7f000001", "1.2.3.300", "a.0x", "*.a"]
        {
            assert_eq!(name(text), None, "{text}");
        }
        for text in ["a1", "1.example", "0xg", "127.0.0.1.example"] {
            assert_eq!(name(text).as_deref(), Some(text));
        }
    }
}
