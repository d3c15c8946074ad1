//! What real traffic meets at each endpoint, known to all workers together, and who is left alone for
//! it. There is such a table only where passive health is on; when and why somebody is ejected is
//! `decision::passive`'s to say.
//!
//! Workers tell what their attempts meet by comparing and swapping one word of the endpoint's. Only
//! an endpoint that stands out takes its pool's lock, and nobody waits for it. The table is replaced
//! as a whole when the configuration changes.
//!
//! On the request path.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use arc_swap::ArcSwap;
use evenkeel_decision::Ejections;
use evenkeel_decision::passive::{Cause, Evidence, Outliers, Outlying, PassiveSettings, Record};
use evenkeel_h1::ResponseHead;
use evenkeel_model::{Config, EndpointId, EndpointIx, PoolId, Timestamp};

use crate::exchange::Broken;
use crate::loads::IdHasher;

/// The endpoints as traffic finds them. One per process, shared by its workers. Holds exactly the
/// endpoints of the configuration.
#[derive(Debug)]
pub struct OutlierTable {
    settings: PassiveSettings,
    endpoints: ArcSwap<Table>,
    /// When the last ejection of all ends, in milliseconds: after that nobody need be asked.
    last_until_ms: AtomicU64,
    ejections: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    endpoints: HashMap<EndpointId, Arc<Watched>, BuildHasherDefault<IdHasher>>,
    pools: HashMap<PoolId, Arc<Mutex<Outliers>>, BuildHasherDefault<IdHasher>>,
    /// Which configuration was followed last.
    followed: Weak<Config>,
}

/// One endpoint. Alone on its cache line: workers write it at once.
#[derive(Debug)]
#[repr(align(64))]
struct Watched {
    /// A [`Record`].
    record: AtomicU64,
    /// When the last ejection ends, in milliseconds, and in the lowest bit what it was for.
    ejection: AtomicU64,
    pool: Arc<Mutex<Outliers>>,
}

impl Watched {
    fn new(pool: Arc<Mutex<Outliers>>) -> Self {
        Self { record: AtomicU64::new(0), ejection: AtomicU64::new(0), pool }
    }

    fn eject(&self, cause: Cause, until: Timestamp) {
        self.ejection.store(until.0 << 1 | u64::from(cause == Cause::ServerErrors), ORDER);
        self.record.store(Record::default().to_bits(), ORDER);
    }

    fn ejection(&self, now: Timestamp) -> Option<Cause> {
        let word = self.ejection.load(ORDER);
        let cause = if word & 1 == 0 { Cause::ConnectFailures } else { Cause::ServerErrors };
        (now.0 < word >> 1).then_some(cause)
    }

    /// Takes in what a request met, and says whether the endpoint stands out by it.
    fn see(
        &self,
        evidence: Evidence,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> Option<Outlying> {
        let blank = Record::default().to_bits();
        let mut word = self.record.load(ORDER);
        loop {
            // Nearly every request ends here, and writes nothing.
            if word == blank && evidence == Evidence::Answered {
                return None;
            }
            let (next, outlying) = Record::from_bits(word).see(evidence, now, settings);
            match self.record.compare_exchange_weak(word, next.to_bits(), ORDER, ORDER) {
                Ok(_) => return outlying,
                Err(found) => word = found,
            }
        }
    }
}

/// No word says anything about another.
const ORDER: Ordering = Ordering::Relaxed;

impl OutlierTable {
    /// With nothing seen yet.
    #[must_use]
    pub fn new(settings: PassiveSettings) -> Self {
        Self {
            settings,
            endpoints: ArcSwap::default(),
            last_until_ms: AtomicU64::new(0),
            ejections: AtomicU64::new(0),
        }
    }

    /// How many endpoints are left alone at a time.
    #[must_use]
    pub fn ejected(&self, now: Timestamp) -> usize {
        let table = self.endpoints.load();
        table.endpoints.values().filter(|watched| watched.ejection(now).is_some()).count()
    }

    /// How often an endpoint was ejected since the start.
    #[must_use]
    pub fn ejections(&self) -> u64 {
        self.ejections.load(ORDER)
    }

