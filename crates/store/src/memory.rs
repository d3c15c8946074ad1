//! Documents kept while the store lives. For tests and for anything that need not last.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::batch::Batch;
use crate::document::Revision;
use crate::error::CommitError;
use crate::journal::{Append, Entry, Held, JournalQuery, Order, Retentions, Sequence};
use crate::published::Published;
use crate::snapshot::Snapshot;
use crate::{Commit, Reading, Store};

/// A store without a disk: every batch is committed when it was checked.
#[derive(Debug)]
pub struct MemoryStore {
    published: Published,
    retentions: Retentions,
    /// Held while writing, for the snapshot as well.
    journal: Mutex<Journal>,
}

/// The entries kept.
#[derive(Debug, Default)]
struct Journal {
    last: Sequence,
    streams: BTreeMap<Arc<str>, Stream>,
}

/// The entries of one stream, oldest first.
#[derive(Debug, Default)]
struct Stream {
    entries: VecDeque<Entry>,
    held: Held,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::with_retentions(Retentions::default())
    }

    /// An empty store that keeps the entries of its journal for so long.
    #[must_use]
    pub fn with_retentions(retentions: Retentions) -> Self {
        let published = Published::new(Snapshot::default());
        Self { published, retentions, journal: Mutex::default() }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // Poison says only that a writer panicked: every entry is whole.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batch: &Batch) -> Result<Revision, CommitError> {
        let mut journal = self.journal();
        let mut next = Snapshot::clone(&self.published.snapshot());
        next.check(batch)?;
        let before = next.revision();
        let revision = next.apply(batch);
        for append in &batch.appends {
            journal.append(append, &self.retentions);
        }
        if revision != before {
            self.published.publish(next);
        }
        Ok(revision)
    }
}

impl Journal {
    fn append(&mut self, append: &Append, retentions: &Retentions) {
        let Append { stream, at_ms, body } = append;
        self.last = Sequence(self.last.0 + 1);
        let retention = retentions.of(stream);
        let Stream { entries, held } = self.streams.entry(Arc::clone(stream)).or_default();
        entries.push_back(Entry { sequence: self.last, at_ms: *at_ms, body: Arc::clone(body) });
        held.gains(body.len() as u64);
        while let Some(oldest) = entries.front()
            && retention.drops(*held, oldest.at_ms, *at_ms)
        {
            held.loses(oldest.body.len() as u64);
            entries.pop_front();
        }
    }

    fn read(&self, query: &JournalQuery) -> Vec<Entry> {
        let Some(stream) = self.streams.get(&query.stream) else { return Vec::new() };
        let wanted = stream.entries.iter().filter(|entry| query.wants(entry));
        let wanted = wanted.map(|entry| Ok::<_, Infallible>(entry.clone()));
        let Ok(entries) = match query.order {
            Order::NewestFirst => query.collect(wanted.rev()),
            Order::OldestFirst => query.collect(wanted),
        };
        entries
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.published.snapshot()
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        Box::pin(async move { self.write(&batch) })
    }

    fn journal(&self, query: JournalQuery) -> Reading<'_> {
        Box::pin(async move { Ok(self.journal().read(&query)) })
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.published.watch()
    }
}
