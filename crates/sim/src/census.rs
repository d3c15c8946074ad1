//! Many strangers at one moment: the world stands still while as many requests as needed show how
//! a load balancer spreads them, and the shares are held against what they should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_decision::{Env, Loads, Pace, SessionTable, Target};
use evenkeel_model::{EndpointIx, EndpointSteering, LoadBalancerIx, PoolIx, View};

use crate::agenda::START;
use crate::chance::Chance;
use crate::exchange;
use crate::oracle::{self, Meant};
use crate::request;
use crate::world::World;

/// Requests of a census. Two identical endpoints then have so many draws that a fair engine misses
/// 0.8–1.2 of a fair share with a likelihood below 1e-20, four of them with one below 1e-9.
pub const DRAWS: u32 = 5_000;

/// What a census saw of one load balancer.
#[derive(Debug)]
pub struct Census {
    /// The moment.
    pub view: Arc<View>,
    /// Whom it was about.
    pub load_balancer: LoadBalancerIx,
    /// Requests whose shares the oracle knows.
    pub draws: u32,
    /// What each pool got of them, in whichever role, and what it should have got.
    pub pools: BTreeMap<PoolIx, Tally>,
    /// What each endpoint got of those that its pool got as a candidate, and what it should have got.
    pub endpoints: BTreeMap<EndpointIx, Tally>,
    /// Endpoints that are busy at this moment, or known to be fast or slow: the policies that look at
    /// that may tell them from others of the same weight.
    pub busy: Vec<EndpointIx>,
    /// Whether any pool that should have got something sheds.
    pub sheds: bool,
}

/// What a pool got and what it should have got, in requests.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Counted.
    pub got: u32,
    /// The sum of the likelihoods.
    pub meant: f64,
}

impl Census {
    /// Asks [`DRAWS`] strangers.
    #[must_use]
    pub fn take(world: &World, load_balancer: LoadBalancerIx, chance: &mut Chance) -> Self {
        let view = world.view();
        let loads = world.loads();
        let is_busy = |ix: &EndpointIx| {
            let endpoint = view.config.endpoint(*ix);
            let load = loads.endpoint(endpoint.id);
            let by_pace =
                view.config.pool(endpoint.pool).endpoint_steering == EndpointSteering::LeastLatency;
            !load.is_idle() || by_pace && load.pace != Pace::UNKNOWN
        };
        let busy = view.config.endpoints_indexed().map(|(ix, _)| ix).filter(is_busy).collect();
        let mut census = Self {
            view: Arc::clone(view),
            load_balancer,
            draws: 0,
            pools: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            busy,
            sheds: false,
        };
        let mut sessions = SessionTable::new(1);
        let host = world.host(load_balancer);
        for _ in 0..DRAWS {
            let request = request::stranger(host, chance);
            let Some(meant) = world.meant(&request).filter(|meant| meant.respond.is_none()) else {
                continue;
            };
            let mut env = Env {
                now: START,
                rng: &mut *chance,
                loads,
                ejections: None,
                sessions: &mut sessions,
            };
            let target = exchange::first_choice(view, world.node(), &request, &mut env);
            if let Some(target) = target {
                census.count_endpoint(target, &meant, loads);
            }
            if let Some(shares) = oracle::shares(view, &meant, world.node(), loads) {
                census.count_pool(target, meant.fallback, &shares);
            }
        }
        census
    }

    fn count_endpoint(&mut self, target: Target, meant: &Meant, loads: &dyn Loads) {
        if target.fallback {
            return;
        }
        self.endpoints.entry(target.endpoint).or_default().got += 1;
        for (ix, share) in oracle::endpoint_shares(&self.view, meant, target.pool, loads) {
            self.endpoints.entry(ix).or_default().meant += share;
        }
    }

    fn count_pool(&mut self, target: Option<Target>, fallback: PoolIx, shares: &oracle::Shares) {
        self.draws += 1;
        if let Some(target) = target {
            self.pools.entry(target.pool).or_default().got += 1;
        }
        for (pool, share) in &shares.of_pool {
            self.pools.entry(*pool).or_default().meant += share;
            self.sheds |= self.view.config.pool(*pool).shedding.is_some();
        }
        let config = &self.view.config;
        let usable = config.pool(fallback).enabled
            && config.pool(fallback).endpoints().any(|ix| config.endpoint(ix).enabled);
        if usable {
            self.pools.entry(fallback).or_default().meant += shares.fallback;
        }
    }
}
