//! A set of changes that is written whole or not at all, and what it expects to find.

use std::collections::HashSet;
use std::sync::Arc;

use crate::document::{Key, Revision};
use crate::error::BatchError;
use crate::journal::Append;

/// The largest body, in bytes. Documents are written by hand or by small programs; one this big is
/// a mistake, and every reader would hold it in memory.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most changes in one batch, and the most entries. A zone with all its load balancers goes in one; more than this
/// would hold the writer for seconds.
pub const BATCH_CHANGES_MAX: usize = 100_000;

/// What must be true of a key for a batch to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Anything,
    /// No document has the key.
    Absent,
    /// A document has the key, whichever revision.
    Present,
    /// The document was last written at this revision.
    At(Revision),
}

impl Expected {
    /// Whether a key found in this state meets the expectation.
    #[must_use]
    pub fn is_met_by(self, found: Option<Revision>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::At(revision) => found == Some(revision),
        }
    }
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The document is created or replaced by this body.
    Put(Arc<[u8]>),
    /// The document is deleted; without one, nothing happens.
    Delete,
    /// The key is only compared with its expectation.
    Keep,
}

/// One key's part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which document.
    pub key: Key,
    /// What must be true of it.
    pub expected: Expected,
    /// What becomes of it.
    pub write: Write,
}

/// Changes and entries that are written whole or not at all. Names each key at most once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// When given, the batch is only written while no other batch followed this revision: whatever
    /// was concluded from that snapshot, references included, still holds.
    pub based_on: Option<Revision>,
    /// In any order.
    pub changes: Vec<Change>,
    /// Entries for the journal, in their order. They are there exactly if the changes are.
    pub appends: Vec<Append>,
}

impl Batch {
    /// An empty batch that expects nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch that is only written while the store is at this revision.
    #[must_use]
    pub fn based_on(revision: Revision) -> Self {
        Self { based_on: Some(revision), ..Self::default() }
    }

    /// Adds a document that must not exist yet.
    #[must_use]
    pub fn create(self, key: Key, body: impl Into<Arc<[u8]>>) -> Self {
        self.with(key, Expected::Absent, Write::Put(body.into()))
    }

    /// Adds the replacement of a document that must still be at a revision.
    #[must_use]
    pub fn update(self, key: Key, at: Revision, body: impl Into<Arc<[u8]>>) -> Self {
        self.with(key, Expected::At(at), Write::Put(body.into()))
    }

    /// Adds the deletion of a document that must still be at a revision.
    #[must_use]
    pub fn delete(self, key: Key, at: Revision) -> Self {
        self.with(key, Expected::At(at), Write::Delete)
    }

    /// Adds any change.
    #[must_use]
    pub fn with(mut self, key: Key, expected: Expected, write: Write) -> Self {
        self.changes.push(Change { key, expected, write });
        self
    }

    /// Adds an entry to a stream of the journal: what happened at a time, in milliseconds since
    /// 1970.
    #[must_use]
    pub fn append(mut self, stream: &str, at_ms: u64, body: impl Into<Arc<[u8]>>) -> Self {
        self.appends.push(Append { stream: stream.into(), at_ms, body: body.into() });
        self
    }

    /// Checks what needs no store to be checked.
    pub(crate) fn validate(&self) -> Result<(), BatchError> {
        let count = self.changes.len().max(self.appends.len());
        if count > BATCH_CHANGES_MAX {
            return Err(BatchError::TooManyChanges { count });
        }
        if let Some(append) = self.appends.iter().find(|append| append.body.len() > BODY_BYTES_MAX)
        {
            let (stream, bytes) = (Arc::clone(&append.stream), append.body.len());
            return Err(BatchError::EntryTooLarge { stream, bytes });
        }
        let mut seen = HashSet::with_capacity(self.changes.len());
        for change in &self.changes {
            if !seen.insert(&change.key) {
                return Err(BatchError::Repeated { key: change.key.clone() });
            }
            if let Write::Put(body) = &change.write
                && body.len() > BODY_BYTES_MAX
            {
                return Err(BatchError::TooLarge { key: change.key.clone(), bytes: body.len() });
            }
        }
        Ok(())
    }
}
