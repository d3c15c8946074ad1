//! Medians, spreads, and ratios paired by round.

/// A median with the smallest and the largest value beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle value; of an even number of values, the mean of the middle two.
    pub median: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Spread {
    /// Of all values, or nothing when there are none. Values are finite.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }

    /// Of `value / base` round by round: the machine's drift between rounds cancels out, as it does
    /// not in a ratio of two medians.
    pub fn of_ratios(values: &[f64], bases: &[f64]) -> Option<Self> {
        Self::of(values.iter().zip(bases).map(|(value, base)| value / base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        for (values, expected) in [
            (vec![], None),
            (vec![2.0], Some((2.0, 2.0, 2.0))),
            (vec![3.0, 1.0], Some((2.0, 1.0, 3.0))),
            (vec![5.0, 1.0, 3.0], Some((3.0, 1.0, 5.0))),
        ] {
            let spread = Spread::of(values.clone()).map(|s| (s.median, s.min, s.max));
            assert_eq!(spread, expected, "{values:?}");
        }
    }

    #[test]
    fn ratios_pair_by_round() {
        // The machine halves its speed in the second round: the medians apart would say 2.5 / 1.5.
        let ratio = Spread::of_ratios(&[1.0, 4.0], &[1.0, 2.0]).expect("two rounds");
        assert_eq!((ratio.median, ratio.min, ratio.max), (1.5, 1.0, 2.0));
        assert_eq!(Spread::of_ratios(&[], &[]), None);
    }
}
