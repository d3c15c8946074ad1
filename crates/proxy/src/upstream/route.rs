//! How one request gets to its endpoint: where to, and what is spoken there.
//!
//! On the request path: for plain endpoints a route costs nothing.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::{IpAddr, SocketAddr};

use arrayvec::ArrayString;
use evenkeel_h1::host::Authority;
use evenkeel_model::{Address, Endpoint, LoadBalancer};
use evenkeel_net::tls::client::{Checks, Outbound, Target};

use crate::arrival::Security;

/// Longest form of an address: IPv6 with an IPv4 tail.
const ADDRESS_BYTES_MAX: usize = 45;

/// Two requests may share a connection when these agree (behaviour.md 10, item 4). Host is not
/// among them, except as far as TLS asks for it and certificates are judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) address: SocketAddr,
    /// A fingerprint of everything TLS was done with, and of whom the connection was introduced for;
    /// 0 without either.
    fingerprint: u128,
}

impl Key {
    /// Of connections without TLS.
    pub(crate) const fn plain(address: SocketAddr) -> Self {
        Self { address, fingerprint: 0 }
    }

    /// Of connections that began with these bytes.
    fn introduced_by(self, introduction: &[u8], fingerprints: &Fingerprints) -> Self {
        if introduction.is_empty() {
            return self;
        }
        let fingerprint = fingerprints.of(&(self.fingerprint, introduction)).max(1);
        Self { fingerprint, ..self }
    }

    /// Of connections that have TLS done in this way.
    fn over_tls(
        address: SocketAddr,
        target: &Target<'_>,
        trust: u64,
        fingerprints: &Fingerprints,
    ) -> Self {
        let Target { zone, checks, identity, http2, host, endpoint, requested } = *target;
        // Without checks nobody asks whom a certificate is for.
        let requested = (checks == Checks::Full).then_some(requested);
        let fingerprint =
            fingerprints.of(&(zone, trust, checks, identity, http2, host, endpoint, requested));
        Self { address, fingerprint: fingerprint.max(1) }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.address.ip() {
            IpAddr::V4(address) => state.write_u32(address.to_bits()),
            IpAddr::V6(address) => {
                let [high, low] = [address.to_bits() >> 64, address.to_bits()];
                state.write_u64(high as u64);
                state.write_u64(low as u64);
            }
        }
        state.write_u64(u64::from(self.address.port()) ^ self.fingerprint as u64);
    }
}

/// Makes fingerprints that nobody can choose: strangers name hosts, and must not find two ways that
/// share a connection.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints([RandomState; 2]);

impl Fingerprints {
    fn of(&self, value: &impl Hash) -> u128 {
        let [high, low] = self.0.each_ref().map(|state| u128::from(state.hash_one(value)));
        high << 64 | low
    }
}

/// What is spoken with an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Speech<'a> {
    /// HTTP/1.1 over TCP.
    Http1,
    /// HTTP/2 over TCP, without asking whether the endpoint knows it (RFC 9113 section 3.3).
    Http2,
    /// HTTP over TLS; which version is agreed on during the handshake.
    Tls(Target<'a>),
}

/// What decides about the way to an endpoint, besides where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) security: Security,
    pub(crate) load_balancer: &'a LoadBalancer,
    pub(crate) endpoint: &'a Endpoint,
    /// The endpoint's own name or address, from [`name_of`].
    pub(crate) name: &'a str,
    /// The host the client asked for: lower case, no port.
    pub(crate) requested: &'a str,
    /// What new connections begin with.
    pub(crate) introduction: &'a [u8],
    /// Whether only HTTP/1.1 will do, as for an upgrade.
    pub(crate) wants_http1: bool,
    /// Whether a plain endpoint is spoken to in HTTP/2.
    pub(crate) wants_cleartext_http2: bool,
}

/// The way of one request to its endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) key: Key,
    pub(crate) speech: Speech<'a>,
    /// What a new connection begins with: the PROXY header of its one client, if it has one.
    pub(crate) introduction: &'a [u8],
}

impl<'a> Route<'a> {
    /// The way to `address`.
    pub(crate) fn new(
        address: SocketAddr,
        circumstances: &Circumstances<'a>,
        fingerprints: &Fingerprints,
        outbound: &Outbound,
    ) -> Self {
        let Circumstances { load_balancer, endpoint, name, requested, introduction, .. } =
            *circumstances;
        let checks = match circumstances.security {
            Security::Plain => {
                let key = Key::plain(address).introduced_by(introduction, fingerprints);
                let speech = match circumstances.wants_cleartext_http2 {
                    false => Speech::Http1,
                    true => Speech::Http2,
                };
                return Self { key, speech, introduction };
            }
            Security::Unchecked => Checks::None,
            Security::Checked => Checks::Full,
        };
        let edge = &load_balancer.edge;
        let target = Target {
            zone: load_balancer.zone.0,
            checks,
            identity: edge.endpoint_certificate,
            // A connection with many streams cannot be one client's.
            http2: edge.endpoint_http2 && !circumstances.wants_http1 && introduction.is_empty(),
            host: endpoint.host.as_deref().map_or(requested, without_port),
            endpoint: name,
            requested,
        };
        let trust = outbound.version(&target.zone);
        let key = Key::over_tls(address, &target, trust, fingerprints);
        let key = key.introduced_by(introduction, fingerprints);
        Self { key, speech: Speech::Tls(target), introduction }
    }

