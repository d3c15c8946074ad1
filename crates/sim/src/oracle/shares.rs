//! Which share of requests without a session each pool should get (behaviour.md 2, 6.1), and each
//! endpoint of what its pool gets (3).
//!
//! Shedding is drawn for each pool by itself, so every subset of the eligible pools is left with
//! some likelihood; among those that are left the policy chooses.

use evenkeel_decision::{Load, Loads};
use evenkeel_model::{AffinityKind, EndpointIx, EndpointSteering, Node, PoolIx, Steering, View};

use crate::agenda::START;
use crate::oracle::Meant;
use crate::places;

/// Profiles with fewer samples count as absent (behaviour.md 2.5).
const SAMPLES_MIN: u32 = 3;

/// Likelihood of each pool, by what it is chosen as.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shares {
    /// As one of the candidates.
    pub of_pool: Vec<(PoolIx, f64)>,
    /// For the fallback: everyone eligible sheds, or nobody is eligible.
    pub fallback: f64,
}

/// What each pool should get of requests that have no session; `None` where the candidates are not
/// known.
#[must_use]
pub fn shares(view: &View, meant: &Meant, node: &Node, loads: &dyn Loads) -> Option<Shares> {
    let candidates = meant.candidates.as_ref()?;
    let eligible: Vec<_> =
        candidates.iter().copied().filter(|pool| view.health.pool(*pool).is_fit).collect();
    let mut of_pool: Vec<_> = eligible.iter().map(|pool| (*pool, 0.0)).collect();
    let mut fallback = 0.0;
    for subset in 0..1_u32 << eligible.len() {
        let mut likelihood = 1.0;
        let mut left = Vec::new();
        for (n, pool) in eligible.iter().enumerate() {
            let shed = shed(view, *pool);
            if subset >> n & 1 == 1 {
                likelihood *= 1.0 - shed;
                left.push(*pool);
            } else {
                likelihood *= shed;
            }
        }
        if likelihood == 0.0 {
            continue;
        }
        if left.is_empty() {
            fallback += likelihood;
        }
        for (pool, share) in chosen(view, meant, node, loads, &left) {
            let known = of_pool.iter_mut().find(|(of, _)| *of == pool);
            known.expect("what is left was eligible").1 += likelihood * share;
        }
    }
    Some(Shares { of_pool, fallback })
}

/// What each fit endpoint should get of the requests that a pool gets as a candidate
/// (behaviour.md 3).
#[must_use]
pub fn endpoint_shares(
    view: &View,
    meant: &Meant,
    pool: PoolIx,
    loads: &dyn Loads,
) -> Vec<(EndpointIx, f64)> {
    let pool = view.config.pool(pool);
    let load = |ix: EndpointIx| match meant.affinity.kind {
        AffinityKind::IpCookie => Load::default(),
        _ => loads.endpoint(view.config.endpoint(ix).id),
    };
    let weight = |ix: EndpointIx| f64::from(view.config.endpoint(ix).weight.hundredths());
    let fit = pool.endpoints().filter(|ix| view.health.is_fit(*ix));
    if pool.endpoint_steering == EndpointSteering::LeastLatency {
        let endpoints: Vec<_> = fit.map(|ix| (ix, weight(ix), load(ix))).collect();
        return least_latency(&endpoints);
    }
    let ticket = |ix: EndpointIx| {
        let count = match pool.endpoint_steering {
            EndpointSteering::Random | EndpointSteering::Hash | EndpointSteering::LeastLatency => 0,
            EndpointSteering::LeastOutstandingRequests => load(ix).requests,
            EndpointSteering::LeastConnections => load(ix).connections,
        };
        weight(ix) / (f64::from(count) + 1.0)
    };
    let total: f64 = fit.clone().map(ticket).sum();
    fit.map(|ix| (ix, ticket(ix) / total)).collect()
}

