//! What stands between clients and this node, and what it is believed: the PROXY protocol at the
//! start of a connection, forwarding fields in each request.

use std::net::IpAddr;

use evenkeel_h1::{Field, FieldKind};
use ipnet::IpNet;

/// Addresses that are believed; nobody unless named.
#[derive(Debug, Clone, Default)]
pub struct Fronts {
    /// Peers that begin every connection with a PROXY header. From anybody else such a header is
    /// a malformed request.
    pub proxy_protocol: Vec<IpNet>,
    /// Proxies whose `CF-Connecting-IP`, `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted: Vec<IpNet>,
}

/// What a trusted proxy says of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) client: IpAddr,
    /// Whether the client came by HTTPS, where the proxy says.
    pub(crate) https: Option<bool>,
}

impl Fronts {
    pub(crate) fn sends_proxy_headers(&self, peer: IpAddr) -> bool {
        is_among(&self.proxy_protocol, peer)
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        is_among(&self.trusted, peer)
    }

    /// Who a request is of that came from a trusted peer. `CF-Connecting-IP` names the client;
    /// without it, `X-Forwarded-For` is read from its end, where our peer wrote, as long as those
    /// who wrote are trusted.
    pub(crate) fn told(&self, peer: IpAddr, buffer: &[u8], fields: &[Field]) -> Told {
        let values = |kind| {
            fields.iter().filter(move |field| field.kind == kind).map(|f| f.value.of(buffer))
        };
        let mut named = values(FieldKind::CfConnectingIp).filter_map(address);
        let client = match (named.next(), named.next()) {
            (Some(client), None) => client,
            _ => {
                let lines: Vec<_> = values(FieldKind::XForwardedFor).collect();
                let entries = lines.iter().rev().flat_map(|line| line.rsplit(|b| *b == b','));
                let mut client = peer;
                for entry in entries {
                    // What cannot be read ends the chain: nobody vouches for what is before it.
                    let Some(entry) = address(entry) else { break };
                    client = entry;
                    if !self.trusts(entry) {
                        break;
                    }
                }
                client
            }
        };
        let scheme = values(FieldKind::XForwardedProto).next_back();
        let https = scheme.and_then(|scheme| {
            let scheme = scheme.trim_ascii();
            let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name).then_some(());
            is(b"https").map(|()| true).or_else(|| is(b"http").map(|()| false))
        });
        Told { client, https }
    }
}

fn is_among(networks: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    networks.iter().any(|network| network.contains(&peer))
}

/// An address as forwarding fields hold it: bare, with a port, or in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.split_once(']')).map(|(ip, _)| ip);
    let address: IpAddr = match bare {
        Some(ip) => ip.parse().ok()?,
        None => match text.parse() {
            Ok(ip) => ip,
            Err(_) => text.parse::<std::net::SocketAddrV4>().ok().map(|a| (*a.ip()).into())?,
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use evenkeel_h1::{Limits, parse_request};

    use super::*;

    fn told(lines: &str) -> (String, Option<bool>) {
        let fronts = Fronts {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            ..Fronts::default()
        };
        let head = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n");
        let mut fields = Vec::new();
        parse_request(head.as_bytes(), &Limits::default(), &mut fields).unwrap().unwrap();
        let told = fronts.told("10.0.0.1".parse().unwrap(), head.as_bytes(), &fields);
        (told.client.to_string(), told.https)
    }

    #[test]
    fn the_client_is_the_last_one_that_nobody_trusted_wrote_about() {
        for (lines, client) in [
            ("", "10.0.0.1"),
            ("CF-Connecting-IP: 192.0.2.7\r\n", "192.0.2.7"),
            ("CF-Connecting-IP: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n", "192.0.2.7"),
            (
                "CF-Connecting-IP: 1.1.1.1\r\nCF-Connecting-IP: 2.2.2.2\r\nX-Forwarded-For: 192.0.2.8\r\n",
                "192.0.2.8",
            ),
            ("CF-Connecting-IP: nobody\r\n", "10.0.0.1"),
            ("X-Forwarded-For: 192.0.2.8\r\n", "192.0.2.8"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.8\r\n", "192.0.2.8"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.8, 10.9.9.9\r\n", "192.0.2.8"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.8\r\nX-Forwarded-For: 10.9.9.9\r\n", "192.0.2.8"),
            ("X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n", "10.1.1.1"),
            ("X-Forwarded-For: 6.6.6.6, unknown, 10.2.2.2\r\n", "10.2.2.2"),
            ("X-Forwarded-For: 192.0.2.8:1234\r\n", "192.0.2.8"),
            ("X-Forwarded-For: [2001:db9::1]:1234\r\n", "2001:db9::1"),
            ("X-Forwarded-For: 2001:db9::1, 2001:db8::5\r\n", "2001:db9::1"),
        ] {
            assert_eq!(told(lines).0, client, "{lines}");
        }
    }

    #[test]
    fn the_scheme_is_what_the_last_proxy_says() {
        for (lines, https) in [
            ("", None),
            ("X-Forwarded-Proto: https\r\n", Some(true)),
            ("X-Forwarded-Proto: HTTP\r\n", Some(false)),
            ("X-Forwarded-Proto: https, http\r\n", None),
        ] {
            assert_eq!(told(lines).1, https, "{lines}");
        }
    }
}
