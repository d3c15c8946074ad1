//! A client's connection over HTTP/2, from its preface to its end.
//!
//! ```text
//!  preface ─▶ open ─┬─ flood, endless header block ─▶ GOAWAY(ENHANCE_YOUR_CALM) ─▶ lingering
//!                   ├─ protocol error ─ GOAWAY of the codec ─────────────────────▶ lingering
//!                   ├─ idle ─▶ GOAWAY(NO_ERROR) ─────────────────────────────────▶ closed
//!                   ├─ drain ─▶ GOAWAY of all, PING, GOAWAY of what came, streams end ▶ closed
//!                   └─ client takes nothing any more ────────────────────────────▶ dropped
//! ```
//!
//! One task drives the codec and one each stream, all on the worker's thread. A stream's task ends as
//! soon as its client takes the request back or the connection is gone, and with it the attempt on
//! an endpoint.
//!
//! On the request path.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use evenkeel_decision::Rng;
use evenkeel_h1::{Field, HeadScanner, RequestHead};
use evenkeel_telemetry::H2Flood;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};

use super::STREAMS_MAX;
use super::floods::Flood;
use super::piece::{Outbox, Piece};
use super::request::{self as request_head, Unserved};
use super::stream::{Outlet, Stream};
use super::websocket::Key;
use super::wire::Wire;
use crate::account::{Meter, refuse_unread};
use crate::arrival::{Arrival, Visitor};
use crate::buffer::Buffer;
use crate::deadline::Deadline;
use crate::downstream::{After, Downstream};
use crate::refusal::Refusal;
use crate::request;
use crate::worker::Worker;

/// What a client may send of one request before any of it is read, in bytes. Uploads over 50 ms
/// of distance reach 5 MB/s with it.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// What it may send of all requests. Bounds what unread bodies take up.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What of one response may wait in the codec: four frames, so that there is one to send while the
/// next is on its way.
const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Streams that we reset and whose late frames are ignored for a while, instead of being errors.
const RESET_STREAMS_MAX: usize = 64;
/// Requests taken back before we have even looked at them, at once. Turns of reading keep them few.
const UNSEEN_RESETS_MAX: usize = 20;
/// Tasks of requests, those included whose client has gone and that have not noticed yet. Nothing is
/// read while there are more.
const TASKS_MAX: usize = 2 * STREAMS_MAX as usize;
/// Heads of the requests of a connection, in bytes, from which on further ones are refused.
/// Compression lets a client make 128 KiB of head from 32 bytes, and each is kept as long as the
/// endpoint takes to answer.
const HEADS_BYTES_MAX: usize = 1024 * 1024;
/// Bytes read and thrown away from a client that is sent away, so that it hears why.
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// What the streams of a connection share.
#[derive(Debug)]
struct Client {
    worker: Rc<Worker>,
    visitor: Visitor,
    outbox: Rc<Outbox>,
    tasks: Cell<usize>,
    heads_bytes: Cell<usize>,
    /// Requests answered to the end since the session last looked.
    answered: Cell<u32>,
    /// Requests ended, in whatever way.
    ended: Cell<u64>,
    session: RefCell<Option<Waker>>,
}

/// A request's place among those of its connection; it leaves even if its task panics.
struct Place {
    client: Rc<Client>,
    head_bytes: usize,
}

impl Place {
    fn new(client: &Rc<Client>, head_bytes: usize) -> Self {
        client.tasks.set(client.tasks.get() + 1);
        client.heads_bytes.set(client.heads_bytes.get() + head_bytes);
        client.worker.metrics.h2_streams_open.increment();
        Self { client: Rc::clone(client), head_bytes }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let client = &*self.client;
        let before = client.tasks.get();
        client.tasks.set(before - 1);
        client.heads_bytes.set(client.heads_bytes.get() - self.head_bytes);
        client.ended.set(client.ended.get() + 1);
        client.worker.metrics.h2_streams_open.decrement();
        if (before == 1 || before == TASKS_MAX)
            && let Some(waker) = &*client.session.borrow()
        {
            waker.wake_by_ref();
        }
    }
}

