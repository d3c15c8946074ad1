//! The checker: which endpoints are probed, when, and what their probes add up to.
//!
//! One task owns all jobs and waits for whichever comes first: a new view, a probe that is due, a
//! probe that ended, the shutdown; and at least once a second, so that it notices when the whole
//! process was stopped meanwhile. What a probe does on the wire is the [prober](crate::probe)'s.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use evenkeel_decision::health::{Outcome, Report, State, Thresholds};
use evenkeel_model::{Config, EndpointHealth, EndpointId, FailureReason, Live, MonitorId, Verdict};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, warn};

use crate::probe::{Probe, Probing};
use crate::stats::{Stats, count};
use crate::target::{JobId, Target};
use crate::ticks::Ticks;

/// Probes that run at once; each holds one socket and up to 64 KiB of response head. Further ones
/// wait in the order in which they came due. Endpoints that answer need a few milliseconds, so this
/// many sockets do for more than 100,000 of them. A thousand endpoints that are silent for their
/// whole timeout delay the others; that is the price of leaving open files to the proxy, whose
/// limit it shares.
pub(crate) const PROBES_RUNNING_MAX: usize = 1024;

/// The checker looks at the clock at least this often while there is anything to probe.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// When the checker did not come to look for this long, the machine slept, the process was stopped,
/// or had no processor. Probes under way have then run out of time through no fault of their
/// endpoints, and those that came due meanwhile would all be made in one moment.
const GAP_MIN: Duration = Duration::from_secs(3);

/// How late a probe may begin because the one before took so long, as a share of the interval.
/// Attempts and retries may fill the interval to its end; would the tick that falls there be
/// skipped for a few milliseconds, every verdict on a silent endpoint took twice the time.
const OUTLASTED_MAX: f64 = 0.25;

/// Everything known of how one monitor probes one endpoint.
struct Job {
    target: Target,
    state: State,
    /// The last report's content.
    health: EndpointHealth,
    ticks: Ticks,
    /// The job's entry in [`Checker::timers`].
    due: Instant,
    /// When the probe that waits was due.
    came_due: Instant,
    stage: Stage,
    /// When the last tick was due that found a probe running.
    outlasted: Option<Instant>,
}

/// Where an endpoint's probe is. The timer runs in every stage; a tick starts a probe only in
/// `Idle`, so that probes of one endpoint never overlap. One that finds a probe running is skipped,
/// unless that ends within [`OUTLASTED_MAX`].
///
/// ```text
///          tick              a socket is free
///   Idle ───────▶ Waiting ─────────────────────▶ Running
///    ▲                                              │
///    └──────────────────────────────────────────────┘
///       ended, or aborted because the question changed
/// ```
enum Stage {
    Idle,
    Waiting,
    Running(AbortHandle),
}

/// See the [module](self).
pub(crate) struct Checker<P> {
    prober: Arc<P>,
    live: Live,
    reports: mpsc::Sender<Report>,
    stats: Arc<Stats>,
    rng: fastrand::Rng,
    /// The configuration that `jobs` follow. Views that differ in health alone share it.
    config: Option<Arc<Config>>,
    jobs: HashMap<JobId, Job>,
    /// When each job's next tick is due. As many entries as jobs.
    ///
    /// A tree and not a wheel: with 20,000 jobs an entry moves in 0.13 µs, with 200,000 in 0.17 µs,
    /// where a probe takes fifty and more (`bench/monitor`), and it keeps intervals of an hour and of
    /// a tenth of a second alike without a second level.
    timers: BTreeSet<(Instant, JobId)>,
    /// Jobs in stage `Waiting`, the longest waiting first.
    waiting: VecDeque<JobId>,
    /// Probes of jobs in stage `Running`, and aborted ones until they are gone; at most
    /// [`PROBES_RUNNING_MAX`].
    running: JoinSet<Option<Probe>>,
    /// Whose probe a task of `running` is.
    probed: HashMap<Id, JobId>,
    /// What an earlier process knew; empty once the first jobs have begun.
    restored: Restored,
    /// When the checker last looked at the clock.
    looked: Instant,
}

/// What an earlier process knew of endpoints, by the monitor that it knew it from.
pub(crate) type Restored = HashMap<(EndpointId, MonitorId), EndpointHealth>;

/// What the checker waits for.
enum Event {
    Stop,
    /// A view was published, or, with false, none will be any more.
    View(bool),
    Ended(Result<(Id, Option<Probe>), JoinError>),
    /// Something is due, or nothing is and a second has passed.
    Time,
}

