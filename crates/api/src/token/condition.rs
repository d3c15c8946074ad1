//! From where a token is let in.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::read::{Clipped, Node, Object};

/// Most networks of one list. Every request of the token walks them.
const NETWORKS_MAX: usize = 100;

/// `condition` of a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Where requests may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_ip: Option<RequestIp>,
}

/// Addresses and networks in CIDR notation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RequestIp {
    /// Requests come from one of these; from anywhere when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub r#in: Vec<String>,
    /// Requests come from none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<String>,
}

impl Condition {
    /// Whether a request from an address is let in. One whose address is unknown is only where
    /// nothing is demanded of it.
    #[must_use]
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        let Some(RequestIp { r#in, not_in }) = &self.request_ip else { return true };
        if r#in.is_empty() && not_in.is_empty() {
            return true;
        }
        let Some(address) = address else { return false };
        let among = |networks: &[String]| {
            networks.iter().filter_map(|text| Network::parse(text)).any(|net| net.contains(address))
        };
        (r#in.is_empty() || among(r#in)) && !among(not_in)
    }
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    length: u32,
    is_v4: bool,
}

impl Network {
    /// Reads an address, or one with the length of its prefix.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                (address, Some(length.parse().ok().filter(|_| digits)?))
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, is_v4) = bits(address);
        let longest = if is_v4 { 32 } else { 128 };
        let length = length.unwrap_or(longest);
        (length <= longest).then_some(Self { bits, length, is_v4 })
    }

    /// Whether an address lies in it. IPv4 inside of IPv6 is IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let (bits, is_v4) = bits(address.to_canonical());
        let width = if is_v4 { 32 } else { 128 };
        let differing = (bits ^ self.bits).checked_shr(width - self.length).unwrap_or(0);
        is_v4 == self.is_v4 && differing == 0
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    }
}

/// Reads `condition`.
pub(super) fn read(sent: &Object<'_>) -> Option<Condition> {
    let request_ip = sent.object("request_ip").map(|request_ip| RequestIp {
        r#in: networks(&request_ip, "in"),
        not_in: networks(&request_ip, "not_in"),
    });
    Some(Condition { request_ip })
}

fn networks(object: &Object<'_>, name: &'static str) -> Vec<String> {
    let items = object.items(name, name, 0..=NETWORKS_MAX).unwrap_or_default();
    let read = |item: &Node<'_>| {
        let text = item.text()?;
        if Network::parse(text).is_none() {
            item.problem(format_args!("\"{}\" is not a network like 192.0.2.0/24", Clipped(text)));
        }
        Some(text.to_owned())
    };
    items.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_addresses_of_their_family() {
        for (network, address, holds) in [
            ("192.0.2.0/24", "192.0.2.255", Some(true)),
            ("192.0.2.7/24", "192.0.2.1", Some(true)),
            ("192.0.2.0/24", "192.0.3.0", Some(false)),
            ("192.0.2.1", "192.0.2.1", Some(true)),
            ("192.0.2.1", "::ffff:192.0.2.1", Some(true)),
            ("0.0.0.0/0", "203.0.113.9", Some(true)),
            ("0.0.0.0/0", "2001:db8::1", Some(false)),
            ("::/0", "2001:db8::1", Some(true)),
            ("2001:db8::/32", "2001:db8:ffff::", Some(true)),
            ("2001:db8::/32", "2001:db9::", Some(false)),
            ("192.0.2.0/33", "192.0.2.0", None),
            ("192.0.2.0/+8", "192.0.2.0", None),
            ("192.0.2.0/", "192.0.2.0", None),
            ("example", "192.0.2.0", None),
        ] {
            let parsed = Network::parse(network);
            let address = address.parse().unwrap();
            assert_eq!(parsed.map(|net| net.contains(address)), holds, "{network} {address}");
        }
    }
}
