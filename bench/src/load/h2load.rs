//! h2load: HTTP/2 over TLS, many streams on each connection. It prints no percentiles.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Load, OVERRUN_MAX, Outcome};
use crate::failure::{Failure, Result};
use crate::process::{self, Process};
use crate::request;

pub(super) fn run(
    load: &Load,
    target: SocketAddr,
    streams: u32,
    seconds: u32,
    dir: &Path,
) -> Result<Outcome> {
    let mut command = process::on(&load.cores.load(), "h2load");
    command.args(["-t", &load.cores.load_threads().to_string()]);
    command.args(["-c", &load.connections.to_string(), "-m", &streams.to_string()]);
    command.args(["-D", &seconds.to_string()]);
    headers(&mut command, &load.request);
    command.arg(format!("https://localhost:{}/", target.port()));
    let limit = Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX;
    let output = Process::start("h2load", command, dir)?.wait_end(limit)?;
    parse(&output, Duration::from_secs(u64::from(seconds)))
        .ok_or_else(|| Failure::new(format!("h2load's output is not understood: {output}")))
}

/// The headers of a request of HTTP/1.1 as options; those of its connection have no place here.
pub fn headers(command: &mut Command, request: &str) {
    for (name, value) in request::headers(request) {
        match name.to_ascii_lowercase().as_str() {
            "connection" => {}
            "host" => drop(command.args(["-H", &format!(":authority: {value}")])),
            name => drop(command.args(["-H", &format!("{name}: {value}")])),
        }
    }
}

/// Reads the summary of a run of that length. Answers are those of class 2 and 3.
fn parse(output: &str, duration: Duration) -> Option<Outcome> {
    let after = |label: &str| output.lines().find_map(|line| line.trim().strip_prefix(label));
    let number = |line: &str, word: &str| -> Option<u64> {
        let part = line.split(',').find(|part| part.trim_end().ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    let requests = after("requests:")?;
    let codes = after("status codes:")?;
    let (good, moved) = (number(codes, "2xx")?, number(codes, "3xx")?);
    let mut errors = number(codes, "4xx")? + number(codes, "5xx")?;
    for word in ["failed", "errored", "timeout"] {
        errors += number(requests, word)?;
    }
    // `traffic: 1.00MB (1048576) total, 2.00KB (2048) headers (space savings 96.00%), … data`
    let data = after("traffic:")?.rsplit_once('(')?.1;
    Some(Outcome {
        requests: good + moved,
        bytes: data.split_once(')')?.0.parse().ok()?,
        heads: false,
        duration,
        errors,
        latency: None,
        saturated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
starting benchmark...
spawning thread #0: 4 total client(s). Timing-based test with 0s of warm-up time and 2s of main duration.
TLS Protocol: TLSv1.3
Application protocol: h2
finished in 2.00s, 30000.50 req/s, 30.00MB/s
requests: 60001 total, 60401 started, 60001 done, 59999 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 59990 2xx, 9 3xx, 1 4xx, 1 5xx
traffic: 60.00MB (62914560) total, 1.10MB (1153433) headers (space savings 96.00%), 58.60MB (61440000) data
                     min         max         mean         sd        +/- sd
time for request:      500us     20.00ms      4.00ms      1.00ms    80.00%
";

    #[test]
    fn the_summary_is_read() {
        let outcome = parse(SUMMARY, Duration::from_secs(2)).expect("well-formed");
        assert_eq!((outcome.requests, outcome.errors), (59_999, 5));
        assert_eq!((outcome.bytes, outcome.heads), (61_440_000, false));
        assert_eq!(parse("starting benchmark...\n", Duration::from_secs(2)), None);
    }

    #[test]
    fn headers_of_the_connection_are_left_out() {
        let mut command = Command::new("h2load");
        headers(
            &mut command,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-A: 1: 2\r\n\r\n",
        );
        let words: Vec<_> = command.get_args().collect();
        assert_eq!(words, ["-H", ":authority: a", "-H", "x-a: 1: 2"]);
    }
}
