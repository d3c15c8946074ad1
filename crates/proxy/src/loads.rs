//! How busy endpoints are: requests in flight and connections open, counted by all workers together
//! (behaviour.md 2.7, 2.8); and how fast they answer, where a pool is steered by that.
//!
//! A counter belongs to an endpoint's identity, not to a configuration: it goes on counting through
//! renames, reorders and changes of everything else, and an endpoint that leaves and comes back
//! finds its requests still counted. Readers and writers take no lock. The table is replaced as a
//! whole when the configuration has endpoints that it does not know.
//!
//! On the request path.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use evenkeel_decision::passive::Evidence;
use evenkeel_decision::{Load, Loads, Pace, Sighting};
use evenkeel_model::{Config, EndpointId, EndpointIx, EndpointSteering, PoolId, Timestamp};
use tokio::time::Instant;

/// The counters of all endpoints and pools. One per process, shared by its workers.
///
/// Holds the endpoints of the configuration, and those that have left it as long as something of
/// theirs is still counted.
#[derive(Debug, Default)]
pub struct LoadTable(ArcSwap<Counters>);

#[derive(Debug, Clone, Default)]
struct Counters {
    endpoints: HashMap<EndpointId, Arc<EndpointLoad>, BuildHasherDefault<IdHasher>>,
    pools: HashMap<PoolId, Arc<Cell>, BuildHasherDefault<IdHasher>>,
    /// Which configuration was followed last.
    followed: Weak<Config>,
}

/// What is counted of an endpoint or a pool. Alone on its cache line: workers write it at once.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell {
    requests: AtomicU32,
    connections: AtomicU32,
}

impl Cell {
    fn read(&self) -> Load {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Load::new(count(&self.requests), count(&self.connections))
    }
}

/// An endpoint's counters, and those of its pool.
#[derive(Debug)]
struct EndpointLoad {
    id: EndpointId,
    own: Cell,
    /// A [`Pace`].
    pace: AtomicU64,
    pool: Arc<Cell>,
}

impl EndpointLoad {
    fn new(id: EndpointId, pool: Arc<Cell>) -> Self {
        Self { id, own: Cell::default(), pace: AtomicU64::new(0), pool }
    }

    fn read(&self) -> Load {
        Load { pace: Pace::from_bits(self.pace.load(Ordering::Relaxed)), ..self.own.read() }
    }

    fn see(&self, sighting: Sighting, now: Timestamp) {
        let mut word = self.pace.load(Ordering::Relaxed);
        loop {
            let next = Pace::from_bits(word).see(sighting, now).to_bits();
            match self.pace.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(found) => word = found,
            }
        }
    }
}

/// Identifiers are hashes or random already.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.rotate_left(5) ^ word;
    }

    fn write_usize(&mut self, _: usize) {
        // The length of an identifier, always the same.
    }
}

impl LoadTable {
    /// Counts a request that an endpoint serves: from its dispatch until the response is whole or
    /// the exchange broke.
    pub(crate) fn request(
        &self,
        config: &Config,
        endpoint: EndpointIx,
        now: impl FnOnce() -> Timestamp,
    ) -> InFlight {
        let counted = Counted::start(self.entry(config, endpoint), |cell| &cell.requests);
        let pool = config.pool(config.endpoint(endpoint).pool);
        let is_watched = pool.endpoint_steering == EndpointSteering::LeastLatency;
        let watch =
            is_watched.then(|| Watch { began: now(), since: Instant::now(), is_timed: false });
        InFlight { counted, watch }
    }

    /// Counts a connection to an endpoint, idle or not.
    pub(crate) fn connection(&self, config: &Config, endpoint: EndpointIx) -> Counted {
        Counted::start(self.entry(config, endpoint), |cell| &cell.connections)
    }

