//! Pool sets as meant: in array order, without the disabled ones.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::{
    self as model, Country, Places, PoolSetOutcome, PoolSetPools, Pop, Region, Steering,
};

use super::candidates::{Candidates, weight};
use super::{fixed_response, label, steering};
use crate::load_balancer::document::LoadBalancer;
use crate::load_balancer::pool_sets::{PoolSet, PoolSetOverrides, PoolSetTopology};

/// All pool sets that can match. One that cannot be built is told of and left out.
pub(super) fn build(
    document: &LoadBalancer,
    candidates: &mut Candidates<'_>,
) -> Vec<model::PoolSet> {
    let mut sets = Vec::with_capacity(document.pool_sets.len());
    for (place, set) in document.pool_sets.iter().enumerate() {
        if set.disabled == Some(true) {
            continue;
        }
        match outcome(set, candidates) {
            Ok(outcome) => sets.push(model::PoolSet {
                name: label(set.name.as_deref(), "pool_sets", place),
                places: set
                    .r#match
                    .as_ref()
                    .and_then(|matched| matched.topology.as_ref())
                    .map(places),
                outcome,
            }),
            Err(reason) => candidates.tell(format!("pool_sets/{place}: {reason}; it is left out")),
        }
    }
    sets
}

fn outcome(set: &PoolSet, candidates: &mut Candidates<'_>) -> Result<PoolSetOutcome, String> {
    if let Some(response) = &set.fixed_response {
        return Ok(PoolSetOutcome::Respond(fixed_response(response)));
    }
    let none = PoolSetOverrides::default();
    let sent = set.overrides.as_ref().unwrap_or(&none);
    let pools = candidates.overriding("pools", sent.pools.as_deref())?;
    Ok(PoolSetOutcome::Pools(PoolSetPools {
        pools: pools.ok_or("it has neither pools nor a fixed response")?,
        pool_weights: match &sent.pool_weights {
            Some(weights) => Some(candidates.weights(weights)?),
            None => None,
        },
        pool_default_weight: sent.pool_default_weight.map(weight).transpose()?,
        fallback_pool: sent.fallback_pool.as_deref().and_then(|id| candidates.one(id)),
        steering: sent.steering_policy.map_or(Steering::Off, |policy| steering(policy, || false)),
    }))
}

/// Codes of places that are none match no client, and leave the rest of their list to match.
fn places(topology: &PoolSetTopology) -> Places {
    fn codes<T: Ord>(
        sent: Option<&Vec<String>>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<alloc::collections::BTreeSet<T>> {
        sent.map(|codes| codes.iter().filter_map(|code| parse(code)).collect())
    }
    Places {
        pops: codes(topology.pops.as_ref(), Pop::parse),
        countries: codes(topology.countries.as_ref(), Country::parse),
        regions: codes(topology.regions.as_ref(), Region::parse),
    }
}
