//! Which addresses an installation may be led to. Whoever configures an endpoint, whoever answers
//! for a name in DNS and whoever redirects a probe could otherwise make it talk to the machine's own
//! surroundings, where cloud providers keep credentials for example.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Anybody's on the internet.
    Public,
    /// Private, shared and loopback addresses.
    Private,
    /// Link-local and unspecified ones.
    LinkLocal,
    /// Those of many machines at once, where no connection leads.
    Many,
}

/// What may be reached besides public addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// [`AddressKind::Private`].
    pub private: bool,
    /// [`AddressKind::LinkLocal`].
    pub link_local: bool,
}

impl Reach {
    /// Everything that a connection leads to.
    pub const EVERYWHERE: Self = Self { private: true, link_local: true };

    /// What kind an address is that may not be reached, for people; `None` for one that may.
    #[must_use]
    pub fn refuses(self, ip: IpAddr) -> Option<&'static str> {
        match AddressKind::of(ip) {
            AddressKind::Private if !self.private => Some("private"),
            AddressKind::LinkLocal if !self.link_local => Some("link-local or unspecified"),
            AddressKind::Many => Some("multicast or broadcast"),
            AddressKind::Public | AddressKind::Private | AddressKind::LinkLocal => None,
        }
    }
}

impl AddressKind {
    /// The kind of an address. One that stands for an IPv4 address is of that one's kind.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        let [a, b, ..] = ip.octets();
        // RFC 6598: what carriers number their customers with.
        let shared = a == 100 && (64..128).contains(&b);
        if ip.is_link_local() || ip.is_unspecified() {
            Self::LinkLocal
        } else if ip.is_private() || ip.is_loopback() || shared {
            Self::Private
        } else if ip.is_multicast() || ip.is_broadcast() {
            Self::Many
        } else {
            Self::Public
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        if ip.is_unicast_link_local() || ip.is_unspecified() {
            Self::LinkLocal
        } else if ip.is_unique_local() || ip.is_loopback() {
            Self::Private
        } else if ip.is_multicast() {
            Self::Many
        } else {
            embedded_v4(ip).map_or(Self::Public, Self::of_v4)
        }
    }
}

/// The IPv4 address that a mapped, translated or deprecated compatible address stands for:
/// `::ffff:0:0/96`, RFC 6052's well-known prefix, and `::/96`.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        use AddressKind::{LinkLocal, Many, Private, Public};
        for (text, expected) in [
            ("192.0.2.10", Public),
            ("10.1.2.3", Private),
            ("172.31.0.1", Private),
            ("192.168.1.1", Private),
            ("127.0.0.1", Private),
            ("100.64.0.1", Private),
            ("100.128.0.1", Public),
            ("169.254.169.254", LinkLocal),
            ("0.0.0.0", LinkLocal),
            ("::1", Private),
            ("fd00::1", Private),
            ("fe80::1", LinkLocal),
            ("::", LinkLocal),
            ("::ffff:169.254.169.254", LinkLocal),
            ("::ffff:192.0.2.1", Public),
            ("64:ff9b::169.254.169.254", LinkLocal),
            ("::169.254.169.254", LinkLocal),
            ("2001:db8::1", Public),
            ("224.0.0.1", Many),
            ("239.255.255.255", Many),
            ("255.255.255.255", Many),
            ("240.0.0.1", Public),
            ("ff02::1", Many),
            ("64:ff9b::224.0.0.1", Many),
        ] {
            assert_eq!(AddressKind::of(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_reached() {
        for (private, link_local, reached) in [
            (true, true, "192.0.2.1 10.0.0.1 169.254.1.1"),
            (true, false, "192.0.2.1 10.0.0.1"),
            (false, true, "192.0.2.1 169.254.1.1"),
            (false, false, "192.0.2.1"),
        ] {
            let reach = Reach { private, link_local };
            for text in ["192.0.2.1", "10.0.0.1", "169.254.1.1", "224.0.0.1"] {
                let is_reached = reach.refuses(text.parse().unwrap()).is_none();
                assert_eq!(is_reached, reached.contains(text), "{reach:?} {text}");
            }
        }
    }
}
