//! Step 6: which endpoint inside the chosen pool (behaviour.md 3).

mod least_latency;

use evenkeel_model::{EndpointIx, EndpointSteering, PoolIx, View};

use crate::draw::{Divisor, choose};
use crate::effective::Effective;
use crate::eligible::{Barred, open};
use crate::rendezvous::{Key, Purpose};
use crate::trail::{PassedOver, Slowness, Trail, TrailStep};
use crate::{Ejections, Env, Load};

/// Picks among a pool's eligible endpoints; `None` when it has none.
pub(crate) fn pick(
    effective: &Effective<'_>,
    pool: PoolIx,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<EndpointIx> {
    let view = effective.view;
    if trail.is_thorough() {
        for ix in view.config.pool(pool).endpoints() {
            if let Some(why) = why_not(view, ix, barred) {
                trail.consider(TrailStep::EndpointPassedOver(ix, why));
            }
        }
    }
    let open = open(view, pool, barred);
    if let Some(ejections) = env.ejections
        && let Some(ix) = pick_unejected(effective, pool, open.clone(), ejections, env, trail)
    {
        return Some(ix);
    }
    pick_of(effective, pool, open, env, trail)
}

/// Picks among those that are not ejected; `None` when that is nobody, and ejections are no reason
/// to leave the request without an endpoint.
pub(crate) fn pick_unejected(
    effective: &Effective<'_>,
    pool: PoolIx,
    endpoints: impl Iterator<Item = EndpointIx> + Clone,
    ejections: &dyn Ejections,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<EndpointIx> {
    let (config, now) = (&effective.view.config, env.now);
    let ejection = |ix: EndpointIx| ejections.of(config.endpoint(ix).id, now);
    let left = endpoints.clone().filter(|ix| ejection(*ix).is_none());
    if trail.is_thorough() && left.clone().next().is_some() {
        for ix in endpoints {
            if let Some(cause) = ejection(ix) {
                trail.consider(TrailStep::EndpointPassedOver(ix, PassedOver::Ejected(cause)));
            }
        }
    }
    pick_of(effective, pool, left, env, trail)
}

fn why_not(view: &View, ix: EndpointIx, barred: &Barred) -> Option<PassedOver> {
    if view.health.is_fit(ix) {
        return barred.bars(view, ix).then_some(PassedOver::Tried);
    }
    Some(match view.config.endpoint(ix) {
        endpoint if !endpoint.enabled => PassedOver::Disabled,
        endpoint if endpoint.weight.is_zero() => PassedOver::NoWeight,
        _ => PassedOver::Unhealthy,
    })
}

/// Picks among some of a pool's endpoints by the pool's policy. When all of them weigh nothing,
/// they are treated as equal (behaviour.md 1.4).
pub(crate) fn pick_of(
    effective: &Effective<'_>,
    pool: PoolIx,
    endpoints: impl Iterator<Item = EndpointIx> + Clone,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<EndpointIx> {
    let config = &effective.view.config;
    let policy = config.pool(pool).endpoint_steering;
    let by = match policy {
        EndpointSteering::Random | EndpointSteering::Hash | EndpointSteering::LeastLatency => {
            Divisor::One
        }
        EndpointSteering::LeastOutstandingRequests => Divisor::Requests,
        EndpointSteering::LeastConnections => Divisor::Connections,
    };
    let by_client = (policy == EndpointSteering::Hash).then_some(effective.client);
    let loads = env.loads;
    let load = |ix: EndpointIx| {
        if effective.is_http { loads.endpoint(config.endpoint(ix).id) } else { Load::default() }
    };
    if trail.is_thorough() && by != Divisor::One {
        for ix in endpoints.clone() {
            trail.consider(TrailStep::EndpointLoad(ix, load(ix)));
        }
    }
    let weight = |ix: EndpointIx| config.endpoint(ix).weight.hundredths();
    let is_even = endpoints.clone().all(|ix| weight(ix) == 0);
    let key = effective.fixed.or(by_client);
    let weighed = endpoints.map(|ix| (ix, if is_even { 1 } else { weight(ix) }));
    if policy == EndpointSteering::LeastLatency && key.is_none() {
        if trail.is_thorough() {
            for (ix, _) in weighed.clone() {
                let slowness = Slowness::of(load(ix), env.now);
                trail.consider(TrailStep::EndpointSlowness(ix, slowness));
            }
        }
        return least_latency::choose(weighed, load, env.now, env.rng);
    }
    choose(weighed, by, key, |key, ix| hash(effective.view, key, ix), load, env)
}

/// The fixed hash of a key and an endpoint: by identity, so that names and order mean nothing.
pub(crate) fn hash(view: &View, key: Key, ix: EndpointIx) -> u64 {
    let endpoint = view.config.endpoint(ix);
    let pool = view.config.pool(endpoint.pool);
    key.hash(Purpose::Endpoint, [&pool.id.0, &endpoint.id.0.to_be_bytes()])
}
