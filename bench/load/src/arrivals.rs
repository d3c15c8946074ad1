//! When requests are meant to be sent, in an open loop: moments that do not depend on how soon
//! answers come, because users do not wait for each other.

use std::time::Duration;

/// How far apart arrivals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Independent of each other, as those of many users: gaps are exponential.
    Poisson,
    /// All gaps equal.
    Uniform,
}

impl Arrivals {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Uniform => "uniform",
        }
    }
}

/// The moments, counted from the start of the run, without end.
#[derive(Debug, Clone)]
pub struct Schedule {
    arrivals: Arrivals,
    gap_mean_s: f64,
    count: u64,
    at_s: f64,
    rng: fastrand::Rng,
}

impl Schedule {
    /// At `rate` requests per second, above 0. The same seed gives the same moments.
    pub fn new(arrivals: Arrivals, rate: f64, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { arrivals, gap_mean_s: 1.0 / rate, count: 0, at_s: 0.0, rng }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self.arrivals {
            Arrivals::Poisson => self.at_s += exponential(&mut self.rng, self.gap_mean_s),
            // Multiplied, not summed: rounding does not add up.
            Arrivals::Uniform => self.at_s = self.count as f64 * self.gap_mean_s,
        }
        self.count += 1;
        Some(Duration::from_secs_f64(self.at_s))
    }
}

/// A draw from the exponential distribution of that mean.
pub fn exponential(rng: &mut fastrand::Rng, mean: f64) -> f64 {
    // `f64` is below 1, so the logarithm is of something above 0.
    -(1.0 - rng.f64()).ln() * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 200_000;

    fn gaps(arrivals: Arrivals, rate: f64) -> Vec<f64> {
        let moments: Vec<f64> = Schedule::new(arrivals, rate, 7)
            .take(COUNT)
            .map(|moment| moment.as_secs_f64())
            .collect();
        moments.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let gaps = gaps(Arrivals::Poisson, 1_000.0);
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean * 1e3 - 1.0).abs() < 0.01, "{mean}");
        // The deviation of an exponential is its mean, its median ln 2 of it.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{variance}");
        let below = gaps.iter().filter(|gap| **gap < mean * 2f64.ln()).count();
        assert!((below as f64 / gaps.len() as f64 - 0.5).abs() < 0.01, "{below}");
    }

    #[test]
    fn counts_in_windows_have_the_variance_of_their_mean() {
        // Independence, which the distribution of gaps alone does not show.
        let mut counts = vec![0_u32; 1_900];
        for moment in Schedule::new(Arrivals::Poisson, 1_000.0, 3).take(COUNT) {
            if let Some(count) = counts.get_mut((moment.as_secs_f64() * 10.0) as usize) {
                *count += 1;
            }
        }
        let mean = counts.iter().map(|&count| f64::from(count)).sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|&count| (f64::from(count) - mean).powi(2)).sum::<f64>()
            / counts.len() as f64;
        assert!((variance / mean - 1.0).abs() < 0.15, "{variance} {mean}");
    }

    #[test]
    fn uniform_gaps_are_equal_and_do_not_drift() {
        assert!(gaps(Arrivals::Uniform, 1_000.0).iter().all(|gap| (gap - 1e-3).abs() < 1e-8));
        let last = Schedule::new(Arrivals::Uniform, 30_000.0, 0).nth(3_000_000);
        assert_eq!(last, Some(Duration::from_secs(100)));
    }

    #[test]
    fn a_seed_repeats_itself() {
        let moments = |seed| Schedule::new(Arrivals::Poisson, 10.0, seed).take(100);
        assert!(moments(1).eq(moments(1)));
        assert!(!moments(1).eq(moments(2)));
    }
}
