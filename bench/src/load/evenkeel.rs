//! Our own generator: resumed handshakes, WebSockets, and the open loop.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Latency, Load, OVERRUN_MAX, Outcome};
use crate::failure::{Failure, Result};
use crate::generator;
use crate::process::{self, Process};
use crate::request;
use crate::shape::Drive;

/// Where the endpoints echo WebSockets.
const WEBSOCKET_PATH: &str = "/echo";

/// Fewer handshakes than this share being resumed is another scenario.
const RESUMED_MIN: f64 = 0.9;

pub(super) fn run(load: &Load, target: SocketAddr, seconds: u32, dir: &Path) -> Result<Outcome> {
    let mut command = process::on(&load.cores.load(), generator::binary()?);
    let (url, words) = match load.drive {
        Drive::WebSocket(bytes) => (
            format!("http://{target}{WEBSOCKET_PATH}"),
            vec!["--closed".to_owned(), "--websocket".to_owned(), format!("--body-bytes={bytes}")],
        ),
        Drive::Open(_) => (format!("http://{target}/"), vec![format!("--rate={}", load.rate)]),
        Drive::TlsResumed | Drive::Http1 { .. } | Drive::Http2 { .. } => {
            let words = ["--closed", "--new-connections", "--tls=resumed", "--insecure"];
            (format!("https://{target}/"), words.map(str::to_owned).into())
        }
    };
    command.arg(url).args(words).args(["--json", "--host", request::HOST]);
    command.args(["--seconds", &seconds.to_string()]);
    command.args(["--connections", &load.connections.to_string()]);
    if !matches!(load.drive, Drive::WebSocket(_)) {
        for (name, value) in request::headers(&load.request) {
            if !["Host", "Connection"].contains(&name) {
                command.args(["--header", &format!("{name}: {value}")]);
            }
        }
    }
    let limit = Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX;
    let mut process = Process::start("evenkeel-load", command, dir)?;
    // Its status is 1 after any error, which the counts tell better.
    process.ended_within(limit)?.ok_or_else(|| Failure::new("evenkeel-load did not end"))?;
    let output = process.output()?;
    let outcome = parse(&output, load.drive == Drive::TlsResumed);
    outcome.map_err(|what| Failure::new(format!("evenkeel-load: {what}: {output}")))
}

fn parse(output: &str, resumed: bool) -> std::result::Result<Outcome, String> {
    let json: Value = output
        .find('{')
        .and_then(|start| serde_json::from_str(output[start..].trim()).ok())
        .ok_or("output is not understood")?;
    let number = |value: &Value, name: &str| {
        value[name].as_f64().ok_or_else(|| format!("there is no {name}"))
    };
    let handshakes = &json["handshakes"];
    let (again, full) = (number(handshakes, "resumed")?, number(handshakes, "full")?);
    if resumed && again < RESUMED_MIN * (again + full) {
        return Err(format!("only {again} handshakes were resumed, {full} were full"));
    }
    let latency = &json["latency_us"];
    let us = |name: &str| latency[name].as_f64().map(|us| us as u64);
    let latency = || {
        Some(Latency {
            p50_us: us("p50")?,
            p90_us: us("p90")?,
            p99_us: us("p99")?,
            p999_us: us("p99.9")?,
            max_us: us("max")?,
        })
    };
    Ok(Outcome {
        requests: number(&json, "responses")? as u64,
        bytes: number(&json, "body_bytes")? as u64,
        heads: false,
        duration: Duration::from_secs_f64(number(&json, "seconds")?),
        errors: number(&json, "errors")? as u64,
        latency: latency(),
        saturated: json["generator"]["saturated"] == true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_json_is_read() {
        let text = |resumed: u32, full: u32| {
            format!(
                r#"{{"seconds": 2.0, "generator": {{"saturated": true}}, "requests": 101, "responses": 100, "errors": 1,
                "body_bytes": 102400, "handshakes": {{"resumed": {resumed}, "full": {full}}},
                "latency_us": {{"mean": 5.5, "p50": 5, "p90": 7, "p99": 9, "p99.9": 10, "max": 11}}}}"#
            )
        };
        let outcome = parse(&text(99, 1), true).expect("well-formed");
        assert_eq!((outcome.requests, outcome.errors, outcome.bytes), (100, 1, 102_400));
        assert!(outcome.saturated);
        assert_eq!(outcome.rate(), 50.0);
        assert_eq!(outcome.latency.map(|latency| latency.p99_us), Some(9));
        let failure = parse(&text(1, 99), true).expect_err("full");
        assert_eq!(failure, "only 1 handshakes were resumed, 99 were full");
        assert!(parse(&text(0, 9), false).is_ok());
        assert_eq!(parse("error: x", false), Err("output is not understood".to_owned()));
    }
}
