//! The only writer of the view: it hears of changed documents from the store and of changed health
//! from the monitors, and replaces the view that every reader decides on.
//!
//! ```text
//! store's watch ──▶ catalog ──▶ api::build ──▶ config ┐
//!                                                     ├──▶ View, revision + 1
//! reports ──▶ what is known ──(coalesced)──▶ health ──┘
//! ```
//!
//! A document that cannot be built is logged and left out; the rest goes live. Readers wait for
//! none of this. Judging probes is `decision::health`'s work, running them is `monitor`'s.

mod build;
mod knowledge;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_decision::health::Report;
use evenkeel_model::{Config, Live, LiveWriter, Timestamp, View};
use evenkeel_net::unix_time_ms;
use evenkeel_store::{Revision, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::build::Builder;
use self::knowledge::{Knowledge, News};

/// Verdicts that change closer together than this share one view. A region losing 200 endpoints at
/// once then costs one rebuild, not 200; a human cannot see the delay.
const HEALTH_COALESCE_MS: u64 = 50;

/// As [`HEALTH_COALESCE_MS`], for round-trip times and response codes, which change with every
/// probe: whoever steers by them averages over seconds anyway.
const DETAIL_COALESCE_MS: u64 = 1000;

/// Reports taken from the queue before anything else is looked at. Keeps a flood of them from
/// delaying a changed document.
const REPORTS_AT_ONCE_MAX: usize = 1024;

/// Why there is no first view.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store holds no cookie keys, or none that can be read.
    #[error("the store holds no cookie keys: it was not bootstrapped, or they are damaged")]
    NoCookieKeys,
}

/// Builds views and publishes them.
#[derive(Debug)]
pub struct Publisher {
    store: Arc<dyn Store>,
    moved: watch::Receiver<Revision>,
    builder: Builder,
    config: Arc<Config>,
    knowledge: Knowledge,
    live: LiveWriter,
    /// The revision of the view.
    published: watch::Sender<u64>,
    /// The revision of the documents that the view was built from.
    applied: watch::Sender<Revision>,
}

impl Publisher {
    /// Builds and publishes the first view, in which no health is known. Also returns the watch of
    /// the view's revision, for those who must wake when it changes.
    ///
    /// # Errors
    /// When the store was not bootstrapped.
    pub fn new(store: Arc<dyn Store>) -> Result<(Self, Live, watch::Receiver<u64>), PublishError> {
        // Before the snapshot: a change in between is then seen twice rather than never.
        let moved = store.watch();
        let snapshot = store.snapshot();
        let mut builder = Builder::new();
        let config = Arc::new(builder.build(&snapshot).ok_or(PublishError::NoCookieKeys)?);
        let knowledge = Knowledge::of(&config);
        let health = knowledge.health(&config, now());
        let (live, reader) = Live::new(View { config: Arc::clone(&config), health, revision: 1 });
        let published = watch::Sender::new(1);
        let applied = watch::Sender::new(snapshot.revision());
        let revisions = published.subscribe();
        let publisher = Self { store, moved, builder, config, knowledge, live, published, applied };
        Ok((publisher, reader, revisions))
    }

    /// Tells which revision of the documents the view is built from. The API waits for it before it
    /// answers a change.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Revision> {
        self.applied.subscribe()
    }

    /// Publishes until `shutdown` completes. Goes on without `reports` when their sender is gone.
    ///
    /// # Dropping
    /// The view stays as it is; what was not published yet is not.
    pub async fn run(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let mut shutdown = pin!(shutdown);
        let mut inbox = Vec::with_capacity(REPORTS_AT_ONCE_MAX);
        let mut due: Option<Instant> = None;
        let (mut documents_open, mut reports_open) = (true, true);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                changed = self.moved.changed(), if documents_open => {
                    documents_open = changed.is_ok();
                    if self.follow_documents() {
                        due = None;
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.publish();
                    due = None;
                }
                count = reports.recv_many(&mut inbox, REPORTS_AT_ONCE_MAX), if reports_open => {
                    reports_open = count > 0;
                    for report in inbox.drain(..) {
                        if let Some(wait) = self.knowledge.learn(&self.config, &report, now()).patience() {
                            let at = Instant::now() + wait;
                            due = Some(due.map_or(at, |due| due.min(at)));
                        }
                    }
                }
            }
        }
    }

    /// Builds and publishes what the store holds now, with all health known so far. Whether it did.
    fn follow_documents(&mut self) -> bool {
        let snapshot = self.store.snapshot();
        self.moved.mark_unchanged();
        if snapshot.revision() == *self.applied.borrow() {
            return false;
        }
        let Some(config) = self.builder.build(&snapshot) else {
            tracing::error!("The cookie keys are gone; the view stays as it is.");
            return false;
        };
        self.config = Arc::new(config);
        self.knowledge.follow(&self.config);
        self.publish();
        self.applied.send_replace(snapshot.revision());
        tracing::debug!(documents = %snapshot.revision(), "Documents are live.");
        true
    }

    fn publish(&mut self) {
        let revision = self.live.current().revision + 1;
        let health = self.knowledge.health(&self.config, now());
        self.live.publish(View { config: Arc::clone(&self.config), health, revision });
        // The view first: whoever the watch wakes must find what it was woken for.
        self.published.send_replace(revision);
    }
}

impl News {
    /// How long it may wait for company before it is published.
    fn patience(self) -> Option<Duration> {
        match self {
            Self::Nothing => None,
            Self::Detail => Some(Duration::from_millis(DETAIL_COALESCE_MS)),
            Self::Verdict => Some(Duration::from_millis(HEALTH_COALESCE_MS)),
        }
    }
}

fn now() -> Timestamp {
    Timestamp(unix_time_ms())
}

#[cfg(test)]
mod tests;
