//! Pool sets and custom rules, laid over a load balancer's settings (behaviour.md 1.8, 1.9).

use core::ptr;

use evenkeel_model::{
    Country, FixedResponse, LoadBalancer, LoadBalancerIx, LocationStrategy, Overrides, Places,
    PoolIx, PoolMap, PoolSetOutcome, Pop, Region, RuleAction, Steering,
};

use super::{Affinity, Conditions, Weights};
use crate::Mode;
use crate::asker::Asker;
use crate::trail::{Trail, TrailStep};

/// The settings, while overrides are laid over them.
#[derive(Clone, Copy)]
pub(super) struct Settings<'v> {
    /// A list that replaces all others: a pool set's, or a rule's.
    pub(super) list: Option<&'v [PoolIx]>,
    pub(super) default_pools: &'v [PoolIx],
    pub(super) pops: &'v PoolMap<Pop>,
    pub(super) countries: &'v PoolMap<Country>,
    pub(super) regions: &'v PoolMap<Region>,
    pub(super) fallback_pool: PoolIx,
    pub(super) steering: Steering,
    pub(super) weights: Weights<'v>,
    pub(super) affinity: Affinity<'v>,
    pub(super) failover_across_pools: bool,
    pub(super) location: LocationStrategy,
    pub(super) ttl_s: u32,
}

impl<'v> Settings<'v> {
    /// As configured.
    pub(super) fn new(lb: &'v LoadBalancer) -> Self {
        Self {
            list: None,
            default_pools: &lb.default_pools,
            pops: &lb.topology.pops,
            countries: &lb.topology.countries,
            regions: &lb.topology.regions,
            fallback_pool: lb.fallback_pool,
            steering: lb.steering,
            weights: Weights {
                of_pool: &lb.pool_weights.of_pool,
                default: lb.pool_weights.default,
            },
            affinity: Affinity::new(&lb.affinity),
            failover_across_pools: lb.failover_across_pools,
            location: lb.location,
            ttl_s: lb.ttl_s,
        }
    }

    /// Lays every matching rule over them. Returns the fixed response that ends it, if one does.
    pub(super) fn lay_rules_over(
        &mut self,
        lb: &'v LoadBalancer,
        ix: LoadBalancerIx,
        conditions: &dyn Conditions,
        trail: &mut Trail,
    ) -> Option<&'v FixedResponse> {
        for (n, rule) in (0..).zip(&lb.rules) {
            if !conditions.hold(lb, rule) {
                trail.consider(TrailStep::RulePassed(ix, n));
                continue;
            }
            trail.push(TrailStep::Rule(ix, n));
            match &rule.action {
                RuleAction::Respond(response) => return Some(response),
                RuleAction::Override { overrides, terminates } => {
                    self.replace(overrides);
                    if *terminates {
                        break;
                    }
                }
            }
        }
        None
    }

    /// Lays the first matching pool set over them. Returns the fixed response that ends it, if it
    /// is one.
    pub(super) fn lay_set_over(
        &mut self,
        lb: &'v LoadBalancer,
        ix: LoadBalancerIx,
        asker: &Asker<'_>,
        trail: &mut Trail,
    ) -> Option<&'v FixedResponse> {
        let is_stream = asker.mode() == Some(Mode::Stream);
        let mut location = None;
        let mut contain = |places: &Places| {
            let is_far = places.countries.is_some() || places.regions.is_some();
            // The load balancer's own policy and strategy say where a query comes from, whatever
            // sets and rules make of them (behaviour.md 1.8 (9)).
            let find = || asker.location(lb.steering, lb.location);
            let client = if is_far { *location.get_or_insert_with(find) } else { <_>::default() };
            places.contain(asker.node, &client)
        };
        for (n, set) in (0..).zip(&lb.pool_sets) {
            let ignored = is_stream && matches!(set.outcome, PoolSetOutcome::Respond(_));
            if ignored || !set.places.as_ref().is_none_or(&mut contain) {
                trail.consider(TrailStep::PoolSetPassed(ix, n));
                continue;
            }
            trail.push(TrailStep::PoolSet(ix, n));
            match &set.outcome {
                PoolSetOutcome::Respond(response) => return Some(response),
                PoolSetOutcome::Pools(chosen) => {
                    self.list = Some(&chosen.pools);
                    self.steering = chosen.steering;
                    replace(&mut self.weights.of_pool, chosen.pool_weights.as_deref());
                    replace(&mut self.weights.default, chosen.pool_default_weight);
                    replace(&mut self.fallback_pool, chosen.fallback_pool);
                }
            }
            break;
        }
        None
    }

    /// Whether both lead to the same candidates, wherever the request comes from.
    pub(super) fn has_pools_of(&self, other: &Self) -> bool {
        // Whatever was not replaced is the very same object.
        self.list.map(<[_]>::as_ptr) == other.list.map(<[_]>::as_ptr)
            && ptr::eq(self.default_pools, other.default_pools)
            && ptr::eq(self.pops, other.pops)
            && ptr::eq(self.countries, other.countries)
            && ptr::eq(self.regions, other.regions)
            && (self.steering == Steering::Geo) == (other.steering == Steering::Geo)
    }

    /// Lays one rule's overrides over them.
    fn replace(&mut self, overrides: &'v Overrides) {
        let Overrides { default_pools, pools, affinity, .. } = overrides;
        if let Some(pools) = default_pools {
            self.default_pools = pools;
            // What a set or an earlier rule chose instead of the default pools is replaced with them.
            self.list = self.list.and(Some(pools));
        }
        if let Some(pools) = pools {
            self.list = Some(pools);
        }
        replace(&mut self.pops, overrides.pops.as_ref());
        replace(&mut self.countries, overrides.countries.as_ref());
        replace(&mut self.regions, overrides.regions.as_ref());
        replace(&mut self.fallback_pool, overrides.fallback_pool);
        replace(&mut self.steering, overrides.steering);
        replace(&mut self.weights.of_pool, overrides.pool_weights.as_deref());
        replace(&mut self.weights.default, overrides.pool_default_weight);
        replace(&mut self.failover_across_pools, overrides.failover_across_pools);
        replace(&mut self.location.mode, overrides.location_mode);
        replace(&mut self.location.prefer_ecs, overrides.prefer_ecs);
        replace(&mut self.ttl_s, overrides.ttl_s);
        replace(&mut self.affinity.kind, affinity.kind);
        replace(&mut self.affinity.ttl_s, affinity.ttl_s.map(Some));
        replace(&mut self.affinity.same_site, affinity.same_site);
        replace(&mut self.affinity.secure, affinity.secure);
        replace(&mut self.affinity.failover, affinity.failover);
        replace(&mut self.affinity.headers, affinity.headers.as_deref());
        replace(&mut self.affinity.require_all_headers, affinity.require_all_headers);
    }
}

fn replace<T>(setting: &mut T, by: Option<T>) {
    if let Some(by) = by {
        *setting = by;
    }
}
