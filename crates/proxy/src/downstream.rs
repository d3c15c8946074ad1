//! A client's connection: one request after the other, until either side has enough.
//!
//! ```text
//!            ┌──────────────── keep ────────────────┐
//!            ▼                                      │
//!  accept ─▶ waiting ─ head ─▶ request::handle ─────┤
//!            │ │                                    ├─ close ─▶ closed
//!     idle / │ ├ malformed ─▶ refused ─▶ lingering ◀┤ linger
//!     drain  ▼ └ preface ─▶ HTTP/2                  └─ reset ─▶ reset
//!          closed
//!
//! A client may say from the start that it speaks HTTP/2 (RFC 9113 section 3.3). Then the connection
//! goes on in [`crate::h2`]. An upgrade to it is nothing but a field that is dropped.
//! ```
//!
//! On the request path.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use evenkeel_h1::{Field, HeadScanner, RequestHead};
use evenkeel_model::FixedResponse;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::account::{Meter, refuse_unread};
use crate::arrival::{Arrival, Protocol, Visitor};
use crate::buffer::{Buffer, Filled, SMALL_BYTES};
use crate::deadline::Deadline;
use crate::exchange::Delivered;
use crate::fixed;
use crate::h2::{self, PREFACE};
use crate::refusal::{self, Occasion, Refusal};
use crate::relay::pump::{BodyFrom, BodyTo, Pump};
use crate::request;
use crate::transport::Transport;
use crate::upstream::Personal;
use crate::worker::Worker;

/// Bytes read and thrown away from a client that is still sending when its connection closes. A
/// close with unread bytes is a reset, which could overtake the answer.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A client's connection, its one timer, and what belongs to it.
#[derive(Debug)]
pub(crate) struct Downstream<D> {
    pub(crate) io: D,
    pub(crate) input: Buffer,
    pub(crate) deadline: Deadline,
    /// An endpoint connection that only this client may use.
    pub(crate) personal: Option<Personal>,
    /// What its requests have moved.
    pub(crate) meter: Meter,
}

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The next request may come.
    Keep,
    /// Everything was said.
    Close,
    /// Everything was said, but the client may still be sending.
    Linger,
    /// The response is not whole and must not look whole.
    Reset,
}

enum Next {
    Request(RequestHead),
    Refused(Refusal),
    /// Not of HTTP/1.1: the preface of HTTP/2 stands at the front of the input.
    Http2,
    Closed,
}

/// What the first bytes of a connection say of its protocol.
#[derive(Debug, PartialEq, Eq)]
enum Opening {
    Http1,
    Http2,
    /// Too few to tell.
    Unclear,
}

