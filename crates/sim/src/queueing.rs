//! Endpoints with queues, in virtual time: what each policy does to the latency of requests that
//! come whether or not the earlier ones are answered.
//!
//! An endpoint is a number of workers and a queue without end; requests come as a Poisson process
//! (open loop). The engine chooses, with the view and the loads that a proxy would give it; policies
//! that it does not have are in [`rival`], to be compared with. [`farm`] says what there is to be
//! simulated, [`run()`] does it.
//!
//! `cargo run --release -p evenkeel-sim --example uneven_endpoints` prints the tables of
//! `docs/notes/2026-11-latency-aware-steering.md`.

pub mod farm;
pub mod rival;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use evenkeel_decision::{
    Decision, Env, Load, Loads, NoSessions, RequestFacts, Rng, Sighting, Step, Trail, decide,
};
use evenkeel_model::{EndpointId, EndpointSteering, PoolId, Timestamp, View};

use crate::agenda::START;
use crate::chance::Chance;
use farm::Farm;
use rival::{Known, Rival};

/// Who chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// The engine.
    Ours(EndpointSteering),
    /// A policy that the engine does not have.
    Rival(Rival),
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Of requests that were answered well, in microseconds, ascending.
    latencies_us: Vec<u64>,
    /// When each request came, in microseconds, and the endpoint that got it.
    pub sent: Vec<(u64, usize)>,
    /// The most requests in flight on each endpoint from one balancer.
    pub in_flight_max: Vec<u32>,
    /// Requests answered with an error.
    pub errors: usize,
}

impl Report {
    /// The latency that this share of requests stayed below, in milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let last = self.latencies_us.len().saturating_sub(1);
        let at = (last as f64 * share) as usize;
        self.latencies_us.get(at).map_or(0.0, |us| *us as f64 / 1_000.0)
    }

    /// The part of all requests that an endpoint got between two moments, in seconds.
    #[must_use]
    pub fn share(&self, endpoint: usize, from_s: u64, until_s: u64) -> f64 {
        let within = |us: &u64| (from_s * 1_000_000..until_s * 1_000_000).contains(us);
        let sent = self.sent.iter().filter(|(at, _)| within(at));
        let got = sent.clone().filter(|(_, of)| *of == endpoint).count();
        got as f64 / sent.count().max(1) as f64
    }

    /// The part of all requests that an endpoint got.
    #[must_use]
    pub fn share_of_all(&self, endpoint: usize) -> f64 {
        self.share(endpoint, 0, u64::MAX / 1_000_000)
    }

    /// Seconds from a moment until an endpoint first gets this share of a second's requests.
    #[must_use]
    pub fn seconds_until_share(&self, endpoint: usize, from_s: u64, share: f64) -> Option<u64> {
        let end_s = self.sent.last()?.0 / 1_000_000;
        (from_s..end_s).find(|s| self.share(endpoint, *s, s + 1) >= share).map(|s| s - from_s)
    }
}

/// A request on its way.
#[derive(Debug, Clone, Copy)]
struct Journey {
    began_us: u64,
    endpoint: usize,
    balancer: usize,
}

/// What a balancer knows of its endpoints.
#[derive(Debug, Clone)]
struct Balancer {
    ids: Arc<[EndpointId]>,
    loads: Vec<Load>,
    known: Vec<Known>,
}

impl Loads for Balancer {
    fn endpoint(&self, endpoint: EndpointId) -> Load {
        let at = self.ids.iter().position(|id| *id == endpoint);
        at.map_or_else(Load::default, |at| self.loads[at])
    }

    fn pool(&self, _pool: PoolId) -> Load {
        Load::default()
    }
}

/// An endpoint at work.
#[derive(Debug, Clone, Default)]
struct Queue {
    busy: usize,
    waiting: VecDeque<usize>,
}

