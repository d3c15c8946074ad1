//! One checker's opinion of one endpoint by one monitor: streaks of probes make verdicts
//! (behaviour.md 7.4). What several checkers make of theirs is [`super::vote`]'s.

use evenkeel_model::{Monitor, Verdict};

/// How one probe ended, retries included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All the monitor asks for was there in time.
    Pass,
    /// Anything else.
    Fail,
}

/// How many equal outcomes in a row change a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Passes that make an endpoint healthy; 0 means 1 (behaviour.md U10).
    pub up: u32,
    /// Failures that make an endpoint unhealthy; 0 means 1.
    pub down: u32,
}

impl From<&Monitor> for Thresholds {
    fn from(monitor: &Monitor) -> Self {
        Self { up: monitor.consecutive_up, down: monitor.consecutive_down }
    }
}

/// Where one (checker, monitor, endpoint) stands: the published verdict, and the streak that works
/// against it.
///
/// ```text
///                         ┌─────────┐
///                         │ Unknown │ ⟲ any outcome, streak still short
///                         └────┬────┘
///        `up` passes in a row  │  `down` failures in a row
///               ┌──────────────┴──────────────┐
///               ▼                             ▼
///          ┌─────────┐  `down` failures  ┌───────────┐
///   Pass ⟲ │ Healthy │──────────────────▶│ Unhealthy │ ⟲ Fail
///          └─────────┘     in a row      └─────┬─────┘
///               ▲        `up` passes           │
///               └──────────────────────────────┘
///                          in a row
/// ```
///
/// A pass ends every streak of failures, and the reverse. Nothing leads back to `Unknown`: an
/// endpoint that stops being probed keeps its last verdict (behaviour.md U30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing decided yet. At most one of the two counts is above 0.
    Unknown {
        /// Passes since the last failure.
        hits: u32,
        /// Failures since the last pass.
        misses: u32,
    },
    /// The last decisive streak was of passes.
    Healthy {
        /// Failures since the last pass.
        misses: u32,
    },
    /// The last decisive streak was of failures.
    Unhealthy {
        /// Passes since the last failure.
        hits: u32,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::from(Verdict::Unknown)
    }
}

/// Continues from a verdict reached earlier, with no streak begun: after a restart, or when the
/// question put to the endpoint has changed and the old counts are no answer to it.
impl From<Verdict> for State {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Unknown => Self::Unknown { hits: 0, misses: 0 },
            Verdict::Healthy => Self::Healthy { misses: 0 },
            Verdict::Unhealthy => Self::Unhealthy { hits: 0 },
        }
    }
}

impl State {
    /// The state after one more probe. The thresholds are those of the moment, so that changing
    /// them costs no streak.
    #[must_use]
    pub fn after(self, outcome: Outcome, thresholds: Thresholds) -> Self {
        use Outcome::{Fail, Pass};
        use State::{Healthy, Unhealthy, Unknown};
        let (up, down) = (thresholds.up.max(1), thresholds.down.max(1));
        // Counts stop at `u32::MAX`, the largest threshold there is: it is reached, not passed.
        match (self, outcome) {
            (Unknown { hits, .. } | Unhealthy { hits }, Pass) if hits.saturating_add(1) >= up => {
                Healthy { misses: 0 }
            }
            (Unknown { misses, .. } | Healthy { misses }, Fail)
                if misses.saturating_add(1) >= down =>
            {
                Unhealthy { hits: 0 }
            }
            (Unknown { hits, .. }, Pass) => Unknown { hits: hits.saturating_add(1), misses: 0 },
            (Unknown { misses, .. }, Fail) => Unknown { hits: 0, misses: misses.saturating_add(1) },
            (Healthy { .. }, Pass) => Healthy { misses: 0 },
            (Healthy { misses }, Fail) => Healthy { misses: misses.saturating_add(1) },
            (Unhealthy { hits }, Pass) => Unhealthy { hits: hits.saturating_add(1) },
            (Unhealthy { .. }, Fail) => Unhealthy { hits: 0 },
        }
    }

    /// The verdict to publish.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Unknown { .. } => Verdict::Unknown,
            Self::Healthy { .. } => Verdict::Healthy,
            Self::Unhealthy { .. } => Verdict::Unhealthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    /// Plays outcomes (`+` and `-`) and returns the verdict after each (`?`, `H`, `U`).
    fn play(up: u32, down: u32, outcomes: &str) -> String {
        let mut state = State::default();
        let mut verdicts = String::new();
        for outcome in outcomes.chars() {
            let outcome = if outcome == '+' { Outcome::Pass } else { Outcome::Fail };
            state = state.after(outcome, Thresholds { up, down });
            verdicts.push(letter(state.verdict()));
        }
        verdicts
    }

