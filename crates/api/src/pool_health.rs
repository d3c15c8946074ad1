//! What is known of a pool's health, as it is answered (api.md 2.5). Previews answer in the same
//! shape (2.6).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{EndpointHealth, FailureReason, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;

/// `result` of a pool's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolHealth {
    /// Which pool.
    pub pool_id: String,
    /// What each point of presence sees. Empty for a pool without a monitor.
    pub pop_health: Map<HealthReport>,
}

/// A pool as one observer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthReport {
    /// Whether enough origins are healthy.
    pub healthy: bool,
    /// One object for each origin, in document order; its only member is the origin's address.
    pub origins: Vec<Map<OriginHealth>>,
}

/// An origin as one observer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OriginHealth {
    /// Whether it is healthy.
    pub healthy: bool,
    /// From the start of connect to the first byte, as Go writes durations: `12.1ms`. Absent while
    /// no probe passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<String>,
    /// Why the last probe failed, or `No failures`.
    pub failure_reason: String,
    /// Status of the last HTTP response, 0 without one.
    pub response_code: u16,
}

impl OriginHealth {
    /// What is known of an endpoint; `None` while nothing is.
    #[must_use]
    pub fn of(health: &EndpointHealth) -> Option<Self> {
        (health.verdict != Verdict::Unknown).then(|| Self {
            healthy: health.verdict == Verdict::Healthy,
            ..Self::of_probe(health.reason, health.response_code, health.rtt_us)
        })
    }

    /// What a single probe says of one: healthy when nothing failed.
    #[must_use]
    pub fn of_probe(reason: FailureReason, response_code: u16, rtt_us: Option<u32>) -> Self {
        Self {
            healthy: reason == FailureReason::NoFailures,
            rtt: rtt_us.map(duration),
            failure_reason: reason.to_string(),
            response_code,
        }
    }
}

/// Microseconds as Go's `time.ParseDuration` reads them. Below a second in milliseconds: Go itself
/// would go on to `µs`, whose first letter is two bytes that some client will not expect.
fn duration(us: u32) -> String {
    let (unit, us_of_unit, digits) =
        if us < 1_000_000 { ("ms", 1000, 3) } else { ("s", 1_000_000, 6) };
    let (whole, rest) = (us / us_of_unit, us % us_of_unit);
    if rest == 0 {
        return format!("{whole}{unit}");
    }
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_durations_of_go() {
        for (us, text) in [
            (0, "0ms"),
            (7, "0.007ms"),
            (850, "0.85ms"),
            (1000, "1ms"),
            (12_100, "12.1ms"),
            (66_000, "66ms"),
            (999_999, "999.999ms"),
            (1_000_000, "1s"),
            (1_204_050, "1.20405s"),
            (u32::MAX, "4294.967295s"),
        ] {
            assert_eq!(duration(us), text, "{us}");
        }
    }
}
