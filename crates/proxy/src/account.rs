//! What becomes known of a request while it lasts, and what is made of it once it is over: counts, a
//! line of the access log, and spans.
//!
//! ```text
//!  head ─▶ begin ─▶ turn_to ─ located ─ connected ─ answered ─▶ responding ─▶ ended ─┐
//!            │         ▲          another attempt      │            ▲                ▼
//!            │         └───────────────────────────────┘            │             settle
//!            └──────────────────── an answer of ours ───────────────┘
//! ```
//!
//! A request settles once, however it ends: also when its future is dropped, because the client took
//! it back or the node has no more time for it.
//!
//! On the request path: a handful of clock readings and plain stores into the worker's own cells.

mod meter;
mod places;
mod record;
mod session;
mod unread;

use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_decision::{Target, Trail, TrailStep};
use evenkeel_model::{Config, LoadBalancerIx};
use evenkeel_telemetry::{EndpointTraffic, RequestEnd};
use tokio::time::Instant;

use crate::upstream::Connection;
use crate::worker::Worker;

pub(crate) use meter::Meter;
pub(crate) use places::Places;
pub(crate) use record::{Asked, Told};
pub(crate) use unread::refuse_unread;

/// The word for endpoints whose name does not resolve, beside those of `DialFailure`.
const UNRESOLVED: &str = "unresolved";

/// The account of one request.
#[derive(Debug)]
pub(crate) struct Account {
    /// When its head had arrived.
    began: Instant,
    /// What the connection had moved before.
    before: Meter,
    load_balancer: Option<LoadBalancerIx>,
    /// The final response that is on its way to the client, or was last.
    response: Option<Response>,
    end: Option<RequestEnd>,
    attempts: u32,
    failovers: u32,
    /// The last attempt.
    attempt: Option<Attempt>,
}

/// A response to the client.
#[derive(Debug, Clone, Copy)]
struct Response {
    status: u16,
    /// Whether it says that something went wrong, in our own words.
    is_own_error: bool,
    /// What had been sent before it.
    sent_before: u64,
}

/// One attempt on one endpoint.
#[derive(Debug)]
struct Attempt {
    target: Target,
    cells: Arc<EndpointTraffic>,
    began: Instant,
    before: Meter,
    address: Option<SocketAddr>,
    /// When it was known where to connect to.
    located: Instant,
    connect_us: Option<u64>,
    first_byte_us: Option<u64>,
    status: Option<u16>,
    is_reused: bool,
}

impl Account {
    /// Opens the account of a request whose head has just arrived. [`Self::settle`] closes it.
    pub(crate) fn begin(worker: &Worker, meter: &Meter) -> Self {
        worker.metrics.requests_open.increment();
        Self {
            began: Instant::now(),
            before: *meter,
            load_balancer: None,
            response: None,
            end: None,
            attempts: 0,
            failovers: 0,
            attempt: None,
        }
    }

    /// Notes whose request it is.
    pub(crate) fn belongs_to(&mut self, load_balancer: Option<LoadBalancerIx>) {
        self.load_balancer = load_balancer;
    }

    /// Begins an attempt on an endpoint, which ends the one before.
    pub(crate) fn turn_to(
        &mut self,
        worker: &Worker,
        config: &Config,
        target: Target,
        meter: &Meter,
    ) {
        let began = match &self.attempt {
            Some(last) => {
                last.settle(meter);
                self.failovers += u32::from(last.target.endpoint != target.endpoint);
                Instant::now()
            }
            // The first one begins with the request: what lies between takes microseconds.
            None => self.began,
        };
        self.attempts += 1;
        self.attempt = Some(Attempt {
            target,
            cells: worker.places.endpoint(config, target.endpoint),
            began,
            before: *meter,
            address: None,
            located: began,
            connect_us: None,
            first_byte_us: None,
            status: None,
            is_reused: false,
        });
    }

