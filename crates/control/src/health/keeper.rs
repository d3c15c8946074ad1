//! Writes health and its changes to the store, beside everything else that the publisher does: a
//! commit is under way, or it is not, and nobody waits for it.
//!
//! ```text
//!            something changed, a second after the last write;
//!            or `held` is due for renewal
//!     Idle ──────────────────────────────────────────────────▶ Writing
//!      ▲                                                          │
//!      ├──────────────────────── written ─────────────────────────┤
//!      └── failed: all of it is due again, after a pause ─────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_api::HealthEvent;
use evenkeel_decision::health::Report;
use evenkeel_model::{PoolId, Timestamp};
use evenkeel_store::{Append, BODY_BYTES_MAX, Batch, Change, CommitError, Store, Write};
use tokio::time::Instant;

use super::event::HEALTH_EVENTS;
use super::saved;
use super::stats::{HealthStats, add};
use crate::records::encode;

/// Time between writes. Endpoints that flap then cost the disk one write a second, however many.
const WRITE_GAP: Duration = Duration::from_secs(1);

/// How often it is written down that everything still holds. A process that dies leaves health that
/// is at most this much older than it was.
const RENEW_GAP: Duration = Duration::from_secs(30);

/// The pause after a write that failed. A full disk is not made emptier by haste.
const RETRY_GAP: Duration = Duration::from_secs(5);

/// How long the last write at shutdown may take.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Entries of the event log in one write, and documents: more would hold up the commits of users.
const ENTRIES_AT_ONCE_MAX: usize = 1000;
/// See [`ENTRIES_AT_ONCE_MAX`].
const POOLS_AT_ONCE_MAX: usize = 1000;

/// Entries that wait for the store, in bytes. Some ten thousand of usual size; when a disk is slower
/// than that, the oldest are dropped and counted.
const ENTRIES_BYTES_MAX: usize = 16 * 1024 * 1024;

type Outcome = Result<evenkeel_store::Revision, CommitError>;

/// See the [module](self).
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    stats: Arc<HealthStats>,
    /// Pools whose document is not what is known.
    changed: BTreeSet<PoolId>,
    /// Whether there may be documents of pools that are gone.
    gone: bool,
    entries: VecDeque<Append>,
    entries_bytes: usize,
    writing: Option<Writing>,
    /// Nothing is written before.
    not_before: Instant,
    renew_at: Instant,
    failing: bool,
}

/// A commit under way, and what it takes back with it when it fails.
struct Writing {
    commit: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    pools: Vec<PoolId>,
    entries: Vec<Append>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("changed", &self.changed.len())
            .field("entries", &self.entries.len())
            .field("writing", &self.writing.is_some())
            .finish_non_exhaustive()
    }
}

