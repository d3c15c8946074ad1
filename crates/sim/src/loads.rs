//! How busy endpoints are: requests from dispatch to their last byte, and connections, which
//! stay open for a while to be used again.

use std::collections::BTreeMap;

use evenkeel_decision::{Load, Loads, Pace, Sighting};
use evenkeel_model::{EndpointId, PoolId, Timestamp};

/// An endpoint of a pool, by identity: it outlives configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The pool.
    pub pool: PoolId,
    /// The endpoint.
    pub endpoint: EndpointId,
}

/// Live counts, and how fast endpoints were so far.
#[derive(Debug, Clone, Default)]
pub struct LiveLoads {
    counts: BTreeMap<Place, Load>,
    paces: BTreeMap<EndpointId, Pace>,
}

impl LiveLoads {
    /// A request is dispatched: over an idle connection where there is one.
    pub fn begin(&mut self, place: Place) {
        let load = self.counts.entry(place).or_default();
        load.requests += 1;
        load.connections = load.connections.max(load.requests);
    }

    /// The last byte of an answer has passed. Its connection stays.
    pub fn end(&mut self, place: Place) {
        let load = self.counts.entry(place).or_default();
        load.requests = load.requests.checked_sub(1).expect("what ends has begun");
    }

    /// What became of a request, and how long it took.
    pub fn see(&mut self, endpoint: EndpointId, sighting: Sighting, now: Timestamp) {
        let pace = self.paces.entry(endpoint).or_default();
        *pace = pace.see(sighting, now);
    }

    /// Connections that nobody used for long are closed.
    pub fn close_idle(&mut self) {
        self.counts.retain(|_, load| {
            load.connections = load.requests;
            load.requests > 0
        });
    }
}

impl Loads for LiveLoads {
    fn endpoint(&self, endpoint: EndpointId) -> Load {
        let counts = self.counts.iter().filter(|(place, _)| place.endpoint == endpoint);
        Load { pace: self.paces.get(&endpoint).copied().unwrap_or_default(), ..sum(counts) }
    }

    fn pool(&self, pool: PoolId) -> Load {
        sum(self.counts.iter().filter(|(place, _)| place.pool == pool))
    }
}

fn sum<'a>(loads: impl Iterator<Item = (&'a Place, &'a Load)>) -> Load {
    loads.fold(Load::default(), |sum, (_, load)| {
        Load::new(sum.requests + load.requests, sum.connections + load.connections)
    })
}
