//! Endpoint connections that wait for their next request.
//!
//! The connection used last is reused first, so that surplus ones grow old and go. One is never
//! reused when in doubt: bytes nobody asked for, an end of stream, or an error drop it.
//!
//! On the request path.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{EndpointId, Verdict, View};
use evenkeel_telemetry::{EndpointTraffic, WorkerMetrics};
use tokio::time::Instant;

use super::http2::Http2Pool;
use super::losses::Losses;
use super::route::Fingerprints;
use super::{Connection, Key};

/// How long before the end of the time that an endpoint promised (`Keep-Alive: timeout=5`) we
/// stop relying on it. A request that leaves in the last moment arrives after the endpoint has
/// closed, which costs a POST its answer.
const PROMISE_MARGIN: Duration = Duration::from_secs(1);

/// Places that connections are kept to. Endpoints are fewer; but over TLS, each host that a client
/// asks a wildcard's endpoints for is a place of its own.
pub(super) const KEYS_MAX: usize = 16_384;

/// Idle connections of one worker, by what they lead to.
#[derive(Debug)]
pub(crate) struct IdlePool {
    by_key: RefCell<HashMap<Key, VecDeque<Idle>, BuildHasherDefault<KeyHasher>>>,
    wanted: RefCell<Wanted>,
    http2: Rc<Http2Pool>,
    fingerprints: Fingerprints,
    losses: Rc<Losses>,
    metrics: Arc<WorkerMetrics>,
    per_endpoint_max: usize,
    limit: Duration,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    /// The endpoint that used it last: when that one leaves or fails, so does the connection.
    endpoint: EndpointId,
    until: Instant,
    _counted: Counted,
}

/// One more idle connection of an endpoint, until dropped.
#[derive(Debug)]
struct Counted(Arc<EndpointTraffic>);

impl Counted {
    fn new(cells: &Arc<EndpointTraffic>) -> Self {
        cells.idle.increment();
        Self(Arc::clone(cells))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.idle.decrement();
    }
}

/// The endpoints that connections are kept to.
#[derive(Debug, Default)]
struct Wanted {
    /// Of the view that says so; 0 before any view was followed.
    revision: u64,
    /// Sorted.
    endpoints: Vec<EndpointId>,
}

impl Wanted {
    fn has(&self, endpoint: EndpointId) -> bool {
        self.endpoints.binary_search(&endpoint).is_ok()
    }
}

/// Multiplies and rotates; keys are endpoint addresses, which no stranger chooses, and fingerprints
/// of their TLS, made with a secret.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl IdlePool {
    pub(crate) fn new(
        metrics: Arc<WorkerMetrics>,
        per_endpoint_max: usize,
        limit: Duration,
    ) -> Self {
        let losses = Rc::<Losses>::default();
        let counted = Arc::clone(&metrics);
        let http2 = Http2Pool::new(Rc::clone(&losses), counted, per_endpoint_max, limit);
        Self {
            by_key: RefCell::default(),
            wanted: RefCell::default(),
            http2: Rc::new(http2),
            fingerprints: Fingerprints::default(),
            losses,
            metrics,
            per_endpoint_max,
            limit,
        }
    }

    /// What the keys of connections over TLS are made with.
    pub(crate) fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    /// Connections that many requests share.
    pub(crate) fn http2(&self) -> &Rc<Http2Pool> {
        &self.http2
    }

    /// The connection used last among those that are still good.
    pub(crate) fn take(&self, key: Key) -> Option<Connection> {
        let mut by_key = self.by_key.borrow_mut();
        let waiting = by_key.get_mut(&key)?;
        while let Some(mut idle) = waiting.pop_back() {
            self.metrics.upstream_idle.decrement();
            // The sweep comes once a second; what is past its time by less is still dropped here.
            if !idle.connection.io.is_quiet() {
                self.losses.note(key);
            } else if Instant::now() < idle.until {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection whose last exchange ended cleanly, for as long as the endpoint promised
    /// and no longer than our own limit; unless its endpoint has left since the view of this
    /// revision, on which the exchange was decided.
    pub(crate) fn put(
        &self,
        key: Key,
        endpoint: EndpointId,
        connection: Connection,
        promised: Option<Duration>,
        revision: u64,
        cells: &Arc<EndpointTraffic>,
    ) {
        let limit = self.time_to_keep(promised);
        if self.per_endpoint_max == 0 || limit.is_zero() || !self.still_wants(endpoint, revision) {
            return;
        }
        let mut by_key = self.by_key.borrow_mut();
        if by_key.len() >= KEYS_MAX && !by_key.contains_key(&key) {
            // Which one makes room matters little: nobody has so many places but who invents them.
            let other = by_key.keys().next().copied();
            let dropped = other.and_then(|other| by_key.remove(&other)).unwrap_or_default();
            dropped.iter().for_each(|_| self.metrics.upstream_idle.decrement());
        }
        let waiting = by_key.entry(key).or_default();
        if waiting.len() >= self.per_endpoint_max {
            waiting.pop_front();
            self.metrics.upstream_idle.decrement();
        }
        let (until, _counted) = (Instant::now() + limit, Counted::new(cells));
        waiting.push_back(Idle { connection, endpoint, until, _counted });
        self.metrics.upstream_idle.increment();
    }

    /// Whether connections to an endpoint are kept, unless it has left since the view of this revision.
    pub(crate) fn still_wants(&self, endpoint: EndpointId, revision: u64) -> bool {
        let wanted = self.wanted.borrow();
        revision >= wanted.revision || wanted.has(endpoint)
    }

    /// How long a connection is kept, given what its endpoint promised.
    pub(crate) fn time_to_keep(&self, promised: Option<Duration>) -> Duration {
        match promised {
            Some(promised) => promised.saturating_sub(PROMISE_MARGIN).min(self.limit),
            None => self.limit,
        }
    }

    /// Tells that a connection to an endpoint has ended under a request.
    pub(crate) fn note_loss(&self, key: Key) {
        self.losses.note(key);
    }

    /// Whether connections to an endpoint have just ended without our doing.
    pub(crate) fn has_lost(&self, key: Key) -> bool {
        // Those that wait may have ended unseen.
        self.sweep();
        self.losses.is_recent(key)
    }

    /// Drops what has waited too long or was closed by the endpoint.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.retain(|key, idle| {
            let is_quiet = idle.connection.io.is_quiet();
            if !is_quiet {
                self.losses.note(key);
            }
            is_quiet && now < idle.until
        });
        self.http2.sweep();
    }

    /// Drops connections to endpoints that are gone, disabled or unhealthy in a new view.
    pub(crate) fn follow(&self, view: &View) {
        let mut endpoints: Vec<EndpointId> = view
            .config
            .endpoints_indexed()
            .filter(|(ix, endpoint)| {
                endpoint.enabled && view.health.endpoint(*ix).verdict != Verdict::Unhealthy
            })
            .map(|(_, endpoint)| endpoint.id)
            .collect();
        endpoints.sort_unstable();
        let wanted = Wanted { revision: view.revision, endpoints };
        self.retain(|_, idle| wanted.has(idle.endpoint));
        self.http2.retain_endpoints(|endpoint| wanted.has(endpoint));
        self.wanted.replace(wanted);
    }

    fn retain(&self, mut keep: impl FnMut(Key, &mut Idle) -> bool) {
        let mut left = 0;
        self.by_key.borrow_mut().retain(|key, waiting| {
            waiting.retain_mut(|idle| keep(*key, idle));
            left += waiting.len() as u64;
            !waiting.is_empty()
        });
        self.metrics.upstream_idle.set(left);
    }
}
