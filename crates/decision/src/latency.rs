//! How soon probes come back, as a moving average (behaviour.md 2.5). Feeding it is the monitors'
//! business; what steering does with it is `steering`'s.

use evenkeel_model::{Latency, Timestamp};

/// Weight of the newest sample. At one probe a minute, ten minutes leave a tenth of what was before.
const ALPHA: f64 = 0.2;

/// Probes behind a profile before it counts; fewer say nothing yet (behaviour.md 2.5).
pub const SAMPLES_MIN: u32 = 3;

/// Probe intervals without a sample after which what was measured counts for nothing.
const INTERVALS_MAX: u64 = 10;

/// The moving average of one endpoint's round trips, as one region measures them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovingAverage {
    value_us: f64,
    samples: u32,
    updated: Timestamp,
}

impl MovingAverage {
    /// Begins with the first sample.
    #[must_use]
    pub fn new(rtt_us: u32, now: Timestamp) -> Self {
        Self { value_us: rtt_us.into(), samples: 1, updated: now }
    }

    /// With one more sample: the round trip of a probe that passed. Probes that failed do not enter.
    #[must_use]
    pub fn with(self, rtt_us: u32, now: Timestamp) -> Self {
        let value_us = ALPHA * f64::from(rtt_us) + (1.0 - ALPHA) * self.value_us;
        Self { value_us, samples: self.samples.saturating_add(1), updated: now }
    }

    /// Whether it has had a sample of late. `interval_ms` is the time between probes.
    #[must_use]
    pub const fn is_current(self, now: Timestamp, interval_ms: u32) -> bool {
        now.0 <= self.updated.0.saturating_add(INTERVALS_MAX * interval_ms as u64)
    }
}

/// A pool's profile: the plain mean of its enabled healthy endpoints' averages. `None` without any.
#[must_use]
pub fn profile(averages: impl IntoIterator<Item = MovingAverage>) -> Option<Latency> {
    let (mut count, mut sum_us, mut samples) = (0u32, 0.0, 0u32);
    for average in averages {
        count += 1;
        sum_us += average.value_us;
        samples = samples.saturating_add(average.samples);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean of numbers of that range"
    )]
    let mean_us = (sum_us / f64::from(count) + 0.5) as u32;
    (count > 0).then_some(Latency { mean_us, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_moves_a_fifth_of_the_way() {
        let start = MovingAverage::new(20_000, Timestamp(0));
        let next = start.with(30_000, Timestamp(1));
        assert_eq!(profile([next]), Some(Latency { mean_us: 22_000, samples: 2 }));
        let other = MovingAverage::new(32_000, Timestamp(1));
        assert_eq!(profile([next, other]), Some(Latency { mean_us: 27_000, samples: 3 }));
        assert_eq!(profile([]), None);
    }

    #[test]
    fn ten_silent_intervals_end_it() {
        let average = MovingAverage::new(1, Timestamp(1_000));
        assert!(average.is_current(Timestamp(601_000), 60_000));
        assert!(!average.is_current(Timestamp(601_001), 60_000));
    }
}