/// Serves a connection to its end. `input` holds what was read of it already. Dropping the future
/// ends it, and its requests with it.
pub(crate) async fn serve<I>(worker: Rc<Worker>, io: I, input: Buffer, arrival: Arrival)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let wire = Wire::new(io, input, Rc::clone(&worker));
    let Some(connection) = shake_hands(&worker, &wire).await else { return };
    let client = Rc::new(Client {
        visitor: Visitor::new(arrival, &worker.shared.geo),
        outbox: Outbox::new(Rc::clone(&worker)),
        worker: Rc::clone(&worker),
        tasks: Cell::new(0),
        heads_bytes: Cell::new(0),
        answered: Cell::new(0),
        ended: Cell::new(0),
        session: RefCell::default(),
    });
    let deadline = Deadline::after(worker.settings.timeouts.downstream_idle);
    let mut session = Session {
        connection,
        wire: wire.clone(),
        client: Rc::clone(&client),
        deadline,
        waiting: Waiting::Streams,
        is_draining: false,
        is_leaving: false,
    };
    let parting = poll_fn(|context| session.poll(context)).await;
    // Tells the streams that are left.
    drop(session);
    if parting == Parting::Told {
        linger(&worker, &wire).await;
    }
    poll_fn(|context| client.poll_empty(context)).await;
}

/// Sends our settings and reads the preface. `None`: no HTTP/2 came about.
async fn shake_hands<I>(worker: &Worker, wire: &Wire<I>) -> Option<Connection<Wire<I>, Piece>>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let head_bytes = u32::try_from(worker.settings.limits.head_bytes).unwrap_or(u32::MAX);
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(head_bytes)
        .max_send_buffer_size(SEND_BUFFER_BYTES_MAX)
        .max_concurrent_reset_streams(RESET_STREAMS_MAX)
        .max_pending_accept_reset_streams(UNSEEN_RESETS_MAX)
        .enable_connect_protocol();
    let mut handshake = pin!(builder.handshake(wire.clone()));
    let mut deadline = Deadline::after(worker.settings.timeouts.request_head);
    poll_fn(|context| {
        let polled = handshake.as_mut().poll(context);
        if matches!(wire.poll_send(context), Poll::Ready(Err(_))) {
            return Poll::Ready(None);
        }
        match polled {
            Poll::Ready(shaken) => Poll::Ready(shaken.ok()),
            Poll::Pending => deadline.poll(context).map(|()| None),
        }
    })
    .await
}

/// Reads on for a while: a close with unread bytes is a reset, which could overtake the GOAWAY, and
/// what the kernel still holds of the last answers. In a drain it goes on for as long as the client
/// is heard to read, since windows are updated to the end; the drain has a limit of its own.
async fn linger<I: AsyncRead + AsyncWrite + Unpin>(worker: &Worker, wire: &Wire<I>) {
    let timeouts = &worker.settings.timeouts;
    let gently = worker.connections.drains_gently();
    let limit = if gently { timeouts.downstream_write } else { timeouts.linger };
    let mut deadline = Deadline::after(limit);
    let mut left = LINGER_BYTES_MAX;
    poll_fn(|context| {
        loop {
            match wire.poll_discard(context) {
                Poll::Ready(Ok(bytes @ 1..)) if bytes < left => {
                    left -= bytes;
                    if worker.connections.is_draining() {
                        deadline.set(limit);
                    }
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return deadline.poll(context),
            }
        }
    })
    .await;
}

impl Client {
    fn poll_empty(&self, context: &Context<'_>) -> Poll<()> {
        self.wake_by(context.waker());
        if self.tasks.get() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    fn wake_by(&self, waker: &Waker) {
        let mut session = self.session.borrow_mut();
        if !session.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *session = Some(waker.clone());
        }
    }
}

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum Parting {
    /// With a last word, which the client shall hear.
    Told,
    /// Without one.
    Gone,
}

/// What a connection waits for, and the step after which its time starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Its streams, which have their own time limits.
    Streams,
    /// The client to take something of what there is for it.
    Room(u64),
    /// The end of a header block.
    Headers(u64),
    /// A request, after so many have ended.
    Requests(u64),
    /// The last of the answers or the GOAWAY to get out.
    End,
}

