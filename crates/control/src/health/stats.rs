//! What is counted about health, for the metrics page.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, and one gauge.
#[derive(Debug, Default)]
pub struct HealthStats {
    /// Endpoints of which no checker has had a result for too long: their last status stays. Above
    /// 0 something is wrong with this installation (behaviour.md U30).
    pub endpoints_silent: AtomicU64,
    /// Entries of the event log that were not written, because the store failed or fell behind.
    pub events_dropped: AtomicU64,
    /// Occasions that a notifier was too slow for.
    pub occasions_missed: AtomicU64,
    /// Times that health could not be kept. Tried anew each time.
    pub saves_failed: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
