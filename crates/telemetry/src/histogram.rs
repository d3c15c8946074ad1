//! How long something takes, as a distribution over fixed buckets.
//!
//! On the request path: one thread observes, any thread reads. A reader may catch an observation
//! half written, in its bucket and not yet in the sum; the next reading has both.

use crate::Counter;

/// Upper bounds of the buckets in microseconds: 250 µs to a minute in steps of 1 : 2 : 2.5 : 5.
///
/// Below lies what a balancer on the same machine takes, above what no client waits for. Percentiles
/// read from them are off by no more than a bucket's width, and a page grows by 20 lines for each
/// histogram and thing.
pub const BOUNDS_US: [u64; 17] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// The bounds in seconds, as the page names them.
pub(crate) const BOUNDS_S: [&str; BOUNDS_US.len()] = [
    "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5",
    "1", "2.5", "5", "10", "30", "60",
];

/// Buckets, the one without a bound included.
const BUCKETS: usize = BOUNDS_US.len() + 1;

/// A distribution that one thread adds to.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many fell in each bucket and in none below it.
    buckets: [Counter; BUCKETS],
    sum_us: Counter,
}

impl Histogram {
    /// Adds one duration, in microseconds.
    pub fn observe(&self, us: u64) {
        // Most are short, so most comparisons are few.
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS_US.len());
        self.buckets[bucket].increment();
        self.sum_us.add(us);
    }
}

/// The sum of several distributions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistogramSum {
    buckets: [u64; BUCKETS],
    sum_us: u64,
}

impl HistogramSum {
    /// Adds what one thread has observed.
    pub fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *sum += bucket.get();
        }
        self.sum_us += histogram.sum_us.get();
    }

    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All durations together, in seconds.
    #[must_use]
    pub fn sum_s(&self) -> f64 {
        self.sum_us as f64 / 1e6
    }

    /// Each bucket's bound in seconds and how many durations are no longer than that. The last,
    /// without a bound, has them all.
    pub fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let bounds = BOUNDS_S.into_iter().chain(["+Inf"]);
        let counts = self.buckets.iter().scan(0, |below, count| {
            *below += count;
            Some(*below)
        });
        bounds.zip(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_same_in_both_units() {
        for (us, s) in BOUNDS_US.into_iter().zip(BOUNDS_S) {
            assert_eq!(s.parse::<f64>().unwrap() * 1e6, us as f64, "{s}");
        }
        assert!(BOUNDS_US.is_sorted());
    }

    #[test]
    fn a_duration_falls_in_the_first_bucket_that_has_room_for_it() {
        for (us, first) in [
            (0, "0.00025"),
            (250, "0.00025"),
            (251, "0.0005"),
            (999_999, "1"),
            (1_000_000, "1"),
            (60_000_000, "60"),
            (60_000_001, "+Inf"),
            (u64::MAX / 2, "+Inf"),
        ] {
            let histogram = Histogram::default();
            histogram.observe(us);
            let mut sum = HistogramSum::default();
            sum.add(&histogram);
            let found = sum.cumulative().find(|(_, count)| *count == 1).map(|(bound, _)| bound);
            assert_eq!(found, Some(first), "{us} µs");
            assert_eq!((sum.count(), sum.sum_s()), (1, us as f64 / 1e6));
        }
    }

    #[test]
    fn threads_are_summed() {
        let [one, two] = [Histogram::default(), Histogram::default()];
        one.observe(100);
        two.observe(400);
        two.observe(90_000_000);
        let mut sum = HistogramSum::default();
        sum.add(&one);
        sum.add(&two);
        let counts: Vec<_> = sum.cumulative().map(|(_, count)| count).collect();
        assert_eq!((counts[0], counts[1], counts[16], counts[17]), (1, 2, 2, 3));
        assert_eq!(sum.sum_s(), 90.0005);
    }
}
