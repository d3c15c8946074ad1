//! What operators are told of the configuration in force.

use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_store::Revision;

/// The configuration in force, in numbers.
#[derive(Debug, Default)]
pub struct ConfigStats {
    /// What is wrong with documents: each sentence names one that is not in force, or a part of it.
    pub problems: AtomicU64,
    /// The revision of the documents in force.
    pub revision: AtomicU64,
    /// When that changed last, in milliseconds since 1970; of the first, when it was read.
    pub changed_at_ms: AtomicU64,
}

impl ConfigStats {
    /// Takes note of a revision that has come into force.
    pub(super) fn follow(&self, revision: Revision, problems: usize, now_ms: u64) {
        self.problems.store(problems as u64, Ordering::Relaxed);
        self.changed_at_ms.store(now_ms, Ordering::Relaxed);
        self.revision.store(revision.0, Ordering::Relaxed);
    }
}
