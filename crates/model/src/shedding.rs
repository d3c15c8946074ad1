//! Load shedding: the share of a pool's traffic that goes elsewhere (behaviour.md 6.1).

/// The share of a pool's traffic that is sent elsewhere, in whichever load balancers it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadShedding {
    /// Of new sessions and of traffic without affinity.
    pub default: Percent,
    /// How that share is drawn.
    pub default_policy: SheddingPolicy,
    /// Of existing sessions; always by [`SheddingPolicy::Hash`], for a draw per request would lose
    /// every session in the end.
    pub sessions: Percent,
}

/// How the shed share is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SheddingPolicy {
    /// Each request by itself.
    #[default]
    Random,
    /// By the client's address: a fixed share of the address space.
    Hash,
}

/// A percentage in steps of 0.01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u16);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(10_000);

    /// From a number, rounded to hundredths of a percent; `None` outside 0..=100.
    #[must_use]
    pub fn from_number(percent: f64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range checked above"
        )]
        let hundredths = (percent * 100.0 + 0.5) as u16;
        Some(Self(hundredths))
    }

    /// Hundredths of a percent, 0..=10 000.
    #[must_use]
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_0_to_100() {
        assert_eq!(Percent::from_number(30.0).map(Percent::hundredths), Some(3_000));
        assert_eq!(Percent::from_number(0.0), Some(Percent::ZERO));
        assert_eq!(Percent::from_number(100.0), Some(Percent::ALL));
        for number in [-0.1, 100.1, f64::NAN] {
            assert_eq!(Percent::from_number(number), None);
        }
    }
}
