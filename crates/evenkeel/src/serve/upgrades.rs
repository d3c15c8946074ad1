//! How upgrades ended. Every process begins its other counters anew; these go from each to the next,
//! since otherwise nobody would ever see a good one counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How an upgrade ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upgraded {
    /// Another process serves.
    Done,
    /// No process was ready to take over; nothing was interrupted.
    Refused,
    /// The process that was ready did not serve. The API waited meanwhile.
    Failed,
}

/// Upgrades by how they ended, since the first process of this service.
#[derive(Debug, Default)]
pub(crate) struct Upgrades([AtomicU64; 3]);

impl Upgrades {
    const ALL: [(Upgraded, &str); 3] =
        [(Upgraded::Done, "done"), (Upgraded::Refused, "refused"), (Upgraded::Failed, "failed")];

    /// Counts one.
    pub(crate) fn count(&self, ended: Upgraded) {
        self.0[ended as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Each result's word and number.
    pub(crate) fn all(&self) -> [(&'static str, u64); 3] {
        Self::ALL.map(|(ended, word)| (word, self.0[ended as usize].load(Ordering::Relaxed)))
    }

    /// All numbers, for the next process.
    pub(super) fn told(&self) -> String {
        self.all().map(|(_, number)| number.to_string()).join(" ")
    }

    /// Goes on from what was told. Numbers that cannot be read are none.
    pub(super) fn restore(&self, told: &[u8]) {
        let numbers = std::str::from_utf8(told).unwrap_or_default().split(' ');
        for (counter, number) in self.0.iter().zip(numbers) {
            counter.store(number.parse().unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_counted_on() {
        let (old, new) = (Upgrades::default(), Upgrades::default());
        for ended in [Upgraded::Refused, Upgraded::Failed, Upgraded::Refused] {
            old.count(ended);
        }
        new.restore(old.told().as_bytes());
        new.count(Upgraded::Done);
        assert_eq!(new.all(), [("done", 1), ("refused", 2), ("failed", 1)]);
        for nonsense in [&b""[..], b"\xff", b"x y z", b"1 2 3 4 5"] {
            new.restore(nonsense);
        }
        assert_eq!(new.told(), "1 2 3");
    }
}
