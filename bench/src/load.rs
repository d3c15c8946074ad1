//! The load: wrk, one thread, closed loop. Its script sends one fixed request and prints one line.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Context, Failure, Result};
use crate::process::{self, Process};
use crate::template::{self, Values};

/// First word of the line that the script prints.
const MARKER: &str = "evenkeel-bench";

/// How much longer than asked wrk may take: it waits for answers in flight, two seconds at most.
const OVERRUN_MAX: Duration = Duration::from_secs(15);

/// What to send, how.
#[derive(Debug, Clone)]
pub struct Load {
    /// The core wrk runs on.
    pub core: usize,
    /// Connections kept open.
    pub connections: u32,
    /// The request as bytes on the wire.
    pub request: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Answers received.
    pub requests: u64,
    /// Bytes of all answers, heads included.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
    /// Connects, reads and writes that failed, answers above 399, and timeouts.
    pub errors: u64,
    /// Latency percentiles in microseconds.
    pub latency: Latency,
}

/// Percentiles of the time from request to whole answer, in microseconds. Closed loop: an answer
/// that is late also delays the requests after it, so that tails look better than users would see.
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
    /// Sends to `target` for that many seconds. Returns once wrk has ended.
    pub fn run(&self, target: SocketAddr, seconds: u32, dir: &Path) -> Result<Outcome> {
        let texts = vec![("request", self.request.clone()), ("marker", MARKER.to_owned())];
        let script = fill_script(&Values { texts, flags: Vec::new() })?;
        let path = dir.join("wrk.lua");
        std::fs::write(&path, script).context(format!("writing {}", path.display()))?;

        let mut command = process::pinned(self.core, "wrk");
        command.args(["-t1", &format!("-c{}", self.connections), &format!("-d{seconds}s"), "-s"]);
        command.arg(&path).arg(format!("http://{target}/"));
        let limit = Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX;
        let output = Process::start("wrk", command, dir)?.wait_end(limit)?;
        Outcome::parse(&output)
            .ok_or_else(|| Failure::new(format!("wrk's output is not understood: {output}")))
    }
}

fn fill_script(values: &Values<'_>) -> Result<String> {
    template::fill(include_str!("../load/wrk.lua"), values)
}

impl Outcome {
    fn parse(output: &str) -> Option<Self> {
        let line = output.lines().find_map(|line| line.strip_prefix(MARKER))?;
        let json: Value = serde_json::from_str(line).ok()?;
        let field = |name: &str| json[name].as_u64();
        let mut errors = 0;
        for kind in ["connect", "read", "write", "status", "timeout"] {
            errors += field(kind)?;
        }
        Some(Self {
            requests: field("requests")?,
            bytes: field("bytes")?,
            duration: Duration::from_micros(field("duration_us")?),
            errors,
            latency: Latency {
                p50_us: field("p50_us")?,
                p90_us: field("p90_us")?,
                p99_us: field("p99_us")?,
                p999_us: field("p999_us")?,
                max_us: field("max_us")?,
            },
        })
    }

    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.duration.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_s_line_is_found_and_read() {
        let output = "Running 1s test\n  1000 requests in 1.00s\nevenkeel-bench {\"requests\":1000,\
            \"bytes\":9000,\"duration_us\":500000,\"connect\":1,\"read\":2,\"write\":3,\"status\":4,\
            \"timeout\":5,\"p50_us\":10,\"p90_us\":20,\"p99_us\":30,\"p999_us\":40,\"max_us\":50}\n";
        let outcome = Outcome::parse(output).expect("well-formed");
        assert_eq!((outcome.requests, outcome.errors), (1000, 15));
        assert_eq!(outcome.rate(), 2000.0);
        assert_eq!(outcome.latency.p999_us, 40);
        assert_eq!(Outcome::parse("Running"), None);
    }
}
