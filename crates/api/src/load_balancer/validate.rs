//! Reads a whole load balancer and fills in its defaults (api.md 3.1).

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::affinity::{InForce, SessionAffinity, SessionAffinityAttributes};
use super::document::{
    AdaptiveRouting, LoadBalancer, LocationStrategy, RandomSteering, SteeringPolicy,
};
use super::pools::{self, Place};
use super::rules::{
    AdaptiveRoutingOverride, Base, LocationStrategyOverride, RandomSteeringOverride,
};
use super::{Scope, pool_sets, rules};
use crate::context::Context;
use crate::read::{Clipped, Object};
use crate::{DESCRIPTION_CHARS_MAX, hosts};

/// Lifetime of DNS answers when none is asked for, in seconds.
const TTL_DEFAULT: u32 = 30;
/// Most entries of `networks`; the published word is one.
const NETWORKS_MAX: usize = 16;

/// Reads the document. The result counts only when no problem was noted.
pub(super) fn read(
    object: &Object<'_>,
    current: Option<&LoadBalancer>,
    scope: &Scope<'_>,
    cx: &Context<'_>,
) -> LoadBalancer {
    let id = current.map_or(cx.id, |current| &current.id);
    object.require("default_pools");
    object.require("fallback_pool");

    let region_pools = pools::by_place(object, "region_pools", Place::Region, cx);
    let pop_pools = pools::by_place(object, "pop_pools", Place::Pop, cx);
    let country_pools = pools::by_place(object, "country_pools", Place::Country, cx);
    let is_geographic = [&region_pools, &pop_pools, &country_pools]
        .into_iter()
        .any(|map| map.as_ref().is_some_and(|map| !map.is_empty()));

    let affinity = match object.word("session_affinity") {
        None | Some(SessionAffinity::Unset) => SessionAffinity::None,
        Some(kind) => kind,
    };
    let attributes = object
        .object("session_affinity_attributes")
        .map_or_else(Default::default, |object| SessionAffinityAttributes::read(&object, cx));
    InForce::of(affinity, &attributes).check(object);
    let base = Base { affinity, attributes: &attributes };
    let rules = rules::read(object, &base, cx);

    LoadBalancer {
        id: id.to_owned(),
        name: host(object, scope, current, cx),
        description: object
            .text_within("description", 0..=DESCRIPTION_CHARS_MAX)
            .unwrap_or_default(),
        created_on: current.map_or(cx.now, |current| &current.created_on).to_owned(),
        modified_on: cx.now.to_owned(),
        enabled: object.boolean("enabled").unwrap_or(true),
        proxied: object.boolean("proxied").unwrap_or(false),
        ttl: object.nonzero("ttl", 1..=cx.limits.ttl_max).unwrap_or(TTL_DEFAULT),
        networks: networks(object),
        zone_name: match scope {
            Scope::Zone { name, .. } => Some((*name).to_owned()),
            Scope::Account => None,
        },
        default_pools: pools::list(object, "default_pools", 1, cx).unwrap_or_default(),
        fallback_pool: pools::id(object, "fallback_pool", cx).unwrap_or_default(),
        region_pools: region_pools.unwrap_or_default(),
        pop_pools: pop_pools.unwrap_or_default(),
        country_pools,
        steering_policy: match object.word("steering_policy") {
            None | Some(SteeringPolicy::Unset) if is_geographic => SteeringPolicy::Geo,
            None | Some(SteeringPolicy::Unset) => SteeringPolicy::Off,
            Some(policy) => policy,
        },
        random_steering: random_steering(object, cx),
        session_affinity: affinity,
        session_affinity_ttl: object
            .nonzero("session_affinity_ttl", affinity.ttl_range())
            .or(affinity.ttl_default()),
        adaptive_routing: adaptive_routing(object),
        location_strategy: location_strategy(object),
        rules,
        pool_sets: pool_sets::read(object, cx),
        session_affinity_attributes: attributes,
    }
}

/// The host name in stored form, in the zone and not yet taken there.
fn host(
    object: &Object<'_>,
    scope: &Scope<'_>,
    current: Option<&LoadBalancer>,
    cx: &Context<'_>,
) -> String {
    let zone = match scope {
        Scope::Zone { id, name } => Some((*id, *name)),
        Scope::Account => None,
    };
    if zone.is_some() {
        object.require("name");
    }
    let Some(text) = object.text("name") else { return String::new() };
    if zone.is_none() && text.is_empty() {
        return String::new();
    }
    let in_zone = |pattern: &evenkeel_model::HostPattern| {
        zone.is_none_or(|(_, zone)| pattern.is_in_zone(zone))
    };
    let Some(pattern) = hosts::pattern(text).filter(in_zone) else {
        object.problem_at("name", format_args!("invalid hostname: {}", Clipped(text)));
        return String::new();
    };
    let name = pattern.to_string();
    let except = current.map(|current| current.id.as_str());
    if cx.lookup.lb_name_taken(zone.map(|(id, _)| id), &name, except) {
        object.not_unique_at("name");
    }
    name
}

fn networks(object: &Object<'_>) -> Vec<String> {
    match object.items("networks", "networks", 0..=NETWORKS_MAX) {
        Some(items) => items.iter().filter_map(|item| item.text_within(1..=64)).collect(),
        None => vec!["cloudflare".to_owned()],
    }
}

fn random_steering(object: &Object<'_>, cx: &Context<'_>) -> RandomSteering {
    let default = RandomSteering::default();
    let Some(object) = object.object("random_steering") else { return default };
    let sent = RandomSteeringOverride::read(&object, cx);
    RandomSteering {
        default_weight: sent.default_weight.unwrap_or(default.default_weight),
        pool_weights: sent.pool_weights,
    }
}

fn adaptive_routing(object: &Object<'_>) -> AdaptiveRouting {
    let Some(object) = object.object("adaptive_routing") else { return AdaptiveRouting::default() };
    let sent = AdaptiveRoutingOverride::read(&object);
    AdaptiveRouting { failover_across_pools: sent.failover_across_pools.unwrap_or(false) }
}

fn location_strategy(object: &Object<'_>) -> LocationStrategy {
    let default = LocationStrategy::default();
    let Some(object) = object.object("location_strategy") else { return default };
    let sent = LocationStrategyOverride::read(&object);
    LocationStrategy {
        mode: sent.mode.unwrap_or(default.mode),
        prefer_ecs: sent.prefer_ecs.unwrap_or(default.prefer_ecs),
    }
}
