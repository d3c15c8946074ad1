//! Who asks, and where that is: a client of the proxy, or a DNS query with its resolver and perhaps
//! a client subnet (behaviour.md 2.4, 2.6, 8.4).

use core::cell::Cell;
use core::net::IpAddr;

use evenkeel_model::{
    Coordinates, Country, EcsPreference, Location, LocationMode, LocationStrategy, Node, Steering,
};

use crate::rendezvous::Key;
use crate::{ClientSubnet, Geography, Mode, QueryFacts, RequestFacts};

/// Who asks.
#[derive(Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) node: &'a Node,
    geography: &'a dyn Geography,
    who: Who,
    /// Whether the decision has come to depend on the client subnet.
    subnet_used: Cell<bool>,
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Client(IpAddr, Mode),
    Query { resolver: IpAddr, subnet: Option<ClientSubnet> },
}

/// What a query's place is taken from (behaviour.md 8.4).
#[derive(Debug, Clone, Copy)]
enum Source {
    Address(IpAddr),
    Subnet(IpAddr),
    Node,
}

impl<'a> Asker<'a> {
    pub(crate) fn of_request(facts: &RequestFacts<'a>) -> Self {
        let RequestFacts { node, geography, client, mode, .. } = *facts;
        Self { node, geography, who: Who::Client(client, mode), subnet_used: Cell::new(false) }
    }

    pub(crate) fn of_query(facts: &QueryFacts<'a>) -> Self {
        let QueryFacts { node, geography, resolver, client_subnet: subnet, .. } = *facts;
        Self {
            node,
            geography,
            who: Who::Query { resolver, subnet },
            subnet_used: Cell::new(false),
        }
    }

    /// In which form proxied traffic comes; `None` for a query.
    pub(crate) const fn mode(&self) -> Option<Mode> {
        match self.who {
            Who::Client(_, mode) => Some(mode),
            Who::Query { .. } => None,
        }
    }

    /// Length of the client subnet's prefix, if the decision depends on it.
    pub(crate) fn scope(&self) -> Option<u8> {
        match self.who {
            Who::Query { subnet: Some(subnet), .. } if self.subnet_used.get() => {
                Some(subnet.prefix)
            }
            _ => None,
        }
    }

    /// The address that conditions of rules see: the client subnet's whenever there is one.
    pub(crate) fn rule_address(&self) -> IpAddr {
        match self.who {
            Who::Client(address, _) => address,
            Who::Query { resolver, subnet } => {
                self.note_subnet();
                subnet.map_or(resolver, |subnet| subnet.address)
            }
        }
    }

    /// The number of the system that announces that address.
    pub(crate) fn rule_asn(&self) -> Option<u32> {
        self.geography.asn(self.rule_address())
    }

    /// Notes that the decision depends on the client subnet, or on there being none.
    pub(crate) fn note_subnet(&self) {
        self.subnet_used.set(true);
    }

    /// Where it is; without a country when the node has to stand in.
    pub(crate) fn location(&self, steering: Steering, strategy: LocationStrategy) -> Location {
        match self.source(steering, strategy) {
            Source::Address(address) => self.geography.location(address),
            Source::Subnet(address) => {
                self.note_subnet();
                self.geography.location(address)
            }
            Source::Node => Location::default(),
        }
    }

    /// Its country, as geo steering sees it. A client of an unknown country matches no entry; a
    /// query is then taken to come from where it arrived.
    pub(crate) fn country(
        &self,
        steering: Steering,
        strategy: LocationStrategy,
    ) -> Option<Country> {
        let country = self.location(steering, strategy).country;
        match self.who {
            Who::Client(..) => country,
            Who::Query { .. } => country.or(self.node.country),
        }
    }

    /// Where proximity is measured from: this server for traffic, what the strategy says for
    /// queries.
    pub(crate) fn origin(
        &self,
        steering: Steering,
        strategy: LocationStrategy,
    ) -> Option<Coordinates> {
        match self.who {
            Who::Client(..) => self.node.coordinates,
            Who::Query { .. } => {
                self.location(steering, strategy).coordinates.or(self.node.coordinates)
            }
        }
    }

    /// What choices by hash follow from.
    pub(crate) fn key(&self, steering: Steering, strategy: LocationStrategy) -> Key {
        Key::of_address(match (self.who, self.source(steering, strategy)) {
            (Who::Client(address, _), _) | (Who::Query { .. }, Source::Subnet(address)) => address,
            (Who::Query { resolver, .. }, Source::Address(_) | Source::Node) => resolver,
        })
    }

    /// Whether [`Self::key`] is the client subnet's.
    pub(crate) fn key_is_subnet(&self, steering: Steering, strategy: LocationStrategy) -> bool {
        matches!(self.source(steering, strategy), Source::Subnet(_))
    }

    fn source(&self, steering: Steering, strategy: LocationStrategy) -> Source {
        let (resolver, subnet) = match self.who {
            Who::Client(address, _) => return Source::Address(address),
            Who::Query { resolver, subnet } => (resolver, subnet),
        };
        let prefers_subnet = match strategy.prefer_ecs {
            EcsPreference::Always => true,
            EcsPreference::Never => false,
            EcsPreference::Proximity => steering == Steering::Proximity,
            EcsPreference::Geo => steering == Steering::Geo,
        };
        match (subnet.filter(|_| prefers_subnet), strategy.mode) {
            (Some(subnet), _) => Source::Subnet(subnet.address),
            (None, LocationMode::ResolverIp) => Source::Address(resolver),
            (None, LocationMode::Pop) => Source::Node,
        }
    }
}