/// A connection that has been greeted.
struct Session<I: AsyncRead + AsyncWrite + Unpin> {
    connection: Connection<Wire<I>, Piece>,
    wire: Wire<I>,
    client: Rc<Client>,
    deadline: Deadline,
    waiting: Waiting,
    is_draining: bool,
    is_leaving: bool,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Session<I> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Parting> {
        self.client.wake_by(context.waker());
        self.wire.answered(self.client.answered.take());
        self.wire.begin_turn(self.client.tasks.get() >= TASKS_MAX);
        loop {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond, context),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(self.part(&error)),
                Poll::Ready(None) if self.is_leaving || self.is_draining => {
                    return Poll::Ready(Parting::Told);
                }
                Poll::Ready(None) => return Poll::Ready(Parting::Gone),
                Poll::Pending if self.has_to_leave() => {}
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(_)) = self.wire.poll_send(context) {
            return Poll::Ready(Parting::Gone);
        }
        self.poll_deadline(context)
    }

    /// Whether there is a reason to tell the client to go, and the codec has to be polled for it.
    fn has_to_leave(&mut self) -> bool {
        if self.is_leaving {
            return false;
        }
        if let Some(flood) = self.wire.flood() {
            self.send_away(flood);
            return true;
        }
        let drains = self.client.worker.connections.is_draining() && !self.is_draining;
        if drains {
            self.is_draining = true;
            self.connection.graceful_shutdown();
        }
        drains
    }

    fn send_away(&mut self, flood: Flood) {
        tracing::debug!(?flood, client = %self.client.visitor.arrival.client, "A flood of frames.");
        let metrics = &self.client.worker.metrics;
        metrics.h2_flooded(match flood {
            Flood::Chatter => H2Flood::Chatter,
            Flood::Resets => H2Flood::Resets,
            Flood::HeaderBlock => H2Flood::Headers,
        });
        self.leave(Reason::ENHANCE_YOUR_CALM);
    }

    fn leave(&mut self, reason: Reason) {
        self.is_leaving = true;
        self.connection.abrupt_shutdown(reason);
    }

    fn part(&self, error: &h2::Error) -> Parting {
        tracing::debug!(%error, "An HTTP/2 connection failed.");
        if error.reason() == Some(Reason::ENHANCE_YOUR_CALM) && error.is_library() {
            self.client.worker.metrics.h2_flooded(H2Flood::Codec);
        }
        if error.is_io() || error.is_remote() { Parting::Gone } else { Parting::Told }
    }

    /// Takes a request up.
    fn begin(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Piece>,
        context: &mut Context<'_>,
    ) {
        let client = &self.client;
        let worker = &client.worker;
        worker.metrics.h2_streams.increment();
        // Taken back already.
        if respond.poll_reset(context).is_ready() {
            return;
        }
        if client.heads_bytes.get() >= HEADS_BYTES_MAX {
            return respond.send_reset(Reason::REFUSED_STREAM);
        }
        let mut head = worker.buffers.take_scratch();
        let nonce = || {
            let mut chance = worker.chance();
            u128::from(chance.next_u64()) << 64 | u128::from(chance.next_u64())
        };
        let asked = match request_head::write(&mut head, &request, nonce) {
            Ok(key) => Ok(key),
            Err(Unserved::Refused(refusal)) => Err(refusal),
            Err(Unserved::Malformed) => {
                worker.buffers.give_scratch(head);
                return respond.send_reset(Unserved::MALFORMED_CODE);
            }
        };
        // The fields are as large again as the head; they go now. What is left of it is kept for as
        // long as an endpoint takes, so it has no room to spare.
        let receive = request.into_body();
        let exact = head.as_slice().to_vec();
        worker.buffers.give_scratch(head);
        let place = Place::new(client, exact.len());
        // Boxed: the runtime moves a task several times, and this one is kilobytes long.
        tokio::task::spawn_local(Box::pin(answer(place, receive, respond, exact, asked)));
    }

    /// Ends a connection that has been without something for too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Parting> {
        let worker = &self.client.worker;
        let timeouts = &worker.settings.timeouts;
        let (waiting, limit) = if let Some(progress) = self.wire.stalled_at() {
            (Waiting::Room(progress), timeouts.downstream_write)
        } else if self.is_leaving {
            (Waiting::End, timeouts.linger)
        } else if let Some(block) = self.wire.open_block() {
            (Waiting::Headers(block), timeouts.request_head)
        } else if self.client.tasks.get() > 0 {
            (Waiting::Streams, timeouts.downstream_idle)
        } else if self.connection.has_streams() {
            (Waiting::End, timeouts.downstream_write)
        } else if self.is_draining && worker.connections.drains_gently() {
            // Whoever is slow to say that it has heard may have asked before it heard.
            (Waiting::End, timeouts.downstream_write)
        } else if self.is_draining {
            (Waiting::End, timeouts.linger)
        } else {
            (Waiting::Requests(self.client.ended.get()), timeouts.downstream_idle)
        };
        if self.waiting != waiting {
            self.waiting = waiting;
            self.deadline.set(limit);
        }
        let is_idle = matches!(waiting, Waiting::Requests(_));
        let must_go = is_idle && self.client.worker.connections.must_go();
        if waiting == Waiting::Streams || !must_go && self.deadline.poll(context).is_pending() {
            return Poll::Pending;
        }
        match waiting {
            Waiting::Requests(_) => self.leave(Reason::NO_ERROR),
            Waiting::Headers(_) => self.leave(Reason::ENHANCE_YOUR_CALM),
            Waiting::Streams | Waiting::Room(_) | Waiting::End => {
                return Poll::Ready(Parting::Gone);
            }
        }
        // The codec has something to say now.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Answers one request, whose head is written out. Ends early when nobody waits for it any more.
