//! What is simulated: endpoints, how busy they are kept, and what changes meanwhile.

use std::sync::Arc;

use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointHealth, EndpointSpec,
    EndpointSteering, Health, HostPattern, LoadBalancer, LoadBalancerId, PoolId, PoolIx, PoolSpec,
    View, Weight,
};

use super::{exponential, unit};
use crate::chance::Chance;

/// The name that requests ask for.
pub const HOST: &str = "farm.test";

/// A server of the pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endpoint {
    /// Mean of what a request takes of a worker, in milliseconds.
    pub mean_ms: f64,
    /// Requests that it works on at once.
    pub workers: usize,
    /// Hundredths of weight.
    pub weight: u8,
    /// Answers all with an error.
    pub fails: bool,
}

impl Endpoint {
    /// A server of so many workers that are so fast.
    #[must_use]
    pub const fn new(mean_ms: f64, workers: usize) -> Self {
        Self { mean_ms, workers, weight: 100, fails: false }
    }
}

/// How long single requests take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// All the same.
    Fixed,
    /// By the exponential distribution.
    Exponential,
    /// By the exponential distribution, and one of a thousand takes four seconds.
    Tailed,
}

/// A pool, its load and what befalls it.
#[derive(Debug, Clone)]
pub struct Farm {
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Requests per second, as a part of what all endpoints can do together at the start.
    pub load: f64,
    /// How long single requests take.
    pub spread: Spread,
    /// Requests of a run.
    pub requests: usize,
    /// Processes that balance, each knowing only what itself has met.
    pub balancers: usize,
    /// From this second on the last endpoint is as fast as the first.
    pub recovery_s: Option<u64>,
    /// Before this second the last endpoint is not there.
    pub join_s: Option<u64>,
}

impl Farm {
    /// Endpoints under a load, service times spread exponentially, nothing changing.
    #[must_use]
    pub const fn new(endpoints: Vec<Endpoint>, load: f64, requests: usize) -> Self {
        Self {
            endpoints,
            load,
            spread: Spread::Exponential,
            requests,
            balancers: 1,
            recovery_s: None,
            join_s: None,
        }
    }

    /// Three endpoints that take 10 ms, and one that takes ten times as long.
    #[must_use]
    pub fn uneven(workers: usize, load: f64, requests: usize) -> Self {
        let endpoints = [10.0, 10.0, 10.0, 100.0].map(|ms| Endpoint::new(ms, workers));
        Self::new(endpoints.into(), load, requests)
    }

    /// Four identical endpoints that take 10 ms.
    #[must_use]
    pub fn even(workers: usize, load: f64, requests: usize) -> Self {
        Self::new(vec![Endpoint::new(10.0, workers); 4], load, requests)
    }

    /// How many requests come on average.
    #[must_use]
    pub fn requests_per_second(&self) -> f64 {
        let capacity = |of: &Endpoint| of.workers as f64 * 1_000.0 / of.mean_ms;
        self.endpoints.iter().map(capacity).sum::<f64>() * self.load
    }

    pub(super) fn joins_us(&self) -> u64 {
        self.join_s.unwrap_or(0) * 1_000_000
    }

    /// What a request takes of a worker that begins with it now.
    pub(super) fn service_us(&self, endpoint: usize, now_us: u64, chance: &mut Chance) -> u64 {
        let Endpoint { mean_ms, fails, .. } = self.endpoints[endpoint];
        if fails {
            return 500;
        }
        let is_last = endpoint + 1 == self.endpoints.len();
        let recovered = self.recovery_s.is_some_and(|s| now_us >= s * 1_000_000);
        let mean_ms = if is_last && recovered { self.endpoints[0].mean_ms } else { mean_ms };
        let ms = match self.spread {
            Spread::Fixed => mean_ms,
            Spread::Tailed if unit(chance) < 0.001 => 4_000.0,
            Spread::Exponential | Spread::Tailed => mean_ms * exponential(chance),
        };
        (ms * 1_000.0) as u64 + 1
    }

    /// The farm as a load balancer knows it, with or without the endpoint that joins.
    pub(super) fn view(&self, steering: EndpointSteering, has_joined: bool) -> Arc<View> {
        let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
        let mut builder = ConfigBuilder::new(keys);
        let spec = |(n, endpoint): (usize, &Endpoint)| {
            let name = format!("e{n}");
            let address = Address::parse(&format!("192.0.2.{}", n + 1));
            let mut spec = EndpointSpec::new(&name, address, 80);
            spec.weight = Weight::from_hundredths(endpoint.weight).expect("at most 100");
            spec.enabled = has_joined || n + 1 < self.endpoints.len();
            spec
        };
        let endpoints = self.endpoints.iter().enumerate().map(spec).collect();
        let mut pool = PoolSpec::new(PoolId([2; 16]), "farm", endpoints);
        pool.endpoint_steering = steering;
        let pool = builder.pool(pool);
        let host = HostPattern::parse(HOST).expect("a host name");
        let id = LoadBalancerId([3; 16]);
        let load_balancer = LoadBalancer::new(id, host, vec![pool], PoolIx(0));
        builder.load_balancer(load_balancer).expect("the only host");
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |_| EndpointHealth::default());
        Arc::new(View { config, health, zones: Arc::default(), revision: 1 })
    }
}
