//! When one endpoint's probes are due: once in every interval of a grid of its own.
//!
//! Each probe falls into the first tenth of its interval, at random. Two probes are then apart by
//! the interval ±10 % (behaviour.md 7.4), the long-run rate is exact, and endpoints that started
//! together do not stay together.

use std::time::Duration;

use tokio::time::Instant;

/// Longest wait before an endpoint's first probe. Until then the endpoint counts as down
/// (behaviour.md 1.3), so it is short; yet thousands of endpoints that appear together must not all
/// be dialled in the same millisecond.
pub(crate) const FIRST_PROBE_WITHIN: Duration = Duration::from_secs(2);

/// One endpoint's grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    /// Where the interval of the next probe begins.
    start: Instant,
    interval: Duration,
    /// How far into that interval the probe is due.
    offset: Duration,
}

impl Ticks {
    /// A new grid, whose first probe is due within [`FIRST_PROBE_WITHIN`] or the interval if that
    /// is shorter.
    pub(crate) fn new(interval: Duration, now: Instant, rng: &mut fastrand::Rng) -> Self {
        let interval = at_least_a_millisecond(interval);
        let wait = interval.min(FIRST_PROBE_WITHIN).mul_f64(rng.f64());
        Self { start: now + wait, interval, offset: Duration::ZERO }
    }

    /// When the next probe is due.
    pub(crate) fn due(&self) -> Instant {
        self.start + self.offset
    }

    /// Moves on from a probe that came due, to the next interval that begins after `now`. When the
    /// process was stopped for longer than an interval, the probes missed are not made up for.
    pub(crate) fn advance(&mut self, now: Instant, rng: &mut fastrand::Rng) {
        let passed = now.saturating_duration_since(self.start).as_nanos();
        let into = passed % self.interval.as_nanos();
        let rest = u64::try_from(self.interval.as_nanos() - into).unwrap_or(u64::MAX);
        self.start = now.max(self.start) + Duration::from_nanos(rest);
        self.offset = self.interval.mul_f64(rng.f64() / 10.0);
    }

    /// Changes the interval. The next probe comes that long after the last one, but not before a
    /// new endpoint's first probe would (all endpoints of the monitor change together), and not
    /// later than it was due already.
    pub(crate) fn set_interval(
        &mut self,
        interval: Duration,
        now: Instant,
        rng: &mut fastrand::Rng,
    ) {
        let new = Self::new(interval, now, rng);
        let last_start = self.start.checked_sub(self.interval).unwrap_or(now);
        let start = new.start.max(last_start + new.interval).min(self.due());
        *self = Self { start, ..new };
    }
}

/// The API accepts whole seconds; zero would make a loop without an end of whoever advances.
fn at_least_a_millisecond(interval: Duration) -> Duration {
    interval.max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: std::ops::Range<u64> = 0..200;

    #[test]
    fn the_first_probe_is_soon_and_later_ones_an_interval_apart() {
        for seed in SEEDS {
            let mut rng = fastrand::Rng::with_seed(seed);
            for interval in [1, 2, 10, 60, 3600].map(Duration::from_secs) {
                let now = Instant::now();
                let mut ticks = Ticks::new(interval, now, &mut rng);
                let first = ticks.due();
                assert!(first - now <= interval.min(FIRST_PROBE_WITHIN), "seed {seed}");
                let mut last = first;
                for n in 1..50 {
                    ticks.advance(ticks.due(), &mut rng);
                    let gap = (ticks.due() - last).as_secs_f64() / interval.as_secs_f64();
                    assert!((0.9..=1.1).contains(&gap), "seed {seed}, probe {n}: {gap}");
                    let drift = ticks.due() - (first + interval * n);
                    assert!(drift <= interval / 10, "seed {seed}, probe {n}: {drift:?}");
                    last = ticks.due();
                }
            }
        }
    }

    #[test]
    fn missed_intervals_are_not_made_up_for() {
        let mut rng = fastrand::Rng::with_seed(1);
        let interval = Duration::from_secs(10);
        let mut ticks = Ticks::new(interval, Instant::now(), &mut rng);
        let first = ticks.due();
        for (late_ms, intervals) in [(0, 1), (9_999, 1), (10_000, 2), (35_000, 4)] {
            let mut late = ticks;
            late.advance(first + Duration::from_millis(late_ms), &mut rng);
            let window = first + interval * intervals;
            assert!((window..=window + interval / 10).contains(&late.due()), "{late_ms} ms late");
        }
        ticks.advance(first, &mut rng);
        assert!(ticks.due() > first);
    }

    #[test]
    fn a_changed_interval_counts_from_the_last_probe() {
        for seed in SEEDS {
            let mut rng = fastrand::Rng::with_seed(seed);
            let hour = Duration::from_secs(3600);
            let mut ticks = Ticks::new(hour, Instant::now(), &mut rng);
            let first = ticks.due();
            ticks.advance(first, &mut rng);
            for (after_s, interval_s, soonest_s, latest_s) in
                [(100, 10, 100, 102), (5, 10, 10, 10), (5, 7200, 3600, 3960), (1200, 1, 1200, 1201)]
            {
                let mut changed = ticks;
                let now = first + Duration::from_secs(after_s);
                changed.set_interval(Duration::from_secs(interval_s), now, &mut rng);
                let (soonest, latest) = (soonest_s, latest_s);
                let due = (changed.due() - first).as_secs_f64();
                assert!((f64::from(soonest)..=f64::from(latest)).contains(&due), "{seed}: {due}");
            }
        }
    }
}
