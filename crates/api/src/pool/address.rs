//! Addresses of origins: which texts are one, and which an installation does not want reached.
//!
//! Only literal addresses are judged here. What a host name resolves to is known when it is dialled,
//! and is the dialler's to judge.

use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use evenkeel_model::Address;

use crate::context::Limits;
use crate::hosts;
use crate::read::{Clipped, Node};

/// The address a text means: international names in their ASCII form, IPv4-mapped IPv6 as IPv4.
/// `None` when it is neither an address nor a host name.
pub(super) fn meant(text: &str) -> Option<Address> {
    match Address::parse(text) {
        ip @ Address::Ip(_) => Some(ip),
        Address::Name(_) => hosts::name(text).map(|name: String| Address::Name(name)),
    }
}

/// Notes what is wrong with an address. One reached through a virtual network may be private.
pub(super) fn check(node: &Node<'_>, text: &str, in_virtual_network: bool, limits: &Limits) {
    let Some(address) = meant(text) else {
        let text = Clipped(text);
        return node.problem(format_args!("address \"{text}\" is not an IP address or host name"));
    };
    let Address::Ip(ip) = address else { return };
    let refused = match kind(ip) {
        Kind::Public => None,
        Kind::Private if limits.private_addresses_allowed || in_virtual_network => None,
        Kind::Private => Some("private"),
        Kind::LinkLocal if limits.link_local_allowed => None,
        Kind::LinkLocal => Some("link-local or unspecified"),
        Kind::Many => Some("multicast or broadcast"),
    };
    if let Some(refused) = refused {
        node.problem(format_args!(
            "address \"{}\" is {refused}, which is not allowed",
            Clipped(text)
        ));
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Public,
    /// Private, shared and loopback addresses.
    Private,
    /// Link-local and unspecified ones.
    LinkLocal,
    /// Those of many machines at once, where no connection leads.
    Many,
}

fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => kind_v6(v6),
    }
}

fn kind_v4(ip: Ipv4Addr) -> Kind {
    let [a, b, ..] = ip.octets();
    // RFC 6598: what carriers number their customers with.
    let shared = a == 100 && (64..128).contains(&b);
    if ip.is_link_local() || ip.is_unspecified() {
        Kind::LinkLocal
    } else if ip.is_private() || ip.is_loopback() || shared {
        Kind::Private
    } else if ip.is_multicast() || ip.is_broadcast() {
        Kind::Many
    } else {
        Kind::Public
    }
}

fn kind_v6(ip: Ipv6Addr) -> Kind {
    if ip.is_unicast_link_local() || ip.is_unspecified() {
        Kind::LinkLocal
    } else if ip.is_unique_local() || ip.is_loopback() {
        Kind::Private
    } else if ip.is_multicast() {
        Kind::Many
    } else {
        embedded_v4(ip).map_or(Kind::Public, kind_v4)
    }
}

/// The IPv4 address that a translated or deprecated compatible address stands for: RFC 6052's
/// well-known prefix, and `::/96`.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
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
    use alloc::string::ToString;

    #[test]
    fn texts_and_what_they_mean() {
        for (text, meaning) in [
            ("192.0.2.10", Some("192.0.2.10")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("Origin.Example.", Some("origin.example")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("localhost", Some("localhost")),
            ("192.0.2.300", None),
            ("2130706433", None),
            ("[2001:db8::1]", None),
            ("fe80::1%eth0", None),
            ("origin.example:80", None),
            ("http://origin.example", None),
            ("*.example", None),
            ("", None),
        ] {
            assert_eq!(
                meant(text).map(|address| address.to_string()).as_deref(),
                meaning,
                "{text}"
            );
        }
    }

    #[test]
    fn kinds_of_addresses() {
        for (text, expected) in [
            ("192.0.2.10", Kind::Public),
            ("10.1.2.3", Kind::Private),
            ("172.31.0.1", Kind::Private),
            ("192.168.1.1", Kind::Private),
            ("127.0.0.1", Kind::Private),
            ("100.64.0.1", Kind::Private),
            ("100.128.0.1", Kind::Public),
            ("169.254.169.254", Kind::LinkLocal),
            ("0.0.0.0", Kind::LinkLocal),
            ("::1", Kind::Private),
            ("fd00::1", Kind::Private),
            ("fe80::1", Kind::LinkLocal),
            ("::", Kind::LinkLocal),
            ("::ffff:169.254.169.254", Kind::LinkLocal),
            ("64:ff9b::169.254.169.254", Kind::LinkLocal),
            ("::169.254.169.254", Kind::LinkLocal),
            ("2001:db8::1", Kind::Public),
            ("224.0.0.1", Kind::Many),
            ("239.255.255.255", Kind::Many),
            ("255.255.255.255", Kind::Many),
            ("240.0.0.1", Kind::Public),
            ("ff02::1", Kind::Many),
            ("64:ff9b::224.0.0.1", Kind::Many),
        ] {
            let Some(Address::Ip(ip)) = meant(text) else { panic!("{text} is an address") };
            assert_eq!(kind(ip), expected, "{text}");
        }
    }
}
