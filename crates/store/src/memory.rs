//! Documents kept while the store lives. For tests and for anything that need not last.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::batch::Batch;
use crate::document::Revision;
use crate::error::CommitError;
use crate::published::Published;
use crate::snapshot::Snapshot;
use crate::{Commit, Store};

/// A store without a disk: every batch is committed when it was checked.
#[derive(Debug)]
pub struct MemoryStore {
    published: Published,
    writing: Mutex<()>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { published: Published::new(Snapshot::default()), writing: Mutex::new(()) }
    }

    fn write(&self, batch: &Batch) -> Result<Revision, CommitError> {
        // Poison says only that a writer panicked before it published: the snapshot is whole.
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.published.snapshot());
        next.check(batch)?;
        let revision = next.apply(batch);
        self.published.publish(next);
        Ok(revision)
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

    fn watch(&self) -> watch::Receiver<Revision> {
        self.published.watch()
    }
}
