//! Pools and their endpoints.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::config::{EndpointIx, MonitorIx, PoolIx};
use crate::{Address, Coordinates, EndpointId, LoadShedding, PoolId, Region, Timestamp};

/// A group of endpoints that serve the same thing.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The pool's identifier.
    pub id: PoolId,
    /// Unique within its account.
    pub name: String,
    /// The user's wish. A disabled pool gets no traffic and no probes (behaviour.md 1.4).
    pub enabled: bool,
    /// Fewer healthy endpoints than this make the pool critical. The API calls it `minimum_origins`.
    pub endpoints_min: u32,
    /// See [`Self::monitors`].
    pub(crate) monitors: Vec<PoolMonitor>,
    /// Regions whose checkers decide on health; `None` is every PoP (behaviour.md 7.5).
    pub check_regions: Option<BTreeSet<Region>>,
    /// Whose health a node steers by.
    pub health_sources: HealthSources,
    /// How an endpoint is picked inside the pool.
    pub endpoint_steering: EndpointSteering,
    /// The share of its traffic that goes elsewhere.
    pub shedding: Option<LoadShedding>,
    /// Where it stands, for proximity steering.
    pub coordinates: Option<Coordinates>,
    /// Where the pool's endpoints stand in [`crate::Config::endpoints`], in document order.
    pub(crate) endpoints: Range<u32>,
}

impl Pool {
    /// Indices of the pool's endpoints, in document order.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = EndpointIx> + Clone + use<> {
        self.endpoints.clone().map(EndpointIx)
    }

    /// Who probes the endpoints: nobody, one monitor, or the members of a monitor group that are
    /// switched on. Each monitor comes once; at most [`POOL_MONITORS_MAX`].
    #[must_use]
    pub fn monitors(&self) -> &[PoolMonitor] {
        &self.monitors
    }

    /// The monitors that have a say in the endpoints' health.
    pub fn voters(&self) -> impl Iterator<Item = &PoolMonitor> + Clone {
        self.monitors.iter().filter(|monitor| monitor.votes())
    }

    /// Whether anybody has a say in the endpoints' health; otherwise health is ignored
    /// (behaviour.md 1.3, 7.7 item 6).
    #[must_use]
    pub fn is_monitored(&self) -> bool {
        self.voters().next().is_some()
    }
}

/// Monitors that one pool may have. Each is a probe of each endpoint per interval: a group of this
/// size already asks every endpoint sixteen times as often as one monitor does.
pub const POOL_MONITORS_MAX: usize = 16;

/// A monitor's part in judging a pool: the pool's only one, or a member of its monitor group
/// (behaviour.md 7.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolMonitor {
    /// What is asked.
    pub monitor: MonitorIx,
    /// Its failure alone makes an endpoint unhealthy, whatever the other members say.
    pub must_be_healthy: bool,
    /// It probes and notifies, and never votes. Wins over `must_be_healthy`.
    pub monitoring_only: bool,
}

impl PoolMonitor {
    /// A monitor with one plain vote: what the monitor of a pool without a group has.
    #[must_use]
    pub const fn plain(monitor: MonitorIx) -> Self {
        Self { monitor, must_be_healthy: false, monitoring_only: false }
    }

    /// Whether it has a say.
    #[must_use]
    pub const fn votes(&self) -> bool {
        !self.monitoring_only
    }

    /// Whether it can make an endpoint unhealthy alone.
    #[must_use]
    pub const fn is_veto(&self) -> bool {
        self.must_be_healthy && self.votes()
    }
}

/// Whose finding a node steers by: the first source that has one (`health_sources`, behaviour.md
/// 7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HealthSources {
    /// The node's own PoP, which has a finding only while every PoP checks; then the installation.
    #[default]
    LocalGlobal,
    /// The checkers of the node's own region, then the installation.
    RegionalGlobal,
}

/// How an endpoint is picked inside a pool (behaviour.md 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndpointSteering {
    /// A draw by weight.
    #[default]
    Random,
    /// By the client's address: each has its endpoint, for as long as that is fit.
    Hash,
    /// A draw by weight over requests in flight.
    LeastOutstandingRequests,
    /// A draw by weight over open connections.
    LeastConnections,
    /// An addition of ours: by requests in flight and by how fast endpoints answer, a draw by weight
    /// among those that are alike in both.
    LeastLatency,
}

