//! Which outage an occasion belongs to: the message of a recovery carries the identifier of the
//! message of the outage that it ends (behaviour.md 7.11).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use serde::Deserialize;

use crate::message::AlertEvent;
use crate::occasion::{Occasion, What};

/// Outages remembered at once. When more run, the oldest is forgotten and its end is told without a
/// tie to its beginning.
const OUTAGES_MAX: usize = 10_000;

/// The tie of one message to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outage {
    /// An outage begins.
    Begins(String),
    /// The outage of that identifier ends.
    Ends(String),
    /// Neither, or its beginning is not known: told by itself.
    Untied,
}

/// Account, pool name, endpoint name, and the monitor if it is one without a vote.
type Subject = [String; 4];

/// What ties a recorded message to others.
#[derive(Debug, Deserialize)]
struct Recorded {
    account_id: String,
    data: RecordedData,
    alert_correlation_id: String,
    alert_event: AlertEvent,
}

/// Whom a recorded message is about.
#[derive(Debug, Deserialize)]
struct RecordedData {
    pool_name: String,
    #[serde(default)]
    origin_name: String,
    #[serde(default)]
    observed_by: String,
}

/// The outages that run, by account, pool name and endpoint name. A rename breaks the tie.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    running: HashMap<Subject, String>,
    /// Subjects in the order in which their outages began; some may have ended.
    order: VecDeque<Subject>,
}

impl Outages {
    /// The outages that messages of an earlier process told of and none of them ended. Takes the
    /// messages as JSON, the newest first; those that have no tie are passed over.
    pub(crate) fn of_recorded<'m>(messages: impl IntoIterator<Item = &'m str>) -> Self {
        let mut last = HashMap::new();
        let mut outages = Self::default();
        for recorded in messages.into_iter().filter_map(|text| serde_json::from_str(text).ok()) {
            let Recorded { account_id, data, alert_correlation_id, alert_event } = recorded;
            let subject = [account_id, data.pool_name, data.origin_name, data.observed_by];
            let Entry::Vacant(first) = last.entry(subject.clone()) else { continue };
            first.insert(());
            if alert_event == AlertEvent::Start && outages.order.len() < OUTAGES_MAX {
                outages.order.push_front(subject.clone());
                outages.running.insert(subject, alert_correlation_id);
            }
        }
        outages
    }

    /// Takes an occasion in. `chance` is what a new identifier is made of.
    pub(crate) fn follow(&mut self, occasion: &Occasion, chance: u128) -> Outage {
        let healthy = match &occasion.what {
            What::PoolHealth { healthy } | What::EndpointHealth { healthy, .. } => *healthy,
            What::PoolEnabled { .. } => return Outage::Untied,
        };
        let subject = occasion.subject().map(str::to_owned);
        if healthy {
            self.order.retain(|other| *other != subject);
            return self.running.remove(&subject).map_or(Outage::Untied, Outage::Ends);
        }
        if let Some(id) = self.running.get(&subject) {
            return Outage::Begins(id.clone());
        }
        if self.order.len() >= OUTAGES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.running.remove(&oldest);
        }
        let id = format!("{chance:032x}");
        self.order.push_back(subject.clone());
        self.running.insert(subject, id.clone());
        Outage::Begins(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::occasion::tests::{endpoint, occasion};
    use crate::policy::tests::policy;

    /// Or its recovery would close the alert about an endpoint that is still down.
    #[test]
    fn a_monitor_without_a_vote_has_outages_of_its_own() {
        let mut outages = Outages::default();
        let observed = |healthy| {
            let mut what = endpoint("a", healthy);
            if let What::EndpointHealth { observed_by, .. } = &mut what {
                *observed_by = Some("m".to_owned());
            }
            what
        };
        let id = |n: u8| format!("{n:032x}");
        for (chance, what, tie) in [
            (1, observed(false), Outage::Begins(id(1))),
            (2, endpoint("a", false), Outage::Begins(id(2))),
            (3, observed(true), Outage::Ends(id(1))),
            (4, endpoint("a", true), Outage::Ends(id(2))),
        ] {
            assert_eq!(outages.follow(&occasion(what), chance), tie, "step {chance}");
        }
        let told = [observed(false), endpoint("a", false)].map(|what| {
            let occasion = occasion(what);
            let tie = outages.follow(&occasion, 5);
            serde_json::to_string(&Message::new(&policy(), &occasion, &tie)).unwrap()
        });
        let mut recorded = Outages::of_recorded(told.iter().rev().map(String::as_str));
        assert_eq!(recorded.follow(&occasion(observed(true)), 6), Outage::Ends(id(5)));
        assert_eq!(recorded.follow(&occasion(endpoint("a", true)), 7), Outage::Ends(id(5)));
    }

    #[test]
    fn a_recovery_is_tied_to_its_outage() {
        let mut outages = Outages::default();
        let id = |n: u8| format!("{n:032x}");
        let pool = |healthy| What::PoolHealth { healthy };
        for (chance, what, tie) in [
            (1, pool(true), Outage::Untied),
            (2, endpoint("a", false), Outage::Begins(id(2))),
            (3, pool(false), Outage::Begins(id(3))),
            (4, endpoint("b", true), Outage::Untied),
            (5, What::PoolEnabled { enabled: false }, Outage::Untied),
            (6, endpoint("a", true), Outage::Ends(id(2))),
            (7, endpoint("a", true), Outage::Untied),
            (8, pool(true), Outage::Ends(id(3))),
            (9, pool(false), Outage::Begins(id(9))),
        ] {
            assert_eq!(outages.follow(&occasion(what), chance), tie, "step {chance}");
        }
        let mut renamed = occasion(pool(true));
        renamed.pool_name = "renamed".to_owned();
        assert_eq!(outages.follow(&renamed, 10), Outage::Untied);
    }

    #[test]
    fn outages_outlive_a_restart() {
        let mut before = Outages::default();
        let mut recorded = Vec::new();
        for (chance, what) in [
            (1, endpoint("a", false)),
            (2, What::PoolHealth { healthy: false }),
            (3, endpoint("b", false)),
            (4, endpoint("a", true)),
            (5, endpoint("c", true)),
            (6, What::PoolEnabled { enabled: false }),
        ] {
            let occasion = occasion(what);
            let message = Message::new(&policy(), &occasion, &before.follow(&occasion, chance));
            // Several policies may have told the same.
            recorded.extend([serde_json::to_string(&message).unwrap(), "{}".to_owned()]);
            recorded.push(serde_json::to_string(&message).unwrap());
        }
        let mut after = Outages::of_recorded(recorded.iter().rev().map(String::as_str));
        assert_eq!((after.running.len(), after.order.len()), (2, 2));
        assert_eq!(after.order[0][2], "", "the oldest first");
        for (what, tie) in [
            (endpoint("a", true), Outage::Untied),
            (What::PoolHealth { healthy: true }, Outage::Ends(format!("{:032x}", 2))),
            (endpoint("b", true), Outage::Ends(format!("{:032x}", 3))),
        ] {
            assert_eq!(after.follow(&occasion(what), 9), tie);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut outages = Outages::default();
        for n in 0..OUTAGES_MAX as u128 + 10 {
            outages.follow(&occasion(endpoint(&n.to_string(), false)), n);
        }
        assert_eq!((outages.running.len(), outages.order.len()), (OUTAGES_MAX, OUTAGES_MAX));
        assert_eq!(outages.follow(&occasion(endpoint("0", true)), 0), Outage::Untied);
    }
}
