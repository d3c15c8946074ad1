//! Virtual time: what is to happen and when. Nobody waits; time jumps to the next event.

use std::collections::BTreeMap;

use evenkeel_model::Timestamp;

/// When every run begins: 2026-11-22T00:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_795_305_600);

/// Events by time. What was planned first happens first among those of one moment, so that a run
/// has exactly one order.
#[derive(Debug, Clone)]
pub struct Agenda<E> {
    now: Timestamp,
    planned: BTreeMap<(Timestamp, u64), E>,
    count: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { now: START, planned: BTreeMap::new(), count: 0 }
    }
}

impl<E> Agenda<E> {
    /// The present.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Plans an event some milliseconds from now.
    pub fn plan(&mut self, after_ms: u64, event: E) {
        let at = Timestamp(self.now.0.saturating_add(after_ms));
        self.planned.insert((at, self.count), event);
        self.count += 1;
    }

    /// Goes on to the next event; `None` when nothing is planned.
    pub fn advance(&mut self) -> Option<E> {
        let ((at, _), event) = self.planned.pop_first()?;
        self.now = at;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_jumps_and_keeps_the_order() {
        let mut agenda = Agenda::default();
        agenda.plan(20, "late");
        agenda.plan(10, "first");
        agenda.plan(10, "second");
        assert_eq!(agenda.advance(), Some("first"));
        assert_eq!(agenda.now(), Timestamp(START.0 + 10));
        agenda.plan(0, "at once");
        assert_eq!(agenda.advance(), Some("second"));
        assert_eq!(agenda.advance(), Some("at once"));
        assert_eq!(agenda.advance(), Some("late"));
        assert_eq!(agenda.advance(), None);
        assert_eq!(agenda.now(), Timestamp(START.0 + 20));
    }
}