/// What there is to know when a write begins.
pub(crate) trait KeeperSight {
    /// Whether the configuration has a pool.
    fn has_pool(&self, id: PoolId) -> bool;
    /// Every verdict in a pool; none when the configuration does not have it.
    fn of_pool(&self, id: PoolId) -> Vec<Report>;
    /// Now, by the clock on the wall.
    fn now(&self) -> Timestamp;
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn Store>, stats: Arc<HealthStats>) -> Self {
        let now = Instant::now();
        Self {
            store,
            stats,
            changed: BTreeSet::new(),
            gone: true,
            entries: VecDeque::new(),
            entries_bytes: 0,
            writing: None,
            not_before: now,
            renew_at: now + RENEW_GAP,
            failing: false,
        }
    }

    /// A verdict in this pool has changed.
    pub(crate) fn keep(&mut self, pool: PoolId) {
        self.changed.insert(pool);
    }

    /// The configuration has changed: pools may have left it.
    pub(crate) fn forget_gone(&mut self) {
        self.gone = true;
    }

    /// Adds an entry to the event log.
    pub(crate) fn record(&mut self, event: &HealthEvent, now: Timestamp) {
        let body = encode(event);
        if body.len() > BODY_BYTES_MAX {
            return add(&self.stats.events_dropped, 1);
        }
        let entry = Append { stream: HEALTH_EVENTS.into(), at_ms: now.0, body: body.into() };
        self.entries_bytes += entry.body.len();
        self.entries.push_back(entry);
        self.drop_overflow();
    }

    /// When [`Self::start`] wants to be called; `None` while a write is under way.
    pub(crate) fn due(&self) -> Option<Instant> {
        let wanted = if self.changed.is_empty() && self.entries.is_empty() {
            self.renew_at
        } else {
            self.not_before
        };
        self.writing.is_none().then_some(wanted.max(self.not_before))
    }

    /// Begins to write what is due.
    pub(crate) fn start(&mut self, sight: &impl KeeperSight) {
        let taken = self.entries.len().min(ENTRIES_AT_ONCE_MAX);
        let entries: Vec<_> = self.entries.drain(..taken).collect();
        self.entries_bytes -= entries.iter().map(|entry| entry.body.len()).sum::<usize>();
        let pools: Vec<_> = self.changed.iter().copied().take(POOLS_AT_ONCE_MAX).collect();
        for pool in &pools {
            self.changed.remove(pool);
        }

        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        if std::mem::take(&mut self.gone) {
            let snapshot = self.store.snapshot();
            let gone =
                saved::pools(&snapshot).filter(|id| !id.parse().is_ok_and(|id| sight.has_pool(id)));
            changes.extend(gone.map(|id| (id.to_owned(), saved::pool(id, &[]))));
        }
        for id in &pools {
            let id_text = id.to_string();
            let change = saved::pool(&id_text, &sight.of_pool(*id));
            // A pool of that many endpoints begins anew after a restart.
            if !matches!(&change.write, Write::Put(body) if body.len() > BODY_BYTES_MAX) {
                changes.insert(id_text, change);
            }
        }
        let changes = changes.into_values().chain([saved::held(sight.now())]).collect();
        let batch = Batch { changes, appends: entries.clone(), ..Batch::new() };
        let store = Arc::clone(&self.store);
        let commit = Box::pin(async move { store.commit(batch).await });
        self.writing = Some(Writing { commit, pools, entries });
        let now = Instant::now();
        self.not_before = now + WRITE_GAP;
        self.renew_at = now + RENEW_GAP;
    }

    /// Waits for the end of the write that is under way; for ever without one.
    ///
    /// # Dropping
    /// The write goes on when this is awaited again.
    pub(crate) async fn ended(&mut self) {
        let Some(writing) = &mut self.writing else { return pending().await };
        let outcome = poll_fn(|cx| writing.commit.as_mut().poll(cx)).await;
        let Some(Writing { pools, entries, .. }) = self.writing.take() else { return };
        match outcome {
            Ok(_) if std::mem::take(&mut self.failing) => {
                tracing::info!("Health is kept again.");
            }
            Ok(_) => {}
            Err(error) => {
                add(&self.stats.saves_failed, 1);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "Health cannot be kept; a restart would begin without.");
                }
                self.changed.extend(pools);
                self.gone = true;
                self.entries_bytes += entries.iter().map(|entry| entry.body.len()).sum::<usize>();
                entries.into_iter().rev().for_each(|entry| self.entries.push_front(entry));
                self.drop_overflow();
                self.not_before = Instant::now() + RETRY_GAP;
            }
        }
    }

    /// Writes what is left, and that all of it held until now. Gives up when the store does not
    /// answer.
    ///
    /// # Dropping
    /// What was not written yet is lost.
    pub(crate) async fn finish(mut self, sight: &impl KeeperSight) {
        let write_all = async {
            if self.writing.is_some() {
                self.ended().await;
            }
            loop {
                self.start(sight);
                self.ended().await;
                if self.failing || (self.entries.is_empty() && self.changed.is_empty()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(LAST_WRITE, write_all).await.is_err() {
            tracing::warn!("The store was too slow to keep what was last known of health.");
        }
    }

    fn drop_overflow(&mut self) {
        while self.entries_bytes > ENTRIES_BYTES_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.entries_bytes -= oldest.body.len();
            add(&self.stats.events_dropped, 1);
        }
    }
}
