//! How a request ended, and what a client counts besides.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

/// A request that got its whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Status of the response; 101 for an echoed message.
    pub status: u16,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// From the first byte sent on a connection that was ready, to the last one received.
    pub service: Duration,
}

/// Why a request got none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// No connection: refused, unreachable, or no port left on this side.
    Connect,
    /// The handshake failed.
    Tls,
    /// The server closed a connection that had been idle while the request was on its way: not one
    /// byte of a response came. Browsers send such a request again.
    Stale,
    /// The connection ended before the response did.
    Closed,
    /// The stream was reset, or the whole connection with an error (HTTP/2).
    Reset,
    /// What came is not what the protocol allows.
    Protocol,
    /// GOAWAY or REFUSED_STREAM each time it was tried again (HTTP/2).
    Refused,
    /// Not done in time.
    Timeout,
    /// Never sent: too many requests were under way.
    Unsent,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Connect,
        Self::Tls,
        Self::Stale,
        Self::Closed,
        Self::Reset,
        Self::Protocol,
        Self::Refused,
        Self::Timeout,
        Self::Unsent,
    ];

    /// The word of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Stale => "stale",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unsent => "unsent",
        }
    }
}

/// What the client did for the requests, all of a run together.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections opened.
    pub connections: Cell<u64>,
    /// Handshakes that went on from an earlier one.
    pub handshakes_resumed: Cell<u64>,
    /// Handshakes from scratch.
    pub handshakes_full: Cell<u64>,
    /// Requests sent again because an idle connection had been closed.
    pub retries_stale: Cell<u64>,
    /// Requests sent again because the server had said that it did not act on them (HTTP/2).
    pub retries_refused: Cell<u64>,
    /// Requests that waited because every connection or stream was taken.
    pub waits: Cell<u64>,
    /// The first failure of a kind in its own words, for kinds that have any.
    pub words: RefCell<BTreeMap<Kind, String>>,
}

impl Counters {
    /// Turns an error into its kind, and remembers what the first of that kind said.
    pub fn failed(&self, kind: Kind, error: impl Display) -> Kind {
        self.words.borrow_mut().entry(kind).or_insert_with(|| error.to_string());
        kind
    }
}

/// Adds one.
pub fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
