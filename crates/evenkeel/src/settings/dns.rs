//! Settings of the name server: where it listens, what it says of this node, what it grants to whom.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_dns::Advertised;
use evenkeel_dns::resolve::ResolverAddress;
use evenkeel_dns::server::{CookieSecrets, QueryLogSettings, RateSettings, parse_secrets};
use evenkeel_model::{AddressKind, HostPattern};
use ipnet::IpNet;

use super::Layers;
use crate::cli::NameServerArgs;

/// Answers per second, network and kind. Ten times what the busiest resolver asks of one name
/// server, and a tenth of what harms anybody.
const RATE_PER_SECOND: u32 = 1000;
/// Of two answers beyond the rate one is sent as truncated: an honest client that loses one in two
/// still gets through at its next try.
const RATE_SLIP: u32 = 2;
/// Networks without a limit unless others are named: nobody else can be asked in their name.
const RATE_EXEMPT: [&str; 2] = ["127.0.0.0/8", "::1/128"];
/// Longest name that the server gives itself, in bytes: it goes into every answer that asks.
const NSID_BYTES_MAX: usize = 128;

/// Settings as meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct DnsSettings {
    /// Empty while there is no name server.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Empty for what [`Self::advertised`] finds.
    pub(crate) advertise: Vec<IpAddr>,
    /// Lower case, without a final dot.
    pub(crate) name_servers: Vec<String>,
    pub(crate) nsid: Vec<u8>,
    /// `None` for what the data directory keeps.
    pub(crate) cookies: Option<CookieSecrets>,
    pub(crate) rate: Option<RateSettings>,
    pub(crate) rate_exempt: Vec<IpNet>,
    pub(crate) resolvers: Vec<ResolverAddress>,
    pub(crate) log: Option<QueryLogSettings>,
}

impl DnsSettings {
    /// What proxied names are answered with: the addresses that were named, or those of these
    /// listeners that are one address each and not this machine's alone.
    pub(crate) fn advertised(&self, listeners: &[SocketAddr]) -> Advertised {
        let mut advertised = Advertised::default();
        let found = listeners.iter().map(SocketAddr::ip).filter(|ip| {
            let is_named = !ip.is_loopback() && !ip.is_unspecified();
            is_named && !matches!(AddressKind::of(*ip), AddressKind::LinkLocal | AddressKind::Many)
        });
        let named = self.advertise.iter().copied();
        let addresses: Vec<_> =
            if self.advertise.is_empty() { found.collect() } else { named.collect() };
        for address in addresses {
            match address {
                IpAddr::V4(ip) if !advertised.v4.contains(&ip) => advertised.v4.push(ip),
                IpAddr::V6(ip) if !advertised.v6.contains(&ip) => advertised.v6.push(ip),
                _ => {}
            }
        }
        advertised
    }
}

impl Layers<'_> {
    pub(super) fn dns(&mut self, args: &NameServerArgs) -> DnsSettings {
        let rate = self.one("dns-rate-limit", &args.dns_rate_limit);
        let exempt = || RATE_EXEMPT.iter().filter_map(|text| text.parse().ok()).collect();
        DnsSettings {
            addresses: self.many("dns", &args.dns).unwrap_or_default(),
            advertise: self
                .many::<PublicAddress>("advertise", &args.advertise)
                .map(|addresses| addresses.into_iter().map(|PublicAddress(ip)| ip).collect())
                .unwrap_or_default(),
            name_servers: self
                .many::<ServerName>("name-server", &args.name_server)
                .map(|names| names.into_iter().map(|ServerName(name)| name).collect())
                .unwrap_or_default(),
            nsid: self.nsid(args),
            cookies: self.cookies(args),
            rate: match rate.unwrap_or(RATE_PER_SECOND) {
                0 => None,
                per_second => Some(RateSettings { per_second, slip: RATE_SLIP }),
            },
            rate_exempt: self
                .many("dns-rate-limit-exempt", &args.dns_rate_limit_exempt)
                .unwrap_or_else(exempt),
            resolvers: self.many("dns-resolvers", &args.dns_resolvers).unwrap_or_default(),
            log: self.query_log(args),
        }
    }

    fn nsid(&mut self, args: &NameServerArgs) -> Vec<u8> {
        // A comma may be part of it.
        let nsid = self.whole("dns-nsid", &args.dns_nsid).unwrap_or_default();
        if nsid.len() > NSID_BYTES_MAX {
            self.problems.push(format!("dns-nsid: longer than {NSID_BYTES_MAX} bytes"));
        }
        nsid.into_bytes()
    }

    /// Never repeats what was given: it is a secret.
    fn cookies(&mut self, args: &NameServerArgs) -> Option<CookieSecrets> {
        let given = self.given("dns-cookie-secret", &args.dns_cookie_secret)?;
        let texts = given.values.iter().flat_map(|value| value.split(','));
        match parse_secrets(texts) {
            Ok(secrets) => Some(secrets),
            Err(error) => {
                self.problems.push(format!("{}: {error}", given.source));
                None
            }
        }
    }

    fn query_log(&mut self, args: &NameServerArgs) -> Option<QueryLogSettings> {
        let path = self.whole("dns-log", &args.dns_log).map(PathBuf::from);
        let is_some = |n: &u32| *n >= 1;
        let sample = self.checked("dns-log-sample", &args.dns_log_sample, is_some, "at least 1");
        match (path, sample) {
            (Some(path), sample) => Some(QueryLogSettings { path, sample: sample.unwrap_or(1) }),
            (None, Some(_)) => {
                self.problems.push("dns-log: missing beside dns-log-sample".to_owned());
                None
            }
            (None, None) => None,
        }
    }
}

/// An address that clients may be sent to.
struct PublicAddress(IpAddr);

impl FromStr for PublicAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address: IpAddr = text.parse().map_err(|_| "is not an address as 192.0.2.1")?;
        let is_one = !address.is_unspecified() && !address.is_multicast();
        is_one.then_some(Self(address)).ok_or("is not the address of one machine")
    }
}

/// The host name of a name server.
struct ServerName(String);

impl FromStr for ServerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match HostPattern::parse(text) {
            Ok(HostPattern::Exact(name)) if text.parse::<IpAddr>().is_err() => Ok(Self(name)),
            _ => Err("is not a host name as ns1.example.com"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_that_others_reach_are_advertised_unless_addresses_are_named() {
        let listeners = [
            "127.0.0.1:80",
            "0.0.0.0:80",
            "192.0.2.1:80",
            "192.0.2.1:443",
            "10.0.0.1:80",
            "[2001:db8::1]:80",
            "[fe80::1]:80",
            "[::]:80",
        ]
        .map(|text| text.parse().unwrap());
        let mut settings = DnsSettings::default();
        let found = settings.advertised(&listeners);
        assert_eq!(
            found.v4,
            ["192.0.2.1", "10.0.0.1"].map(|ip| ip.parse::<std::net::Ipv4Addr>().unwrap())
        );
        assert_eq!(found.v6, ["2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap()]);
        settings.advertise = vec!["127.0.0.7".parse().unwrap()];
        let named = settings.advertised(&listeners);
        assert_eq!((named.v4.len(), named.v6.len()), (1, 0));
    }
}
