//! Everything configured, resolved into one another: no identifier is left to look up on the
//! request path, and no reference can dangle.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::{
    Address, Coordinates, Endpoint, EndpointId, EndpointSteering, HealthSources, HostIndex,
    LoadBalancer, LoadShedding, Monitor, Overrides, POOL_MONITORS_MAX, Pool, PoolId, PoolMonitor,
    PoolSetOutcome, Region, RuleAction, Timestamp, Topology, Weight,
};

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into the [`Config`] list of its kind.
            #[must_use]
            pub const fn get(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

indices! {
    /// Place of a load balancer in [`Config::load_balancers`].
    LoadBalancerIx;
    /// Place of a pool in [`Config::pools`].
    PoolIx;
    /// Place of an endpoint in [`Config::endpoints`].
    EndpointIx;
    /// Place of a monitor in [`Config::monitors`].
    MonitorIx;
}

/// A secret that session cookies are signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AffinityKey(pub [u8; 32]);

impl core::fmt::Debug for AffinityKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AffinityKey(…)")
    }
}

/// The cluster's cookie keys: new cookies are signed with the current one, the previous one is
/// still believed (behaviour.md 4.2).
#[derive(Debug, Clone, Copy)]
pub struct AffinityKeys {
    /// Signs and verifies.
    pub current: AffinityKey,
    /// Verifies.
    pub previous: Option<AffinityKey>,
}

/// Everything configured. Built once per change by [`ConfigBuilder`], never altered.
#[derive(Debug)]
pub struct Config {
    /// Every load balancer, disabled ones included.
    pub load_balancers: Vec<LoadBalancer>,
    /// Every pool.
    pub pools: Vec<Pool>,
    /// The endpoints of all pools, each pool's side by side.
    pub endpoints: Vec<Endpoint>,
    /// Every monitor.
    pub monitors: Vec<Monitor>,
    /// What session cookies are signed with.
    pub affinity_keys: AffinityKeys,
    hosts: HostIndex,
}

impl Config {
    /// The load balancer that owns a host name (lower case, no port, no final dot). Disabled ones
    /// own nothing (behaviour.md 1.5).
    #[must_use]
    pub fn find_host(&self, host: &str) -> Option<LoadBalancerIx> {
        self.hosts.find(host)
    }

    /// The load balancer at a place.
    #[must_use]
    pub fn load_balancer(&self, ix: LoadBalancerIx) -> &LoadBalancer {
        &self.load_balancers[ix.get()]
    }

    /// The pool at a place.
    #[must_use]
    pub fn pool(&self, ix: PoolIx) -> &Pool {
        &self.pools[ix.get()]
    }

    /// The endpoint at a place.
    #[must_use]
    pub fn endpoint(&self, ix: EndpointIx) -> &Endpoint {
        &self.endpoints[ix.get()]
    }

    /// The monitor at a place.
    #[must_use]
    pub fn monitor(&self, ix: MonitorIx) -> &Monitor {
        &self.monitors[ix.get()]
    }

    /// Endpoints with their places.
    pub fn endpoints_indexed(&self) -> impl Iterator<Item = (EndpointIx, &Endpoint)> {
        (0..).map(EndpointIx).zip(&self.endpoints)
    }
}

/// A pool about to be added: what [`Pool`] holds, before it has a place.
#[derive(Debug, Clone)]
pub struct PoolSpec {
    /// See [`Pool::id`].
    pub id: PoolId,
    /// See [`Pool::name`].
    pub name: String,
    /// See [`Pool::enabled`].
    pub enabled: bool,
    /// See [`Pool::endpoints_min`].
    pub endpoints_min: u32,
    /// See [`Pool::monitors`].
    pub monitors: Vec<PoolMonitor>,
    /// See [`Pool::check_regions`].
    pub check_regions: Option<BTreeSet<Region>>,
    /// See [`Pool::health_sources`].
    pub health_sources: HealthSources,
    /// See [`Pool::endpoint_steering`].
    pub endpoint_steering: EndpointSteering,
    /// See [`Pool::shedding`].
    pub shedding: Option<LoadShedding>,
    /// See [`Pool::coordinates`].
    pub coordinates: Option<Coordinates>,
    /// In document order.
    pub endpoints: Vec<EndpointSpec>,
}

impl PoolSpec {
    /// An enabled pool without a monitor: what a document with only these members means.
    #[must_use]
    pub fn new(id: PoolId, name: &str, endpoints: Vec<EndpointSpec>) -> Self {
        Self {
            id,
            name: name.to_string(),
            enabled: true,
            endpoints_min: 1,
            monitors: Vec::new(),
            check_regions: None,
            health_sources: HealthSources::default(),
            endpoint_steering: EndpointSteering::default(),
            shedding: None,
            coordinates: None,
            endpoints,
        }
    }
}

/// An endpoint about to be added: what [`Endpoint`] holds, before it has a place.
#[derive(Debug, Clone)]
pub struct EndpointSpec {
    /// See [`Endpoint::name`].
    pub name: String,
    /// See [`Endpoint::address`].
    pub address: Address,
    /// See [`Endpoint::port`].
    pub port: u16,
    /// See [`Endpoint::enabled`].
    pub enabled: bool,
    /// See [`Endpoint::disabled_at`].
    pub disabled_at: Option<Timestamp>,
    /// See [`Endpoint::weight`].
    pub weight: Weight,
    /// See [`Endpoint::host`].
    pub host: Option<String>,
    /// See [`Endpoint::virtual_network`].
    pub virtual_network: Option<String>,
    /// See [`Endpoint::flatten_cname`].
    pub flatten_cname: bool,
}

