//! Authorities: `Host`, `:authority` and the host part of an absolute URI.
//!
//! Narrower than RFC 3986 on purpose: requests are routed by host name, and no name of a load
//! balancer has the percent-escapes or sub-delimiters that a URI would allow there. Whoever
//! sends one gets 400 instead of a second reading further back.

use core::fmt;
use core::net::Ipv6Addr;

/// Longest host name in bytes, without the final dot (RFC 1035 section 2.3.4).
pub const NAME_BYTES_MAX: usize = 253;

/// A host with an optional port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Host name or IPv4 address without the final dot, or an IPv6 address in its brackets, in the
    /// case it was sent in. Never empty.
    pub name: &'a [u8],
    /// The port, when one is given; `example.com:` gives none.
    pub port: Option<u16>,
}

/// Why a text is no authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorityError;

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a host name or address with an optional port")
    }
}

impl core::error::Error for AuthorityError {}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `host.` or `[v6]:port`.
    ///
    /// # Errors
    /// When the host is empty, too long, has an empty label or any byte but letters, digits, `-`,
    /// `_` and `.`; when there is user information; when the port is no number up to 65535.
    pub fn parse(text: &'a [u8]) -> Result<Self, AuthorityError> {
        let (name, rest) = if text.first() == Some(&b'[') {
            let end = memchr::memchr(b']', text).ok_or(AuthorityError)? + 1;
            let address = core::str::from_utf8(&text[1..end - 1]).map_err(|_| AuthorityError)?;
            address.parse::<Ipv6Addr>().map_err(|_| AuthorityError)?;
            text.split_at(end)
        } else {
            let end = memchr::memchr(b':', text).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            let name = name.strip_suffix(b".").unwrap_or(name);
            if !is_name(name) {
                return Err(AuthorityError);
            }
            (name, rest)
        };
        let port = match rest {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port(digits).ok_or(AuthorityError)?),
            _ => return Err(AuthorityError),
        };
        Ok(Self { name, port })
    }

    /// Whether both lead to the same place when a port left out means `default_port`.
    #[must_use]
    pub fn is_same(&self, other: &Authority<'_>, default_port: u16) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// Non-empty labels of letters, digits, `-` and `_`, separated by single dots.
fn is_name(name: &[u8]) -> bool {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return false;
    }
    let mut after_dot = true;
    for &byte in name {
        let dot = byte == b'.';
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || dot && !after_dot) {
            return false;
        }
        after_dot = dot;
    }
    !after_dot
}

/// One to five digits up to 65535.
fn port(digits: &[u8]) -> Option<u16> {
    if digits.len() > 5 {
        return None;
    }
    let mut value = 0u32;
    for digit in digits {
        value = value * 10 + char::from(*digit).to_digit(10)?;
    }
    u16::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        let table: [(&str, &str, Option<u16>); 12] = [
            ("example.com", "example.com", None),
            ("EXAMPLE.com:8080", "EXAMPLE.com", Some(8080)),
            ("example.com.", "example.com", None),
            ("example.com.:443", "example.com", Some(443)),
            ("example.com:", "example.com", None),
            ("a_b-c.example", "a_b-c.example", None),
            ("localhost:65535", "localhost", Some(65535)),
            ("192.0.2.1:80", "192.0.2.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:8443", "[2001:db8::1]", Some(8443)),
            ("[::ffff:192.0.2.1]:", "[::ffff:192.0.2.1]", None),
            ("x:00080", "x", Some(80)),
        ];
        for (text, name, port) in table {
            let authority = Authority { name: name.as_bytes(), port };
            assert_eq!(Authority::parse(text.as_bytes()), Ok(authority), "{text}");
        }
    }

    #[test]
    fn row11_refused_hosts() {
        let table = [
            "",
            ".",
            "..",
            ":80",
            "a..b",
            ".a",
            "a..",
            "a@b",
            "user:pw@a",
            "a b",
            "a,b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a%2eb",
            "a:b",
            "a:80:80",
            "a:99999",
            "a:65536",
            "a:-1",
            "a:+1",
            "a: 80",
            "a:000080",
            "[::1",
            "::1",
            "[]",
            "[::1]x",
            "[::1%25eth0]",
            "[v1.x]",
            "[1.2.3.4]",
            "\u{fc}.example",
            "a\tb",
            "a\0b",
            "*.a",
            "a;b",
            "a'b",
            "(a)",
        ];
        for text in table {
            assert_eq!(Authority::parse(text.as_bytes()), Err(AuthorityError), "{text:?}");
        }
        let long = [b'a'; NAME_BYTES_MAX + 1];
        assert!(Authority::parse(&long).is_err());
        assert!(Authority::parse(&long[1..]).is_ok());
    }

    #[test]
    fn sameness_ignores_case_default_port_and_final_dot() {
        fn same(a: &str, b: &str, port: u16) -> bool {
            let a = Authority::parse(a.as_bytes()).expect("valid");
            a.is_same(&Authority::parse(b.as_bytes()).expect("valid"), port)
        }
        assert!(same("Example.com:80", "example.COM.", 80));
        assert!(same("[::1]:443", "[::1]", 443));
        assert!(!same("example.com:80", "example.com", 443));
        assert!(!same("example.com", "www.example.com", 80));
    }
}