    /// The table, as long as anybody in it is left alone.
    pub(crate) fn in_force(&self, now: Timestamp) -> Option<&dyn Ejections> {
        (now.0 < self.last_until_ms.load(ORDER)).then_some(self as _)
    }

    /// Takes in what a request to an endpoint met. Those under way to an endpoint that is ejected
    /// are no evidence; nor is the first one on a configuration that was not followed yet.
    pub(crate) fn see(&self, config: &Config, ix: EndpointIx, evidence: Evidence, now: Timestamp) {
        let table = self.endpoints.load();
        let Some(watched) = table.endpoints.get(&config.endpoint(ix).id) else { return };
        if watched.ejection(now).is_some() {
            return;
        }
        if let Some(outlying) = watched.see(evidence, now, &self.settings) {
            self.eject(watched, config, ix, outlying, now);
        }
    }

    #[cold]
    fn eject(
        &self,
        watched: &Watched,
        config: &Config,
        ix: EndpointIx,
        outlying: Outlying,
        now: Timestamp,
    ) {
        let endpoint = config.endpoint(ix);
        let pool = config.pool(endpoint.pool);
        let enabled = pool.endpoints().filter(|ix| config.endpoint(*ix).enabled).count();
        let mut outliers = match watched.pool.try_lock() {
            Ok(outliers) => outliers,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another worker is at it. Whoever stands out does so at the next request, too.
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(until) = outliers.eject(endpoint.id, enabled, now, &self.settings) else { return };
        watched.eject(outlying.cause(), until);
        self.last_until_ms.fetch_max(until.0, ORDER);
        self.ejections.fetch_add(1, ORDER);
        drop(outliers);
        tracing::warn!(
            pool = %pool.name,
            endpoint = %endpoint.name,
            reason = %outlying,
            seconds = (until.0 - now.0) / 1000,
            "Endpoint is left alone for a while."
        );
    }

    /// Takes in the endpoints of a configuration, and forgets those that have left.
    pub(crate) fn follow(&self, config: &Arc<Config>) {
        let followed = Arc::downgrade(config);
        if self.endpoints.load().followed.ptr_eq(&followed) {
            return;
        }
        self.endpoints.rcu(|table| Table { followed: followed.clone(), ..table.of(config) });
        for pool in self.endpoints.load().pools.values() {
            let mut outliers = pool.lock().unwrap_or_else(PoisonError::into_inner);
            outliers.retain(|id| self.endpoints.load().endpoints.contains_key(&id));
        }
    }
}

impl Ejections for OutlierTable {
    fn of(&self, endpoint: EndpointId, now: Timestamp) -> Option<Cause> {
        self.endpoints.load().endpoints.get(&endpoint)?.ejection(now)
    }
}

impl Table {
    /// What is known of the endpoints of a configuration.
    fn of(&self, config: &Config) -> Self {
        let mut next = Self::default();
        for endpoint in &config.endpoints {
            let id = config.pool(endpoint.pool).id;
            let known = || self.pools.get(&id).cloned().unwrap_or_default();
            let pool = next.pools.entry(id).or_insert_with(known);
            let known = self.endpoints.get(&endpoint.id).cloned();
            let watched = known.unwrap_or_else(|| Arc::new(Watched::new(Arc::clone(pool))));
            next.endpoints.insert(endpoint.id, watched);
        }
        next
    }
}

/// What it says about an endpoint how it answered a request; `None` when there is more to come, or
/// it is no fault of the endpoint's that there is nothing.
pub(crate) fn evidence_of(answer: &Result<ResponseHead, Broken>) -> Option<Evidence> {
    match answer {
        Ok(head) if matches!(head.status, 500..=599) => Some(Evidence::ServerError),
        Ok(head) => (head.status >= 200 || head.upgrade).then_some(Evidence::Answered),
        Err(Broken::Reset | Broken::Unacknowledged) => Some(Evidence::ConnectFailed),
        Err(Broken::Refused(refusal)) => refusal.blames_endpoint().then_some(Evidence::ServerError),
        Err(Broken::Stale | Broken::Unprocessed | Broken::WantsHttp1 | Broken::ClientGone) => None,
    }
}

#[cfg(test)]
mod tests;
