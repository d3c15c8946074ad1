//! When one endpoint's probes are due: once in every interval of a grid of its own.
//!
//! Endpoints that appear together get their first probe within two seconds. Would they keep that
//! pace, 20,000 of them were all asked in the same two seconds of every interval; so each grid moves
//! to a place of its own in the interval, drawn at random, by a little each time. Together with some
//! jitter two probes are apart by the interval ±10 % (behaviour.md 7.4), and the long-run rate is
//! exact.
//!
//! Grids move to earlier times only, and jitter does not grow with long intervals: N probes in a row
//! never take longer than N intervals and [`JITTER_MAX`], so that `consecutive_down` and
//! `consecutive_up` mean a time that users can rely on.

use std::time::Duration;

use tokio::time::Instant;

/// Longest wait before an endpoint's first probe. Until then the endpoint counts as down
/// (behaviour.md 1.3), so it is short; yet thousands of endpoints that appear together must not all
/// be dialled in the same millisecond.
pub(crate) const FIRST_PROBE_WITHIN: Duration = Duration::from_secs(2);

/// The most that a grid moves at once, as a share of the interval. It arrives after thirteen
/// intervals at most, for no place is further than an interval away.
const DRIFT: f64 = 0.08;

/// How far into its interval a probe may fall, at random, as a share of it. With [`DRIFT`] it makes
/// the 10 %.
const JITTER: f64 = 0.02;

/// The same as a time, for intervals of which the share would be more. Enough to part probes that
/// would go on meeting, and little beside the second that detection may take longer than the
/// intervals and timeouts that it waits for.
const JITTER_MAX: Duration = Duration::from_millis(100);

/// One endpoint's grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    /// Where the interval of the next probe begins.
    start: Instant,
    interval: Duration,
    /// How far into that interval the probe is due.
    offset: Duration,
    /// When the last probe was due.
    last: Instant,
    /// How far the grid has still to move, towards earlier times.
    drift: Duration,
}

impl Ticks {
    /// A new grid, whose first probe is due within [`FIRST_PROBE_WITHIN`] or the interval if that
    /// is shorter.
    pub(crate) fn new(interval: Duration, now: Instant, rng: &mut fastrand::Rng) -> Self {
        let interval = at_least_a_millisecond(interval);
        let start = now + interval.min(FIRST_PROBE_WITHIN).mul_f64(rng.f64());
        let last = start.checked_sub(interval).unwrap_or(now);
        let drift = interval.mul_f64(rng.f64());
        Self { start, interval, offset: Duration::ZERO, last, drift }
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
        let start = now.max(self.start) + Duration::from_nanos(rest);
        let step = self.drift.min(self.interval.mul_f64(DRIFT));
        self.drift -= step;
        self.last = self.due();
        // One that is late may have moved to before now.
        self.start = (start - step).max(now);
        self.offset = self.interval.mul_f64(JITTER).min(JITTER_MAX).mul_f64(rng.f64());
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
        let start = new.start.max(self.last + new.interval).min(self.due());
        *self = Self { start, last: self.last, ..new };
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
                    let drift = (ticks.due() - first).as_secs_f64() / interval.as_secs_f64();
                    let drift = drift - f64::from(n);
                    assert!((-1.0..=0.02).contains(&drift), "seed {seed}, probe {n}: {drift}");
                    last = ticks.due();
                }
            }
        }
    }

    #[test]
    fn probes_in_a_row_take_no_longer_than_their_intervals() {
        for seed in SEEDS {
            let mut rng = fastrand::Rng::with_seed(seed);
            for interval in [1, 10, 60, 3600].map(Duration::from_secs) {
                let mut ticks = Ticks::new(interval, Instant::now(), &mut rng);
                let mut due = vec![ticks.due()];
                for _ in 0..30 {
                    ticks.advance(ticks.due(), &mut rng);
                    due.push(ticks.due());
                }
                for (from, n) in (0..due.len()).flat_map(|from| (1..5).map(move |n| (from, n))) {
                    let Some(last) = due.get(from + n) else { continue };
                    let most = interval * u32::try_from(n).unwrap() + JITTER_MAX;
                    assert!(
                        *last - due[from] <= most,
                        "seed {seed}, {interval:?}, {n} from {from}"
                    );
                }
            }
        }
    }

    #[test]
    fn grids_that_begin_together_soon_share_the_interval_evenly() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (now, interval) = (Instant::now(), Duration::from_secs(60));
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let mut ticks = Ticks::new(interval, now, &mut rng);
            for _ in 0..13 {
                ticks.advance(ticks.due(), &mut rng);
            }
            let into = (ticks.due() - now).as_millis() % interval.as_millis();
            tenths[(into * 10 / interval.as_millis()) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1_150).contains(count)), "{tenths:?}");
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
            let window = window - interval / 10..=window + interval / 10;
            assert!(window.contains(&late.due()), "{late_ms} ms late");
            assert!(late.due() >= first + Duration::from_millis(late_ms));
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
                [(100, 10, 100, 102), (5, 10, 10, 10), (5, 7200, 3240, 3960), (1200, 1, 1200, 1201)]
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