/// Shares of weight × 8^−cost, the cost being requests in flight times slowness.
fn least_latency(endpoints: &[(EndpointIx, f64, Load)]) -> Vec<(EndpointIx, f64)> {
    let weighed = || endpoints.iter().filter(|(_, weight, _)| *weight > 0.0);
    let weights: f64 = weighed().map(|(_, weight, _)| weight).sum();
    let mean = weights / weighed().map(|_| 1.0).sum::<f64>();
    let latency = |load: Load| load.pace.latency_us().map_or(1.0, |us| us as f64);
    let known = weighed().filter(|(.., load)| load.pace.trust(START) >= 1.0);
    let fastest = known.map(|(.., load)| latency(*load)).fold(f64::INFINITY, f64::min);
    let cost = |weight: f64, load: Load| {
        let times = (latency(load) / fastest).powf(load.pace.trust(START));
        let slowness = if fastest.is_finite() { (times / 2.0).max(1.0).powi(2) } else { 1.0 };
        (f64::from(load.requests) * mean / weight + 1.0) * slowness
    };
    let least =
        weighed().map(|(_, weight, load)| cost(*weight, *load)).fold(f64::INFINITY, f64::min);
    let ticket = |weight: f64, load: Load| match weight {
        0.0 => 0.0,
        _ => weight * 8_f64.powf(least - cost(weight, load)),
    };
    let total: f64 = endpoints.iter().map(|(_, weight, load)| ticket(*weight, *load)).sum();
    endpoints.iter().map(|(ix, weight, load)| (*ix, ticket(*weight, *load) / total)).collect()
}

/// The share of new sessions and of traffic without one that a pool sheds, 0 to 1.
pub fn shed(view: &View, pool: PoolIx) -> f64 {
    let shedding = view.config.pool(pool).shedding;
    shedding.map_or(0.0, |shedding| f64::from(shedding.default.hundredths()) / 10_000.0)
}

/// How the policy spreads requests over pools, none of which sheds.
fn chosen(
    view: &View,
    meant: &Meant,
    node: &Node,
    loads: &dyn Loads,
    pools: &[PoolIx],
) -> Vec<(PoolIx, f64)> {
    // The choice that an ip_cookie follows from is stable: it knows weights but no load (4.5).
    let load = |pool: PoolIx| match meant.affinity.kind {
        AffinityKind::IpCookie => Load::default(),
        _ => loads.pool(view.config.pool(pool).id),
    };
    match meant.steering {
        Steering::Off | Steering::Geo => all_to(pools.first()),
        Steering::Random => drawn(meant, pools, |_| 0),
        Steering::LeastOutstandingRequests => drawn(meant, pools, |pool| load(pool).requests),
        Steering::LeastConnections => drawn(meant, pools, |pool| load(pool).connections),
        Steering::DynamicLatency => {
            let latency = |pool: PoolIx| {
                let known = view.health.latency(pool).filter(|known| known.samples >= SAMPLES_MIN);
                known.map_or(f64::INFINITY, |known| f64::from(known.mean_us))
            };
            all_to(least(pools, latency).as_ref())
        }
        Steering::Proximity => {
            let distance = |pool: PoolIx| {
                let pool = view.config.pool(pool).coordinates;
                pool.zip(node.coordinates).map_or(f64::INFINITY, |(a, b)| places::distance_km(a, b))
            };
            all_to(least(pools, distance).as_ref())
        }
    }
}

fn all_to(pool: Option<&PoolIx>) -> Vec<(PoolIx, f64)> {
    pool.map(|pool| (*pool, 1.0)).into_iter().collect()
}

/// The pool with the least of something; of equals the first in the list.
fn least(pools: &[PoolIx], of: impl Fn(PoolIx) -> f64) -> Option<PoolIx> {
    pools.iter().copied().min_by(|a, b| of(*a).total_cmp(&of(*b)))
}

/// Shares by weight over load. Pools without weight get something only when all are (1.4).
fn drawn(meant: &Meant, pools: &[PoolIx], load: impl Fn(PoolIx) -> u32) -> Vec<(PoolIx, f64)> {
    let ticket = |pool: PoolIx| {
        f64::from(meant.weights.of(pool).hundredths()) / (f64::from(load(pool)) + 1.0)
    };
    let total: f64 = pools.iter().map(|pool| ticket(*pool)).sum();
    if total == 0.0 {
        return all_to(pools.first());
    }
    pools.iter().map(|pool| (*pool, ticket(*pool) / total)).collect()
}