impl<P: Probing> Checker<P> {
    /// A checker without jobs.
    pub(crate) fn new(
        prober: P,
        live: Live,
        reports: mpsc::Sender<Report>,
        stats: Arc<Stats>,
        restored: Restored,
    ) -> Self {
        Self {
            prober: Arc::new(prober),
            live,
            reports,
            stats,
            rng: fastrand::Rng::new(),
            config: None,
            jobs: HashMap::new(),
            timers: BTreeSet::new(),
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            probed: HashMap::new(),
            restored,
            looked: Instant::now(),
        }
    }

    /// Probes until told to stop; no probe runs any more when it returns. Dropping the future ends
    /// all probes too.
    pub(crate) async fn run(
        mut self,
        mut revision: watch::Receiver<u64>,
        mut shutdown: watch::Receiver<bool>,
    ) {
        let mut published = true;
        revision.mark_changed();
        loop {
            let next = self.timers.first().map(|(due, _)| (*due).min(self.looked + HEARTBEAT));
            let event = tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => Event::Stop,
                changed = revision.changed(), if published => Event::View(changed.is_ok()),
                Some(ended) = self.running.join_next_with_id() => Event::Ended(ended),
                () = until(next) => Event::Time,
            };
            self.look();
            match event {
                Event::Stop => break,
                Event::View(is_new) => {
                    // Without a publisher the last view stays, and its endpoints stay probed.
                    published = is_new;
                    self.follow();
                }
                Event::Ended(ended) => self.finish(ended),
                Event::Time => self.tick(),
            }
            self.launch();
        }
        self.running.shutdown().await;
        self.stats.endpoints.store(0, Ordering::Relaxed);
    }

    /// Notices a gap in the time, and then lets the probes begin anew, spread like first ones. What
    /// ran through the gap or came due in it says nothing about endpoints.
    fn look(&mut self) {
        let now = Instant::now();
        let gap = now.saturating_duration_since(self.looked);
        self.looked = now;
        if gap < GAP_MIN || self.jobs.is_empty() {
            return;
        }
        warn!(?gap, "Probes were held up; those under way are given up and begin anew.");
        self.waiting.clear();
        for (id, job) in &mut self.jobs {
            match &job.stage {
                Stage::Idle if job.due > now => continue,
                Stage::Idle | Stage::Waiting => {}
                Stage::Running(task) => {
                    self.probed.remove(&task.id());
                    task.abort();
                    count(&self.stats.probes_abstained);
                }
            }
            job.stage = Stage::Idle;
            job.outlasted = None;
            self.timers.remove(&(job.due, *id));
            job.ticks = Ticks::new(job.target.interval(), now, &mut self.rng);
            job.due = job.ticks.due();
            self.timers.insert((job.due, *id));
        }
    }

    /// Makes the jobs those that the current view asks for.
    fn follow(&mut self) {
        let config = Arc::clone(&self.live.load().config);
        if self.config.as_ref().is_some_and(|last| Arc::ptr_eq(last, &config)) {
            return;
        }
        let now = Instant::now();
        let mut gone: HashSet<JobId> = self.jobs.keys().copied().collect();
        for target in Target::all(&config) {
            let id = target.id();
            gone.remove(&id);
            match self.jobs.get(&id) {
                Some(job) if job.target.asks_the_same(&target) => self.renew(target, now),
                Some(job) => {
                    // Another question: the verdict holds until there are answers to it, the
                    // streak against it is void.
                    let (state, health) = (State::from(job.state.verdict()), job.health);
                    self.stop(id);
                    self.start(target, state, health, now);
                }
                None => {
                    let known = self.restored.remove(&(id.endpoint, id.monitor));
                    let health = known.unwrap_or_default();
                    self.start(target, State::from(health.verdict), health, now);
                }
            }
        }
        self.restored = HashMap::new();
        for id in gone {
            self.stop(id);
        }
        let jobs = &self.jobs;
        self.waiting
            .retain(|id| jobs.get(id).is_some_and(|job| matches!(job.stage, Stage::Waiting)));
        self.stats.endpoints.store(self.jobs.len() as u64, Ordering::Relaxed);
        self.config = Some(config);
    }

    /// Starts a job, from what is known already.
    fn start(&mut self, target: Target, state: State, health: EndpointHealth, now: Instant) {
        let ticks = Ticks::new(target.interval(), now, &mut self.rng);
        let (id, due) = (target.id(), ticks.due());
        self.timers.insert((due, id));
        let (came_due, stage, outlasted) = (due, Stage::Idle, None);
        self.jobs.insert(id, Job { target, state, health, ticks, due, came_due, stage, outlasted });
    }

    /// Takes over what changed besides the question.
    fn renew(&mut self, target: Target, now: Instant) {
        let id = target.id();
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.target.interval() != target.interval() {
            job.ticks.set_interval(target.interval(), now, &mut self.rng);
            self.timers.remove(&(job.due, id));
            job.due = job.ticks.due();
            self.timers.insert((job.due, id));
        }
        job.target = target;
    }

    fn stop(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(&id) else { return };
        self.timers.remove(&(job.due, id));
        if let Stage::Running(task) = job.stage {
            self.probed.remove(&task.id());
            task.abort();
        }
    }

    /// Queues the probes that are due.
    fn tick(&mut self) {
        let now = Instant::now();
        while let Some((due, id)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, id));
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            job.ticks.advance(now, &mut self.rng);
            job.due = job.ticks.due();
            self.timers.insert((job.due, id));
            match job.stage {
                Stage::Idle => {
                    job.stage = Stage::Waiting;
                    job.came_due = due;
                    self.waiting.push_back(id);
                }
                Stage::Running(_) if job.outlasted.replace(due).is_none() => {}
                Stage::Waiting | Stage::Running(_) => count(&self.stats.ticks_skipped),
            }
        }
    }

    /// Starts probes that wait, as far as sockets are free.
    fn launch(&mut self) {
        while self.running.len() < PROBES_RUNNING_MAX
            && let Some(id) = self.waiting.pop_front()
        {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            let late = Instant::now().saturating_duration_since(job.came_due).as_micros();
            let late = u64::try_from(late).unwrap_or(u64::MAX);
            self.stats.lateness_us_max.fetch_max(late, Ordering::Relaxed);
            self.stats.lateness_us_sum.fetch_add(late, Ordering::Relaxed);
            let (prober, target) = (Arc::clone(&self.prober), job.target.clone());
            let task = self.running.spawn(async move { prober.probe(&target).await });
            self.probed.insert(task.id(), id);
            job.stage = Stage::Running(task);
        }
    }

    /// Counts a probe that ended. One that was aborted is nobody's any more.
    fn finish(&mut self, ended: Result<(Id, Option<Probe>), JoinError>) {
        let (task, probe) = match ended {
            Ok(ended) => ended,
            Err(bug) => {
                if bug.is_panic() {
                    error!(%bug, "A probe panicked.");
                }
                (bug.id(), None)
            }
        };
        let Some(id) = self.probed.remove(&task) else { return };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.stage = Stage::Idle;
        if let Some(due) = job.outlasted.take() {
            let now = Instant::now();
            if now - due <= job.target.interval().mul_f64(OUTLASTED_MAX) {
                job.stage = Stage::Waiting;
                job.came_due = now;
                self.waiting.push_back(id);
            } else {
                count(&self.stats.ticks_skipped);
            }
        }
        count(&self.stats.probes);
        let Some(probe) = probe else {
            return count(&self.stats.probes_abstained);
        };
        if probe.reason != FailureReason::NoFailures {
            count(&self.stats.probes_failed);
        }
        if self.reports.try_send(job.conclude(probe)).is_err() {
            count(&self.stats.reports_dropped);
        }
    }
}

