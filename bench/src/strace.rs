//! System calls per request, counted by strace while the proxy is under load. Tracing slows the
//! proxy several times over, so that more events meet each poll: calls that move data keep their
//! number, polls may show fewer than in a run that is not watched.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cpu;
use crate::endpoint::Arrived;
use crate::failure::{Context, Failure, Result};
use crate::measure::{self, OwnMetrics, Stage};
use crate::process::{self, Process};
use crate::proxy::Running;

/// strace attaches and detaches in milliseconds per thread.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// Calls on sockets. `read`, `write` and `close` may also mean a file or an event counter, so the
/// sum of these is an upper bound.
const SOCKET_CALLS: [&str; 22] = [
    "accept",
    "accept4",
    "bind",
    "close",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "sendfile",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket",
    "splice",
    "write",
    "writev",
];

/// What strace counted for one proxy.
#[derive(Debug, Clone)]
pub struct Count {
    /// The proxy.
    pub name: String,
    /// Answers that the load generator got meanwhile.
    pub requests: u64,
    /// Calls by name.
    pub calls: BTreeMap<String, u64>,
    /// What the endpoints saw.
    pub arrived: Arrived,
    /// What the proxy's own metrics say, if it has such.
    pub own_metrics: Option<OwnMetrics>,
    /// Why the count is void; empty when it holds.
    pub faults: Vec<String>,
}

impl Count {
    /// Calls on sockets per request, an upper bound.
    pub fn socket_calls_per_request(&self) -> f64 {
        let is_socket_call = |name: &str| SOCKET_CALLS.contains(&name);
        self.per_request(self.calls.iter().filter(|(n, _)| is_socket_call(n)).map(|(_, c)| c).sum())
    }

    /// A number of calls as calls per request.
    pub fn per_request(&self, calls: u64) -> f64 {
        calls as f64 / self.requests.max(1) as f64
    }
}

/// Attaches to every process of a warm proxy, loads it for that many seconds, and counts.
pub fn count(name: &str, stage: &Stage<'_>, running: &Running, seconds: u32) -> Result<Count> {
    let metrics = OwnMetrics::read(running);
    let arrived = stage.endpoints.arrived()?;

    let summary = stage.dir.join("strace.txt");
    let pids = cpu::tree(running.process.id());
    let mut command = process::on(&stage.cores.proxy(), "strace");
    command.args(["-f", "-c", "-U", "name,calls", "-o"]).arg(&summary);
    for pid in &pids {
        command.args(["-p", &pid.to_string()]);
    }
    let mut strace = Process::start("strace", command, &stage.dir)?;
    let log = stage.dir.join("strace.log");
    strace.wait_ready(ATTACH_LIMIT, || {
        let text = std::fs::read_to_string(&log).context("reading strace's log")?;
        match text.lines().filter(|line| line.contains(" attached")).count() {
            attached if attached >= pids.len() => Ok(()),
            attached => Err(Failure::new(format!("{attached} of {} attached", pids.len()))),
        }
    })?;
    let load = stage.load.run(stage.target, seconds, &stage.dir)?;
    // Not INT: a shell that starts the harness in the background has it ignored.
    strace.signal("TERM");
    if strace.ended_within(ATTACH_LIMIT)?.is_none() {
        return Err(Failure::new("strace did not detach"));
    }

    let arrived = stage.endpoints.arrived()?.since(arrived);
    let own_metrics =
        metrics.and_then(|before| OwnMetrics::read(running).map(|now| now.since(before)));
    let text = std::fs::read_to_string(&summary).context("reading strace's summary")?;
    Ok(Count {
        name: name.to_owned(),
        requests: load.requests,
        calls: parse(&text),
        arrived,
        own_metrics,
        faults: measure::faults(stage, &load, arrived, seconds),
    })
}

/// Lines of `name count`; headings, rules and the total are none.
fn parse(summary: &str) -> BTreeMap<String, u64> {
    summary
        .lines()
        .filter_map(|line| {
            let (name, count) = line.trim().split_once(char::is_whitespace)?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        })
        .filter(|(name, _)| name != "total")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_becomes_calls_per_request() {
        let text = "syscall              calls\n---------------- ---------\nrecvfrom 400\nwritev  395\n\
                    epoll_wait       90\nclose 5\n---------------- ---------\ntotal            890\n";
        let calls = parse(text);
        assert_eq!(calls.len(), 4);
        let count = Count {
            name: "x".to_owned(),
            requests: 200,
            calls,
            arrived: Arrived { connections: 0, requests: 200 },
            own_metrics: None,
            faults: Vec::new(),
        };
        assert_eq!(count.socket_calls_per_request(), 4.0);
    }
}
