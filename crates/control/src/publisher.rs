//! The only writer of the view: it hears of changed documents from the store and of changed health
//! from the monitors, and replaces the view that every reader decides on.
//!
//! ```text
//! store's watch ──▶ catalog ─┬─▶ api::build ──▶ config ─┐
//!                            └─▶ api::build_zone ▶ zones ├──▶ View, revision + 1 ──▶ told, kept
//! reports ──▶ what is known ──(coalesced)──▶ health ─────┘
//! ```
//!
//! A document that cannot be built is logged and left out; the rest goes live. Readers wait for
//! none of this. Judging probes is `decision::health`'s work, running them is `monitor`'s; what
//! becomes of changes of health is [`health`](crate::health)'s.

mod build;
mod knowledge;
mod material;
mod moments;
mod stats;
mod tell;
mod zones;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use evenkeel_decision::health::Report;
use evenkeel_decision::health::ledger::Ledger;
use evenkeel_decision::health::vote::Standpoint;
use evenkeel_model::{Config, EdgeMaterial, Live, LiveWriter, Node, Timestamp, View};
use evenkeel_net::unix_time_ms;
use evenkeel_store::{Revision, Snapshot, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub use evenkeel_decision::health::vote::Quorum;

pub use self::stats::ConfigStats;

use self::build::{Builder, is_same};
use self::knowledge::{Checker, Knowledge, News, Whose};
use self::material::Material;
use self::moments::Moments;
use self::zones::ZoneKeeper;
use crate::health::{HealthStats, Keeper, OccasionInbox, Occasions, restore};

/// Verdicts that change closer together than this share one view. A region losing 200 endpoints at
/// once then costs one rebuild, not 200; a human cannot see the delay.
const HEALTH_COALESCE_MS: u64 = 50;

/// As [`HEALTH_COALESCE_MS`], for round-trip times and response codes, which change with every
/// probe: whoever steers by them averages over seconds anyway.
const DETAIL_COALESCE_MS: u64 = 1000;

/// Reports taken from the queue before anything else is looked at. Keeps a flood of them from
/// delaying a changed document.
const REPORTS_AT_ONCE_MAX: usize = 1024;

/// How often all that is known is looked through for checkers that have fallen silent. They count
/// as silent after intervals of ten seconds and more.
const SURVEY_GAP: Duration = Duration::from_secs(5);

/// Why there is no first view.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store holds no cookie keys, or none that can be read.
    #[error("the store holds no cookie keys: it was not bootstrapped, or they are damaged")]
    NoCookieKeys,
}

/// Where views are published. It outlives a publisher, so that readers go on with the next one of the
/// same process.
#[derive(Debug)]
pub struct Stage {
    live: LiveWriter,
    /// The revision of the view.
    published: watch::Sender<u64>,
}

/// Builds views and publishes them.
#[derive(Debug)]
pub struct Publisher {
    moved: watch::Receiver<Revision>,
    store: Arc<dyn Store>,
    /// What the configuration was built from.
    snapshot: Arc<Snapshot>,
    builder: Builder,
    config: Arc<Config>,
    material: Material,
    zones: ZoneKeeper,
    knowledge: Knowledge,
    /// What was known before the restart.
    restored: Vec<Report>,
    moments: Moments,
    ledger: Ledger,
    /// Whether a verdict or the configuration is not told yet.
    untold: bool,
    keeper: Keeper,
    occasions: Occasions,
    stats: Arc<HealthStats>,
    config_stats: Arc<ConfigStats>,
    stage: Stage,
    /// The revision of the documents that the view was built from.
    applied: watch::Sender<Revision>,
}

impl Publisher {
    /// Builds and publishes the first view, with the health that was known a few minutes ago, if it
    /// was. Also returns the watch of the view's revision, for those who must wake when it changes.
    ///
    /// # Errors
    /// When the store was not bootstrapped.
    pub fn new(store: Arc<dyn Store>) -> Result<(Self, Live, watch::Receiver<u64>), PublishError> {
        let mut readers = None;
        let publisher = Self::with(store, |view| {
            let (live, reader) = Live::new(view);
            let stage = Stage { live, published: watch::Sender::new(1) };
            readers = Some((reader, stage.published.subscribe()));
            stage
        })?;
        let (live, revisions) = readers.expect("the stage was built");
        Ok((publisher, live, revisions))
    }

    /// As [`Self::new`], for readers who are there already: `stage` is what [`Self::run`] left.
    ///
    /// # Errors
    /// When the store was not bootstrapped. The stage comes back.
    pub fn resume(store: Arc<dyn Store>, stage: Stage) -> Result<Self, (PublishError, Stage)> {
        let mut waiting = Some(stage);
        let resumed = Self::with(store, |view| {
            let mut stage = waiting.take().expect("built once");
            let revision = stage.live.current().revision + 1;
            stage.live.publish(View { revision, ..view });
            stage.published.send_replace(revision);
            stage
        });
        resumed.map_err(|error| (error, waiting.expect("no stage was built")))
    }

