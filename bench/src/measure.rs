//! One turn of one proxy: CPU time, answers and arrivals over the same stretch of load, and what
//! the rest of the machine did meanwhile.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::access_log::{Lines, Log};
use crate::cores::Cores;
use crate::cpu::{self, CoreUse, TreeTime, TreeUse};
use crate::endpoint::{Arrived, Endpoints};
use crate::failure::{Failure, Result};
use crate::http;
use crate::load::{Load, Outcome};
use crate::machine;
use crate::proxy::{MONITOR_INTERVAL_S, Running};
use crate::shape::Drive;

/// Answers of a run may differ from the probe's in size (a ray id, a date, a cookie), but an error
/// page or a redirect differs by more than this share.
const ANSWER_SIZE_TOLERANCE: f64 = 0.1;

/// A line of a log has a method, a path, a status and a time at least.
const LOG_LINE_BYTES_MIN: u64 = 40;

/// Longest that a line of a log may stay in a buffer.
const LOG_LIMIT: Duration = Duration::from_secs(3);

/// Between two looks at a log that is still being written.
const LOG_POLL: Duration = Duration::from_millis(50);

/// What a turn is measured with.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The endpoints behind the proxy.
    pub endpoints: &'a Endpoints,
    /// The load in front of it.
    pub load: Load,
    /// The turn's folder.
    pub dir: PathBuf,
    /// Where the load goes.
    pub target: SocketAddr,
    /// Size of the right answer, head included.
    pub answer_bytes: usize,
    /// Size of its body alone.
    pub body_bytes: usize,
    /// Where everything runs.
    pub cores: Cores,
}

/// What one turn showed.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What the load generator counted.
    pub load: Outcome,
    /// CPU time of the proxy's processes.
    pub proxy: TreeUse,
    /// From the first reading to the last.
    pub wall: Duration,
    /// Where everything ran.
    pub cores: Cores,
    /// The proxy's core, or all of them.
    pub proxy_core: CoreUse,
    /// The core of load generator and endpoints, or all of them.
    pub load_core: CoreUse,
    /// CPU time of the load generator.
    pub generator: Duration,
    /// CPU time of the endpoints.
    pub endpoints: Duration,
    /// What the endpoints saw.
    pub arrived: Arrived,
    /// What the proxy's own metrics say of its upstream connections, if it has such.
    pub own_metrics: Option<OwnMetrics>,
    /// What became of the lines of its access log, if it counts them.
    pub lines: Option<Lines>,
    /// Why the row is void; empty when it counts.
    pub faults: Vec<String>,
}

/// Growth of the counters that ours publishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnMetrics {
    /// `evenkeel_requests_total`.
    pub requests: f64,
    /// `evenkeel_upstream_connections_opened_total`.
    pub upstream_opened: f64,
}

impl OwnMetrics {
    /// Reads the counters now; nothing when the proxy has none, or not these.
    pub fn read(running: &Running) -> Option<Self> {
        let text = http::get(running.metrics?, "localhost", "/metrics").ok()?.text();
        Some(Self {
            requests: http::counter(&text, "evenkeel_requests_total")?,
            // A counter that nothing has touched may be absent.
            upstream_opened: http::counter(&text, "evenkeel_upstream_connections_opened_total")
                .unwrap_or(0.0),
        })
    }

    /// Growth since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            upstream_opened: self.upstream_opened - before.upstream_opened,
        }
    }

    /// Share of requests that needed no new upstream connection.
    pub fn reuse(self) -> f64 {
        reuse(self.upstream_opened, self.requests)
    }
}

/// Drives the load for that many seconds and reads every clock around it.
pub fn sample(stage: &Stage<'_>, running: &Running, seconds: u32) -> Result<Sample> {
    let metrics = OwnMetrics::read(running);
    let arrived = stage.endpoints.arrived()?;
    let log = LogBefore::read(running);
    let cores = stage.cores.read()?;
    let generator = cpu::ended_children()?;
    let endpoints = stage.endpoints.time()?;
    let start = Instant::now();
    let proxy = TreeTime::read(running.process.id())?;

    let load = stage.load.run(stage.target, seconds, &stage.dir)?;

    let proxy = TreeTime::read(running.process.id())?.since(&proxy)?;
    let wall = start.elapsed();
    let endpoints = stage.endpoints.time()?.since(&endpoints)?.total;
    let generator = cpu::ended_children()?.saturating_sub(generator);
    let [proxy_core, load_core] = stage.cores.read()?;
    let (proxy_core, load_core) = (proxy_core.since(cores[0]), load_core.since(cores[1]));
    let arrived = stage.endpoints.arrived()?.since(arrived);
    let own_metrics =
        metrics.and_then(|before| OwnMetrics::read(running).map(|now| now.since(before)));
    let mut faults = faults(stage, &load, arrived, seconds);
    if let Some(log) = &log {
        log.log.sync()?;
    }
    let lines = match log.map(|before| before.judge(running, load.requests)) {
        Some(Ok(lines)) => lines,
        Some(Err(failure)) => {
            faults.push(failure.to_string());
            None
        }
        None => None,
    };
    Ok(Sample {
        cores: stage.cores,
        load,
        proxy,
        wall,
        proxy_core,
        load_core,
        generator,
        endpoints,
        arrived,
        own_metrics,
        lines,
        faults,
    })
}

