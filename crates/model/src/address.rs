//! Where an endpoint is: a literal address or a name still to be resolved.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// An endpoint's address, in the one form that compares equal: IPv4-mapped IPv6 folded to IPv4,
/// names in lower case without a final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A literal IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A host name, resolved when it is dialled (behaviour.md 1.3: cached 5 s at most).
    Name(String),
}

impl Address {
    /// Reads an address as a document holds it. Does not judge whether a name is well-formed:
    /// `api` validates documents.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(v6)) => Self::Ip(canonical(v6)),
            Ok(ip) => Self::Ip(ip),
            Err(_) => Self::Name(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()),
        }
    }
}

fn canonical(v6: Ipv6Addr) -> IpAddr {
    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}
