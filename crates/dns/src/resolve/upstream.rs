//! One look-up of a host name by the machine's resolvers, or by those that are named.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use smallvec::SmallVec;

use crate::answer::Family;

/// How long one server may take.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// How long all of them may take together (behaviour.md 11.4).
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);
/// Questions under way to one server over one connection: more than `keep` ever has.
const REQUESTS_MAX: usize = 256;
/// How long it counts that a name has no such addresses, where nobody says so.
const NEGATIVE_TTL_S: u32 = 5;

/// A resolver to ask: an address, and a port other than 53 where one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolverAddress(pub SocketAddr);

/// A text is no address of a resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolverAddressError;

impl fmt::Display for ResolverAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not an address as 192.0.2.53 or [2001:db8::53]:5353")
    }
}

impl std::error::Error for ResolverAddressError {}

impl FromStr for ResolverAddress {
    type Err = ResolverAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_port = |ip| SocketAddr::new(ip, 53);
        let address = text.parse().or_else(|_| text.parse().map(with_port));
        match address {
            Ok(address) if address.port() > 0 && !address.ip().is_unspecified() => {
                Ok(Self(address))
            }
            _ => Err(ResolverAddressError),
        }
    }
}

/// What an upstream says of one family of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its addresses; empty when it has none, or does not exist.
    pub(super) addresses: SmallVec<[IpAddr; 4]>,
    pub(super) ttl_s: u32,
}

/// Whom names are asked of.
pub(super) struct Upstream(TokioResolver);

impl Upstream {
    /// These servers, or those of the machine. Its file of hosts comes before either.
    ///
    /// A machine that names none is taken to have one of its own, as every program does
    /// (resolv.conf(5)).
    pub(super) fn new(servers: &[ResolverAddress]) -> Result<Self, NetError> {
        let (config, options) = if servers.is_empty() {
            hickory_resolver::system_conf::read_system_conf().unwrap_or_else(|error| {
                tracing::warn!(%error, "The machine names no resolver; asking 127.0.0.1.");
                let own = ResolverAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
                (config(&[own]), ResolverOpts::default())
            })
        } else {
            (config(servers), ResolverOpts::default())
        };
        let provider = TokioRuntimeProvider::default();
        let mut builder =
            TokioResolver::builder_with_config(config, provider).with_options(options);
        let options = builder.options_mut();
        options.timeout = SERVER_LIMIT;
        options.attempts = 1;
        // Each look-up is wanted for its own sake; what is known is kept in `names`.
        options.cache_size = 0;
        options.max_active_requests = REQUESTS_MAX;
        options.use_hosts_file = ResolveHosts::Always;
        builder.build().map(Self)
    }

    /// The addresses of one family of a name. Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// When nobody answered, or nobody knows whether the name exists.
    pub(super) async fn look_up(&self, name: &str, family: Family) -> Result<Found, NetError> {
        let mut absolute = Name::from_ascii(name)?;
        // A name with dots is whole; the machine's search list is for those without.
        absolute.set_fqdn(name.contains('.'));
        let rtype = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        let asked = self.0.lookup(absolute, rtype);
        match tokio::time::timeout(LOOKUP_LIMIT, asked).await.map_err(|_| NetError::Timeout)? {
            Ok(lookup) => {
                let of_type =
                    lookup.answers().iter().filter(|record| record.record_type() == rtype);
                let ttl_s = lookup.answers().iter().map(|record| record.ttl).min();
                let addresses = of_type.filter_map(|record| record.data.ip_addr()).collect();
                Ok(Found { addresses, ttl_s: ttl_s.unwrap_or(NEGATIVE_TTL_S) })
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                let ttl_s = none.negative_ttl.unwrap_or(NEGATIVE_TTL_S);
                Ok(Found { addresses: SmallVec::new(), ttl_s })
            }
            Err(error) => Err(error),
        }
    }
}

fn config(servers: &[ResolverAddress]) -> ResolverConfig {
    let server = |ResolverAddress(address): &ResolverAddress| {
        let connections =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
        NameServerConfig::new(address.ip(), true, connections.into())
    };
    ResolverConfig::from_name_servers(servers.iter().map(server).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_addresses_with_or_without_a_port() {
        for (text, expected) in [
            ("192.0.2.53", Some("192.0.2.53:53")),
            ("192.0.2.53:5353", Some("192.0.2.53:5353")),
            ("::1", Some("[::1]:53")),
            ("[::1]:5353", Some("[::1]:5353")),
            ("192.0.2.53:0", None),
            ("0.0.0.0", None),
            ("dns.example", None),
            ("", None),
        ] {
            let read = text.parse::<ResolverAddress>().ok().map(|read| read.0.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
