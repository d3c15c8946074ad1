//! Where a worker counts what belongs to a load balancer, a pool or an endpoint: found by its place
//! in the configuration, so that a request needs no hash and no lock.
//!
//! On the request path.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, Weak};

use evenkeel_model::{Config, EndpointIx, HostPattern, LoadBalancerIx, PoolIx};
use evenkeel_telemetry::{
    EndpointTraffic, LoadBalancerTraffic, PoolTraffic, Shelf, Traffic, WorkerMetrics,
};
use tokio::time::Instant;

/// A worker's cells.
#[derive(Debug)]
pub(crate) struct Places {
    metrics: Arc<WorkerMetrics>,
    began: Instant,
    found: RefCell<Found>,
}

/// What was found so far, by the places of one configuration.
#[derive(Debug, Default)]
struct Found {
    config: Weak<Config>,
    load_balancers: Vec<Option<Arc<LoadBalancerTraffic>>>,
    pools: Vec<Option<Arc<PoolTraffic>>>,
    endpoints: Vec<Option<Arc<EndpointTraffic>>>,
}

impl Found {
    /// Whether its places are those of a configuration. One that is gone is held by nobody but this,
    /// so no other can stand where it stood.
    fn is_of(&self, config: &Config) -> bool {
        std::ptr::eq(self.config.as_ptr(), config)
    }
}

impl Places {
    pub(crate) fn new(metrics: Arc<WorkerMetrics>) -> Self {
        Self { metrics, began: Instant::now(), found: RefCell::default() }
    }

    /// Calls on the cells of a load balancer.
    pub(crate) fn with_load_balancer(
        &self,
        config: &Config,
        ix: LoadBalancerIx,
        count: impl FnOnce(&LoadBalancerTraffic),
    ) {
        let find = || {
            let load_balancer = config.load_balancer(ix);
            let name = host_name(&load_balancer.host);
            let id = u128::from_be_bytes(load_balancer.id.0);
            self.traffic().load_balancers.cells(id, [&name, ""])
        };
        let mut found = self.found.borrow_mut();
        match found.is_of(config) {
            true => count(found.load_balancers[ix.get()].get_or_insert_with(find)),
            // A request older or younger than what was followed.
            false => count(&find()),
        }
    }

    /// Calls on the cells of a pool.
    pub(crate) fn with_pool(&self, config: &Config, ix: PoolIx, count: impl FnOnce(&PoolTraffic)) {
        let find = || {
            let pool = config.pool(ix);
            self.traffic().pools.cells(u128::from_be_bytes(pool.id.0), [&pool.name, ""])
        };
        let mut found = self.found.borrow_mut();
        match found.is_of(config) {
            true => count(found.pools[ix.get()].get_or_insert_with(find)),
            false => count(&find()),
        }
    }

    /// The cells of an endpoint, for as long as an attempt or a connection needs them.
    pub(crate) fn endpoint(&self, config: &Config, ix: EndpointIx) -> Arc<EndpointTraffic> {
        let find = || {
            let endpoint = config.endpoint(ix);
            let pool = &config.pool(endpoint.pool).name;
            self.traffic().endpoints.cells(endpoint.id.0.into(), [pool, &endpoint.name])
        };
        let mut found = self.found.borrow_mut();
        match found.is_of(config) {
            true => Arc::clone(found.endpoints[ix.get()].get_or_insert_with(find)),
            false => find(),
        }
    }

    /// Takes in a configuration.
    pub(crate) fn follow(&self, config: &Arc<Config>) {
        if self.found.borrow().is_of(config) {
            return;
        }
        let Config { load_balancers, pools, endpoints, .. } = &**config;
        self.found.replace(Found {
            config: Arc::downgrade(config),
            load_balancers: empty(load_balancers.len()),
            pools: empty(pools.len()),
            endpoints: empty(endpoints.len()),
        });
        let now_s = self.began.elapsed().as_secs();
        let Traffic { load_balancers: of_load_balancers, pools: of_pools, endpoints: of_endpoints } =
            self.traffic();
        of_load_balancers.follow(
            now_s,
            load_balancers.iter().map(|load_balancer| {
                let id = u128::from_be_bytes(load_balancer.id.0);
                (id, [host_name(&load_balancer.host), NOTHING])
            }),
        );
        of_pools.follow(
            now_s,
            pools.iter().map(|pool| {
                (u128::from_be_bytes(pool.id.0), [Cow::Borrowed(&*pool.name), NOTHING])
            }),
        );
        of_endpoints.follow(
            now_s,
            endpoints.iter().map(|endpoint| {
                let pool = &config.pool(endpoint.pool).name;
                (endpoint.id.0.into(), [Cow::Borrowed(&**pool), Cow::Borrowed(&*endpoint.name)])
            }),
        );
    }

    /// Forgets what has left the configuration long ago.
    pub(crate) fn sweep(&self) {
        let now_s = self.began.elapsed().as_secs();
        let Traffic { load_balancers, pools, endpoints } = self.traffic();
        sweep(load_balancers, now_s);
        sweep(pools, now_s);
        sweep(endpoints, now_s);
    }

    fn traffic(&self) -> &Traffic {
        &self.metrics.traffic
    }
}

/// What stands where a thing has only one name.
const NOTHING: Cow<'static, str> = Cow::Borrowed("");

fn sweep<C: Default>(shelf: &Shelf<C>, now_s: u64) {
    shelf.sweep(now_s);
}

fn empty<T>(len: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(len).collect()
}

/// A load balancer's host name as it is configured.
pub(super) fn host_name(host: &HostPattern) -> Cow<'_, str> {
    match host {
        HostPattern::Exact(name) => Cow::Borrowed(name),
        HostPattern::Wildcard(_) => Cow::Owned(host.to_string()),
    }
}
