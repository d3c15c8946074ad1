//! What is stored: a body under a key, and the revision that wrote it.

use std::fmt;
use std::sync::Arc;

/// Counts the batches ever committed to a store. 0 is the empty store before its first batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What sort of document it is; snapshots are listed by kind.
    pub kind: Arc<str>,
    /// Unique within its kind.
    pub id: Arc<str>,
}

impl Key {
    /// A key from its two halves.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// One document as it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: Key,
    /// The batch that wrote it last. What [`crate::Expected::At`] is compared with.
    pub revision: Revision,
    /// The bytes exactly as they were given.
    pub body: Arc<[u8]>,
}
