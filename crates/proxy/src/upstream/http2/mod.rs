//! HTTP/2 with endpoints: which connections there are, which are being opened, and who waits for
//! them. Bytes are `session`'s and `stream`'s, opening a socket is `upstream`'s.
//!
//! Requests that arrive together while a connection is being opened wait for it instead of opening
//! one each: it can carry them all. Where an endpoint has turned out to speak HTTP/1.1, nobody
//! waits.
//!
//! On the request path.

mod fate;
mod message;
mod session;
mod stream;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_decision::DialFailure;
use evenkeel_model::EndpointId;
use evenkeel_net::tls::Protocol;
use evenkeel_telemetry::WorkerMetrics;
use h2::client::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::session::{STREAMS_MAX, Session};
use super::idle::{KEYS_MAX, KeyHasher};
use super::losses::Losses;
use super::route::Key;
use crate::loads::Counted;

pub(crate) use fate::Fate;
pub(crate) use stream::Stream;

/// Places remembered without a connection to them. Beyond that, those are forgotten, which costs
/// a request that waits without need, or one that does not.
const PLACES_MAX: usize = 4096;

/// One worker's HTTP/2 connections to endpoints.
#[derive(Debug)]
pub(crate) struct Http2Pool {
    places: RefCell<HashMap<Key, Place, BuildHasherDefault<KeyHasher>>>,
    losses: Rc<Losses>,
    metrics: Arc<WorkerMetrics>,
    per_endpoint_max: usize,
    idle_limit: Duration,
}

/// What is known of one key.
#[derive(Debug)]
struct Place {
    sessions: Vec<Rc<Session>>,
    /// Connections being opened.
    dialing: Vec<Rc<Dialing>>,
    /// What was agreed on the last time.
    spoken: Option<Protocol>,
    /// How many streams the last connection could carry.
    capacity: usize,
}

impl Default for Place {
    fn default() -> Self {
        let (sessions, dialing) = (Vec::new(), Vec::new());
        Self { sessions, dialing, spoken: None, capacity: STREAMS_MAX }
    }
}

/// A connection being opened, for those who wait for it.
#[derive(Debug, Default)]
pub(super) struct Dialing {
    outcome: RefCell<Option<Outcome>>,
    waiting: Cell<usize>,
    done: Notify,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// It carries streams.
    Open(Weak<Session>),
    /// The endpoint cannot be reached.
    Failed(DialFailure),
    /// It is of no use for others, or nobody knows.
    Nothing,
}

/// Tells those who wait for a connection what became of it, at the latest when dropped.
#[derive(Debug)]
pub(super) struct Announcement {
    pool: Rc<Http2Pool>,
    key: Key,
    dialing: Rc<Dialing>,
    outcome: Outcome,
}

/// What a connection is started with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) announcement: Announcement,
    /// The endpoint it is opened for.
    pub(super) endpoint: EndpointId,
    /// Counts it as one of the endpoint's.
    pub(super) count: Counted,
    pub(super) is_secure: bool,
    /// Whether it is kept for requests to come.
    pub(super) is_shared: bool,
    /// Longest head of a response in bytes.
    pub(super) header_bytes_max: usize,
}

/// Counts a connection for as long as it is open.
struct Open {
    metrics: Arc<WorkerMetrics>,
    _count: Counted,
}

impl Open {
    fn new(metrics: &Arc<WorkerMetrics>, count: Counted) -> Self {
        metrics.upstream_http2.increment();
        Self { metrics: Arc::clone(metrics), _count: count }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.upstream_http2.decrement();
    }
}

impl Dialing {
    /// Waits for the connection. Dropping the future waits no longer.
    pub(super) async fn outcome(self: Rc<Self>) -> Outcome {
        /// Makes room for another.
        struct Waiting<'a>(&'a Cell<usize>);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = Waiting(&self.waiting);
        loop {
            let done = self.done.notified();
            if let Some(outcome) = &*self.outcome.borrow() {
                return outcome.clone();
            }
            done.await;
        }
    }
}

impl Announcement {
    /// Says that nobody need wait: the endpoint cannot be reached.
    pub(super) fn fail(mut self, failure: DialFailure) {
        self.outcome = Outcome::Failed(failure);
    }

    /// Says that the endpoint speaks HTTP/1.1.
    pub(super) fn found_http1(self) {
        self.pool.edit(self.key, |place| place.spoken = Some(Protocol::Http1));
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.pool.edit(self.key, |place| {
            place.dialing.retain(|dialing| !Rc::ptr_eq(dialing, &self.dialing));
        });
        self.dialing.outcome.replace(Some(self.outcome.clone()));
        self.dialing.done.notify_waiters();
    }
}