    fn letter(verdict: Verdict) -> char {
        match verdict {
            Verdict::Unknown => '?',
            Verdict::Healthy => 'H',
            Verdict::Unhealthy => 'U',
        }
    }

    /// The pseudo-code of behaviour.md 7.4, word for word.
    fn play_by_the_book(up: u32, down: u32, outcomes: &str) -> String {
        let (mut ups, mut downs, mut verdict) = (0, 0, Verdict::Unknown);
        let mut verdicts = String::new();
        for outcome in outcomes.chars() {
            if outcome == '+' {
                (ups, downs) = (ups + 1, 0);
                if verdict != Verdict::Healthy && ups >= up.max(1) {
                    verdict = Verdict::Healthy;
                }
            } else {
                (ups, downs) = (0, downs + 1);
                if verdict != Verdict::Unhealthy && downs >= down.max(1) {
                    verdict = Verdict::Unhealthy;
                }
            }
            verdicts.push(letter(verdict));
        }
        verdicts
    }

    #[test]
    fn streaks_decide() {
        for (up, down, outcomes, verdicts) in [
            (0, 0, "+-+-", "HUHU"),
            (1, 1, "+-+-", "HUHU"),
            (2, 3, "++---++", "?HHHUUH"),
            (3, 1, "+", "?"),
            (1, 3, "--", "??"),
            (1, 3, "---", "??U"),
            (2, 2, "+-+-+-+-", "????????"),
            (2, 2, "++-+-+--", "?HHHHHHU"),
        ] {
            assert_eq!(play(up, down, outcomes), verdicts, "up {up}, down {down}: {outcomes}");
        }
    }

    /// Every sequence of up to ten outcomes, under every pair of thresholds from 0 to 4.
    #[test]
    fn agrees_with_the_book_on_every_short_history() {
        for length in 0..=10 {
            for bits in 0..1_u32 << length {
                let outcomes: String =
                    (0..length).map(|i| if bits >> i & 1 == 1 { '+' } else { '-' }).collect();
                for (up, down) in (0..=4).flat_map(|up| (0..=4).map(move |down| (up, down))) {
                    assert_eq!(
                        play(up, down, &outcomes),
                        play_by_the_book(up, down, &outcomes),
                        "up {up}, down {down}: {outcomes}"
                    );
                }
            }
        }
    }

    #[test]
    fn trap_t13_unknown_until_a_streak_decides() {
        assert_eq!(State::default().verdict(), Verdict::Unknown);
        assert_eq!(play(2, 2, "+-"), "??");
        assert_eq!(play(2, 2, "-++"), "??H");
    }

    #[test]
    fn a_verdict_carried_over_holds_until_the_first_fresh_decision() {
        let thresholds = Thresholds { up: 2, down: 2 };
        for verdict in [Verdict::Unknown, Verdict::Healthy, Verdict::Unhealthy] {
            let carried = State::from(verdict);
            assert_eq!(carried.verdict(), verdict);
            for outcome in [Outcome::Pass, Outcome::Fail] {
                let once = carried.after(outcome, thresholds);
                assert_eq!(once.verdict(), verdict);
                let decided = match outcome {
                    Outcome::Pass => Verdict::Healthy,
                    Outcome::Fail => Verdict::Unhealthy,
                };
                assert_eq!(once.after(outcome, thresholds).verdict(), decided);
            }
        }
    }

    #[test]
    fn changed_thresholds_take_the_streak_as_it_is() {
        let patient = Thresholds { up: 1, down: 5 };
        let strict = Thresholds { up: 1, down: 3 };
        let mut state = State::from(Verdict::Healthy);
        for _ in 0..3 {
            state = state.after(Outcome::Fail, patient);
        }
        assert_eq!(state, State::Healthy { misses: 3 });
        assert_eq!(state.after(Outcome::Fail, strict), State::Unhealthy { hits: 0 });
    }

    #[test]
    fn counts_never_overflow() {
        let endless = Thresholds { up: u32::MAX, down: u32::MAX };
        let state = State::Healthy { misses: u32::MAX - 1 };
        assert_eq!(state.after(Outcome::Fail, endless), State::Unhealthy { hits: 0 });
        let state = State::Unknown { hits: u32::MAX - 2, misses: 0 };
        assert_eq!(
            state.after(Outcome::Pass, endless),
            State::Unknown { hits: u32::MAX - 1, misses: 0 }
        );
    }
}
