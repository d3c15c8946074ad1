//! What happened to the requests that count, and how well this generator kept its own promises.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::outcome::{Answered, Kind};

/// Longest latency told apart, in microseconds: an hour. Timeouts are far below.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Three digits: a thousandth of the value.
const DIGITS: u8 = 3;

/// A share of one core from which on the generator may be what is measured.
const CPU_SHARE_MAX: f64 = 0.9;

/// Sends later than this are not the load that was asked for.
const LATENESS_P99_MAX: Duration = Duration::from_millis(2);

/// Percentiles of durations.
#[derive(Debug, Clone)]
pub struct Durations(Histogram<u64>);

/// What is read off [`Durations`], in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// Average.
    pub mean: f64,
    /// Half took no longer.
    pub p50: u64,
    /// Nine in ten took no longer.
    pub p90: u64,
    /// 99 in 100 took no longer.
    pub p99: u64,
    /// 999 in 1,000 took no longer.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

impl Durations {
    /// Without any.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS);
        Self(histogram.expect("bounds and digits are what the library allows"))
    }

    /// Adds one; what is longer than an hour is an hour.
    pub fn add(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(us.clamp(1, LATENCY_US_MAX));
    }

    /// Nothing without a duration.
    pub fn percentiles(&self) -> Option<Percentiles> {
        if self.0.is_empty() {
            return None;
        }
        let at = |quantile| self.0.value_at_quantile(quantile);
        Some(Percentiles {
            mean: self.0.mean(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max(),
        })
    }
}

/// Everything that is told of a run's requests.
#[derive(Debug)]
pub struct Tally {
    /// Requests of the measured part.
    pub requests: u64,
    /// Requests of the measured part that got a whole response, whatever its status.
    pub responses: u64,
    /// Requests before that part which failed.
    pub warm_up_errors: u64,
    /// From the moment each was meant to be sent; those that were given up count with the time
    /// they were waited for.
    pub latency: Durations,
    /// From the moment it was sent on a connection that was ready.
    pub service: Durations,
    /// How late sends were begun, in an open loop.
    pub lateness: Durations,
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub failures: BTreeMap<Kind, u64>,
    /// Bytes of response bodies.
    pub body_bytes: u64,
}

impl Tally {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self {
            requests: 0,
            responses: 0,
            warm_up_errors: 0,
            latency: Durations::new(),
            service: Durations::new(),
            lateness: Durations::new(),
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            body_bytes: 0,
        }
    }

    /// Counts how a request ended, `latency` after the moment it was meant to be sent.
    pub fn add(&mut self, measured: bool, latency: Duration, outcome: Result<Answered, Kind>) {
        if !measured {
            if outcome.map_or(true, |answered| is_error(answered.status)) {
                self.warm_up_errors += 1;
            }
            return;
        }
        self.requests += 1;
        match outcome {
            Ok(answered) => {
                self.responses += 1;
                self.body_bytes += answered.body_bytes;
                self.latency.add(latency);
                self.service.add(answered.service);
                *self.statuses.entry(answered.status).or_default() += 1;
            }
            Err(kind) => {
                // Who was given up would have taken longer still: leaving them out would make a
                // server look faster the slower it is.
                if kind == Kind::Timeout {
                    self.latency.add(latency);
                }
                *self.failures.entry(kind).or_default() += 1;
            }
        }
    }

    /// Failures, and responses with a status of 400 or above.
    pub fn errors(&self) -> u64 {
        let statuses = self.statuses.iter().filter(|(status, _)| is_error(**status));
        statuses.map(|(_, count)| count).sum::<u64>() + self.failures.values().sum::<u64>()
    }

    /// Why the numbers may be about this generator instead of what it asks; empty when they are
    /// not. `cpu_share` is of one core, all it can use.
    pub fn saturation(&self, cpu_share: f64) -> Vec<String> {
        let mut reasons = Vec::new();
        if cpu_share > CPU_SHARE_MAX {
            reasons.push(format!("used {:.0} % of its core", cpu_share * 100.0));
        }
        if let Some(late) = self.lateness.percentiles()
            && u128::from(late.p99) > LATENESS_P99_MAX.as_micros()
        {
            let late_ms = late.p99 as f64 / 1e3;
            reasons.push(format!("sent 1 % of the requests {late_ms:.1} ms late or more"));
        }
        if let Some(unsent) = self.failures.get(&Kind::Unsent) {
            reasons.push(format!("left {unsent} requests unsent: too many were under way"));
        }
        reasons
    }
}

fn is_error(status: u16) -> bool {
    status >= 400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Result<Answered, Kind> {
        Ok(Answered { status, body_bytes: 10, service: Duration::from_millis(1) })
    }

    #[test]
    fn every_request_is_counted_once() {
        let mut tally = Tally::new();
        let latency = Duration::from_millis(2);
        for outcome in [answered(200), answered(304), answered(503), Err(Kind::Stale)] {
            tally.add(true, latency, outcome);
        }
        assert_eq!(tally.latency.percentiles().map(|p| p.max / 1_000), Some(2));
        tally.add(true, 5 * latency, Err(Kind::Timeout));
        assert_eq!(tally.latency.percentiles().map(|p| p.max / 1_000), Some(10));
        for outcome in [answered(200), answered(404), Err(Kind::Timeout)] {
            tally.add(false, latency, outcome);
        }
        assert_eq!((tally.requests, tally.responses, tally.errors()), (5, 3, 3));
        assert_eq!((tally.warm_up_errors, tally.body_bytes), (2, 30));
        assert_eq!(tally.failures, [(Kind::Stale, 1), (Kind::Timeout, 1)].into());
        assert_eq!(tally.statuses, [(200, 1), (304, 1), (503, 1)].into());
    }

    #[test]
    fn percentiles_are_good_to_a_thousandth() {
        let mut durations = Durations::new();
        assert_eq!(durations.percentiles(), None);
        for ms in 1..=1_000 {
            durations.add(Duration::from_millis(ms));
        }
        let got = durations.percentiles().expect("some");
        for (value, ms) in [(got.p50, 5e2), (got.p90, 9e2), (got.p99, 9.9e2), (got.p999, 9.99e2)] {
            assert!((value as f64 / (ms * 1e3) - 1.0).abs() <= 1e-3, "{value} of {ms} ms");
        }
        durations.add(Duration::from_secs(1 << 40));
        assert!(durations.percentiles().expect("some").max >= LATENCY_US_MAX);
    }

    #[test]
    fn saturation_has_reasons() {
        let mut tally = Tally::new();
        for _ in 0..100 {
            tally.lateness.add(Duration::from_micros(100));
        }
        assert!(tally.saturation(0.5).is_empty());
        assert_eq!(tally.saturation(0.95).len(), 1);
        for _ in 0..2 {
            tally.lateness.add(Duration::from_millis(30));
        }
        tally.add(true, Duration::ZERO, Err(Kind::Unsent));
        assert_eq!(tally.saturation(0.5).len(), 2);
    }
}
