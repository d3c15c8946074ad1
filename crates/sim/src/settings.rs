//! What a run is told by the environment.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SIM_SEED` | the first seed, decimal or `0x…` | 0 |
//! | `SIM_SEEDS` | how many seeds, one after the other | 256; 1 when `SIM_SEED` is set |
//! | `SIM_STEPS` | events of each run | [`STEPS_DEFAULT`] |

use std::env;

/// Seeds of a normal test run.
pub const SEEDS_DEFAULT: u64 = 256;

/// Events of a run: some minutes of virtual time, in which sessions expire, verdicts flip and
/// everything is reconfigured several times, while 256 seeds stay below a minute in the dev profile.
pub const STEPS_DEFAULT: u64 = 1_500;

/// Which worlds are run, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u64,
    /// Events of each.
    pub steps: u64,
}

impl Settings {
    /// Reads the environment. Panics on what is no number: a typing error must not pass for a
    /// successful run of something else.
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(|name| env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str| {
            variable(name).map(|text| {
                parse(&text).unwrap_or_else(|| panic!("{name} is {text:?}, which is no number"))
            })
        };
        let seed = number("SIM_SEED");
        Self {
            seed: seed.unwrap_or(0),
            seeds: number("SIM_SEEDS").unwrap_or(if seed.is_some() { 1 } else { SEEDS_DEFAULT }),
            steps: number("SIM_STEPS").unwrap_or(STEPS_DEFAULT),
        }
    }
}

fn parse(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (u64, u64) {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        let settings = Settings::read(|name| find(name).map(|(_, value)| (*value).to_owned()));
        (settings.seed, settings.seeds)
    }

    #[test]
    fn a_named_seed_runs_alone() {
        assert_eq!(read(&[]), (0, 256));
        assert_eq!(read(&[("SIM_SEED", "0x1f")]), (31, 1));
        assert_eq!(read(&[("SIM_SEED", "31"), ("SIM_SEEDS", "9")]), (31, 9));
        assert_eq!(read(&[("SIM_SEEDS", "9")]), (0, 9));
    }

    #[test]
    #[should_panic(expected = "no number")]
    fn a_typing_error_is_no_success() {
        read(&[("SIM_SEEDS", "lots")]);
    }
}