impl Opening {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(PREFACE) {
            Self::Http2
        } else if PREFACE.starts_with(bytes) {
            Self::Unclear
        } else {
            Self::Http1
        }
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve<D: Transport>(worker: Rc<Worker>, io: D, arrival: Arrival) {
    let visitor = Visitor::new(arrival, &worker.shared.geo);
    let deadline = Deadline::after(worker.settings.timeouts.downstream_idle);
    let mut downstream = Downstream {
        io,
        input: Buffer::default(),
        deadline,
        personal: None,
        meter: Meter::default(),
    };
    // Over TLS the protocol was agreed on.
    let mut opening = if visitor.arrival.is_https() { Opening::Http1 } else { Opening::Unclear };
    loop {
        let mut fields = Vec::new();
        let after = match downstream.next_head(&worker, &mut fields, &mut opening).await {
            Next::Http2 => {
                worker.give_fields(fields);
                let Downstream { io, input, .. } = downstream;
                let arrival = Arrival { protocol: Protocol::Http2, ..visitor.arrival };
                // Boxed: the connections that stay shall not take up its room.
                return Box::pin(h2::serve(worker, io, input, arrival)).await;
            }
            Next::Request(head) => {
                request::handle(&worker, &mut downstream, &visitor, &head, &fields).await
            }
            Next::Refused(refusal) => {
                refuse_unread(&worker, &mut downstream, &visitor, refusal).await;
                After::Linger
            }
            Next::Closed => After::Close,
        };
        worker.give_fields(fields);
        match after {
            After::Keep => {}
            // Who has sent more than was read may be about to send yet more.
            After::Close if downstream.input.is_empty() => return downstream.end(&worker).await,
            After::Close | After::Linger => return downstream.linger(&worker).await,
            After::Reset => return downstream.io.reset_on_close(),
        }
    }
}

impl<D: Transport> Downstream<D> {
    /// Waits for a request's head, which then stands at the front of the input.
    async fn next_head(
        &mut self,
        worker: &Worker,
        fields: &mut Vec<Field>,
        opening: &mut Opening,
    ) -> Next {
        let timeouts = &worker.settings.timeouts;
        let limits = &worker.settings.limits;
        let mut scanner = HeadScanner::new();
        let mut has_begun = false;
        let mut is_first = false;
        // A pipelined request is here already.
        let mut is_unread = !self.input.is_empty();
        if !is_unread {
            self.deadline.set(timeouts.downstream_idle);
        }
        poll_fn(|context| {
            loop {
                if std::mem::take(&mut is_unread) {
                    if *opening == Opening::Unclear {
                        is_first = true;
                        *opening = Opening::of(self.input.filled());
                    }
                    if *opening == Opening::Http2 {
                        return Poll::Ready(Next::Http2);
                    }
                    if fields.capacity() == 0 {
                        *fields = worker.take_fields();
                    }
                    let scanned = match opening {
                        Opening::Unclear => Ok(None),
                        _ => scanner.request(self.input.filled(), limits, fields),
                    };
                    match scanned {
                        Ok(Some(head)) => return Poll::Ready(Next::Request(head)),
                        Ok(None) if has_begun => {}
                        Ok(None) => {
                            has_begun = true;
                            self.deadline.set(timeouts.request_head);
                        }
                        // Whatever it speaks, an answer in HTTP/1.1 would be no use to it.
                        Err(_) if is_first && is_other_preface(self.input.filled()) => {
                            return Poll::Ready(Next::Closed);
                        }
                        Err(error) => return Poll::Ready(Next::Refused(error.into())),
                    }
                }
                let filled =
                    self.input.poll_fill(context, &mut self.io, &worker.buffers, limits.head_bytes);
                match filled {
                    // A request that has arrived is still answered.
                    Poll::Pending if self.input.is_empty() && worker.connections.must_go() => {
                        return Poll::Ready(Next::Closed);
                    }
                    Poll::Pending => break,
                    Poll::Ready(Ok(Filled::Bytes(_))) => is_unread = true,
                    Poll::Ready(Ok(Filled::Full)) => {
                        return Poll::Ready(Next::Refused(Refusal::of(431)));
                    }
                    Poll::Ready(Ok(Filled::End) | Err(_)) => return Poll::Ready(Next::Closed),
                }
            }
            self.deadline.poll(context).map(|()| {
                if has_begun { Next::Refused(Refusal::REQUEST_TIMEOUT) } else { Next::Closed }
            })
        })
        .await
    }

    /// Sends a head that something follows.
    pub(crate) async fn send(&mut self, worker: &Worker, bytes: Vec<u8>) -> Delivered {
        self.send_as(worker, bytes, BodyTo::Plain).await
    }

    /// Sends a whole response of ours.
    pub(crate) async fn send_whole(&mut self, worker: &Worker, bytes: Vec<u8>) -> Delivered {
        let to = if self.io.frames_messages() { BodyTo::Framed } else { BodyTo::Plain };
        self.send_as(worker, bytes, to).await
    }

    async fn send_as(&mut self, worker: &Worker, bytes: Vec<u8>, to: BodyTo) -> Delivered {
        let mut pump = Pump::new(bytes, BodyFrom::Length(0), to);
        let mut nothing = Buffer::default();
        self.deadline.set(worker.settings.timeouts.downstream_write);
        let delivered = poll_fn(|context| {
            let mut sender = tokio::io::empty();
            let polled =
                pump.poll(context, &mut sender, &mut nothing, &mut self.io, &worker.buffers);
            self.meter.downloaded(&mut pump);
            match polled {
                Poll::Ready(Ok(())) => Poll::Ready(Delivered::Whole),
                Poll::Ready(Err(_)) => Poll::Ready(Delivered::ClientGone),
                Poll::Pending => self.deadline.poll(context).map(|()| Delivered::ClientGone),
            }
        })
        .await;
        worker.buffers.give_scratch(pump.take_storage());
        delivered
    }

    /// Answers as a rule or a pool set says.
    pub(crate) async fn respond(
        &mut self,
        worker: &Worker,
        response: &FixedResponse,
        occasion: &fixed::Occasion<'_>,
    ) -> Delivered {
        let mut out = worker.buffers.take_scratch();
        fixed::write(&mut out, response, occasion, &worker.date(worker.now()));
        self.send_whole(worker, out).await
    }

