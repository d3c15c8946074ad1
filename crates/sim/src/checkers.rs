//! Monitors: probes of the simulated servers, judged by [`decision::health`](evenkeel_decision::health)
//! as the real ones are.

use std::collections::BTreeMap;

use evenkeel_decision::health::group::combine;
use evenkeel_decision::health::{Outcome, State, Thresholds};
use evenkeel_model::{
    Config, EndpointHealth, EndpointId, EndpointIx, Health, Latency, MonitorId, MonitorIx, Pool,
    PoolId, Verdict,
};

use crate::chance::Chance;
use crate::servers::{Fate, Servers};

/// A probe that takes longer has failed, in milliseconds.
const PROBE_MS_MAX: u64 = 1_000;

/// Distance between two profiles of latency, in microseconds: far more than the engine takes for
/// a tie, so that the oracle never has to guess.
const LATENCY_STEP_US: u32 = 5_000;

/// What monitors have seen so far.
#[derive(Debug, Clone)]
pub struct Checkers {
    states: BTreeMap<(MonitorId, EndpointId), State>,
    latencies: BTreeMap<PoolId, Latency>,
    chance: Chance,
}

impl Checkers {
    /// Nothing has been probed.
    #[must_use]
    pub const fn new(chance: Chance) -> Self {
        Self { states: BTreeMap::new(), latencies: BTreeMap::new(), chance }
    }

    /// Probes everything that a monitor looks after: enabled endpoints of enabled pools. Returns
    /// whether a verdict has changed.
    pub fn probe(&mut self, config: &Config, ix: MonitorIx, servers: &mut Servers) -> bool {
        let monitor = config.monitor(ix);
        let mut changed = false;
        let pools = config.pools.iter().filter(|pool| {
            pool.enabled && pool.monitors().iter().any(|member| member.monitor == ix)
        });
        for endpoint in pools.flat_map(Pool::endpoints).map(|ix| config.endpoint(ix)) {
            if !endpoint.enabled {
                continue;
            }
            let outcome = match servers.contact(&endpoint.address) {
                Fate::Answer(ms) if ms <= PROBE_MS_MAX => Outcome::Pass,
                _ => Outcome::Fail,
            };
            let state = self.states.entry((monitor.id, endpoint.id)).or_default();
            let before = state.verdict();
            *state = state.after(outcome, Thresholds::from(monitor));
            changed |= state.verdict() != before;
        }
        changed
    }

    /// The way to some pool gets shorter or longer, or is no longer known.
    pub fn shift_latency(&mut self, config: &Config) {
        let pool = self.chance.pick(&config.pools).id;
        let steps = u32::try_from(self.chance.between(1, 40)).expect("small");
        let samples = u32::try_from(self.chance.between(0, 9)).expect("small");
        let latency = Latency { mean_us: steps * LATENCY_STEP_US, samples };
        if self.chance.percent(80) {
            self.latencies.insert(pool, latency);
        } else {
            self.latencies.remove(&pool);
        }
    }

    /// What one monitor has found of an endpoint.
    #[must_use]
    pub fn finding(&self, config: &Config, ix: EndpointIx, by: MonitorIx) -> Verdict {
        let key = (config.monitor(by).id, config.endpoint(ix).id);
        self.states.get(&key).map_or(Verdict::Unknown, |state| state.verdict())
    }

    /// What is known, for a configuration.
    #[must_use]
    pub fn health(&self, config: &Config) -> Health {
        let verdict = |ix| {
            let members = config.pool(config.endpoint(ix).pool).monitors().iter();
            combine(members.map(|member| (*member, self.finding(config, ix, member.monitor))))
        };
        let known = |ix| EndpointHealth {
            verdict: verdict(ix).unwrap_or_default(),
            ..EndpointHealth::default()
        };
        Health::new(config, known)
            .with_latencies(|ix| self.latencies.get(&config.pool(ix).id).copied())
    }
}