async fn answer(
    place: Place,
    receive: RecvStream,
    respond: SendResponse<Piece>,
    head: Vec<u8>,
    asked: Result<Option<Key>, Refusal>,
) {
    let client = &*place.client;
    let worker = &*client.worker;
    let is_whole = receive.is_end_stream();
    let (key, refusal) = match asked {
        Ok(key) => (key, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let is_tunnel = key.is_some();
    let outlet = Outlet::new(respond);
    let mut downstream = Downstream {
        io: Stream::new(receive, Rc::clone(&outlet), Rc::clone(&client.outbox), key),
        input: Buffer::holding(head),
        deadline: Deadline::after(worker.settings.timeouts.request_head),
        personal: None,
        meter: Meter::default(),
    };
    let after = {
        let handled = async {
            let head = match refusal {
                Some(refusal) => Err(refusal),
                None => read_head(worker, &downstream.input),
            };
            match head {
                Ok((mut head, fields)) => {
                    request_head::complete(&mut head, &fields, is_whole, is_tunnel);
                    request::handle(worker, &mut downstream, &client.visitor, &head, &fields).await
                }
                Err(refusal) => {
                    refuse_unread(worker, &mut downstream, &client.visitor, refusal).await;
                    After::Close
                }
            }
        };
        let mut handled = pin!(handled);
        poll_fn(|context| match outlet.poll_gone(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => handled.as_mut().poll(context).map(Some),
        })
        .await
    };
    match after {
        None => worker.metrics.h2_streams_cancelled.increment(),
        Some(After::Reset) => outlet.reset(Reason::INTERNAL_ERROR),
        Some(After::Keep | After::Close | After::Linger) => {
            client.answered.set(client.answered.get() + 1);
        }
    }
    // A buffer of usual size goes back; an own one is freed.
    downstream.input.clear();
    downstream.input.release(&worker.buffers);
}

/// The head that stands in the input.
fn read_head(worker: &Worker, input: &Buffer) -> Result<(RequestHead, Vec<Field>), Refusal> {
    let mut fields = worker.take_fields();
    let read = HeadScanner::new().request(input.filled(), &worker.settings.limits, &mut fields);
    // Lists have room for many more fields than requests have.
    let exact = fields.as_slice().to_vec();
    worker.give_fields(fields);
    match read {
        Ok(Some(head)) => Ok((head, exact)),
        // We wrote the empty line.
        Ok(None) => Err(Refusal::of(400)),
        Err(error) => Err(error.into()),
    }
}