    /// Takes in the endpoints of a configuration, and forgets those that have left and have nothing
    /// counted any more.
    pub(crate) fn follow(&self, config: &Arc<Config>) {
        let followed = Arc::downgrade(config);
        if self.0.load().followed.ptr_eq(&followed) {
            return;
        }
        self.0.rcu(|counters| {
            let mut next = counters.with(config);
            let mut known: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.id).collect();
            known.sort_unstable();
            // Two owners: the old table and the next.
            next.endpoints
                .retain(|id, load| known.binary_search(id).is_ok() || Arc::strong_count(load) > 2);
            let mut pools: Vec<_> = config.pools.iter().map(|pool| pool.id).collect();
            pools.sort_unstable();
            // The same two, and every endpoint of the pool that is still there.
            next.pools
                .retain(|id, pool| pools.binary_search(id).is_ok() || Arc::strong_count(pool) > 2);
            next.followed = followed.clone();
            next
        });
    }

    fn entry(&self, config: &Config, endpoint: EndpointIx) -> Arc<EndpointLoad> {
        let id = config.endpoint(endpoint).id;
        if let Some(load) = self.0.load().endpoints.get(&id) {
            return Arc::clone(load);
        }
        // The first request on a configuration can be faster than the worker's housekeeping.
        self.0.rcu(|counters| counters.with(config));
        let counters = self.0.load();
        match counters.endpoints.get(&id) {
            Some(load) => Arc::clone(load),
            // Forgotten again at once: the configuration is an old one. Nobody will ask for it.
            None => Arc::new(EndpointLoad::new(id, Arc::default())),
        }
    }
}

impl Loads for LoadTable {
    fn endpoint(&self, endpoint: EndpointId) -> Load {
        let counters = self.0.load();
        counters.endpoints.get(&endpoint).map_or_else(Load::default, |load| load.read())
    }

    fn pool(&self, pool: PoolId) -> Load {
        self.0.load().pools.get(&pool).map_or_else(Load::default, |pool| pool.read())
    }
}

impl Counters {
    /// The same, with the endpoints of a configuration added.
    fn with(&self, config: &Config) -> Self {
        let mut next = self.clone();
        for endpoint in &config.endpoints {
            let pool = next.pools.entry(config.pool(endpoint.pool).id).or_default();
            next.endpoints
                .entry(endpoint.id)
                .or_insert_with(|| Arc::new(EndpointLoad::new(endpoint.id, Arc::clone(pool))));
        }
        next
    }
}

/// A request that an endpoint serves, until dropped. Where the pool is steered by least latency, it
/// tells how fast the endpoint answered, once; when dropped without an answer, that nobody waited
/// any longer.
#[derive(Debug)]
pub(crate) struct InFlight {
    counted: Counted,
    /// Gone once it has told.
    watch: Option<Watch>,
}

/// How long a request takes.
#[derive(Debug)]
struct Watch {
    began: Timestamp,
    since: Instant,
    /// Whether it is the endpoint alone who takes that long.
    is_timed: bool,
}

impl InFlight {
    /// Starts the clock: a connection stands. What came before, a handshake most of all, says
    /// little about the next request, and would make endpoints seem slow that get few.
    ///
    /// A request whose body is not at hand waits for its client, too: only its failure tells.
    pub(crate) fn dispatched(&mut self, is_at_hand: bool) {
        if let Some(watch) = &mut self.watch {
            watch.since = Instant::now();
            watch.is_timed = is_at_hand;
        }
    }

    /// Takes in what the request met, if that is the end of it.
    pub(crate) fn met(&mut self, evidence: Option<Evidence>) {
        if self.watch.is_none() {
            return;
        }
        match evidence {
            Some(Evidence::Answered) => self.tell(Sighting::Answered, true),
            Some(Evidence::ServerError | Evidence::ConnectFailed) => {
                self.tell(Sighting::Failed, false);
            }
            None => {}
        }
    }

    fn tell(&mut self, sighting: fn(u64) -> Sighting, needs_time: bool) {
        let Some(watch) = self.watch.take() else { return };
        if needs_time && !watch.is_timed {
            return;
        }
        let elapsed = watch.since.elapsed();
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let now = Timestamp(watch.began.0.saturating_add(us / 1_000));
        self.counted.load.see(sighting(us), now);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.tell(Sighting::Abandoned, true);
    }
}

/// One more on an endpoint and its pool, until dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    load: Arc<EndpointLoad>,
    counter: fn(&Cell) -> &AtomicU32,
}

impl Counted {
    /// Whether it is this endpoint that is counted on.
    pub(crate) fn is_on(&self, endpoint: EndpointId) -> bool {
        self.load.id == endpoint
    }

    fn start(load: Arc<EndpointLoad>, counter: fn(&Cell) -> &AtomicU32) -> Self {
        counter(&load.own).fetch_add(1, Ordering::Relaxed);
        counter(&load.pool).fetch_add(1, Ordering::Relaxed);
        Self { load, counter }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.load.own).fetch_sub(1, Ordering::Relaxed);
        (self.counter)(&self.load.pool).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