/// What makes the row void: any error, answers that are not the page, answers that did not come
/// from the endpoints.
pub fn faults(stage: &Stage<'_>, load: &Outcome, arrived: Arrived, seconds: u32) -> Vec<String> {
    let mut faults = Vec::new();
    if load.errors > 0 {
        faults.push(format!("{} errors", load.errors));
    }
    if load.requests == 0 {
        faults.push("no request served".to_owned());
        return faults;
    }
    // Each connection of the load before, and of this one, may have had its last request cut off.
    let in_flight = stage.load.in_flight();
    let mean = load.bytes as f64 / load.requests as f64;
    let expected = if load.heads { stage.answer_bytes } else { stage.body_bytes } as f64;
    let cut_off = in_flight as f64 * expected / load.requests as f64;
    if (mean - expected).abs() > expected * ANSWER_SIZE_TOLERANCE + cut_off {
        faults.push(format!("answers of {mean:.0} bytes where {expected:.0} are right"));
    }
    // Messages are not requests: endpoints count none.
    if matches!(stage.load.drive, Drive::WebSocket(_)) {
        return faults;
    }
    let probes = 4 * u64::from(seconds / MONITOR_INTERVAL_S + 2);
    let fewest = load.requests.saturating_sub(in_flight);
    if !(fewest..=load.requests + 2 * in_flight + probes).contains(&arrived.requests) {
        let (served, answers) = (arrived.requests, load.requests);
        faults.push(format!("endpoints served {served} requests for {answers} answers"));
    }
    faults
}

/// An access log before the load.
#[derive(Debug)]
struct LogBefore {
    log: Log,
    bytes: u64,
    /// By our own counters, where it is ours.
    lines: Option<Lines>,
}

impl LogBefore {
    fn read(running: &Running) -> Option<Self> {
        let log = running.access_log.clone()?;
        let lines = running.metrics.and_then(Lines::read);
        Some(Self { bytes: log.bytes(), log, lines })
    }

    /// Whether the log is what it should be after so many answers.
    fn judge(self, running: &Running, requests: u64) -> Result<Option<Lines>> {
        let (Some(metrics), Some(before)) = (running.metrics, self.lines) else {
            self.has_bytes_for(requests)?;
            return Ok(None);
        };
        if self.log.is_stalled {
            let written = Lines::read(metrics).map_or(0.0, |now| now.written - before.written);
            if written > 0.0 {
                return Err(Failure::new(format!(
                    "{written} lines went to a disk that is stalled"
                )));
            }
        }
        Lines::settle(&self.log, metrics).map(Some)
    }

    /// Whether there can be a line for each of so many answers.
    fn has_bytes_for(&self, requests: u64) -> Result<()> {
        let deadline = Instant::now() + LOG_LIMIT;
        loop {
            let written = self.log.bytes().saturating_sub(self.bytes);
            if written >= requests * LOG_LINE_BYTES_MIN {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(format!(
                    "the access log has {written} bytes for {requests} answers"
                )));
            }
            std::thread::sleep(LOG_POLL);
        }
    }
}

impl Sample {
    /// The figure: CPU time of the proxy per answer, in microseconds.
    pub fn cpu_us_per_request(&self) -> f64 {
        self.proxy.total.as_secs_f64() * 1e6 / self.load.requests as f64
    }

    /// Share of requests that needed no new connection to an endpoint, as the endpoints saw it.
    pub fn reuse(&self) -> f64 {
        reuse(self.arrived.connections as f64, self.arrived.requests as f64)
    }

    /// `time` as a share of the stretch: 1 is a whole core.
    pub fn share(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// Time of the proxy's core that neither the proxy nor idling had, 0 to 1; where all share all
    /// cores, time that none of them had.
    pub fn foreign_at_proxy(&self) -> f64 {
        match self.cores {
            Cores::One => self.proxy_core.taken_beside(self.share(self.proxy.total)),
            Cores::All => self.foreign(),
        }
    }

    /// The same of the load's core, load and endpoints.
    pub fn foreign_at_load(&self) -> f64 {
        match self.cores {
            Cores::One => self.load_core.taken_beside(self.share(self.generator + self.endpoints)),
            Cores::All => self.foreign(),
        }
    }

    fn foreign(&self) -> f64 {
        let known = self.share(self.proxy.total + self.generator + self.endpoints);
        self.proxy_core.taken_beside(known / machine::cores() as f64)
    }
}

#[cfg(test)]
impl Sample {
    /// A turn of one second with so much CPU time per request, so many answers, and a tail.
    pub fn of(cpu_us: f64, requests: u64, p99_us: u64) -> Self {
        use crate::load::Latency;
        let idle = CoreUse { busy: 0.0, steal: 0.0 };
        let total = Duration::from_secs_f64(cpu_us * requests as f64 / 1e6);
        let latency = Latency { p50_us: 1, p90_us: 1, p99_us, p999_us: p99_us, max_us: p99_us };
        Self {
            load: Outcome {
                requests,
                bytes: 0,
                heads: true,
                duration: Duration::from_secs(1),
                errors: 0,
                latency: Some(latency),
                saturated: false,
            },
            proxy: TreeUse { total, kernel_share: 0.5 },
            wall: Duration::from_secs(1),
            cores: Cores::One,
            proxy_core: idle,
            load_core: idle,
            generator: Duration::ZERO,
            endpoints: Duration::ZERO,
            arrived: Arrived { connections: 0, requests },
            own_metrics: None,
            lines: None,
            faults: Vec::new(),
        }
    }
}

fn reuse(opened: f64, requests: f64) -> f64 {
    if requests > 0.0 { (1.0 - opened / requests).max(0.0) } else { 0.0 }
}
