//! Settings of health: who decides on it, what is remembered, who is told.

use std::str::FromStr;
use std::time::Duration;

use evenkeel_control::health::HEALTH_EVENTS;
use evenkeel_control::publisher::Quorum;
use evenkeel_notify::MailRelay;
use evenkeel_store::{Retention, Retentions};

use super::Layers;
use crate::cli::HealthArgs;

/// Settings as meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct HealthSettings {
    pub(crate) quorum: Quorum,
    pub(crate) relay: Option<MailRelay>,
    events: Retention,
}

impl HealthSettings {
    /// Those of other streams, and that of the event log.
    pub(crate) fn retentions(&self, others: Retentions) -> Retentions {
        others.with(HEALTH_EVENTS, self.events)
    }
}

impl Layers<'_> {
    pub(super) fn health(&mut self, args: &HealthArgs) -> HealthSettings {
        HealthSettings {
            quorum: self
                .one("quorum", &args.quorum)
                .map(|QuorumName(quorum)| quorum)
                .unwrap_or_default(),
            relay: self.relay(args),
            events: self.events(args),
        }
    }

    fn events(&mut self, args: &HealthArgs) -> Retention {
        let usual = Retention::default();
        let is_some = |number: &u32| *number >= 1;
        let entries =
            self.checked("health-events-max", &args.health_events_max, is_some, "at least 1");
        let days = self.checked("health-days-max", &args.health_days_max, is_some, "at least 1");
        let day = Duration::from_secs(24 * 60 * 60);
        Retention {
            entries_max: entries.map_or(usual.entries_max, u64::from),
            age_max: days.map_or(usual.age_max, |days| day * days),
            ..usual
        }
    }

    fn relay(&mut self, args: &HealthArgs) -> Option<MailRelay> {
        // A password may have commas, which elsewhere separate values.
        let url = self.whole("smtp-relay", &args.smtp_relay);
        let from = self.whole("smtp-from", &args.smtp_from);
        let (url, from) = match (url, from) {
            (None, None) => return None,
            (Some(url), Some(from)) => (url, from),
            (Some(_), None) => {
                self.problems.push("smtp-from: missing beside smtp-relay".to_owned());
                return None;
            }
            (None, Some(_)) => {
                self.problems.push("smtp-relay: missing beside smtp-from".to_owned());
                return None;
            }
        };
        match MailRelay::new(&url, &from) {
            Ok(relay) => Some(relay),
            Err(error) => {
                self.problems.push(format!("smtp-relay: {error}"));
                None
            }
        }
    }
}

/// A quorum by its word.
struct QuorumName(Quorum);

impl FromStr for QuorumName {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "majority" => Ok(Self(Quorum::Majority)),
            "any" => Ok(Self(Quorum::Any)),
            _ => Err("is neither majority nor any"),
        }
    }
}
