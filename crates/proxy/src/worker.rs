//! One data-plane thread: its own listeners, connections, buffers, idle endpoint connections and
//! counters. Workers share nothing that a request would have to wait for.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use evenkeel_decision::{Env, Rng};
use evenkeel_h1::{FIELDS_MAX, Field};
use evenkeel_model::{HeldView, Live, LocalView, Timestamp};
use evenkeel_net::drain::Drain;
use evenkeel_net::resolve::Resolver;
use evenkeel_net::unix_time_ms;
use evenkeel_telemetry::{AccessLogWriter, SpanContext, WorkerMetrics};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::account::Places;
use crate::buffer::BufferPool;
use crate::crowd::resident_bytes;
use crate::h2::names::Names;
use crate::listener::{self, Listener};
use crate::settings::{Settings, Timeouts};
use crate::shared::Shared;
use crate::upstream::IdlePool;

/// How often idle endpoint connections are looked through. A connection closed by its endpoint is
/// noticed at reuse anyway; this bounds how long its descriptor stays open.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Waiting connections asked to go at once when there is no place left.
const ROOM_MADE: usize = 32;

/// How often memory is looked at, where it is bounded: fast enough for what a full link can bring.
const WEIGH_INTERVAL: Duration = Duration::from_millis(100);

/// A prompt drain lets waiting connections stay so long: a request that was on its way when the drain
/// began is still answered, and its answer says that the connection ends. Whoever asks later finds
/// the connection closed, as on any idle one (RFC 9112 section 9.6), and asks on another.
const GRACE: Duration = Duration::from_millis(300);

/// How often lines of the access log are handed over at the latest: soon enough for whoever follows
/// the log, and seldom enough that a line costs next to nothing.
const ACCESS_LOG_INTERVAL: Duration = Duration::from_millis(200);

/// Free field lists kept per worker; each is a few kilobytes.
const FIELD_LISTS_MAX: usize = 256;

/// What a worker is made of.
#[derive(Debug)]
pub struct WorkerOptions {
    /// The view that decisions are taken on.
    pub live: Live,
    /// Moves with every view published: idle connections then follow it.
    pub revision: watch::Receiver<u64>,
    /// Where to accept.
    pub listeners: Vec<Listener>,
    /// What to count in.
    pub metrics: Arc<WorkerMetrics>,
    /// See [`Settings`].
    pub settings: Arc<Settings>,
    /// The same for all workers of the process.
    pub shared: Shared,
    /// Tells when the node shall stop, and how. No new connections then; requests under way may
    /// finish within [`crate::Timeouts::drain`], or within [`crate::Timeouts::upgrade_drain`] where
    /// another process goes on.
    pub drain: watch::Receiver<Drain>,
}

/// What the connections of one worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    view: RefCell<LocalView>,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) shared: Shared,
    pub(crate) buffers: BufferPool,
    pub(crate) idle: IdlePool,
    /// Where traffic is counted.
    pub(crate) places: Places,
    pub(crate) resolver: Resolver,
    pub(crate) connections: Connections,
    /// Our entry in `CDN-Loop` (RFC 8586).
    pub(crate) loop_token: String,
    /// Where requests are written down, if they are. What it holds in the end it hands over as it
    /// is dropped.
    pub(crate) access_log: Option<RefCell<AccessLogWriter>>,
    /// Names of fields of responses over HTTP/2.
    pub(crate) field_names: Names,
    fields: RefCell<Vec<Vec<Field>>>,
    chance: RefCell<Chance>,
    date: RefCell<Date>,
}

/// A worker's random draws. They steer and name requests; nothing secret comes from them.
#[derive(Debug)]
pub(crate) struct Chance(fastrand::Rng);

