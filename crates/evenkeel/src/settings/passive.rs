//! Settings of passive health.

use std::str::FromStr;

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_model::Percent;

use super::Layers;
use crate::cli::PassiveArgs;

/// The longest time after which an endpoint may first be tried again, in seconds. Who wants it gone
/// for a day disables it.
const TIME_S_MAX: u64 = 86_400;
/// Connect failures that may be asked for: a number of any use is far below.
const FAILURES_MAX: u32 = 1000;
/// Ejections in a row that grow: the longest one is so many times the first.
const GROWTH_MAX: u64 = 10;

impl Layers<'_> {
    /// Settings as meant; `None` while passive health is off.
    pub(super) fn passive(&mut self, args: &PassiveArgs) -> Option<PassiveSettings> {
        let is_on = self.switch::<Switch>("passive-health", &args.passive_health, ["off", "on"]);
        let usual = PassiveSettings::default();
        let failures = self.checked(
            "passive-health-failures",
            &args.passive_health_failures,
            |n| (1..=FAILURES_MAX).contains(n),
            "a number from 1 to 1000",
        );
        let errors = self.one("passive-health-errors-max", &args.passive_health_errors_max);
        let ejected = self.one("passive-health-ejected-max", &args.passive_health_ejected_max);
        let time_s = self.checked(
            "passive-health-time",
            &args.passive_health_time,
            |s| (1..=TIME_S_MAX).contains(s),
            "whole seconds from 1 to 86400",
        );
        let ejection_ms = time_s.map_or(usual.ejection_ms, |s| s * 1000);
        let settings = PassiveSettings {
            failures_max: failures.unwrap_or(usual.failures_max),
            errors_max: errors.map_or(usual.errors_max, |Share(percent)| percent),
            ejected_max: ejected.map_or(usual.ejected_max, |Share(percent)| percent),
            ejection_ms,
            ejection_ms_max: ejection_ms * GROWTH_MAX,
            ..usual
        };
        (is_on == Some(Switch::On)).then_some(settings)
    }
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("is neither on nor off"),
        }
    }
}

/// A percentage as typed.
struct Share(Percent);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok();
        number.and_then(Percent::from_number).map(Self).ok_or("is not a percentage from 0 to 100")
    }
}