    /// The attempt's endpoint is to be dialled here. `took_time`: a name had to be looked up.
    pub(crate) fn located(&mut self, address: SocketAddr, took_time: bool) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.address = Some(address);
        if took_time {
            attempt.located = Instant::now();
        }
    }

    /// The name of the attempt's endpoint does not resolve.
    pub(crate) fn unresolved(&self) {
        self.connect_failed(UNRESOLVED);
    }

    /// The attempt has no connection, for a reason in one word.
    pub(crate) fn connect_failed(&self, reason: &str) {
        if let Some(attempt) = &self.attempt {
            attempt.cells.connect_failed(reason);
        }
    }

    /// The attempt has a connection.
    pub(crate) fn connected(&mut self, connection: &Connection) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.is_reused = connection.is_reused;
        if connection.is_new {
            let took_us = microseconds(attempt.located, Instant::now());
            attempt.connect_us = Some(took_us);
            attempt.cells.opened.increment();
            attempt.cells.connect.observe(took_us);
        } else {
            attempt.cells.reused.increment();
        }
    }

    /// The attempt's endpoint answers with this status, interim ones excluded, and its first byte
    /// came at that moment.
    pub(crate) fn answered(&mut self, status: u16, first_byte: Option<Instant>) {
        let Some(attempt) = &mut self.attempt else { return };
        let took_us = microseconds(attempt.began, first_byte.unwrap_or_else(Instant::now));
        attempt.status = Some(status);
        attempt.first_byte_us = Some(took_us);
        attempt.cells.first_byte.observe(took_us);
    }

    /// What the attempt's endpoint is counted in.
    pub(crate) fn endpoint_cells(&self) -> Option<&Arc<EndpointTraffic>> {
        self.attempt.as_ref().map(|attempt| &attempt.cells)
    }

    /// A final response of this status goes to the client next.
    pub(crate) fn responding(&mut self, status: u16, meter: &Meter) {
        let response = Response { status, is_own_error: false, sent_before: meter.sent };
        self.response = Some(response);
    }

    /// The same, for a response that is an error of ours.
    pub(crate) fn refusing(&mut self, status: u16, meter: &Meter) {
        let response = Response { status, is_own_error: true, sent_before: meter.sent };
        self.response = Some(response);
    }

    /// Notes how it ended.
    pub(crate) fn ended(&mut self, end: RequestEnd) {
        self.end = Some(end);
    }

    /// The response that the client was sent any of.
    fn sent(&self, meter: &Meter) -> Option<&Response> {
        self.response.as_ref().filter(|response| meter.sent > response.sent_before)
    }

    /// Counts the request, which is over. To be called once.
    pub(crate) fn settle(
        &self,
        worker: &Worker,
        config: &Config,
        trail: &Trail,
        meter: &Meter,
    ) -> Outcome {
        let metrics = &worker.metrics;
        metrics.requests_open.decrement();
        let response = self.sent(meter);
        let status = response.map(|response| response.status);
        let end = self.end.unwrap_or(match status {
            Some(101) => RequestEnd::Tunnel,
            _ => RequestEnd::ClientGone,
        });
        metrics.request_ended(end);
        if let Some(response) = response {
            metrics.responded(response.status);
            if response.is_own_error {
                metrics.own_error(response.status);
            }
        }
        let total_us = microseconds(self.began, Instant::now());
        if let Some(attempt) = &self.attempt {
            attempt.settle(meter);
            worker.places.with_pool(config, attempt.target.pool, |pool| {
                pool.requested(status);
                if attempt.target.fallback {
                    pool.fallbacks.increment();
                }
            });
        }
        if let Some(ix) = self.load_balancer {
            let moved = meter.since(&self.before);
            let served = self.attempt.as_ref().filter(|attempt| attempt.status.is_some());
            let session = session::result(trail, served.map(|attempt| attempt.target.endpoint));
            worker.places.with_load_balancer(config, ix, |load_balancer| {
                load_balancer.requested(status);
                load_balancer.received_bytes.add(moved.received);
                load_balancer.sent_bytes.add(moved.sent);
                if matches!(end, RequestEnd::Whole | RequestEnd::Own) {
                    load_balancer.duration.observe(total_us);
                }
                if let Some(session) = session {
                    load_balancer.session(session);
                }
                if self.attempts > 1 {
                    load_balancer.retries.add(u64::from(self.attempts - 1));
                    load_balancer.failovers.add(u64::from(self.failovers));
                }
            });
        }
        for step in trail.steps() {
            if let TrailStep::PassedOver(pool, why) = *step {
                worker.places.with_pool(config, pool, |pool| pool.passed_over(why.as_str()));
            }
        }
        Outcome { status: status.unwrap_or(0), end, total_us }
    }
}

/// How a settled request ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// What the client was sent; 0 for nothing.
    pub(crate) status: u16,
    pub(crate) end: RequestEnd,
    pub(crate) total_us: u64,
}

impl Attempt {
    /// Counts the attempt, which is over.
    fn settle(&self, meter: &Meter) {
        let moved = meter.since(&self.before);
        self.cells.requested(self.status);
        self.cells.sent_bytes.add(moved.endpoint_sent);
        self.cells.received_bytes.add(moved.endpoint_received);
    }
}

fn microseconds(from: Instant, until: Instant) -> u64 {
    let took = until.saturating_duration_since(from);
    took.as_secs() * 1_000_000 + u64::from(took.subsec_micros())
}
