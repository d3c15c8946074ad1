//! What has changed since it was last told (behaviour.md 7.6, 7.11, 7.12).
//!
//! Telling, in the event log and to those who want to be notified, is `control`'s.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use evenkeel_model::{
    Config, EndpointId, EndpointIx, Health, MonitorId, MonitorIx, PoolId, PoolIx, Verdict,
};

use super::status;

/// The health of every pool and endpoint as it was last told. Each change is told once, however
/// often health is looked at, and a verdict that nobody knows for a while is no change:
///
/// ```text
///   told nothing ──decided──▶ told Healthy ◀──decided otherwise──▶ told Unhealthy
///                 (first)         ⟲ same verdict, Unknown, disabled     ⟲
///
///   any of them ──left the configuration, or no monitor has a say──▶ told nothing
/// ```
///
/// A pool of which nothing was told is decided once no endpoint that is still unknown could lift it
/// over its minimum.
///
/// Bounded by the configuration.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pools: BTreeMap<PoolId, Told>,
    endpoints: BTreeMap<EndpointId, bool>,
    /// By members of a group that have no vote.
    observed: BTreeMap<(EndpointId, MonitorId), bool>,
}

/// What was told of a pool.
#[derive(Debug, Clone, Copy)]
struct Told {
    enabled: bool,
    healthy: Option<bool>,
}

/// What has changed in a pool, with places in the configuration it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolChange {
    /// The pool.
    pub pool: PoolIx,
    /// The user has switched it on or off.
    pub enabled: Option<bool>,
    /// It has, or no longer has, enough healthy endpoints.
    pub health: Option<Turn>,
    /// Endpoints whose health has changed, in document order.
    pub endpoints: Vec<(EndpointIx, Turn)>,
    /// Endpoints of which a monitor without a vote thinks otherwise than before. Changes nothing
    /// for traffic.
    pub observed: Vec<(EndpointIx, MonitorIx, Turn)>,
}

impl PoolChange {
    /// Whether anybody's health has changed. Otherwise it is a wish, or an observation.
    #[must_use]
    pub fn is_about_health(&self) -> bool {
        self.health.is_some() || !self.endpoints.is_empty()
    }
}

/// A change of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// What it is now.
    pub healthy: bool,
    /// Whether nothing was told before. That an endpoint is found as it is when probing begins is
    /// recorded, but nobody is woken by it (behaviour.md U29).
    pub is_first: bool,
}

impl Ledger {
    /// Compares with what was told before, and counts as told what it returns: pools in the
    /// configuration's order. `observation` is what a monitor without a vote thinks of an endpoint.
    pub fn follow(
        &mut self,
        config: &Config,
        health: &Health,
        mut observation: impl FnMut(EndpointIx, MonitorIx) -> Verdict,
    ) -> Vec<PoolChange> {
        // Made anew, so that what left the configuration is forgotten.
        let mut next = Self::default();
        let mut changes = Vec::new();
        for (ix, pool) in (0..).map(PoolIx).zip(&config.pools) {
            let mut change = PoolChange {
                pool: ix,
                enabled: None,
                health: None,
                endpoints: Vec::new(),
                observed: Vec::new(),
            };
            let before = self.pools.get(&pool.id).copied();
            let told = before.and_then(|told| told.healthy).filter(|_| pool.is_monitored());
            let found = status::is_pool_healthy(health, ix);
            let is_open = told.is_none() && found == Some(false) && may_pass(config, health, ix);
            let (healthy, turn) = compare(told, found.filter(|_| !is_open));
            change.health = turn;
            change.enabled =
                before.is_some_and(|told| told.enabled != pool.enabled).then_some(pool.enabled);
            next.pools.insert(pool.id, Told { enabled: pool.enabled, healthy });

            for place in pool.endpoints() {
                let endpoint = config.endpoint(place);
                let is_probed = pool.enabled && endpoint.enabled;
                let judged = |verdict| if is_probed { decided(verdict) } else { None };
                if pool.is_monitored() {
                    let told = self.endpoints.get(&endpoint.id).copied();
                    let (told, turn) = compare(told, judged(health.endpoint(place).verdict));
                    change.endpoints.extend(turn.map(|turn| (place, turn)));
                    next.endpoints.extend(told.map(|told| (endpoint.id, told)));
                }
                for member in pool.monitors().iter().filter(|member| !member.votes()) {
                    let key = (endpoint.id, config.monitor(member.monitor).id);
                    let told = self.observed.get(&key).copied();
                    let (told, turn) = compare(told, judged(observation(place, member.monitor)));
                    change.observed.extend(turn.map(|turn| (place, member.monitor, turn)));
                    next.observed.extend(told.map(|told| (key, told)));
                }
            }
            let changed =
                change.enabled.is_some() || change.is_about_health() || !change.observed.is_empty();
            if changed {
                changes.push(change);
            }
        }
        *self = next;
        changes
    }
}

/// Whether endpoints that nobody has judged yet could bring a pool to its minimum. When probing
/// begins they come in one by one: a pool that waits for the last of them was never down.
fn may_pass(config: &Config, health: &Health, ix: PoolIx) -> bool {
    let pool = config.pool(ix);
    let may_pass = |place: &EndpointIx| {
        config.endpoint(*place).enabled && health.endpoint(*place).verdict != Verdict::Unhealthy
    };
    pool.endpoints().filter(may_pass).count() >= pool.endpoints_min as usize
}

/// What has been told afterwards, and what is to be told for it.
fn compare(told: Option<bool>, found: Option<bool>) -> (Option<bool>, Option<Turn>) {
    match found {
        Some(healthy) if told != Some(healthy) => {
            (Some(healthy), Some(Turn { healthy, is_first: told.is_none() }))
        }
        _ => (told, None),
    }
}

fn decided(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Unknown => None,
        Verdict::Healthy => Some(true),
        Verdict::Unhealthy => Some(false),
    }
}
