//! Figures for the metrics page.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the notifier has done since it started.
#[derive(Debug, Default)]
pub struct Stats {
    /// Occasions taken in.
    pub occasions: Count,
    /// Messages that their receiver took.
    pub delivered: Count,
    /// Messages given up after the last try.
    pub failed: Count,
    /// Messages dropped because their destination's queue was full.
    pub dropped: Count,
    /// Tries after the first.
    pub retries: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