impl Rng for Chance {
    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// The HTTP date, written once a second.
#[derive(Debug, Default)]
struct Date {
    second: u64,
    text: String,
}

/// The client connections of a worker, so that waiting ones can be told to go.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// A connection whose task has not run yet has no waker: it looks before it waits.
    wakers: RefCell<HashMap<u64, Option<Waker>>>,
    next: Cell<u64>,
    drain: Cell<Drain>,
    /// Whether those that wait for a request shall go.
    are_dismissed: Cell<bool>,
    /// Waiting connections that are to go, for others to come.
    to_go: Cell<usize>,
    last_gone: Notify,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.wakers.borrow().len()
    }

    /// Whether connections shall end after the request they serve.
    pub(crate) fn is_draining(&self) -> bool {
        self.drain.get().is_on()
    }

    /// Whether another process serves whoever comes next, so that there is time.
    pub(crate) fn drains_gently(&self) -> bool {
        self.drain.get() == Drain::Gentle
    }

    /// Enters a connection, which counts from now on. It leaves with [`Self::leave`].
    pub(crate) fn enter(&self) -> u64 {
        let key = self.next.get();
        self.next.set(key + 1);
        self.wakers.borrow_mut().insert(key, None);
        key
    }

    /// Notes what wakes a connection's task.
    pub(crate) fn wake_by(&self, key: u64, waker: Waker) {
        self.wakers.borrow_mut().insert(key, Some(waker));
    }

    pub(crate) fn leave(&self, key: u64) {
        self.wakers.borrow_mut().remove(&key);
        if self.len() == 0 {
            self.last_gone.notify_one();
        }
    }

    /// Lets every connection end after the request it serves, or the next one.
    pub(crate) fn drain(&self, how: Drain) {
        self.drain.set(how);
        self.wake_all();
    }

    /// Lets those go that wait for a request.
    pub(crate) fn dismiss(&self) {
        self.are_dismissed.set(true);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.wakers.borrow().values().flatten().for_each(Waker::wake_by_ref);
    }

    /// Asks some waiting connections to go, because there is no place left. Returns whether any was
    /// asked. They do once their tasks run.
    pub(crate) fn make_room(&self, chance: &mut Chance) -> bool {
        let wakers = self.wakers.borrow();
        // Any are as good as others, but not the same ones each time: those may be busy.
        let from = chance.below(wakers.len().max(1) as u64);
        let from = usize::try_from(from).unwrap_or(0);
        let asked = wakers.values().cycle().skip(from).take(ROOM_MADE.min(wakers.len()));
        asked.flatten().for_each(Waker::wake_by_ref);
        self.to_go.set(ROOM_MADE);
        !wakers.is_empty()
    }

    /// Nobody else has to go.
    pub(crate) fn room_is_made(&self) {
        self.to_go.set(0);
    }

    /// Whether a connection that waits for a request shall end now.
    pub(crate) fn must_go(&self) -> bool {
        let to_go = self.to_go.get();
        self.to_go.set(to_go.saturating_sub(1));
        self.are_dismissed.get() || to_go > 0
    }

    async fn all_gone(&self) {
        while self.len() > 0 {
            self.last_gone.notified().await;
        }
    }
}

impl Worker {
    pub(crate) fn new(
        live: &Live,
        metrics: Arc<WorkerMetrics>,
        settings: Arc<Settings>,
        shared: Shared,
    ) -> Self {
        let idle = IdlePool::new(
            Arc::clone(&metrics),
            settings.idle_per_endpoint_max,
            settings.timeouts.upstream_idle,
        );
        Self {
            view: RefCell::new(live.local()),
            places: Places::new(Arc::clone(&metrics)),
            metrics,
            buffers: BufferPool::default(),
            idle,
            resolver: Resolver::default(),
            connections: Connections::default(),
            loop_token: format!("evenkeel; node={}", settings.node),
            access_log: shared.access_log.as_ref().map(|log| RefCell::new(log.writer())),
            settings,
            shared,
            field_names: Names::default(),
            fields: RefCell::default(),
            chance: RefCell::new(Chance(fastrand::Rng::new())),
            date: RefCell::default(),
        }
    }

    /// The current view: what a request holds of it serves it to its end.
    pub(crate) fn view(&self) -> Rc<HeldView> {
        self.view.borrow_mut().load()
    }

    /// A field list for a head about to be parsed.
    pub(crate) fn take_fields(&self) -> Vec<Field> {
        self.fields.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(FIELDS_MAX))
    }

    /// Gives one back.
    pub(crate) fn give_fields(&self, mut fields: Vec<Field>) {
        let mut free = self.fields.borrow_mut();
        if fields.capacity() > 0 && free.len() < FIELD_LISTS_MAX {
            fields.clear();
            free.push(fields);
        }
    }

    /// The worker's random draws.
    pub(crate) fn chance(&self) -> RefMut<'_, Chance> {
        self.chance.borrow_mut()
    }

    /// Whether anybody wants to be told of a request with this span.
    pub(crate) fn tells(&self, span: Option<&SpanContext>) -> bool {
        self.access_log.is_some() || span.is_some_and(|span| span.is_sampled)
    }

    /// Lets a decision be taken on the present moment.
    pub(crate) fn decide<T>(&self, decision: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let mut chance = self.chance();
        let mut sessions = &*self.shared.sessions;
        let now = self.now();
        decision(&mut Env {
            now,
            rng: &mut *chance,
            loads: &*self.shared.loads,
            ejections: self.shared.outliers.as_ref().and_then(|outliers| outliers.in_force(now)),
            sessions: &mut sessions,
        })
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(unix_time_ms())
    }

    /// The time as HTTP writes it (RFC 9110 section 5.6.7).
    pub(crate) fn date(&self, now: Timestamp) -> Ref<'_, str> {
        let second = now.seconds();
        if self.date.borrow().second != second {
            let mut date = self.date.borrow_mut();
            date.second = second;
            let time = i64::try_from(second)
                .ok()
                .and_then(|second| jiff::Timestamp::from_second(second).ok());
            let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
            date.text = printer
                .timestamp_to_rfc9110_string(&time.unwrap_or_default())
                .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
        }
        Ref::map(self.date.borrow(), |date| date.text.as_str())
    }
}