    /// Builds the first view, and hands it to whoever knows the stage.
    fn with(
        store: Arc<dyn Store>,
        publish: impl FnOnce(View) -> Stage,
    ) -> Result<Self, PublishError> {
        // Before the snapshot: a change in between is then seen twice rather than never.
        let moved = store.watch();
        let snapshot = store.snapshot();
        let mut builder = Builder::new();
        let config = Arc::new(builder.build(&snapshot).ok_or(PublishError::NoCookieKeys)?);
        let material = Material::of(builder.catalog(), &config);
        let mut zones = ZoneKeeper::default();
        zones.follow(builder.catalog());
        let moments = Moments::begin();
        let now = moments.now();
        let mut knowledge = Knowledge::of(&config);
        let mut restored = restore(&snapshot, wall_clock());
        restored.retain(|report| knowledge.restore(&config, report, now));
        let health = knowledge.health(&config, Whose::Node, now);
        let mut ledger = Ledger::default();
        // Whoever was told of it before the restart is not told again.
        let _ = ledger.follow(&config, &health, |endpoint, monitor| {
            knowledge.finding(&config, endpoint, monitor).verdict
        });
        let zones_now = Arc::clone(zones.all());
        let config_now = Arc::clone(&config);
        let stage = publish(View { config: config_now, health, zones: zones_now, revision: 1 });
        let applied = watch::Sender::new(snapshot.revision());
        let stats = Arc::new(HealthStats::default());
        let config_stats = Arc::<ConfigStats>::default();
        let problems = builder.problems() + zones.problems();
        config_stats.follow(snapshot.revision(), problems, unix_time_ms());
        Ok(Self {
            keeper: Keeper::new(Arc::clone(&store), Arc::clone(&stats)),
            occasions: Occasions::new(Arc::clone(&stats)),
            moved,
            store,
            snapshot,
            builder,
            config,
            material,
            zones,
            knowledge,
            restored,
            moments,
            ledger,
            untold: false,
            stats,
            config_stats,
            stage,
            applied,
        })
    }

    /// Says where this node's checker stands, and how many of an installation's must agree.
    /// Otherwise it stands nowhere, and a majority must.
    #[must_use]
    pub fn judging(mut self, node: &Node, quorum: Quorum) -> Self {
        self.knowledge.judge(Checker::own(Standpoint::from(node)), quorum);
        self
    }

    /// Says who serves the zones whose document names nobody; otherwise only those do whom their NS
    /// records name. To be called before the view is read.
    #[must_use]
    pub fn served_by(mut self, name_servers: Vec<String>) -> Self {
        self.zones.serve_by(name_servers);
        self.publish();
        self
    }

    /// What another publisher can go on from, when this one does not run.
    #[must_use]
    pub fn leave(self) -> Stage {
        self.stage
    }