    /// Whether its connections are opened for one client and kept from all others.
    pub(crate) const fn is_personal(&self) -> bool {
        !self.introduction.is_empty()
    }
}

/// An endpoint's own name, for which `literal` is the storage where it has only an address.
pub(crate) fn name_of<'a>(endpoint: &'a Endpoint, literal: &'a mut Literal) -> &'a str {
    match &endpoint.address {
        Address::Name(name) => name,
        Address::Ip(address) => literal.write(*address),
    }
}

/// Room for an address in words.
#[derive(Debug, Default)]
pub(crate) struct Literal(ArrayString<ADDRESS_BYTES_MAX>);

impl Literal {
    fn write(&mut self, address: IpAddr) -> &str {
        use std::fmt::Write;
        write!(self.0, "{address}").expect("there is room for any address");
        &self.0
    }
}

/// The host of a `Host` value.
fn without_port(host: &str) -> &str {
    let name = Authority::parse(host.as_bytes()).ok().map_or(host.as_bytes(), |host| host.name);
    std::str::from_utf8(name).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::Arc;

    use tokio_rustls::rustls::RootCertStore;

    use evenkeel_model::{
        AffinityKey, AffinityKeys, ConfigBuilder, Edge, EndpointSpec, HostPattern, LoadBalancerId,
        PoolId, PoolIx, PoolSpec, ZoneId,
    };

    fn target(checks: Checks) -> Target<'static> {
        Target {
            zone: [1; 16],
            checks,
            identity: false,
            http2: true,
            host: "a.example",
            endpoint: "192.0.2.1",
            requested: "b.example",
        }
    }

    #[test]
    fn connections_are_shared_by_those_who_agree_on_everything_that_tls_shows() {
        let address = "192.0.2.1:443".parse().unwrap();
        let fingerprints = Fingerprints::default();
        let key = |target: Target<'_>| Key::over_tls(address, &target, 7, &fingerprints);
        for checks in [Checks::None, Checks::Full] {
            let same = target(checks);
            assert_eq!(key(same), key(same));
            for other in [
                Target { zone: [2; 16], ..same },
                Target { identity: true, ..same },
                Target { http2: false, ..same },
                Target { host: "c.example", ..same },
                Target { endpoint: "192.0.2.2", ..same },
                Target { host: "a.example1", endpoint: "92.0.2.1", ..same },
            ] {
                assert_ne!(key(same), key(other), "{other:?}");
            }
            let requested = key(Target { requested: "d.example", ..same });
            assert_eq!(key(same) == requested, checks == Checks::None);
            assert_ne!(key(same), Key::plain(address));
        }
        assert_ne!(key(target(Checks::None)), key(target(Checks::Full)));
    }

    fn endpoint() -> Endpoint {
        let keys = AffinityKeys { current: AffinityKey([1; 32]), previous: None };
        let mut builder = ConfigBuilder::new(keys);
        let address = Address::Name("endpoint.example".to_owned());
        let endpoints = vec![EndpointSpec::new("endpoint", address, 0)];
        builder.pool(PoolSpec::new(PoolId([1; 16]), "pool", endpoints));
        builder.build().endpoints.remove(0)
    }

    #[test]
    fn what_is_asked_for_and_offered_follows_from_host_edge_and_request() {
        let endpoint = Endpoint { host: None, ..endpoint() };
        let renamed = Endpoint { host: Some("other.example:8443".to_owned()), ..endpoint.clone() };
        let host = HostPattern::parse("lb.example").unwrap();
        let mut load_balancer =
            LoadBalancer::new(LoadBalancerId([1; 16]), host, vec![PoolIx(0)], PoolIx(0));
        load_balancer.zone = ZoneId([9; 16]);
        load_balancer.edge = Edge { endpoint_certificate: true, ..Edge::default() };
        let circumstances = Circumstances {
            security: Security::Checked,
            load_balancer: &load_balancer,
            endpoint: &renamed,
            name: "endpoint.example",
            requested: "lb.example",
            introduction: &[],
            wants_http1: false,
            wants_cleartext_http2: false,
        };
        let fingerprints = Fingerprints::default();
        let outbound = Outbound::new(Arc::new(RootCertStore::empty()));
        let route = |circumstances: Circumstances<'_>| {
            let address = "192.0.2.1:443".parse().unwrap();
            match Route::new(address, &circumstances, &fingerprints, &outbound).speech {
                Speech::Tls(target) => (target.host.to_owned(), target.http2, target.identity),
                speech => panic!("{speech:?}"),
            }
        };
        let expected = |host: &str, http2| (host.to_owned(), http2, true);
        assert_eq!(route(circumstances), expected("other.example", true));
        let introduced = Circumstances { introduction: b"PROXY", ..circumstances };
        assert_eq!(route(introduced), expected("other.example", false));
        let upgrade = Circumstances { wants_http1: true, ..circumstances };
        assert_eq!(route(upgrade), expected("other.example", false));
        let plain = Circumstances { endpoint: &endpoint, ..circumstances };
        assert_eq!(route(plain), expected("lb.example", true));
    }
}
