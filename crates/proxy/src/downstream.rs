//! A client's connection: one request after the other, until either side has enough.
//!
//! ```text
//!            ┌──────────────── keep ────────────────┐
//!            ▼                                      │
//!  accept ─▶ waiting ─ head ─▶ request::handle ─────┤
//!            │ │                                    ├─ close ─▶ closed
//!     idle / │ └ malformed ─▶ refused ─▶ lingering ◀┤ linger
//!     drain  ▼                                      └─ reset ─▶ reset
//!          closed
//! ```
//!
//! On the request path.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use evenkeel_decision::Rng;
use evenkeel_h1::{Field, HeadScanner, RequestHead};
use evenkeel_model::FixedResponse;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::arrival::{Arrival, Visitor};
use crate::buffer::{Buffer, Filled, SMALL_BYTES};
use crate::deadline::Deadline;
use crate::exchange::Delivered;
use crate::fixed;
use crate::ray::Ray;
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
    Closed,
}

/// Serves a connection to its end.
pub(crate) async fn serve<D: Transport>(worker: Rc<Worker>, io: D, arrival: Arrival) {
    let visitor = Visitor::new(arrival, &worker.shared.geo);
    let deadline = Deadline::after(worker.settings.timeouts.downstream_idle);
    let mut downstream = Downstream { io, input: Buffer::default(), deadline, personal: None };
    loop {
        let mut fields = Vec::new();
        let after = match downstream.next_head(&worker, &mut fields).await {
            Next::Request(head) => {
                request::handle(&worker, &mut downstream, &visitor, &head, &fields).await
            }
            Next::Refused(refusal) => {
                let ray = Ray::new(worker.chance().next_u64(), &worker.settings.pop);
                let occasion = Occasion::malformed(&ray);
                downstream.refuse(&worker, refusal, &occasion).await;
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
    async fn next_head(&mut self, worker: &Worker, fields: &mut Vec<Field>) -> Next {
        let timeouts = &worker.settings.timeouts;
        let limits = &worker.settings.limits;
        let mut scanner = HeadScanner::new();
        let mut has_begun = false;
        // A pipelined request is here already.
        let mut is_unread = !self.input.is_empty();
        if !is_unread {
            self.deadline.set(timeouts.downstream_idle);
        }
        poll_fn(|context| {
            loop {
                if std::mem::take(&mut is_unread) {
                    if fields.capacity() == 0 {
                        *fields = worker.take_fields();
                    }
                    match scanner.request(self.input.filled(), limits, fields) {
                        Ok(Some(head)) => return Poll::Ready(Next::Request(head)),
                        Ok(None) if has_begun => {}
                        Ok(None) => {
                            has_begun = true;
                            self.deadline.set(timeouts.request_head);
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
            match pump.poll(context, &mut sender, &mut nothing, &mut self.io, &worker.buffers) {
                Poll::Ready(Ok(())) => Poll::Ready(Delivered::Whole),
                Poll::Ready(Err(_)) => Poll::Ready(Delivered::Cut),
                Poll::Pending => self.deadline.poll(context).map(|()| Delivered::Cut),
            }
        })
        .await;
        worker.buffers.give_scratch(pump.into_storage());
        delivered
    }

    /// Answers as a rule or a pool set says.
    pub(crate) async fn respond(
        &mut self,
        worker: &Worker,
        response: &FixedResponse,
        occasion: &fixed::Occasion<'_>,
    ) -> Delivered {
        worker.metrics.responded(response.status);
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
        worker.metrics.responded(refusal.status);
        worker.metrics.own_error(refusal.status);
        let mut out = worker.buffers.take_scratch();
        let now = worker.now();
        refusal::write(&mut out, refusal, occasion, now, &worker.date(now));
        self.send_whole(worker, out).await
    }

    /// Ends a connection on which everything was said, by both sides.
    async fn end(&mut self, worker: &Worker) {
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
        Worker::new(live, Arc::default(), Arc::new(Settings::default()), shared)
    }

    #[tokio::test]
    async fn a_drain_answers_the_request_that_has_arrived_and_waits_for_no_other() {
        let worker = worker();
        let (io, mut client) = tokio::io::duplex(1024);
        let deadline = Deadline::after(worker.settings.timeouts.downstream_idle);
        let mut downstream = Downstream { io, input: Buffer::default(), deadline, personal: None };
        client.write_all(b"GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n").await.unwrap();
        worker.connections.drain();
        let mut fields = Vec::new();
        let next = downstream.next_head(&worker, &mut fields).await;
        let Next::Request(head) = next else { panic!("no request") };
        downstream.input.consume(head.bytes);
        assert!(matches!(downstream.next_head(&worker, &mut fields).await, Next::Closed));
    }
}