impl Http2Pool {
    pub(super) fn new(
        losses: Rc<Losses>,
        metrics: Arc<WorkerMetrics>,
        per_endpoint_max: usize,
        idle_limit: Duration,
    ) -> Self {
        let places = RefCell::default();
        Self { places, losses, metrics, per_endpoint_max, idle_limit }
    }

    /// A stream on a connection that stands.
    pub(super) fn open(&self, key: Key) -> Option<Stream> {
        let places = self.places.borrow();
        // The oldest first, so that surplus ones fall idle and go.
        places.get(&key)?.sessions.iter().find_map(Session::open)
    }

    /// Whether a connection stands that takes requests.
    pub(super) fn has_open(&self, key: Key) -> bool {
        let places = self.places.borrow();
        places.get(&key).is_some_and(|place| place.sessions.iter().any(|one| one.is_open()))
    }

    /// A connection being opened that may carry one stream more.
    pub(super) fn dialing(&self, key: Key) -> Option<Rc<Dialing>> {
        let places = self.places.borrow();
        let place = places.get(&key)?;
        if place.spoken == Some(Protocol::Http1) {
            return None;
        }
        // One stream is for whoever opens it.
        let has_room = |dialing: &&Rc<Dialing>| dialing.waiting.get() + 1 < place.capacity;
        place.dialing.iter().find(has_room).cloned()
    }

    /// Says that a connection is being opened.
    pub(super) fn announce(self: &Rc<Self>, key: Key) -> Announcement {
        let dialing = Rc::<Dialing>::default();
        self.edit(key, |place| place.dialing.push(Rc::clone(&dialing)));
        Announcement { pool: Rc::clone(self), key, dialing, outcome: Outcome::Nothing }
    }

    /// Starts speaking HTTP/2 on a connection, whose first stream is the caller's.
    ///
    /// # Errors
    /// When the connection has failed already.
    pub(super) async fn start<S>(
        self: &Rc<Self>,
        io: S,
        opening: Opening,
    ) -> Result<Stream, h2::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let Opening { mut announcement, endpoint, count, is_secure, is_shared, header_bytes_max } =
            opening;
        let key = announcement.key;
        let (session, connection) =
            session::start(io, is_secure, endpoint, header_bytes_max).await?;
        let stream = session.open().ok_or(h2::Reason::REFUSED_STREAM)?;
        announcement.outcome = Outcome::Open(Rc::downgrade(&session));
        self.edit(key, |place| {
            place.spoken = Some(Protocol::Http2);
            // Beyond the bound it serves its one request and goes.
            if is_shared && place.sessions.len() < self.per_endpoint_max {
                place.sessions.push(Rc::clone(&session));
            }
        });
        let (pool, session) = (Rc::clone(self), Rc::downgrade(&session));
        tokio::task::spawn_local(pool.drive(session, connection, announcement, count));
        Ok(stream)
    }

    async fn drive<S>(
        self: Rc<Self>,
        session: Weak<Session>,
        connection: Connection<S, Bytes>,
        announcement: Announcement,
        count: Counted,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let key = announcement.key;
        let _open = Open::new(&self.metrics, count);
        let settled = |capacity| {
            self.edit(key, |place| place.capacity = capacity);
            drop(announcement);
        };
        session::drive(session.clone(), connection, settled).await;
        // Unless it was drained, the endpoint has ended it. One that never answered says nothing.
        if let Some(session) = session.upgrade() {
            if session.has_served() {
                self.losses.note(key);
            }
            self.edit(key, |place| place.sessions.retain(|other| !Rc::ptr_eq(other, &session)));
        }
    }

    /// Drains what is idle for too long, and lets go of what takes no requests any more.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let limit = self.idle_limit;
        self.retain(|session| {
            let is_idle = session.idle_since().is_some_and(|since| now - since >= limit);
            session.is_open() && !is_idle
        });
    }

    /// Drains the connections to endpoints that are not wanted any more. Their streams finish.
    pub(super) fn retain_endpoints(&self, is_wanted: impl Fn(EndpointId) -> bool) {
        self.retain(|session| is_wanted(session.endpoint));
    }

    fn retain(&self, keep: impl Fn(&Session) -> bool) {
        let mut dropped = Vec::new();
        for place in self.places.borrow_mut().values_mut() {
            dropped.extend(place.sessions.extract_if(.., |session| !keep(session)));
        }
    }

    fn edit(&self, key: Key, edit: impl FnOnce(&mut Place)) {
        let mut places = self.places.borrow_mut();
        if places.len() >= PLACES_MAX && !places.contains_key(&key) {
            places.retain(|_, place| !place.sessions.is_empty() || !place.dialing.is_empty());
        }
        if places.len() >= KEYS_MAX && !places.contains_key(&key) {
            // As with idle connections: any of them makes room, and finishes what it carries.
            let other = places.keys().next().copied();
            other.and_then(|other| places.remove(&other));
        }
        edit(places.entry(key).or_default());
    }
}
