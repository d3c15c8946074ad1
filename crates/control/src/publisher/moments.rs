//! The time that freshness is measured by: it stands still while the machine sleeps, and nobody can
//! set it. What people read goes by the clock on the wall instead.

use evenkeel_model::Timestamp;
use tokio::time::Instant;

/// Points in time since the start of the process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments(Instant);

impl Moments {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Timestamp {
        Timestamp(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
