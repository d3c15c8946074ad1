//! Occasions to notify somebody (behaviour.md 7.11): that something has changed for the whole
//! installation. Never one per probe, never the same twice, and none for what is found when probing
//! begins. Whom to notify, by which policy and how, is the notifier's business.

use std::sync::Arc;

use evenkeel_decision::health::ledger::{PoolChange, Turn};
use evenkeel_decision::health::status::load_balancers_of;
use evenkeel_model::{
    Config, EndpointHealth, EndpointIx, FailureReason, Health, MonitorId, MonitorIx, PoolId,
    Timestamp,
};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::stats::{HealthStats, add};

/// Occasions that wait for a slow notifier. A region with thousands of endpoints can fail at once
/// and nothing is missed; the oldest go when there are still more, because what happened last is
/// what is worth knowing.
const OCCASIONS_MAX: usize = 8192;

/// Something that somebody may want to be notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// When.
    pub when: Timestamp,
    /// Identifier of the account that owns the pool.
    pub account: String,
    /// The pool it happened to.
    pub pool_id: PoolId,
    /// The pool's name at that time.
    pub pool_name: String,
    /// Names of the load balancers that have the pool anywhere.
    pub load_balancers: Arc<[String]>,
    /// What happened.
    pub kind: OccasionKind,
}

/// What happened to a pool or one of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OccasionKind {
    /// The pool has, or no longer has, enough healthy endpoints.
    PoolHealth {
        /// Whether it has.
        healthy: bool,
    },
    /// An endpoint's health changed.
    EndpointHealth {
        /// The endpoint's label.
        name: String,
        /// Its address as in the pool.
        address: String,
        /// Whether it is healthy.
        healthy: bool,
        /// Why not.
        reason: FailureReason,
        /// The monitor that found so, where it is one without a vote: nothing changes for traffic.
        observed_by: Option<MonitorId>,
    },
    /// The user switched the pool on or off.
    PoolEnabled {
        /// Whether it is on.
        enabled: bool,
    },
}

/// Where occasions are told. Telling never waits.
#[derive(Debug)]
pub(crate) struct Occasions {
    sender: broadcast::Sender<Arc<Occasion>>,
    stats: Arc<HealthStats>,
}

impl Occasions {
    pub(crate) fn new(stats: Arc<HealthStats>) -> Self {
        Self { sender: broadcast::Sender::new(OCCASIONS_MAX), stats }
    }

    /// Everything told from now on.
    pub(crate) fn subscribe(&self) -> OccasionInbox {
        OccasionInbox { receiver: self.sender.subscribe(), stats: Arc::clone(&self.stats) }
    }

    pub(crate) fn tell(&self, occasion: Occasion) {
        // Nobody may be listening.
        let _ = self.sender.send(Arc::new(occasion));
    }
}

/// Receives occasions in their order.
#[derive(Debug)]
pub struct OccasionInbox {
    receiver: broadcast::Receiver<Arc<Occasion>>,
    stats: Arc<HealthStats>,
}

impl OccasionInbox {
    /// Waits for the next occasion; `None` once the publisher has ended. Whoever is slower than
    /// thousands of changes misses the oldest, which is counted.
    ///
    /// # Dropping
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Arc<Occasion>> {
        loop {
            match self.receiver.recv().await {
                Ok(occasion) => return Some(occasion),
                Err(RecvError::Lagged(missed)) => add(&self.stats.occasions_missed, missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The occasions of a change. The pool's comes first, as it is the one that matters; whose the pool
/// is, is `account`.
pub(crate) fn occasions_of(
    change: &PoolChange,
    config: &Config,
    health: &Health,
    by_monitor: impl Fn(EndpointIx, MonitorIx) -> EndpointHealth,
    account: &str,
    when: Timestamp,
) -> Vec<Occasion> {
    let news = |turn: &Turn| !turn.is_first;
    let enabled = change.enabled.map(|enabled| OccasionKind::PoolEnabled { enabled });
    let of_pool =
        change.health.filter(news).map(|turn| OccasionKind::PoolHealth { healthy: turn.healthy });
    let endpoint = |ix, turn: &Turn, reason, observed_by| {
        let endpoint = config.endpoint(ix);
        OccasionKind::EndpointHealth {
            name: endpoint.name.clone(),
            address: endpoint.address.to_string(),
            healthy: turn.healthy,
            reason,
            observed_by,
        }
    };
    let endpoints = change
        .endpoints
        .iter()
        .filter(|(_, turn)| news(turn))
        .map(|(ix, turn)| endpoint(*ix, turn, health.endpoint(*ix).reason, None));
    let observed = change.observed.iter().filter(|(.., turn)| news(turn)).map(|(ix, by, turn)| {
        endpoint(*ix, turn, by_monitor(*ix, *by).reason, Some(config.monitor(*by).id))
    });
    let kinds: Vec<_> =
        enabled.into_iter().chain(of_pool).chain(endpoints).chain(observed).collect();
    if kinds.is_empty() {
        return Vec::new();
    }
    let pool = config.pool(change.pool);
    let names = load_balancers_of(config, change.pool).map(|ix| config.load_balancer(ix).name());
    let load_balancers: Arc<[String]> = names.collect();
    let occasion = |kind| Occasion {
        when,
        account: account.to_owned(),
        pool_id: pool.id,
        pool_name: pool.name.clone(),
        load_balancers: Arc::clone(&load_balancers),
        kind,
    };
    kinds.into_iter().map(occasion).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    fn occasion(n: u64) -> Occasion {
        Occasion {
            when: Timestamp(n),
            account: String::new(),
            pool_id: PoolId([0; 16]),
            pool_name: String::new(),
            load_balancers: Arc::default(),
            kind: OccasionKind::PoolHealth { healthy: true },
        }
    }

    #[tokio::test]
    async fn whoever_is_too_slow_misses_the_oldest_and_is_counted() {
        let stats = Arc::new(HealthStats::default());
        let occasions = Occasions::new(Arc::clone(&stats));
        occasions.tell(occasion(0));
        let mut inbox = occasions.subscribe();
        let told = OCCASIONS_MAX as u64 + 5;
        for n in 1..=told {
            occasions.tell(occasion(n));
        }
        assert_eq!(inbox.next().await.unwrap().when, Timestamp(6));
        assert_eq!(stats.occasions_missed.load(Ordering::Relaxed), 5);
        drop(occasions);
        let mut last = None;
        while let Some(next) = inbox.next().await {
            last = Some(next.when);
        }
        assert_eq!(last, Some(Timestamp(told)));
    }
}
