//! Addresses of origins: which texts are one, and which an installation does not want reached.
//!
//! Only literal addresses are judged here. What a host name resolves to is known when it is dialled,
//! and is the dialler's to judge, by the same [`Reach`].

use alloc::string::String;

use evenkeel_model::{Address, Reach};

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
    let reach = limits.reach();
    let reach = Reach { private: reach.private || in_virtual_network, ..reach };
    if let Some(refused) = reach.refuses(ip) {
        node.problem(format_args!(
            "address \"{}\" is {refused}, which is not allowed",
            Clipped(text)
        ));
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
}
