//! wrk: HTTP/1.1, plain or over TLS. Its script sends one fixed request, or the same for one host
//! after the other, and prints one line. It resumes no TLS session: each connection is a full
//! handshake.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Latency, Load, OVERRUN_MAX, Outcome};
use crate::failure::{Context, Failure, Result};
use crate::process::{self, Process};
use crate::template::{self, Values};

/// First word of the line that the script prints.
const MARKER: &str = "evenkeel-bench";

pub(super) fn run(
    load: &Load,
    target: SocketAddr,
    tls: bool,
    seconds: u32,
    dir: &Path,
) -> Result<Outcome> {
    let texts = vec![
        ("request", load.request.clone()),
        ("marker", MARKER.to_owned()),
        ("hosts", load.hosts.to_string()),
    ];
    let values = Values { texts, flags: Vec::new() };
    let script = template::fill(include_str!("../../load/wrk.lua"), &values)?;
    let path = dir.join("wrk.lua");
    std::fs::write(&path, script).context(format!("writing {}", path.display()))?;

    let threads = load.cores.load_threads();
    let mut command = process::on(&load.cores.load(), "wrk");
    command.args([
        &format!("-t{threads}"),
        &format!("-c{}", load.connections),
        &format!("-d{seconds}s"),
        "-s",
    ]);
    let url = match tls {
        true => format!("https://localhost:{}/", target.port()),
        false => format!("http://{target}/"),
    };
    command.arg(&path).arg(url);
    let limit = Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX;
    let output = Process::start("wrk", command, dir)?.wait_end(limit)?;
    parse(&output).ok_or_else(|| Failure::new(format!("wrk's output is not understood: {output}")))
}

fn parse(output: &str) -> Option<Outcome> {
    let line = output.lines().find_map(|line| line.strip_prefix(MARKER))?;
    let json: Value = serde_json::from_str(line).ok()?;
    let field = |name: &str| json[name].as_u64();
    let mut errors = 0;
    for kind in ["connect", "read", "write", "status", "timeout"] {
        errors += field(kind)?;
    }
    Some(Outcome {
        requests: field("requests")?,
        bytes: field("bytes")?,
        heads: true,
        duration: Duration::from_micros(field("duration_us")?),
        errors,
        latency: Some(Latency {
            p50_us: field("p50_us")?,
            p90_us: field("p90_us")?,
            p99_us: field("p99_us")?,
            p999_us: field("p999_us")?,
            max_us: field("max_us")?,
        }),
        saturated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_s_line_is_found_and_read() {
        let output = "Running 1s test\n  1000 requests in 1.00s\nevenkeel-bench {\"requests\":1000,\
            \"bytes\":9000,\"duration_us\":500000,\"connect\":1,\"read\":2,\"write\":3,\"status\":4,\
            \"timeout\":5,\"p50_us\":10,\"p90_us\":20,\"p99_us\":30,\"p999_us\":40,\"max_us\":50}\n";
        let outcome = parse(output).expect("well-formed");
        assert_eq!((outcome.requests, outcome.errors), (1000, 15));
        assert_eq!(outcome.rate(), 2000.0);
        assert_eq!(outcome.latency.map(|latency| latency.p999_us), Some(40));
        assert_eq!(parse("Running"), None);
    }
}
