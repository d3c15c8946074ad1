//! The load: what drives a proxy, and what came of it. wrk for HTTP/1.1, h2load for HTTP/2,
//! our own `evenkeel-load` for what those cannot do. All run on the load's cores.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::cores::Cores;
use crate::failure::Result;
use crate::shape::Drive;

mod evenkeel;
pub mod h2load;
mod wrk;

/// How much longer than asked a generator may take: it waits for answers in flight.
const OVERRUN_MAX: Duration = Duration::from_secs(15);

/// What to send, how.
#[derive(Debug, Clone)]
pub struct Load {
    /// The generator and its manner.
    pub drive: Drive,
    /// Where it runs.
    pub cores: Cores,
    /// Connections kept open.
    pub connections: u32,
    /// The request as bytes on the wire of HTTP/1.1.
    pub request: String,
    /// Hosts asked for in turn, at least 1.
    pub hosts: usize,
    /// Requests per second of an open loop.
    pub rate: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Answers received.
    pub requests: u64,
    /// Bytes of all answers: heads included, or bodies alone, as [`Self::heads`] says.
    pub bytes: u64,
    /// Whether `bytes` has the heads.
    pub heads: bool,
    /// How long it took.
    pub duration: Duration,
    /// Connects, reads and writes that failed, answers above 399, and timeouts.
    pub errors: u64,
    /// Latency percentiles, where the generator knows them.
    pub latency: Option<Latency>,
    /// Whether the generator found itself too slow for what it was asked; not all can tell.
    pub saturated: bool,
}

/// Percentiles of the time from request to whole answer, in microseconds. In a closed loop an answer
/// that is late also delays the requests after it, so that tails look better than users would see;
/// in an open one time counts from when the request was meant to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of the requests took less.
    pub p50_us: u64,
    /// Nine in ten took less.
    pub p90_us: u64,
    /// 99 in 100 took less.
    pub p99_us: u64,
    /// 999 in 1,000 took less.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

impl Load {
    /// Sends to `target` for that many seconds. Returns once the generator has ended.
    pub fn run(&self, target: SocketAddr, seconds: u32, dir: &Path) -> Result<Outcome> {
        match self.drive {
            Drive::Http1 { tls, .. } => wrk::run(self, target, tls, seconds, dir),
            Drive::Http2 { streams } => h2load::run(self, target, streams, seconds, dir),
            Drive::TlsResumed | Drive::WebSocket(_) | Drive::Open(_) => {
                evenkeel::run(self, target, seconds, dir)
            }
        }
    }

    /// Requests that may be under way at once.
    pub fn in_flight(&self) -> u64 {
        let each = if let Drive::Http2 { streams } = self.drive { streams } else { 1 };
        u64::from(self.connections) * u64::from(each)
    }
}

impl Outcome {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.duration.as_secs_f64()
    }
}