    /// Answers on the proxy's own account.
    pub(crate) async fn refuse(
        &mut self,
        worker: &Worker,
        refusal: Refusal,
        occasion: &Occasion<'_>,
    ) -> Delivered {
        let mut out = worker.buffers.take_scratch();
        let now = worker.now();
        refusal::write(&mut out, refusal, occasion, now, &worker.date(now));
        self.send_whole(worker, out).await
    }

    /// Ends a connection on which everything was said, by both sides.
    async fn end(&mut self, worker: &Worker) {
        self.input.release(&worker.buffers);
        if D::SAYS_GOODBYE {
            // Whoever does not read any more is not waited for.
            let _ = timeout(worker.settings.timeouts.linger, self.io.shutdown()).await;
        }
    }

    /// Ends the connection so that the answer arrives: says that nothing more comes, then reads
    /// and forgets what the client still sends, for a while.
    async fn linger(&mut self, worker: &Worker) {
        if self.io.shutdown().await.is_err() {
            return;
        }
        self.deadline.set(worker.settings.timeouts.linger);
        let mut left = LINGER_BYTES_MAX;
        poll_fn(|context| {
            loop {
                self.input.consume(self.input.filled().len());
                match self.input.poll_fill(context, &mut self.io, &worker.buffers, SMALL_BYTES) {
                    Poll::Ready(Ok(Filled::Bytes(bytes))) if bytes < left => left -= bytes,
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return self.deadline.poll(context),
                }
            }
        })
        .await;
    }
}

/// Whether a connection that does not begin with a request begins with the preface of another
/// protocol: three words without a path or a version of ours. An invalid preface of HTTP/2 is not
/// answered in HTTP/1.1, but closed (RFC 9113 section 3.4).
fn is_other_preface(bytes: &[u8]) -> bool {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n") else { return false };
    let mut words = bytes[..end].splitn(4, |byte| *byte == b' ');
    let words = [words.next(), words.next(), words.next(), words.next()];
    let [Some(method), Some(target), Some(version), None] = words else { return false };
    match version.strip_prefix(b"HTTP/") {
        Some(version) => method == b"PRI" && version.starts_with(b"2"),
        None => !method.is_empty() && !target.contains(&b'/') && target != b"*",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use evenkeel_model::{AffinityKey, AffinityKeys, ConfigBuilder, Health, Live, View};

    use crate::settings::Settings;

    fn worker() -> Worker {
        let keys = AffinityKeys { current: AffinityKey([1; 32]), previous: None };
        let config = Arc::new(ConfigBuilder::new(keys).build());
        let (_, live) = Live::new(View {
            config,
            health: Health::default(),
            zones: Arc::default(),
            revision: 1,
        });
        let shared = crate::Shared::new(evenkeel_net::geo::Geo::builtin());
        Worker::new(&live, Arc::default(), Arc::new(Settings::default()), shared)
    }

    #[test]
    fn connections_are_told_by_how_they_begin() {
        for (bytes, expected) in [
            (&b"P"[..], Opening::Unclear),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Opening::Unclear),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Opening::Http2),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", Opening::Http1),
            (b"POST", Opening::Http1),
        ] {
            assert_eq!(Opening::of(bytes), expected, "{bytes:?}");
        }
        for (bytes, expected) in [
            (&b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..], true),
            (b"INVALID CONNECTION PREFACE\r\n\r\n", true),
            (b"PRI * HTTP/1.1\r\n", false),
            (b"GET / HTTP/2.0\r\n", false),
            (b"GET /\r\n", false),
            (b"GET / nonsense\r\n", false),
            (b"OPTIONS * nonsense\r\n", false),
            (b"GET http://a/ nonsense\r\n", false),
            (b"nonsense\r\n", false),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", false),
            (b" a b\r\n", false),
            (b"\r\n", false),
            (b"a b c", false),
        ] {
            assert_eq!(is_other_preface(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn who_is_dismissed_is_answered_what_has_arrived_and_waits_for_no_other() {
        let worker = worker();
        let (io, mut client) = tokio::io::duplex(1024);
        let deadline = Deadline::after(worker.settings.timeouts.downstream_idle);
        let mut downstream = Downstream {
            io,
            input: Buffer::default(),
            deadline,
            personal: None,
            meter: Meter::default(),
        };
        client.write_all(b"GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n").await.unwrap();
        worker.connections.dismiss();
        let mut fields = Vec::new();
        let mut opening = Opening::Unclear;
        let next = downstream.next_head(&worker, &mut fields, &mut opening).await;
        let Next::Request(head) = next else { panic!("no request") };
        downstream.input.consume(head.bytes);
        let next = downstream.next_head(&worker, &mut fields, &mut opening).await;
        assert!(matches!(next, Next::Closed));
    }
}
