//! A run: requests sent when they are meant to be (open loop), or each after the answer to the one
//! before (closed loop), until enough were sent; then the answers under way are waited for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::args::{Load, Loop, Protocol};
use crate::arrivals::Schedule;
use crate::failure::{Context, Result};
use crate::outcome::{Answered, Counters, Kind, count};
use crate::sleeper::Sleeper;
use crate::tally::Tally;
use crate::transport::Tls;
use crate::{http1, http2};

/// Requests under way at once in an open loop; one more is not sent but counted. A server that
/// stands still for a second at 60,000 requests/s is within it.
const UNDER_WAY_MAX: usize = 65_536;

/// How long a user of the closed loop waits after a failure.
const FAILURE_PAUSE: Duration = Duration::from_millis(1);

/// What a run gave.
#[derive(Debug)]
pub struct Finished {
    /// The measured part.
    pub tally: Tally,
    /// Connections and retries, of warm-up and measured part together.
    pub counters: Rc<Counters>,
    /// How long the measured part took, to its last answer.
    pub duration: Duration,
    /// CPU time of this process in that part, as a share of one core.
    pub cpu_share: f64,
}

enum Client {
    Http1(http1::Client),
    Http2(http2::Client),
}

impl Client {
    async fn request(&self) -> std::result::Result<Answered, Kind> {
        match self {
            Self::Http1(client) => client.request().await,
            Self::Http2(client) => client.request().await,
        }
    }
}

/// What the requests of a run share.
struct Shared {
    client: Client,
    /// One for each connection or stream that may be used at once.
    room: Semaphore,
    timeout: Duration,
    tally: RefCell<Tally>,
    counters: Rc<Counters>,
}

impl Shared {
    /// One request, counted. Latency begins at `meant`. False when there was no response.
    async fn one(&self, meant: Instant, measured: bool) -> bool {
        let limit = tokio::time::Instant::from_std(meant + self.timeout);
        let request = async {
            if self.room.available_permits() == 0 {
                count(&self.counters.waits);
            }
            let _room = self.room.acquire().await;
            self.client.request().await
        };
        let outcome = tokio::time::timeout_at(limit, request).await.unwrap_or(Err(Kind::Timeout));
        self.tally.borrow_mut().add(measured, meant.elapsed(), outcome);
        outcome.is_ok()
    }
}

/// Does what `load` says. Ends by itself: see [`Load`]'s bounds.
///
/// # Errors
///
/// The target has no address or its TLS is impossible. Requests that fail are counted instead.
pub async fn run(load: &Load) -> Result<Finished> {
    let counters = Rc::new(Counters::default());
    let client = client(load, &counters).await?;
    let room = match load.protocol {
        Protocol::Http1 => load.connections,
        Protocol::Http2 => load.connections * load.streams,
    };
    let shared = Rc::new(Shared {
        client,
        room: Semaphore::new(room),
        timeout: load.timeout,
        tally: RefCell::new(Tally::new()),
        counters: Rc::clone(&counters),
    });
    let local = LocalSet::new();
    let (duration, cpu) = local
        .run_until(async {
            match load.kind {
                Loop::Open { rate, arrivals } => {
                    let schedule = Schedule::new(arrivals, rate, load.seed);
                    open(load, &shared, schedule).await
                }
                Loop::Closed => Ok(closed(load, &shared, room).await),
            }
        })
        .await?;
    // Connections that are on their way out hold nothing that is still needed.
    drop(local);
    let tally = shared.tally.replace(Tally::new());
    let cpu_share = cpu.as_secs_f64() / duration.as_secs_f64().max(1e-9);
    Ok(Finished { tally, counters, duration, cpu_share })
}

