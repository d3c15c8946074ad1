//! Versioned documents with a watch.
//!
//! A [`Document`] is a body under a [`Key`]; a [`Batch`] of changes is written whole or not at all
//! and moves the store from one [`Revision`] to the next. Readers take a [`Snapshot`]: every
//! document of one revision, in memory, for the price of one reference count.
//!
//! A batch may also append to the [journal](JournalQuery): entries of what happened, in streams,
//! kept beside the documents until they are old and read from the disk by whoever asks.
//!
//! [`SqliteStore`] keeps documents on disk, [`MemoryStore`] keeps them while it lives. Both sit
//! behind [`Store`], whose terms (expected revisions per key, one revision per batch) are those of
//! etcd as well.
//!
//! The store knows nothing of balancing: what a body means, which documents refer to which, and
//! who may write is the caller's business. It never alters a body.

mod batch;
mod document;
mod error;
mod journal;
mod memory;
mod published;
mod shards;
mod snapshot;
mod sqlite;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

pub use batch::{BATCH_CHANGES_MAX, BODY_BYTES_MAX, Batch, Change, Expected, Write};
pub use document::{Document, Key, Revision};
pub use error::{BatchError, CommitError, JournalError, OpenError};
pub use journal::{
    Append, Entry, JOURNAL_READ_BYTES_MAX, JOURNAL_READ_MAX, JournalQuery, Order, Retention,
    Retentions, Sequence,
};
pub use memory::MemoryStore;
pub use shards::{Shards, Values};
pub use snapshot::Snapshot;
pub use sqlite::{SqliteOptions, SqliteStore};

/// A commit under way.
pub type Commit<'a> = Pin<Box<dyn Future<Output = Result<Revision, CommitError>> + Send + 'a>>;

/// A read of the journal under way.
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<Vec<Entry>, JournalError>> + Send + 'a>>;

/// Where documents are kept. Used as `Arc<dyn Store>`.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Every document of the newest committed revision. Costs one reference count, never waits,
    /// and keeps working when writes fail.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Writes a batch, whole or not at all. When the future yields a revision the batch survives
    /// the end of the process at any moment, and [`Self::snapshot`] already contains it.
    ///
    /// A batch without changes yields the current revision, if its expectations hold: entries of
    /// the journal do not move it.
    ///
    /// # Dropping
    /// A commit dropped early may or may not be written: it is once it has entered the queue.
    ///
    /// # Errors
    /// See [`CommitError`]. After any error the snapshot is what it was.
    fn commit(&self, batch: Batch) -> Commit<'_>;

    /// Reads entries of the journal. Once a commit has yielded its revision its
    /// entries are found. Waits for the disk, never for writes.
    ///
    /// # Dropping
    /// Nothing is read that was not begun.
    ///
    /// # Errors
    /// See [`JournalError`].
    fn journal(&self, query: JournalQuery) -> Reading<'_>;

    /// Wakes when the revision moves. Revisions may be skipped; the newest is always seen.
    fn watch(&self) -> watch::Receiver<Revision>;
}
