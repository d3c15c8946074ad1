//! Telling of changed health: the log, the event log, and those who may want to be notified. The
//! view is live by then.

use std::collections::HashMap;

use evenkeel_decision::health::Report;
use evenkeel_decision::health::ledger::PoolChange;
use evenkeel_model::{Config, Health, Pool, PoolId, Timestamp};

use super::knowledge::{Knowledge, Whose};
use super::{Publisher, wall_clock};
use crate::health::{Findings, KeeperSight, describe, occasions_of};

impl Publisher {
    /// Tells what has changed since it was last told.
    pub(super) fn tell(&mut self, now: Timestamp) {
        let (config, knowledge) = (&*self.config, &self.knowledge);
        let health = knowledge.health(config, Whose::Installation, self.moments.now());
        let finding = |endpoint, monitor| knowledge.finding(config, endpoint, monitor);
        let changes = self
            .ledger
            .follow(config, &health, |endpoint, monitor| finding(endpoint, monitor).verdict);
        for change in &changes {
            log(config, &health, change);
            if change.is_about_health() {
                let findings = Findings { config, health: &health, by_monitor: finding };
                self.keeper.record(&describe(change, &findings, now), now);
            }
            let account = self.builder.account_of(config.pool(change.pool).id);
            for occasion in occasions_of(change, config, &health, finding, &account, now) {
                self.occasions.tell(occasion);
            }
        }
    }
}

fn log(config: &Config, health: &Health, change: &PoolChange) {
    let pool = &config.pool(change.pool).name;
    for (ix, turn) in &change.endpoints {
        let endpoint = &config.endpoint(*ix).name;
        if turn.healthy {
            tracing::info!(%pool, %endpoint, "Endpoint became healthy.");
        } else {
            let reason = health.endpoint(*ix).reason;
            tracing::warn!(%pool, %endpoint, %reason, "Endpoint became unhealthy.");
        }
    }
    match change.health {
        Some(turn) if turn.healthy => tracing::info!(%pool, "Pool became healthy."),
        Some(_) => tracing::warn!(%pool, "Pool became critical: too few healthy endpoints."),
        None => {}
    }
}

/// What the keeper sees of the publisher.
pub(super) struct Sight<'a> {
    config: &'a Config,
    knowledge: &'a Knowledge,
    pools: HashMap<PoolId, &'a Pool>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(config: &'a Config, knowledge: &'a Knowledge) -> Self {
        let pools = config.pools.iter().map(|pool| (pool.id, pool)).collect();
        Self { config, knowledge, pools }
    }
}

impl KeeperSight for Sight<'_> {
    fn has_pool(&self, id: PoolId) -> bool {
        self.pools.contains_key(&id)
    }

    fn of_pool(&self, id: PoolId) -> Vec<Report> {
        let pool = self.pools.get(&id);
        pool.map(|pool| self.knowledge.of_pool(self.config, pool)).unwrap_or_default()
    }

    fn now(&self) -> Timestamp {
        wall_clock()
    }
}
