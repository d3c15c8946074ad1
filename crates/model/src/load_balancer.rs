//! Load balancers: which pools a host name's traffic goes to, and what ties a client to one of them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::PoolIx;
use crate::{
    Edge, HostPattern, LoadBalancerId, LocationStrategy, PoolSet, Rule, SessionAffinity, Topology,
    Weight, ZoneId,
};

/// One host name and how its traffic is steered.
#[derive(Debug, Clone)]
pub struct LoadBalancer {
    /// The load balancer's identifier.
    pub id: LoadBalancerId,
    /// The zone it belongs to.
    pub zone: ZoneId,
    /// The host name, or `*.` and a suffix.
    pub host: HostPattern,
    /// The user's wish. A disabled one does not own its name (behaviour.md 1.5).
    pub enabled: bool,
    /// Whether traffic passes through the proxy; otherwise only DNS answers come from it.
    pub proxied: bool,
    /// Candidates in failover order, first occurrence of each.
    pub default_pools: Vec<PoolIx>,
    /// What serves when no candidate is fit; its health is not considered (behaviour.md 1.4).
    pub fallback_pool: PoolIx,
    /// How a pool is chosen among the candidates. The empty word of a document is resolved before
    /// it gets here: [`Steering::Geo`] with any map that has entries, else [`Steering::Off`].
    pub steering: Steering,
    /// The candidates by where the request comes from, for [`Steering::Geo`]. Kept with any other
    /// policy too, where it counts for nothing.
    pub topology: Topology,
    /// Weights for the policies that draw.
    pub pool_weights: PoolWeights,
    /// What ties a client to an endpoint.
    pub affinity: SessionAffinity,
    /// Whether the one retry may leave the pool (`adaptive_routing.failover_across_pools`).
    pub failover_across_pools: bool,
    /// In order; the first that matches replaces the candidates. Disabled ones are left out.
    pub pool_sets: Vec<PoolSet>,
    /// In the order they apply: ascending priority, then array order. Disabled ones are left out.
    pub rules: Vec<Rule>,
    /// Where a DNS query is taken to come from. Counts for DNS-only load balancers alone.
    pub location: LocationStrategy,
    /// Time to live of DNS answers, in seconds. Counts for DNS-only load balancers alone.
    pub ttl_s: u32,
    /// What its zone says of the connections on both sides. Counts for proxied ones alone.
    pub edge: Edge,
}

impl LoadBalancer {
    /// Time to live of DNS answers when the document is silent, in seconds (behaviour.md 8.6).
    pub const TTL_DEFAULT_S: u32 = 30;

    /// An enabled, proxied load balancer in failover order: what a document with only these members
    /// means, but for `proxied`.
    #[must_use]
    pub fn new(
        id: LoadBalancerId,
        host: HostPattern,
        pools: Vec<PoolIx>,
        fallback: PoolIx,
    ) -> Self {
        Self {
            id,
            zone: ZoneId([0; 16]),
            host,
            enabled: true,
            proxied: true,
            default_pools: pools,
            fallback_pool: fallback,
            steering: Steering::default(),
            topology: Topology::default(),
            pool_weights: PoolWeights::default(),
            affinity: SessionAffinity::default(),
            failover_across_pools: false,
            pool_sets: Vec::new(),
            rules: Vec::new(),
            location: LocationStrategy::default(),
            ttl_s: Self::TTL_DEFAULT_S,
            edge: Edge::default(),
        }
    }

    /// Host name as the user wrote it, for logs and trails.
    #[must_use]
    pub fn name(&self) -> String {
        alloc::format!("{}", self.host)
    }
}

/// How a pool is chosen (behaviour.md 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Steering {
    /// First fit pool in list order.
    #[default]
    Off,
    /// First fit pool of the list that the topology has for the request.
    Geo,
    /// A draw by weight among the fit pools.
    Random,
    /// The fit pool whose probes come back soonest.
    DynamicLatency,
    /// The nearest fit pool.
    Proximity,
    /// A draw by weight over requests in flight.
    LeastOutstandingRequests,
    /// A draw by weight over open connections.
    LeastConnections,
}

impl Steering {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Geo => "geo",
            Self::Random => "random",
            Self::DynamicLatency => "dynamic_latency",
            Self::Proximity => "proximity",
            Self::LeastOutstandingRequests => "least_outstanding_requests",
            Self::LeastConnections => "least_connections",
        }
    }
}

/// Weights of pools for the policies that draw (`random_steering`).
#[derive(Debug, Clone, Default)]
pub struct PoolWeights {
    /// Pools with a weight of their own.
    pub of_pool: Vec<(PoolIx, Weight)>,
    /// Everyone else's weight; 1 when the document is silent.
    pub default: Weight,
}

impl PoolWeights {
    /// The weight of one pool.
    #[must_use]
    pub fn of(&self, pool: PoolIx) -> Weight {
        self.of_pool.iter().find(|(ix, _)| *ix == pool).map_or(self.default, |(_, weight)| *weight)
    }
}
