//! What is counted of each load balancer, pool and endpoint.
//!
//! Every worker has cells of its own, which nobody else writes; the page sums them by name. Things
//! without traffic have no cells and write no samples, and of classes and reasons only those that
//! came up are written: a configuration may have tens of thousands of endpoints.
//!
//! On the request path. Which thing a request belongs to is `proxy`'s to say.

mod page;
mod shelf;

use crate::{Counter, Gauge, Histogram};

pub use page::EndpointLoad;
pub(crate) use page::render;
pub use shelf::Shelf;

/// Reasons for which a pool is passed over, in the words of trails; others are counted together.
const PASSED_OVER: [&str; 8] = [
    "disabled",
    "critical",
    "unhealthy",
    "ejected_for_connect_failures",
    "ejected_for_server_errors",
    "no_weight",
    SHED,
    "tried",
];
const SHED: &str = "shed";

/// Reasons for which no connection to an endpoint comes to stand, in the words of trails.
const CONNECT_FAILURES: [&str; 6] =
    ["refused", "timed_out", "unreachable", "tls", "certificate", "unresolved"];

/// What is counted together.
const OTHER: &str = "other";

/// What one worker counts of the things that are configured.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Of load balancers, by their ids; named by their host names.
    pub load_balancers: Shelf<LoadBalancerTraffic>,
    /// Of pools, by their ids; named by their names.
    pub pools: Shelf<PoolTraffic>,
    /// Of endpoints, by their ids; named by their pool's name and their own.
    pub endpoints: Shelf<EndpointTraffic>,
}

/// Counters by class of status.
#[derive(Debug, Default)]
struct Classes([Counter; 6]);

impl Classes {
    const LABELS: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

    /// Counts one with this status, or with none.
    fn count(&self, status: Option<u16>) {
        self.0[usize::from(status.unwrap_or(0) / 100).min(5)].increment();
    }
}

/// Counters by a word out of a list; unknown ones are counted together.
#[derive(Debug)]
struct Words<const N: usize> {
    known: [Counter; N],
    other: Counter,
}

impl<const N: usize> Default for Words<N> {
    fn default() -> Self {
        Self { known: std::array::from_fn(|_| Counter::default()), other: Counter::default() }
    }
}

impl<const N: usize> Words<N> {
    fn count(&self, words: &[&str; N], word: &str) {
        match words.iter().position(|known| *known == word) {
            Some(at) => self.known[at].increment(),
            None => self.other.increment(),
        }
    }
}

/// What became of a client's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionResult {
    /// The request went where its session pins it.
    Hit,
    /// The same, and the endpoint drains.
    Draining,
    /// There was no session of use, and one was begun.
    New,
    /// The session's endpoint could not serve it, so another endpoint did.
    Moved,
    /// There was no session, and none was begun.
    None,
}

impl SessionResult {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Hit, Self::Draining, Self::New, Self::Moved, Self::None];

    /// One word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Draining => "draining",
            Self::New => "new",
            Self::Moved => "moved",
            Self::None => "none",
        }
    }
}

/// What is counted of one load balancer.
#[derive(Debug, Default)]
pub struct LoadBalancerTraffic {
    requests: Classes,
    sessions: [Counter; SessionResult::ALL.len()],
    /// Times that an endpoint was asked after the first time.
    pub retries: Counter,
    /// Times that this was another endpoint.
    pub failovers: Counter,
    /// Bytes of bodies that clients sent.
    pub received_bytes: Counter,
    /// Bytes sent to clients.
    pub sent_bytes: Counter,
    /// From a request's head until its response was whole.
    pub duration: Histogram,
}

impl LoadBalancerTraffic {
    /// Counts a request that was answered with this status, or not at all.
    pub fn requested(&self, status: Option<u16>) {
        self.requests.count(status);
    }

    /// Counts a request of a load balancer with session affinity.
    pub fn session(&self, result: SessionResult) {
        self.sessions[result as usize].increment();
    }
}

/// What is counted of one pool.
#[derive(Debug, Default)]
pub struct PoolTraffic {
    requests: Classes,
    passed_over: Words<{ PASSED_OVER.len() }>,
    /// Requests that it served as the fallback pool.
    pub fallbacks: Counter,
}

impl PoolTraffic {
    /// Counts a request that it served last and that was answered with this status, or not at all.
    pub fn requested(&self, status: Option<u16>) {
        self.requests.count(status);
    }

    /// Counts a request that did not come to it, for this reason: a word of trails.
    pub fn passed_over(&self, reason: &str) {
        self.passed_over.count(&PASSED_OVER, reason);
    }
}

/// What is counted of one endpoint.
#[derive(Debug, Default)]
pub struct EndpointTraffic {
    requests: Classes,
    connect_failures: Words<{ CONNECT_FAILURES.len() }>,
    /// Connections opened, TLS included.
    pub opened: Counter,
    /// Requests sent on a connection that stood already.
    pub reused: Counter,
    /// Connections waiting for a request.
    pub idle: Gauge,
    /// Bytes sent to it.
    pub sent_bytes: Counter,
    /// Bytes of bodies that it sent.
    pub received_bytes: Counter,
    /// What it took to connect, TLS included.
    pub connect: Histogram,
    /// From the beginning of an attempt until the first byte of the response.
    pub first_byte: Histogram,
}

impl EndpointTraffic {
    /// Counts an attempt that it answered with this status, or not at all.
    pub fn requested(&self, status: Option<u16>) {
        self.requests.count(status);
    }

    /// Counts a connection that did not come to stand, for this reason: a word of trails.
    pub fn connect_failed(&self, reason: &str) {
        self.connect_failures.count(&CONNECT_FAILURES, reason);
    }
}
