//! What should become of a request, worked out a second time: slowly, from the specification, and
//! with nothing of the engine's but its configuration and the verdicts.
//!
//! Where the specification leaves a combination open, the oracle says so with `None` instead of
//! guessing, and the invariants have no opinion either.

mod shares;

use std::net::IpAddr;

use evenkeel_decision::Geography;
use evenkeel_model::{
    LoadBalancer, LoadBalancerIx, Node, Overrides, PoolIx, PoolSetOutcome, PoolSetPools,
    PoolWeights, RuleAction, SessionAffinity, Steering, Topology, View,
};

use crate::blueprint::Blueprint;
use crate::places::Atlas;
use crate::request::Request;

pub use shares::{Shares, endpoint_shares, shares, shed};

/// A load balancer as one request should see it (behaviour.md 1.8, 1.9, 2.1).
#[derive(Debug, Clone)]
pub struct Meant {
    /// Whose request it is.
    pub load_balancer: LoadBalancerIx,
    /// The status of a fixed response: then nothing else counts.
    pub respond: Option<u16>,
    /// The candidates in order, each once.
    pub candidates: Option<Vec<PoolIx>>,
    /// The last resort.
    pub fallback: PoolIx,
    /// How a pool is chosen.
    pub steering: Steering,
    /// Weights for the policies that draw.
    pub weights: PoolWeights,
    /// What ties the client to an endpoint.
    pub affinity: SessionAffinity,
    /// Whether the retry may leave the pool.
    pub across: bool,
}

/// The load balancer that a host belongs to; `None` for nobody's, or one that answers DNS only.
#[must_use]
pub fn owner(view: &View, host: &str) -> Option<LoadBalancerIx> {
    let ix = view.config.find_host(host)?;
    view.config.load_balancer(ix).proxied.then_some(ix)
}

/// What a request should find.
#[must_use]
pub fn meant(blueprint: &Blueprint, ix: LoadBalancerIx, node: &Node, request: &Request) -> Meant {
    let service = blueprint.service(ix);
    let lb = &service.load_balancer;
    let mut work = Work::new(lb, ix);
    let location = Atlas.location(IpAddr::V4(request.client));
    let place = |of: &evenkeel_model::PoolSet| {
        of.places.as_ref().is_none_or(|places| places.contain(node, &location))
    };
    match lb.pool_sets.iter().find(|set| place(set)).map(|set| &set.outcome) {
        Some(PoolSetOutcome::Respond(fixed)) => {
            work.meant.respond = Some(fixed.status);
            return work.meant;
        }
        Some(PoolSetOutcome::Pools(set)) => work.take(set),
        None => {}
    }
    for (rule, condition) in lb.rules.iter().zip(&service.conditions) {
        if !condition.holds(request) {
            continue;
        }
        match &rule.action {
            RuleAction::Respond(fixed) => {
                work.meant.respond = Some(fixed.status);
                break;
            }
            RuleAction::Override { overrides, terminates } => {
                work.lay_over(overrides);
                if *terminates {
                    break;
                }
            }
        }
    }
    work.finish(node, location.country)
}

/// A load balancer while overrides are laid over it.
struct Work {
    meant: Meant,
    /// The policy as configured.
    configured: Steering,
    default_pools: Vec<PoolIx>,
    topology: Topology,
    /// The pools of a pool set, while they are in force.
    set: Option<Vec<PoolIx>>,
    /// The specification does not say what the candidates are.
    open: bool,
}

impl Work {
    fn new(lb: &LoadBalancer, ix: LoadBalancerIx) -> Self {
        let meant = Meant {
            load_balancer: ix,
            respond: None,
            candidates: None,
            fallback: lb.fallback_pool,
            steering: lb.steering,
            weights: lb.pool_weights.clone(),
            affinity: lb.affinity.clone(),
            across: lb.failover_across_pools,
        };
        Self {
            meant,
            configured: lb.steering,
            default_pools: lb.default_pools.clone(),
            topology: lb.topology.clone(),
            set: None,
            open: false,
        }
    }

    fn take(&mut self, set: &PoolSetPools) {
        self.set = Some(set.pools.clone());
        self.meant.steering = set.steering;
        self.meant.fallback = set.fallback_pool.unwrap_or(self.meant.fallback);
        if let Some(weights) = &set.pool_weights {
            self.meant.weights.of_pool.clone_from(weights);
        }
        if let Some(weight) = set.pool_default_weight {
            self.meant.weights.default = weight;
        }
    }

    fn lay_over(&mut self, over: &Overrides) {
        if let Some(pools) = &over.default_pools {
            // Whether the set's pools, or the geo list, still come before these is left open.
            self.open |= self.set.is_some();
            self.default_pools.clone_from(pools);
        }
        if let Some(steering) = over.steering {
            self.open |= self.set.is_some() && steering == Steering::Geo;
            self.meant.steering = steering;
        }
        if let Some(countries) = &over.countries {
            self.open |= self.set.is_some();
            self.topology.countries.clone_from(countries);
        }
        let meant = &mut self.meant;
        meant.fallback = over.fallback_pool.unwrap_or(meant.fallback);
        meant.across = over.failover_across_pools.unwrap_or(meant.across);
        meant.affinity.kind = over.affinity.kind.unwrap_or(meant.affinity.kind);
        meant.affinity.failover = over.affinity.failover.unwrap_or(meant.affinity.failover);
        meant.weights.default = over.pool_default_weight.unwrap_or(meant.weights.default);
        if let Some(weights) = &over.pool_weights {
            meant.weights.of_pool.clone_from(weights);
        }
    }

    fn finish(mut self, node: &Node, country: Option<evenkeel_model::Country>) -> Meant {
        let geo = [self.configured, self.meant.steering].contains(&Steering::Geo);
        let list = match &self.set {
            Some(pools) => pools,
            None if geo => self.geo_list(node, country),
            None => &self.default_pools,
        };
        let mut candidates = Vec::new();
        for pool in list {
            if !candidates.contains(pool) {
                candidates.push(*pool);
            }
        }
        self.meant.candidates = (!self.open).then_some(candidates);
        self.meant
    }

    /// The first map with an entry supplies the whole list (behaviour.md 2.4).
    fn geo_list(&self, node: &Node, country: Option<evenkeel_model::Country>) -> &Vec<PoolIx> {
        let Topology { pops, countries, regions } = &self.topology;
        let entries = [
            node.pop.and_then(|pop| pops.get(&pop)),
            country.and_then(|country| countries.get(&country)),
            node.region.and_then(|region| regions.get(&region)),
        ];
        entries.into_iter().flatten().find(|list| !list.is_empty()).unwrap_or(&self.default_pools)
    }
}
