//! What happened, in order: entries that are appended with a batch, never altered, and let go once
//! they are old.
//!
//! Entries are not part of a snapshot and not in memory: a journal is written often and read by few.
//! They wake nobody, because nothing is decided on them. What an entry says, and which streams there
//! are, is the caller's business; so is the time, because a store has no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most entries that one read yields. A page of any interface fits, and a reader that wants
/// everything lets others in between its reads.
pub const JOURNAL_READ_MAX: usize = 1000;

/// A read ends early once its bodies take this much, in bytes. A thousand of the largest entries at
/// once would take gigabytes.
pub const JOURNAL_READ_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where an entry stands among all that a store ever took, whatever their stream. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Whose entries it joins.
    pub stream: Arc<str>,
    /// When it happened, in milliseconds since 1970. Entries keep the order in which they were
    /// appended, whatever their times.
    pub at_ms: u64,
    /// What happened.
    pub body: Arc<[u8]>,
}

/// An entry as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub sequence: Sequence,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: u64,
    /// The bytes exactly as they were given.
    pub body: Arc<[u8]>,
}

/// Which end of a stream comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The entry appended last.
    #[default]
    NewestFirst,
    /// The entry appended first, of those that are kept.
    OldestFirst,
}

/// Which entries to read, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalQuery {
    /// Of which stream.
    pub stream: Arc<str>,
    /// Only what happened at this time or later, in milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// Only what happened before this time, in milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// Only what was appended before this entry: the last one read, to read on towards older ones.
    pub before: Option<Sequence>,
    /// Only what was appended after this entry: the last one read, to read on towards newer ones.
    pub after: Option<Sequence>,
    /// Which come first.
    pub order: Order,
    /// How many at most; no more than [`JOURNAL_READ_MAX`]. Fewer may come before the end, see
    /// [`JOURNAL_READ_BYTES_MAX`]; after the end comes nothing.
    pub limit: usize,
}

impl JournalQuery {
    /// The newest entries of a stream.
    #[must_use]
    pub fn newest(stream: &str, limit: usize) -> Self {
        Self {
            stream: stream.into(),
            from_ms: None,
            until_ms: None,
            before: None,
            after: None,
            order: Order::NewestFirst,
            limit,
        }
    }

    /// The query for what follows the entries read so far, of which this is the last.
    #[must_use]
    pub fn past(self, last: Sequence) -> Self {
        match self.order {
            Order::NewestFirst => Self { before: Some(last), ..self },
            Order::OldestFirst => Self { after: Some(last), ..self },
        }
    }

    /// Whether an entry is asked for, the limit aside.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        self.before.is_none_or(|before| entry.sequence < before)
            && self.after.is_none_or(|after| entry.sequence > after)
            && self.from_ms.is_none_or(|from| entry.at_ms >= from)
            && self.until_ms.is_none_or(|until| entry.at_ms < until)
    }

    /// Takes entries until the answer is full.
    pub(crate) fn collect<E>(
        &self,
        entries: impl Iterator<Item = Result<Entry, E>>,
    ) -> Result<Vec<Entry>, E> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        for entry in entries.take(self.limit.min(JOURNAL_READ_MAX)) {
            let entry = entry?;
            bytes += entry.body.len();
            taken.push(entry);
            if bytes >= JOURNAL_READ_BYTES_MAX {
                break;
            }
        }
        Ok(taken)
    }
}

/// How long entries are kept: until any of the bounds is exceeded. Checked when a stream grows, so
/// that one in which nothing happens forgets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most entries.
    pub entries_max: u64,
    /// The most that their bodies take together, in bytes.
    pub bytes_max: u64,
    /// How much older than the newest an entry may be, to the millisecond.
    pub age_max: Duration,
}

impl Default for Retention {
    /// 100,000 entries, 256 MiB, 90 days: what happened in a quarter of a busy installation.
    fn default() -> Self {
        Self {
            entries_max: 100_000,
            bytes_max: 256 * 1024 * 1024,
            age_max: Duration::from_secs(90 * 24 * 60 * 60),
        }
    }
}

impl Retention {
    /// Whether a stream that holds so much at this time lets go of its oldest entry.
    pub(crate) fn drops(&self, held: Held, oldest_ms: u64, now_ms: u64) -> bool {
        let age_ms = u64::try_from(self.age_max.as_millis()).unwrap_or(u64::MAX);
        held.entries > self.entries_max
            || held.bytes > self.bytes_max
            || now_ms.saturating_sub(oldest_ms) > age_ms
    }
}

/// The retention of each stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retentions {
    /// Of streams that are not named.
    pub others: Retention,
    /// Of named streams.
    pub streams: BTreeMap<Arc<str>, Retention>,
}

impl Retentions {
    /// These, and another one for a stream.
    #[must_use]
    pub fn with(mut self, stream: &str, retention: Retention) -> Self {
        self.streams.insert(stream.into(), retention);
        self
    }

    /// That of a stream.
    #[must_use]
    pub fn of(&self, stream: &str) -> Retention {
        self.streams.get(stream).copied().unwrap_or(self.others)
    }
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Held {
    pub(crate) fn gains(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }

    pub(crate) fn loses(&mut self, bytes: u64) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
