//! The machines behind endpoints, and what befalls them. An endpoint is a pool's opinion of one of
//! these; pools that share a server share its troubles.

use evenkeel_decision::DialFailure;
use evenkeel_model::Address;

use crate::chance::Chance;
use crate::generate::{SERVERS, address};

/// How a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Answers at once.
    Well,
    /// Answers after seconds or minutes, so that requests pile up.
    Slow,
    /// Now well, now refusing, by chance at every contact.
    Flapping,
    /// Nobody gets a connection.
    Failing(DialFailure),
    /// Its name does not resolve. Only befalls those that have one.
    Nameless,
}

/// What becomes of one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// An answer, complete after so many milliseconds.
    Answer(u64),
    /// No connection.
    Failure(DialFailure),
    /// No address.
    Unresolved,
}

/// All servers.
#[derive(Debug, Clone)]
pub struct Servers {
    conditions: Vec<(Address, Condition)>,
    chance: Chance,
}

impl Servers {
    /// All of them well.
    #[must_use]
    pub fn new(chance: Chance) -> Self {
        let conditions = (0..SERVERS).map(|n| (address(n), Condition::Well)).collect();
        Self { conditions, chance }
    }

    /// Something befalls one of them; mostly it recovers.
    pub fn change(&mut self) {
        use DialFailure::{Certificate, Refused, TimedOut, Tls, Unreachable};
        let at = self.chance.index(self.conditions.len());
        let failure = *self.chance.pick(&[Refused, TimedOut, Unreachable, Tls, Certificate]);
        let (address, condition) = &mut self.conditions[at];
        *condition = match self.chance.index(10) {
            0 | 1 => Condition::Slow,
            2 => Condition::Flapping,
            3 | 4 => Condition::Failing(failure),
            5 if matches!(address, Address::Name(_)) => Condition::Nameless,
            _ => Condition::Well,
        };
    }

    /// What becomes of a contact with the server at an address.
    pub fn contact(&mut self, address: &Address) -> Fate {
        let known = self.conditions.iter().find(|(of, _)| of == address);
        let (_, condition) = known.expect("endpoints are on servers");
        match condition {
            Condition::Well => Fate::Answer(self.chance.between(1, 50)),
            Condition::Slow => Fate::Answer(self.chance.between(1_000, 120_000)),
            Condition::Flapping if self.chance.percent(50) => Fate::Failure(DialFailure::Refused),
            Condition::Flapping => Fate::Answer(self.chance.between(1, 5_000)),
            Condition::Failing(failure) => Fate::Failure(*failure),
            Condition::Nameless => Fate::Unresolved,
        }
    }
}