impl Job {
    /// Draws the conclusion from one more probe.
    fn conclude(&mut self, probe: Probe) -> Report {
        let before = self.state.verdict();
        self.state = match probe.reason {
            // Nothing was asked and nothing will be: there is no streak to wait for.
            FailureReason::MonitorConfig => State::from(Verdict::Unhealthy),
            reason => {
                let passed = reason == FailureReason::NoFailures;
                let outcome = if passed { Outcome::Pass } else { Outcome::Fail };
                self.state.after(outcome, Thresholds::from(self.target.monitor()))
            }
        };
        self.health = EndpointHealth {
            verdict: self.state.verdict(),
            reason: probe.reason,
            response_code: probe.response_code,
            rtt_us: probe.rtt_us().or(self.health.rtt_us),
        };
        if self.health.verdict != before {
            self.log_edge();
        }
        let JobId { endpoint, monitor } = self.target.id();
        Report { endpoint, monitor, health: self.health }
    }

    /// Tells this checker's own opinion. The published verdict, which other checkers have a say in,
    /// is logged by the publisher.
    fn log_edge(&self) {
        let (pool, endpoint) = (&self.target.pool().name, &self.target.endpoint().name);
        let (verdict, reason) = (self.health.verdict, self.health.reason);
        debug!(%pool, %endpoint, ?verdict, %reason, "This checker changed its verdict.");
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