/// Runs a farm under a policy. The same seed brings the same requests.
#[must_use]
pub fn run(farm: &Farm, policy: Policy, seed: u64) -> Report {
    let mut chance = Chance::new(seed);
    let (mut arrivals, mut services, mut draws) = (chance.fork(), chance.fork(), chance.fork());
    let steering = match policy {
        Policy::Ours(steering) => steering,
        Policy::Rival(_) => EndpointSteering::Random,
    };
    let views = [farm.view(steering, false), farm.view(steering, true)];
    let count = farm.endpoints.len();
    let balancer = Balancer {
        ids: views[1].config.endpoints.iter().map(|endpoint| endpoint.id).collect(),
        loads: vec![Load::default(); count],
        known: vec![Known::default(); count],
    };
    let mut balancers = vec![balancer; farm.balancers];
    let mut queues = vec![Queue::default(); count];
    let mut report = Report { in_flight_max: vec![0; count], ..Report::default() };
    let mut journeys: Vec<Journey> = Vec::with_capacity(farm.requests);
    let mut ends = BinaryHeap::new();
    let mut next_us = 0.0;
    loop {
        let is_more = journeys.len() < farm.requests;
        let end = ends.peek().map(|Reverse((us, _))| *us);
        if is_more && end.is_none_or(|end| (next_us as u64) < end) {
            let now_us = next_us as u64;
            next_us += 1_000_000.0 * exponential(&mut arrivals) / farm.requests_per_second();
            let at = arrivals.index(balancers.len());
            let view = &views[usize::from(now_us >= farm.joins_us())];
            let from = &mut balancers[at];
            let endpoint = match policy {
                Policy::Ours(_) => ask_engine(view, from, now_us, &mut draws),
                Policy::Rival(rival) => {
                    let is_there = |n: usize| view.config.endpoints[n].enabled;
                    let there: Vec<_> = (0..count).filter(|n| is_there(*n)).collect();
                    rival.choose(&there, &from.known, now_us, &mut draws)
                }
            };
            let load = &mut from.loads[endpoint];
            load.requests += 1;
            load.connections = load.connections.max(load.requests);
            from.known[endpoint].requests += 1;
            report.in_flight_max[endpoint] = report.in_flight_max[endpoint].max(load.requests);
            report.sent.push((now_us, endpoint));
            let id = journeys.len();
            journeys.push(Journey { began_us: now_us, endpoint, balancer: at });
            let queue = &mut queues[endpoint];
            if queue.busy < farm.endpoints[endpoint].workers {
                queue.busy += 1;
                let took = farm.service_us(endpoint, now_us, &mut services);
                ends.push(Reverse((now_us + took, id)));
            } else {
                queue.waiting.push_back(id);
            }
            continue;
        }
        let Some(Reverse((now_us, id))) = ends.pop() else { break };
        let Journey { began_us, endpoint, balancer } = journeys[id];
        let took_us = now_us - began_us;
        let from = &mut balancers[balancer];
        let is_error = farm.endpoints[endpoint].fails;
        let sighting =
            if is_error { Sighting::Failed(took_us) } else { Sighting::Answered(took_us) };
        let load = &mut from.loads[endpoint];
        load.requests -= 1;
        load.pace = load.pace.see(sighting, moment(now_us));
        from.known[endpoint].requests -= 1;
        from.known[endpoint].see(took_us, now_us);
        if is_error {
            report.errors += 1;
        } else {
            report.latencies_us.push(took_us);
        }
        match queues[endpoint].waiting.pop_front() {
            Some(next) => {
                let took = farm.service_us(endpoint, now_us, &mut services);
                ends.push(Reverse((now_us + took, next)));
            }
            None => queues[endpoint].busy -= 1,
        }
    }
    report.latencies_us.sort_unstable();
    report
}

/// What the engine chooses, as a proxy would ask it.
fn ask_engine(view: &View, loads: &dyn Loads, now_us: u64, rng: &mut Chance) -> usize {
    let facts = RequestFacts::new(farm::HOST, [192, 0, 2, 1].into());
    let sessions = &mut NoSessions;
    let mut env = Env { now: moment(now_us), rng, loads, ejections: None, sessions };
    match decide(view, &facts, &mut env, &mut Trail::new()) {
        Decision::Forward(plan) => match plan.step() {
            Step::Dial(target) => target.endpoint.0 as usize,
            Step::GiveUp(reason) => panic!("everybody is well: {reason}"),
        },
        _ => panic!("the farm is served"),
    }
}

fn moment(us: u64) -> Timestamp {
    Timestamp(START.0 + us / 1_000)
}

/// A draw from 0 to 1, without the ends.
fn unit(chance: &mut Chance) -> f64 {
    ((chance.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
}

/// A draw from the exponential distribution of mean 1.
fn exponential(chance: &mut Chance) -> f64 {
    -unit(chance).ln()
}