impl EndpointSpec {
    /// An enabled endpoint of full weight: what a document with only these members means.
    #[must_use]
    pub fn new(name: &str, address: Address, port: u16) -> Self {
        Self {
            name: name.to_string(),
            address,
            port,
            enabled: true,
            disabled_at: None,
            weight: Weight::ONE,
            host: None,
            virtual_network: None,
            flatten_cname: true,
        }
    }

    /// The identity this endpoint has in a pool. Fixed for ever: sessions in browsers name it.
    #[must_use]
    pub fn id(&self, pool: PoolId) -> EndpointId {
        let mut hash = SipHasher13::new();
        hash.write(&pool.0);
        hash.write(self.address.to_string().as_bytes());
        hash.write(&[0]);
        hash.write(&self.port.to_be_bytes());
        hash.write(self.virtual_network.as_deref().unwrap_or("").as_bytes());
        EndpointId(hash.finish())
    }
}

/// Builds a [`Config`] bottom-up: monitors, then pools, then load balancers, so that each can only
/// point at what exists.
#[derive(Debug)]
pub struct ConfigBuilder {
    config: Config,
}

fn place(len: usize) -> u32 {
    u32::try_from(len).expect("fewer than four billion of anything fit in memory")
}

impl ConfigBuilder {
    /// An empty configuration.
    #[must_use]
    pub fn new(affinity_keys: AffinityKeys) -> Self {
        let config = Config {
            load_balancers: Vec::new(),
            pools: Vec::new(),
            endpoints: Vec::new(),
            monitors: Vec::new(),
            affinity_keys,
            hosts: HostIndex::default(),
        };
        Self { config }
    }

    /// Adds a monitor.
    pub fn monitor(&mut self, monitor: Monitor) -> MonitorIx {
        self.config.monitors.push(monitor);
        MonitorIx(place(self.config.monitors.len() - 1))
    }

    /// Adds a pool and its endpoints. A monitor named again is dropped, the first occurrence
    /// counts; so is what comes after [`POOL_MONITORS_MAX`] of them.
    pub fn pool(&mut self, spec: PoolSpec) -> PoolIx {
        let ix = PoolIx(place(self.config.pools.len()));
        let first = place(self.config.endpoints.len());
        self.config.endpoints.extend(spec.endpoints.into_iter().map(|endpoint| Endpoint {
            id: endpoint.id(spec.id),
            pool: ix,
            name: endpoint.name,
            address: endpoint.address,
            port: endpoint.port,
            enabled: endpoint.enabled,
            disabled_at: endpoint.disabled_at,
            weight: endpoint.weight,
            host: endpoint.host,
            virtual_network: endpoint.virtual_network,
            flatten_cname: endpoint.flatten_cname,
        }));
        self.config.pools.push(Pool {
            id: spec.id,
            name: spec.name,
            enabled: spec.enabled,
            endpoints_min: spec.endpoints_min,
            monitors: judges(spec.monitors),
            check_regions: spec.check_regions,
            health_sources: spec.health_sources,
            endpoint_steering: spec.endpoint_steering,
            shedding: spec.shedding,
            coordinates: spec.coordinates,
            endpoints: first..place(self.config.endpoints.len()),
        });
        ix
    }

    /// Adds a load balancer, and enters its name while it is enabled. Repeated pools are dropped
    /// from each of its lists, the first occurrence counts (behaviour.md 2.1).
    ///
    /// # Errors
    /// Returns the owner when another enabled load balancer has the name already; the new one is
    /// then not added.
    pub fn load_balancer(
        &mut self,
        mut lb: LoadBalancer,
    ) -> Result<LoadBalancerIx, LoadBalancerIx> {
        let ix = LoadBalancerIx(place(self.config.load_balancers.len()));
        if lb.enabled
            && let Some(owner) = self.config.hosts.insert(&lb.host, ix)
        {
            return Err(owner);
        }
        drop_repeated(&mut lb);
        self.config.load_balancers.push(lb);
        Ok(ix)
    }

    /// The finished configuration.
    #[must_use]
    pub fn build(self) -> Config {
        self.config
    }
}

/// Drops repeated pools from every list of candidates.
fn drop_repeated(lb: &mut LoadBalancer) {
    unique(&mut lb.default_pools);
    let Topology { pops, countries, regions } = &mut lb.topology;
    pops.values_mut().for_each(unique);
    countries.values_mut().for_each(unique);
    regions.values_mut().for_each(unique);
    for set in &mut lb.pool_sets {
        if let PoolSetOutcome::Pools(chosen) = &mut set.outcome {
            unique(&mut chosen.pools);
        }
    }
    for rule in &mut lb.rules {
        let RuleAction::Override { overrides, .. } = &mut rule.action else { continue };
        let Overrides { default_pools, pools, pops, countries, regions, .. } = &mut **overrides;
        default_pools.iter_mut().chain(pools).for_each(unique);
        pops.iter_mut().flat_map(BTreeMap::values_mut).for_each(unique);
        countries.iter_mut().flat_map(BTreeMap::values_mut).for_each(unique);
        regions.iter_mut().flat_map(BTreeMap::values_mut).for_each(unique);
    }
}

/// Each monitor once, and no more than a pool may have.
fn judges(mut monitors: Vec<PoolMonitor>) -> Vec<PoolMonitor> {
    let mut seen = BTreeSet::new();
    monitors.retain(|one| seen.insert(one.monitor));
    monitors.truncate(POOL_MONITORS_MAX);
    monitors
}

fn unique(pools: &mut Vec<PoolIx>) {
    let mut seen = BTreeSet::new();
    pools.retain(|pool| seen.insert(*pool));
}