impl EndpointSteering {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Hash => "hash",
            Self::LeastOutstandingRequests => "least_outstanding_requests",
            Self::LeastConnections => "least_connections",
            Self::LeastLatency => "least_latency",
        }
    }
}

/// One server of a pool. The API calls it an origin.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Stable identity, see [`EndpointId`].
    pub id: EndpointId,
    /// The pool it belongs to.
    pub pool: PoolIx,
    /// A label; unique within the pool, without meaning for traffic.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// TCP port; 0 is the protocol's default (80 or 443).
    pub port: u16,
    /// The user's wish.
    pub enabled: bool,
    /// When it was disabled, while it is.
    pub disabled_at: Option<Timestamp>,
    /// Share of the pool's traffic.
    pub weight: Weight,
    /// Value of the Host header sent to it instead of the client's (behaviour.md 9.3).
    pub host: Option<String>,
    /// Named egress it is reached through.
    pub virtual_network: Option<String>,
    /// Whether DNS answers hold the addresses of its name instead of the name (behaviour.md 8.3).
    pub flatten_cname: bool,
}

impl Endpoint {
    /// Whether both are the same server, in whichever pools: address, port and virtual network
    /// agree (behaviour.md U24). A server that just refused is not worth a second try under
    /// another pool's name.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.address == other.address
            && self.port == other.port
            && self.virtual_network == other.virtual_network
    }
}

/// A weight from 0 to 1 in steps of 0.01, held as hundredths so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u8);

impl Weight {
    /// No new traffic (behaviour.md 1.4).
    pub const ZERO: Self = Self(0);
    /// The default.
    pub const ONE: Self = Self(100);

    /// From hundredths; `None` above 100.
    #[must_use]
    pub const fn from_hundredths(hundredths: u8) -> Option<Self> {
        if hundredths <= 100 { Some(Self(hundredths)) } else { None }
    }

    /// From a fraction; `None` outside 0..=1 or off the 0.01 grid.
    ///
    /// `0.56` is not a binary multiple of 0.01, so the grid is checked after rounding (api.md 1.5).
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        let scaled = fraction * 100.0;
        if !(0.0..=100.0).contains(&scaled) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range checked above"
        )]
        let hundredths = (scaled + 0.5) as u8;
        let error = scaled - f64::from(hundredths);
        (-1e-6..=1e-6).contains(&error).then_some(Self(hundredths))
    }

    /// The weight in hundredths, 0..=100.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0 as u32
    }

    /// Whether it keeps new traffic away.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{AffinityKey, AffinityKeys, ConfigBuilder, PoolSpec};

    #[test]
    fn every_hundredth_survives_the_binary_fraction() {
        for hundredths in 0..=100u8 {
            let fraction = f64::from(hundredths) / 100.0;
            assert_eq!(Weight::from_fraction(fraction), Weight::from_hundredths(hundredths));
        }
    }

    #[test]
    fn a_monitor_counts_once_and_only_voters_make_a_pool_monitored() {
        let key = AffinityKey([0; 32]);
        let watcher =
            |monitor| PoolMonitor { monitoring_only: true, ..PoolMonitor::plain(monitor) };
        let (a, b) = (MonitorIx(0), MonitorIx(1));
        for (given, kept, voters) in [
            (vec![], 0, 0),
            (vec![PoolMonitor::plain(a)], 1, 1),
            (vec![watcher(a), watcher(b)], 2, 0),
            (vec![watcher(a), PoolMonitor::plain(b), PoolMonitor::plain(a)], 2, 1),
            ((0..20).map(|n| PoolMonitor::plain(MonitorIx(n))).collect(), POOL_MONITORS_MAX, 16),
        ] {
            let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
            let spec = PoolSpec::new(PoolId([1; 16]), "pool", vec![]);
            builder.pool(PoolSpec { monitors: given.clone(), ..spec });
            let config = builder.build();
            let pool = &config.pools[0];
            assert_eq!((pool.monitors().len(), pool.voters().count()), (kept, voters), "{given:?}");
            assert_eq!(pool.is_monitored(), voters > 0, "{given:?}");
        }
        let both = PoolMonitor { must_be_healthy: true, ..watcher(a) };
        assert!(!both.is_veto() && !both.votes());
    }

    #[test]
    fn off_the_grid_is_refused() {
        for fraction in [-0.01, 1.01, 0.555, 0.001, f64::NAN, f64::INFINITY] {
            assert_eq!(Weight::from_fraction(fraction), None, "{fraction}");
        }
    }
}
