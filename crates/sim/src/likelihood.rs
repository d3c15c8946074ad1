//! When a count is too far from what was meant to be chance.

/// The likelihood below which a count is no chance. A run of 256 seeds takes some thousands of
/// them: a fair engine fails in one of a hundred million runs.
const FALSE_ALARM: f64 = 1e-12;

/// Whether `got` of `draws` independent draws may have come out, each having the likelihood `mean`
/// on average.
///
/// Chernoff's bound: the likelihood of a count at least this far off is at most
/// `exp(-draws × KL(got / draws ‖ mean))`, on either side, whatever the likelihoods of the single
/// draws are.
#[must_use]
pub fn is_plausible(got: u32, draws: u32, mean: f64) -> bool {
    if draws == 0 {
        return got == 0;
    }
    let share = f64::from(got) / f64::from(draws);
    let mean = mean.clamp(0.0, 1.0);
    let divergence = relative_entropy(share, mean) + relative_entropy(1.0 - share, 1.0 - mean);
    f64::from(draws) * divergence <= -FALSE_ALARM.ln()
}

/// One term of the Kullback-Leibler divergence. Sums of likelihoods are inexact in their last
/// digits: a mean that close to 0 or 1 is 0 or 1.
fn relative_entropy(share: f64, mean: f64) -> f64 {
    const EXACT: f64 = 1e-9;
    match (share > 0.0, mean > EXACT) {
        (false, _) => 0.0,
        (true, false) => f64::INFINITY,
        (true, true) => share * (share / mean).ln(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_told_from_error() {
        for (got, draws, mean, plausible) in [
            (0, 0, 0.5, true),
            (500, 1000, 0.5, true),
            (560, 1000, 0.5, true),
            (640, 1000, 0.5, false),
            (0, 1000, 0.0, true),
            (1, 1000, 0.0, false),
            (1000, 1000, 1.0, true),
            (999, 1000, 1.0, false),
            (0, 1000, 0.01, true),
            (0, 1000, 0.05, false),
        ] {
            assert_eq!(is_plausible(got, draws, mean), plausible, "{got} of {draws} at {mean}");
        }
    }
}