async fn client(load: &Load, counters: &Rc<Counters>) -> Result<Client> {
    let to = load.url.resolve().await?;
    let alpn: &[u8] = match load.protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 => b"h2",
    };
    let tls = match load.url.tls {
        true => Some(Tls::new(&load.request.host, alpn, load.handshakes, &load.trust)?),
        false => None,
    };
    let counters = Rc::clone(counters);
    Ok(match load.protocol {
        Protocol::Http1 => {
            let request = match load.websocket {
                true => load.request.websocket(),
                false => load.request.http1(load.new_connections),
            };
            let options = http1::Options {
                to,
                request,
                is_head: load.request.method == "HEAD",
                new_connections: load.new_connections,
                retry_stale: load.retry_stale,
                spread: if load.spread { load.connections } else { 0 },
                websocket: load.websocket.then_some(load.request.body_bytes),
            };
            Client::Http1(http1::Client::new(options, tls, counters))
        }
        Protocol::Http2 => {
            let options = http2::Options {
                to,
                request: load.request.http2(load.url.tls)?,
                body: load.request.body(),
                connections: load.connections,
                new_connections: load.new_connections,
            };
            Client::Http2(http2::Client::new(options, tls, counters))
        }
    })
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Sends when `schedule` says. Gives how long the measured part took, and its CPU time.
async fn open(
    load: &Load,
    shared: &Rc<Shared>,
    schedule: Schedule,
) -> Result<(Duration, Duration)> {
    let mut sleeper = Sleeper::new().context("a timer")?;
    let mut under_way = JoinSet::new();
    let start = Instant::now();
    let measured_from = start + load.warm_up;
    let mut sent = 0;
    let mut before = None;
    for moment in schedule {
        let meant = start + moment;
        let measured = meant >= measured_from;
        if measured && (sent >= load.requests || meant >= measured_from + load.duration) {
            break;
        }
        sleeper.until(meant).await.context("a timer")?;
        if measured {
            sent += 1;
            before.get_or_insert_with(cpu_time);
            shared.tally.borrow_mut().lateness.add(meant.elapsed());
        }
        while under_way.try_join_next().is_some() {}
        if under_way.len() < UNDER_WAY_MAX {
            let shared = Rc::clone(shared);
            under_way.spawn_local(async move { shared.one(meant, measured).await });
        } else {
            shared.tally.borrow_mut().add(measured, meant.elapsed(), Err(Kind::Unsent));
        }
        if meant.elapsed() > Duration::ZERO {
            // Behind, or in a burst: those sent so far get their turn, and the poller its look.
            tokio::task::yield_now().await;
        }
    }
    while under_way.join_next().await.is_some() {}
    let cpu = cpu_time().saturating_sub(before.unwrap_or_else(cpu_time));
    Ok((measured_from.elapsed(), cpu))
}

/// Each of so many users sends again once it has its answer.
async fn closed(load: &Load, shared: &Rc<Shared>, users: usize) -> (Duration, Duration) {
    let start = Instant::now();
    let measured_from = start + load.warm_up;
    let end = measured_from + load.duration;
    let sent = Rc::new(Cell::new(0));
    let before = Rc::new(Cell::new(None));
    let mut under_way = JoinSet::new();
    for _ in 0..users {
        let (shared, sent, before) = (Rc::clone(shared), Rc::clone(&sent), Rc::clone(&before));
        let requests_max = load.requests;
        under_way.spawn_local(async move {
            loop {
                let now = Instant::now();
                let measured = now >= measured_from;
                if now >= end || (measured && sent.get() >= requests_max) {
                    break;
                }
                if measured {
                    sent.set(sent.get() + 1);
                    before.set(Some(before.get().unwrap_or_else(cpu_time)));
                }
                if !shared.one(now, measured).await {
                    // Where connections are refused at once the loop would do nothing but try.
                    tokio::time::sleep(FAILURE_PAUSE).await;
                }
            }
        });
    }
    while under_way.join_next().await.is_some() {}
    let cpu = cpu_time().saturating_sub(before.get().unwrap_or_else(cpu_time));
    (measured_from.elapsed(), cpu)
}