    /// The watch of the view's revision.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.stage.published.subscribe()
    }

    /// Tells which revision of the documents the view is built from. The API waits for it before it
    /// answers a change.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Revision> {
        self.applied.subscribe()
    }

    /// What was known before the restart and is in the first view: where the monitors' own verdicts
    /// go on from.
    #[must_use]
    pub fn restored(&self) -> &[Report] {
        &self.restored
    }

    /// Changes of health and of pools' wishes that somebody may want to be notified of, from now on.
    #[must_use]
    pub fn occasions(&self) -> OccasionInbox {
        self.occasions.subscribe()
    }

    /// What TLS on both sides is done with: there from the start, and told again when something of
    /// it changed, before the API answers the change.
    #[must_use]
    pub fn edge_material(&self) -> watch::Receiver<Arc<EdgeMaterial>> {
        self.material.subscribe()
    }

    /// What is known of the configuration in force.
    #[must_use]
    pub fn config_stats(&self) -> Arc<ConfigStats> {
        Arc::clone(&self.config_stats)
    }

    /// What is counted about health.
    #[must_use]
    pub fn stats(&self) -> Arc<HealthStats> {
        Arc::clone(&self.stats)
    }

    /// Publishes until `shutdown` completes, then writes down what is known of health, which takes
    /// two seconds at most. Goes on without `reports` when their sender is gone. What is left is for
    /// a publisher that goes on where this one ended.
    ///
    /// # Dropping
    /// The view stays as it is; what was not published yet is not, and what was not written is lost.
    pub async fn run(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Stage {
        let mut shutdown = pin!(shutdown);
        let mut inbox = Vec::with_capacity(REPORTS_AT_ONCE_MAX);
        let mut due: Option<Instant> = None;
        let mut survey = Instant::now() + SURVEY_GAP;
        let (mut documents_open, mut reports_open) = (true, true);
        loop {
            let write = self.keeper.due();
            tokio::select! {
                () = &mut shutdown => break,
                changed = self.moved.changed(), if documents_open => {
                    documents_open = changed.is_ok();
                    if self.follow_documents() {
                        due = None;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.publish();
                    due = None;
                }
                count = reports.recv_many(&mut inbox, REPORTS_AT_ONCE_MAX), if reports_open => {
                    reports_open = count > 0;
                    for report in inbox.drain(..) {
                        due = sooner(due, self.learn(&report));
                    }
                }
                () = sleep_until(survey) => {
                    due = sooner(due, self.survey());
                    survey = Instant::now() + SURVEY_GAP;
                }
                () = self.keeper.ended() => {}
                () = sleep_until(write.unwrap_or_else(Instant::now)), if write.is_some() => {
                    self.keeper.start(&tell::Sight::new(&self.config, &self.knowledge));
                }
            }
        }
        self.keeper.finish(&tell::Sight::new(&self.config, &self.knowledge)).await;
        self.stage
    }

    /// Takes a report in. How long what it says may wait for company.
    fn learn(&mut self, report: &Report) -> Option<Duration> {
        let own = self.knowledge.own();
        let news = self.knowledge.learn(&self.config, own, report, self.moments.now());
        if news == News::Verdict {
            self.untold = true;
            let pool = self.knowledge.pool_of(&self.config, report.endpoint);
            pool.into_iter().for_each(|pool| self.keeper.keep(pool));
        }
        news.patience()
    }

    /// Looks for checkers that have fallen silent, and tells when it begins and when it ends.
    fn survey(&mut self) -> Option<Duration> {
        let survey = self.knowledge.survey(&self.config, self.moments.now());
        let before = self.stats.endpoints_silent.swap(survey.silent, Ordering::Relaxed);
        if before == 0 && survey.silent > 0 {
            let endpoints = survey.silent;
            tracing::error!(endpoints, "Nobody probes any more; the last known health stays.");
        } else if before > 0 && survey.silent == 0 {
            tracing::info!("Every endpoint is probed again.");
        }
        self.untold |= survey.moved;
        survey.moved.then_some(News::Verdict.patience()).flatten()
    }

    /// Builds and publishes what the store holds now, with all health known so far. Whether it did.
    fn follow_documents(&mut self) -> bool {
        let snapshot = self.store.snapshot();
        self.moved.mark_unchanged();
        if snapshot.revision() == *self.applied.borrow() {
            return false;
        }
        let has_same_config = is_same(&self.snapshot, &snapshot);
        let has_same_certificates = material::is_same(&self.snapshot, &snapshot);
        let has_same_zones = zones::is_same(&self.snapshot, &snapshot);
        if has_same_config {
            if !has_same_certificates || !has_same_zones {
                self.builder.follow(&snapshot);
            }
        } else if let Some(config) = self.builder.build(&snapshot) {
            self.config = Arc::new(config);
            self.knowledge.follow(&self.config, self.moments.now());
            self.keeper.forget_gone();
            self.untold = true;
        } else {
            tracing::error!("The cookie keys are gone; the view stays as it is.");
            return false;
        }
        if !has_same_config || !has_same_certificates {
            let certificates = (!has_same_certificates).then(|| self.builder.catalog());
            self.material.follow(&self.config, certificates);
        }
        let mut is_news = !has_same_config;
        if !has_same_zones {
            let before = Arc::clone(self.zones.all());
            let zones::Work { records, zones } = self.zones.follow(self.builder.catalog());
            is_news |= !Arc::ptr_eq(&before, self.zones.all());
            tracing::debug!(records, zones, "Zones are up to date.");
        }
        if is_news {
            self.publish();
            tracing::debug!(documents = %snapshot.revision(), "Documents are live.");
        }
        let problems = self.builder.problems() + self.zones.problems();
        self.config_stats.follow(snapshot.revision(), problems, unix_time_ms());
        self.applied.send_replace(snapshot.revision());
        self.snapshot = snapshot;
        is_news
    }

    fn publish(&mut self) {
        let revision = self.stage.live.current().revision + 1;
        let health = self.knowledge.health(&self.config, Whose::Node, self.moments.now());
        let zones = Arc::clone(self.zones.all());
        self.stage.live.publish(View { config: Arc::clone(&self.config), health, zones, revision });
        // The view first: whoever the watch wakes must find what it was woken for.
        self.stage.published.send_replace(revision);
        if std::mem::take(&mut self.untold) {
            self.tell(wall_clock());
        }
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

/// The sooner of what is due already and of what may wait from now on.
fn sooner(due: Option<Instant>, wait: Option<Duration>) -> Option<Instant> {
    let next = wait.map(|wait| Instant::now() + wait);
    due.into_iter().chain(next).min()
}

fn wall_clock() -> Timestamp {
    Timestamp(unix_time_ms())
}

#[cfg(test)]
mod tests;
