//! Rules as meant: in the order they apply, without the disabled ones.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::{self as model, RuleAction};

use super::candidates::{Candidates, weight};
use super::{affinity, ecs_preference, fixed_response, label, location_mode, steering};
use crate::load_balancer::document::LoadBalancer;
use crate::load_balancer::rules::{Overrides, Rule};
use crate::{Conditions, Map};

/// All rules that can apply. One that cannot be built is told of and left out.
pub(super) fn build(
    document: &LoadBalancer,
    candidates: &mut Candidates<'_>,
    conditions: &mut Conditions,
) -> Vec<model::Rule> {
    let enabled = document.rules.iter().enumerate().filter(|(_, rule)| !rule.disabled);
    let mut in_order: Vec<_> = enabled.collect();
    // Stable: of equal priorities the array order decides.
    in_order.sort_by_key(|(_, rule)| rule.priority);
    let mut rules = Vec::with_capacity(in_order.len());
    for (place, rule) in in_order {
        match build_one(rule, place, document, candidates, conditions) {
            Ok(built) => rules.push(built),
            Err(reason) => candidates.tell(format!("rules/{place}: {reason}; it is left out")),
        }
    }
    rules
}

fn build_one(
    rule: &Rule,
    place: usize,
    document: &LoadBalancer,
    candidates: &mut Candidates<'_>,
    conditions: &mut Conditions,
) -> Result<model::Rule, String> {
    let condition = conditions.read(rule.condition.as_deref().unwrap_or_default());
    Ok(model::Rule {
        name: label(rule.name.as_deref(), "rules", place),
        condition: condition.map_err(|error| format!("condition {error}"))?,
        action: match &rule.fixed_response {
            Some(response) => RuleAction::Respond(fixed_response(response)),
            None => RuleAction::Override {
                overrides: Box::new(overrides(&rule.overrides, document, candidates)?),
                terminates: rule.terminates,
            },
        },
    })
}

fn overrides(
    sent: &Overrides,
    document: &LoadBalancer,
    candidates: &mut Candidates<'_>,
) -> Result<model::Overrides, String> {
    let random = sent.random_steering.as_ref();
    let weights = random.and_then(|random| random.pool_weights.as_ref());
    let default_weight = random.and_then(|random| random.default_weight);
    let location = sent.location_strategy;
    Ok(model::Overrides {
        default_pools: candidates.overriding("default_pools", sent.default_pools.as_deref())?,
        pools: candidates.overriding("pools", sent.pools.as_deref())?,
        fallback_pool: sent.fallback_pool.as_deref().and_then(|id| candidates.one(id)),
        pops: sent.pop_pools.as_ref().map(|map| candidates.by_pop(map)),
        countries: sent.country_pools.as_ref().map(|map| candidates.by_country(map)),
        regions: sent.region_pools.as_ref().map(|map| candidates.by_region(map)),
        steering: sent.steering_policy.map(|policy| steering(policy, || has_maps(sent, document))),
        pool_weights: match sent.pool_weights.as_ref().or(weights) {
            Some(weights) => Some(candidates.weights(weights)?),
            None => None,
        },
        pool_default_weight: sent.pool_default_weight.or(default_weight).map(weight).transpose()?,
        failover_across_pools: sent.adaptive_routing.and_then(|sent| sent.failover_across_pools),
        affinity: affinity::overrides(sent),
        location_mode: location.and_then(|sent| sent.mode).map(location_mode),
        prefer_ecs: location.and_then(|sent| sent.prefer_ecs).map(ecs_preference),
        ttl_s: sent.ttl.map(|ttl| if ttl == 0 { model::LoadBalancer::TTL_DEFAULT_S } else { ttl }),
    })
}

/// Whether a geo map has an entry, once the rule's are laid over the load balancer's.
fn has_maps(sent: &Overrides, document: &LoadBalancer) -> bool {
    let own =
        [Some(&document.region_pools), Some(&document.pop_pools), document.country_pools.as_ref()];
    let over = [&sent.region_pools, &sent.pop_pools, &sent.country_pools];
    let in_force = over.into_iter().zip(own).filter_map(|(over, own)| over.as_ref().or(own));
    in_force.into_iter().any(|map: &Map<_>| !map.is_empty())
}
