//! What a load balancer's document means.
//!
//! Here stand the parts that rules and pool sets can replace too, in the form that both share.

mod affinity;
mod candidates;
mod pool_sets;
mod rules;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{self as model, HostPattern, IdError, PoolWeights, Steering};

use self::candidates::{Candidates, weight};
use super::document::{EcsPreference, LoadBalancer, LocationMode, SteeringPolicy};
use super::rules::FixedResponse;
use crate::build::{Kind, Places};

/// The load balancer as meant. Pools that are not in force are reported and left out, and so are
/// rules and pool sets that nothing is left of; without its fallback pool there is no load balancer.
pub(crate) fn build(
    document: &LoadBalancer,
    zone_id: &str,
    edge: model::Edge,
    places: &mut Places<'_>,
) -> Result<model::LoadBalancer, String> {
    let wrong_id = |error: IdError| error.to_string();
    let mut candidates = Candidates::new(&places.pools);
    let built = model::LoadBalancer {
        id: document.id.parse().map_err(wrong_id)?,
        zone: zone_id.parse().map_err(wrong_id)?,
        host: HostPattern::parse(&document.name).map_err(|error| error.to_string())?,
        enabled: document.enabled,
        proxied: document.proxied,
        default_pools: candidates.list(&document.default_pools),
        fallback_pool: candidates
            .one(&document.fallback_pool)
            .ok_or_else(|| format!("fallback pool {} is not in force", document.fallback_pool))?,
        steering: steering(document.steering_policy, || has_maps(document)),
        topology: model::Topology {
            pops: candidates.by_pop(&document.pop_pools),
            countries: document
                .country_pools
                .as_ref()
                .map(|map| candidates.by_country(map))
                .unwrap_or_default(),
            regions: candidates.by_region(&document.region_pools),
        },
        pool_weights: PoolWeights {
            of_pool: match &document.random_steering.pool_weights {
                Some(weights) => candidates.weights(weights)?,
                None => Vec::new(),
            },
            default: weight(document.random_steering.default_weight)?,
        },
        affinity: affinity::build(document),
        failover_across_pools: document.adaptive_routing.failover_across_pools,
        pool_sets: pool_sets::build(document, &mut candidates),
        rules: rules::build(document, &mut candidates, places.conditions),
        location: model::LocationStrategy {
            mode: location_mode(document.location_strategy.mode),
            prefer_ecs: ecs_preference(document.location_strategy.prefer_ecs),
        },
        ttl_s: document.ttl,
        edge,
    };
    for message in candidates.into_problems() {
        places.problem(Kind::LoadBalancer, &document.id, &message);
    }
    Ok(built)
}

/// Whether a geo map has an entry.
fn has_maps(document: &LoadBalancer) -> bool {
    let maps = [&document.region_pools, &document.pop_pools];
    maps.into_iter().chain(&document.country_pools).any(|map| !map.is_empty())
}

/// The policy meant; the empty word follows from whether there are geo maps.
fn steering(policy: SteeringPolicy, is_geographic: impl FnOnce() -> bool) -> Steering {
    match policy {
        SteeringPolicy::Unset if is_geographic() => Steering::Geo,
        SteeringPolicy::Unset | SteeringPolicy::Off => Steering::Off,
        SteeringPolicy::Geo => Steering::Geo,
        SteeringPolicy::Random => Steering::Random,
        SteeringPolicy::DynamicLatency => Steering::DynamicLatency,
        SteeringPolicy::Proximity => Steering::Proximity,
        SteeringPolicy::LeastOutstandingRequests => Steering::LeastOutstandingRequests,
        SteeringPolicy::LeastConnections => Steering::LeastConnections,
    }
}

const fn location_mode(mode: LocationMode) -> model::LocationMode {
    match mode {
        LocationMode::Pop => model::LocationMode::Pop,
        LocationMode::ResolverIp => model::LocationMode::ResolverIp,
    }
}

const fn ecs_preference(preference: EcsPreference) -> model::EcsPreference {
    match preference {
        EcsPreference::Always => model::EcsPreference::Always,
        EcsPreference::Never => model::EcsPreference::Never,
        EcsPreference::Proximity => model::EcsPreference::Proximity,
        EcsPreference::Geo => model::EcsPreference::Geo,
    }
}

/// The answer of a rule or a pool set. Headers that were sent empty are not there.
fn fixed_response(sent: &FixedResponse) -> model::FixedResponse {
    let header = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    model::FixedResponse {
        status: sent.status_code.and_then(|code| u16::try_from(code).ok()).unwrap_or(200),
        content_type: header(&sent.content_type),
        location: header(&sent.location),
        body: sent.message_body.clone().unwrap_or_default(),
    }
}

/// What a rule or a pool set is called in trails: its name, or else its place in the document.
fn label(name: Option<&str>, list: &str, place: usize) -> String {
    match name {
        Some(name) if !name.is_empty() => name.to_string(),
        _ => format!("{list}/{place}"),
    }
}