/// Runs a worker on this thread until the node drains and its connections are gone, or the drain's
/// time is over.
///
/// # Errors
/// When the runtime cannot start or a listener is unusable.
pub fn run_worker(options: WorkerOptions) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(serve(options))
}

async fn serve(options: WorkerOptions) -> io::Result<()> {
    let WorkerOptions { live, revision, listeners, metrics, settings, shared, mut drain } = options;
    let worker = Rc::new(Worker::new(&live, metrics, settings, shared));
    let mut accepting = JoinSet::new();
    for Listener { socket, tls } in listeners {
        let socket = tokio::net::TcpListener::from_std(socket)?;
        accepting.spawn_local(listener::accept(Rc::clone(&worker), socket, tls, drain.clone()));
    }
    let housekeeping = tokio::task::spawn_local(keep_house(Rc::clone(&worker), revision));
    // An error means that the sender is gone: then the process is ending as well.
    let how = drain.wait_for(|drain| drain.is_on()).await.map_or(Drain::Prompt, |how| *how);
    if timeout(GRACE, finish(&mut accepting)).await.is_err() {
        accepting.shutdown().await;
    }
    worker.connections.drain(how);
    if how == Drain::Gentle {
        tokio::select! {
            () = part_gently(&worker) => {}
            _ = drain.wait_for(|drain| *drain == Drain::Prompt) => {}
        }
    }
    if worker.connections.len() > 0 {
        worker.connections.drain(Drain::Prompt);
        part_promptly(&worker).await;
    }
    housekeeping.abort();
    Ok(())
}

async fn finish(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Lets connections go while another process accepts: one that waits for a request gets an answer
/// that says so to the next one, or goes when none comes for as long as a prompt drain takes
/// altogether, since what it would be answered by grows old. Bodies and tunnels have their own,
/// longer time.
async fn part_gently(worker: &Worker) {
    let Timeouts { drain, upgrade_drain, .. } = worker.settings.timeouts;
    let all_gone = async {
        if timeout(drain, worker.connections.all_gone()).await.is_err() {
            worker.connections.dismiss();
            worker.connections.all_gone().await;
        }
    };
    let _ = timeout(upgrade_drain, all_gone).await;
}

/// Lets connections go with nobody to follow: see [`GRACE`].
async fn part_promptly(worker: &Worker) {
    let limit = worker.settings.timeouts.drain;
    let all_gone = async {
        if timeout(GRACE.min(limit), worker.connections.all_gone()).await.is_err() {
            worker.connections.dismiss();
            worker.connections.all_gone().await;
        }
    };
    if timeout(limit, all_gone).await.is_err() {
        tracing::warn!(
            left = worker.connections.len(),
            "Drain time is over; closing what is left."
        );
    }
}

/// Sweeps idle endpoint connections, and lets them follow each new view.
async fn keep_house(worker: Rc<Worker>, mut revision: watch::Receiver<u64>) {
    follow(&worker);
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    let mut weigh = tokio::time::interval(WEIGH_INTERVAL);
    let mut flush = tokio::time::interval(ACCESS_LOG_INTERVAL);
    let crowd = &worker.shared.crowd;
    loop {
        tokio::select! {
            _ = flush.tick(), if worker.access_log.is_some() => flush_access_log(&worker),
            _ = weigh.tick(), if crowd.minds_memory() => crowd.weigh(resident_bytes),
            _ = sweep.tick() => sweep_up(&worker),
            changed = revision.changed() => match changed {
                Ok(()) => follow(&worker),
                // No publisher any more: views stay as they are.
                Err(_) => loop {
                    tokio::select! {
                        _ = flush.tick() => flush_access_log(&worker),
                        _ = sweep.tick() => sweep_up(&worker),
                    }
                },
            },
        }
    }
}

fn flush_access_log(worker: &Worker) {
    if let Some(log) = &worker.access_log {
        log.borrow_mut().flush();
    }
}

fn sweep_up(worker: &Worker) {
    worker.idle.sweep();
    worker.places.sweep();
}

fn follow(worker: &Worker) {
    let view = worker.view();
    worker.idle.follow(&view);
    worker.places.follow(&view.config);
    worker.shared.loads.follow(&view.config);
    if let Some(outliers) = &worker.shared.outliers {
        outliers.follow(&view.config);
    }
}
