//! One HTTP/2 connection to an endpoint and the streams on it.
//!
//! ```text
//!  handshake ─▶ young ─ SETTINGS ─▶ settled ─ GOAWAY, 900 s idle, endpoint gone ─▶ draining ─▶ ended
//!                 │                    │                                              ▲
//!                 └─ one stream        └─ as many as both sides want                  │
//!                 └──────────────────── connection lost ──────────────────────────────┴─▶ ended
//! ```
//!
//! A session lives as long as the pool or one of its streams holds it; then its connection says
//! goodbye and ends. A peer that is gone without a word is found by TCP: unanswered keep-alive
//! probes and unacknowledged data end a connection, so no PING is needed (behaviour.md 10, item 6).
//!
//! On the request path.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use evenkeel_model::EndpointId;
use h2::SendStream;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use http::Request;
use http::uri::Scheme;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::stream::Stream;

/// Streams on one connection at once; the endpoint may want fewer (behaviour.md 9.6).
pub(super) const STREAMS_MAX: usize = 100;
/// What an endpoint may send on a stream before it is read. Enough for a link of 64 MB/s at 1 ms;
/// and what a client that does not read costs.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// What an endpoint may send in all: room for all streams, so that clients that do not read never
/// stop those that do.
const CONNECTION_WINDOW_BYTES: u32 = STREAM_WINDOW_BYTES * STREAMS_MAX as u32;
/// What may wait in the connection for the endpoint to read it, per stream.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// What `h2` is told that a young connection may carry, until the endpoint's first SETTINGS say how
/// many: a number that they cannot say.
const UNSETTLED: usize = usize::MAX - 1;

/// A connection, in the eyes of who opens streams on it.
#[derive(Debug)]
pub(crate) struct Session {
    sender: RefCell<SendRequest<Bytes>>,
    /// Whether requests say https.
    is_secure: bool,
    /// The endpoint it was opened for: when that one leaves or fails, it is drained.
    pub(super) endpoint: EndpointId,
    streams: Cell<usize>,
    /// How many of them there may be; one until it is known what the endpoint wants.
    capacity: Cell<usize>,
    has_served: Cell<bool>,
    has_ended: Cell<bool>,
    idle_since: Cell<Instant>,
}

/// A place for a stream on a session; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    session: Rc<Session>,
    is_proven: bool,
}

/// Starts a session over a connection that will speak HTTP/2. [`drive`] has to run it.
///
/// # Errors
/// When the connection fails before anything was said.
pub(super) async fn start<S>(
    io: S,
    is_secure: bool,
    endpoint: EndpointId,
    header_bytes_max: usize,
) -> Result<(Rc<Session>, Connection<S, Bytes>), h2::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sender, connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX))
        .initial_max_send_streams(UNSETTLED)
        .handshake(io)
        .await?;
    let session = Rc::new(Session {
        sender: RefCell::new(sender),
        is_secure,
        endpoint,
        streams: Cell::new(0),
        capacity: Cell::new(1),
        has_served: Cell::new(false),
        has_ended: Cell::new(false),
        idle_since: Cell::new(Instant::now()),
    });
    Ok((session, connection))
}

/// Drives a session's connection to its end. `settled` is called as soon as it is known how many
/// streams the endpoint takes, unless the connection ends before.
pub(super) async fn drive<S>(
    session: Weak<Session>,
    connection: Connection<S, Bytes>,
    settled: impl FnOnce(usize),
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    let mut settled = Some(settled);
    let ended = poll_fn(|context| {
        let polled = connection.as_mut().poll(context);
        if let Some(session) = session.upgrade()
            && let Some(capacity) = session.settle()
            && let Some(settled) = settled.take()
        {
            settled(capacity);
        }
        polled
    })
    .await;
    if let Err(error) = ended {
        tracing::debug!(%error, "An HTTP/2 connection to an endpoint broke.");
    }
    if let Some(session) = session.upgrade() {
        session.has_ended.set(true);
    }
}

impl Session {
    /// A stream, while there is room for one.
    pub(in crate::upstream) fn open(self: &Rc<Self>) -> Option<Stream> {
        if !self.has_room() {
            return None;
        }
        self.streams.set(self.streams.get() + 1);
        let slot = Slot { session: Rc::clone(self), is_proven: self.has_served.get() };
        Some(Stream::new(slot))
    }

    /// Takes in what the endpoint has said about streams; it may change its mind later.
    fn settle(&self) -> Option<usize> {
        let said = self.sender.borrow().current_max_send_streams();
        let capacity = (said != UNSETTLED).then(|| said.min(STREAMS_MAX))?;
        self.capacity.set(capacity);
        Some(capacity)
    }

    fn has_room(&self) -> bool {
        self.streams.get() < self.capacity.get()
            && !self.has_ended.get()
            && matches!(self.poll_ready(), Poll::Ready(Ok(())))
    }

    /// Whether it will take requests, now or when there is room.
    pub(super) fn is_open(&self) -> bool {
        !self.has_ended.get() && !matches!(self.poll_ready(), Poll::Ready(Err(_)))
    }

    fn poll_ready(&self) -> Poll<Result<(), h2::Error>> {
        self.sender.borrow_mut().poll_ready(&mut Context::from_waker(Waker::noop()))
    }

    /// Whether the endpoint has answered anything on it.
    pub(super) fn has_served(&self) -> bool {
        self.has_served.get()
    }

    /// Since when it has carried nothing, if it carries nothing.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.streams.get() == 0).then(|| self.idle_since.get())
    }
}

impl Slot {
    pub(super) fn send(
        &self,
        request: Request<()>,
        is_all: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.session.sender.borrow_mut().send_request(request, is_all)
    }

    pub(super) fn scheme(&self) -> Scheme {
        if self.session.is_secure { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// Notes that the endpoint has answered.
    pub(super) fn note_served(&self) {
        self.session.has_served.set(true);
    }

    /// Whether the endpoint had answered something before the stream was opened.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.session.streams.set(self.session.streams.get() - 1);
        self.session.idle_since.set(Instant::now());
    }
}
