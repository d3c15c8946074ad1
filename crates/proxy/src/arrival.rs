//! How a client came: what is the same for all requests of its connection.

use std::net::{IpAddr, Ipv4Addr};

use evenkeel_model::{Edge, EndpointTls, TlsVersion};
use evenkeel_net::geo::Geo;

use crate::fronts::Told;
use crate::geography::Client;
use crate::head::request::ClientLines;

/// Where clients reach an HTTPS site that says nothing else (RFC 9110 section 4.2.2).
const HTTPS_PORT: u16 = 443;

/// A client's connection, as the listener found it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// The client's true address, after what trusted proxies say.
    pub(crate) client: IpAddr,
    /// The port it came from; 0 where that is not known.
    pub(crate) client_port: u16,
    /// Where it came to, of our own.
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// What was agreed on, if it came over TLS.
    pub(crate) tls: Option<Tls>,
    /// Whether the client is a proxy that is believed what it says of its own client.
    pub(crate) is_trusted: bool,
    /// Whether such a proxy's client came by HTTPS, where the proxy says.
    pub(crate) https_told: Option<bool>,
    /// What it speaks.
    pub(crate) protocol: Protocol,
}

/// What a client and we agreed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tls {
    pub(crate) version: TlsVersion,
}

/// The protocol of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// How an endpoint is to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Security {
    Plain,
    /// TLS, and any certificate will do.
    Unchecked,
    /// TLS, and the certificate has to be right.
    Checked,
}

impl Arrival {
    /// Over TCP alone.
    pub(crate) const fn plain(client: IpAddr, port: u16) -> Self {
        Self {
            client,
            client_port: 0,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port,
            tls: None,
            is_trusted: false,
            https_told: None,
            protocol: Protocol::Http1,
        }
    }

    /// Whether the client came by HTTPS.
    pub(crate) const fn is_https(&self) -> bool {
        match self.https_told {
            Some(https) => https,
            None => self.tls.is_some(),
        }
    }

    /// How endpoints are spoken to for this client (behaviour.md 9.5).
    pub(crate) fn security(&self, edge: &Edge) -> Security {
        match edge.endpoint_tls {
            _ if !self.is_https() => Security::Plain,
            EndpointTls::Off => Security::Plain,
            EndpointTls::Flexible if self.port == HTTPS_PORT => Security::Plain,
            EndpointTls::Flexible | EndpointTls::Full => Security::Unchecked,
            EndpointTls::Strict => Security::Checked,
        }
    }

    /// Whether a connection like this may ask for hosts with these settings. TLS and HTTP/2 were
    /// agreed on for the name asked for then, and a request may name another host, whose zone asks
    /// for more of the one or allows none of the other.
    pub(crate) fn satisfies(&self, edge: &Edge) -> bool {
        let is_new_enough = self.tls.as_ref().is_none_or(|tls| tls.version >= edge.tls_min);
        is_new_enough && (edge.http2 || self.protocol == Protocol::Http1)
    }
}

/// A client, and what is said of it to endpoints and decisions; made once per connection.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) arrival: Arrival,
    pub(crate) client: Client,
    pub(crate) lines: ClientLines,
}

impl Visitor {
    pub(crate) fn new(arrival: Arrival, geo: &Geo) -> Self {
        let client = Client::at(arrival.client, geo);
        let lines =
            ClientLines::new(client.address, client.address, client.country, arrival.is_https());
        Self { arrival, client, lines }
    }

    /// The client that a trusted proxy speaks for in one request.
    pub(crate) fn behind(&self, told: Told, geo: &Geo) -> Self {
        let Told { client: address, https } = told;
        let client_port = 0;
        let arrival =
            Arrival { client: address, client_port, https_told: https, ..self.arrival.clone() };
        let client = Client::at(address, geo);
        let proxy = self.arrival.client;
        let lines = ClientLines::new(proxy, address, client.country, arrival.is_https());
        Self { arrival, client, lines }
    }

    /// The version of its requests, in the words of rules.
    pub(crate) const fn version(&self, head: evenkeel_h1::Version) -> &'static str {
        match self.arrival.protocol {
            Protocol::Http2 => "HTTP/2",
            Protocol::Http1 => crate::facts::version(head),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16, tls: Option<TlsVersion>) -> Arrival {
        let tls = tls.map(|version| Tls { version });
        Arrival { tls, ..Arrival::plain([192, 0, 2, 1].into(), port) }
    }

    #[test]
    fn endpoints_are_spoken_to_as_the_zone_says() {
        use EndpointTls::{Flexible, Full, Off, Strict};
        use Security::{Checked, Plain, Unchecked};
        for (mode, plain, on_443, on_8443) in [
            (Off, Plain, Plain, Plain),
            (Flexible, Plain, Plain, Unchecked),
            (Full, Plain, Unchecked, Unchecked),
            (Strict, Plain, Checked, Checked),
        ] {
            let edge = Edge { endpoint_tls: mode, ..Edge::default() };
            let tls = Some(TlsVersion::Tls13);
            let found = [at(80, None), at(443, tls), at(8443, tls)].map(|a| a.security(&edge));
            assert_eq!(found, [plain, on_443, on_8443], "{mode:?}");
        }
    }

    #[test]
    fn a_connection_of_an_older_version_may_not_ask_for_hosts_of_a_stricter_zone() {
        let strict = Edge { tls_min: TlsVersion::Tls13, ..Edge::default() };
        let old = at(443, Some(TlsVersion::Tls12));
        assert!(!old.satisfies(&strict) && old.satisfies(&Edge::default()));
        assert!(
            at(443, Some(TlsVersion::Tls13)).satisfies(&strict) && at(80, None).satisfies(&strict)
        );
    }

    #[test]
    fn a_connection_of_http2_may_not_ask_for_hosts_of_a_zone_without_it() {
        let without = Edge { http2: false, ..Edge::default() };
        let http2 = Arrival { protocol: Protocol::Http2, ..at(443, Some(TlsVersion::Tls13)) };
        assert!(!http2.satisfies(&without) && http2.satisfies(&Edge::default()));
        assert!(at(443, Some(TlsVersion::Tls13)).satisfies(&without));
    }
}
