//! What runs have met. An invariant that never had anything to judge proves nothing: tests ask here
//! whether each of the interesting things has happened, and how often.

use std::collections::BTreeMap;

use crate::census::Census;
use crate::exchange::{Exchange, Outcome};
use crate::publication::Publication;
use crate::servers::Fate;

/// How often each thing was met, by a name for it.
#[derive(Debug, Clone, Default)]
pub struct Witness(BTreeMap<String, u64>);

impl Witness {
    /// How often.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds what another run has met.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    pub(crate) fn see(&mut self, exchange: &Exchange) {
        self.met(match exchange.outcome {
            Outcome::Answered(_) => "answered",
            Outcome::Responded(_) => "fixed response",
            Outcome::Unavailable(_) => "unavailable",
            Outcome::GaveUp(_) => "gave up",
        });
        let Some(meant) = exchange.meant.as_ref().filter(|meant| meant.respond.is_none()) else {
            return;
        };
        self.met(&format!("steering {}", meant.steering.as_str()));
        self.met(&format!("affinity {:?}", meant.affinity.kind));
        let config = &exchange.view.config;
        if exchange.pinned().is_some() {
            self.met(&format!("pinned by {:?}", meant.affinity.kind));
        }
        for contact in &exchange.contacts {
            self.met(match contact.fate {
                Fate::Answer(_) => "contact answered",
                Fate::Failure(_) => "contact failed",
                Fate::Unresolved => "contact unresolved",
            });
            if contact.target.fallback {
                self.met("fallback");
            }
            if contact.target.attempt > 1 {
                self.met("retry");
            }
            if !config.endpoint(contact.target.endpoint).enabled {
                self.met("drained");
            }
        }
        if exchange.contacts.windows(2).any(|pair| pair[0].target.pool != pair[1].target.pool) {
            self.met("retry across pools");
        }
        if meant.candidates.is_none() {
            self.met("candidates left open");
        }
    }

    pub(crate) fn see_publication(&mut self, publication: &Publication) {
        for change in &publication.changes {
            if change.enabled.is_some() {
                self.met("pool switched");
            }
            if change.health.is_some_and(|turn| !turn.is_first) {
                self.met("pool's health told");
            }
            for _ in change.endpoints.iter().filter(|(_, turn)| !turn.is_first) {
                self.met("endpoint's health told");
            }
            if !change.observed.is_empty() {
                self.met("observation told");
            }
        }
        for members in &publication.findings {
            let mut verdicts = members.iter().map(|(_, verdict)| *verdict);
            if verdicts.next().is_some_and(|first| verdicts.any(|other| other != first)) {
                self.met("group of two minds");
            }
        }
    }

    pub(crate) fn see_census(&mut self, census: &Census) {
        if census.draws > 0 {
            self.met(if census.sheds { "shed shares" } else { "pool shares" });
        }
        for (ix, tally) in &census.endpoints {
            let weight = census.view.config.endpoint(*ix).weight;
            self.met(if weight.is_zero() { "weightless drawn" } else { "drawn" });
            if tally.got > 1_100 {
                self.met("drawn often");
            }
        }
    }

    fn met(&mut self, what: &str) {
        match self.0.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(what.to_owned(), 1);
            }
        }
    }
}
