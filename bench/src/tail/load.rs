//! An open loop of `evenkeel-load`, and what it says of itself.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::cores::Cores;
use crate::failure::{Failure, Result};
use crate::generator;
use crate::load::Latency;
use crate::process::{self, Process};
use crate::request;

/// How much longer than asked it may take beside the wait for late answers.
const OVERRUN_MAX: Duration = Duration::from_secs(15);

/// Requests at a rate.
#[derive(Debug, Clone)]
pub struct OpenLoop {
    /// Requests per second, as Poisson arrivals.
    pub rate: f64,
    /// Seconds that count.
    pub seconds: u32,
    /// Seconds of the same before.
    pub warm_up: u32,
    /// How long each request is waited for, in seconds.
    pub timeout: u32,
    /// Of the arrivals.
    pub seed: u32,
    /// How connections are used.
    pub options: &'static [&'static str],
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Requests that counted.
    pub requests: u64,
    /// Failures and statuses of 400 or above, but not those given up.
    pub errors: u64,
    /// Of these: sent on a connection that was being closed for being idle.
    pub stale: u64,
    /// Given up after the timeout.
    pub given_up: u64,
    /// Everything that failed, by kind or status, in words.
    pub failures: String,
    /// From the moment each was meant to be sent.
    pub latency: Latency,
    /// Why the generator is not to be believed; empty when it is.
    pub saturation: String,
}

/// A load that is running.
#[derive(Debug)]
pub struct Running {
    process: Process,
    limit: Duration,
}

impl OpenLoop {
    /// Starts it.
    pub fn start(&self, target: SocketAddr, cores: Cores, dir: &Path) -> Result<Running> {
        let mut command = process::on(&cores.load(), generator::binary()?);
        command.arg(format!("http://{target}/")).args(["--json", "--host", request::HOST]);
        for (flag, value) in [
            ("--rate", self.rate.to_string()),
            ("--seconds", self.seconds.to_string()),
            ("--warm-up", self.warm_up.to_string()),
            ("--timeout", self.timeout.to_string()),
            ("--seed", self.seed.to_string()),
        ] {
            command.args([flag, &value]);
        }
        command.args(self.options);
        let process = Process::start("evenkeel-load", command, dir)?;
        let seconds = self.seconds + self.warm_up + self.timeout;
        Ok(Running { process, limit: Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX })
    }
}

impl Running {
    /// Whether it goes on for at least that long.
    pub fn goes_on(&mut self, wait: Duration) -> Result<bool> {
        Ok(self.process.ended_within(wait)?.is_none())
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Result<Outcome> {
        let ended = self.process.ended_within(self.limit)?;
        ended.ok_or_else(|| Failure::new("evenkeel-load did not end"))?;
        let output = self.process.output()?;
        let parsed = output.find('{').and_then(|start| parse(&output[start..]));
        parsed.ok_or_else(|| Failure::new(format!("evenkeel-load says: {output}")))
    }
}

fn parse(text: &str) -> Option<Outcome> {
    let json: Value = serde_json::from_str(text.trim()).ok()?;
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let latency = &json["latency_us"];
    let given_up = count(&json["failures"]["timeout"]);
    let statuses = json["statuses"].as_object()?.iter();
    let failures =
        json["failures"].as_object()?.iter().chain(statuses.filter(|(s, _)| *s >= &"4".to_owned()));
    let reasons = json["generator"]["because"].as_array()?.iter().filter_map(Value::as_str);
    Some(Outcome {
        requests: json["requests"].as_u64()?,
        errors: json["errors"].as_u64()?.saturating_sub(given_up),
        stale: count(&json["failures"]["stale"]),
        given_up,
        failures: failures.map(|(kind, n)| format!("{n} {kind}")).collect::<Vec<_>>().join(", "),
        latency: Latency {
            p50_us: latency["p50"].as_u64()?,
            p90_us: latency["p90"].as_u64()?,
            p99_us: latency["p99"].as_u64()?,
            p999_us: latency["p99.9"].as_u64()?,
            max_us: latency["max"].as_u64()?,
        },
        saturation: reasons.collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_json_is_read() {
        let text = r#"{"requests": 9, "errors": 6, "failures": {"timeout": 2, "stale": 1},
            "statuses": {"200": 3, "503": 3}, "generator": {"because": ["slept"]},
            "latency_us": {"mean": 1.5, "p50": 1, "p90": 2, "p99": 3, "p99.9": 4, "max": 5}}"#;
        let outcome = parse(text).expect("well-formed");
        assert_eq!((outcome.errors, outcome.stale, outcome.given_up), (4, 1, 2));
        assert_eq!(outcome.failures, "2 timeout, 1 stale, 3 503");
        assert_eq!((outcome.latency.p999_us, outcome.saturation.as_str()), (4, "slept"));
        assert_eq!(parse("{}"), None);
    }
}
