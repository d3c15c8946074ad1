//! What the checker counts. Names and rendering of metrics are `telemetry`'s.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one checker. All but [`Self::endpoints`] only grow.
#[derive(Debug, Default)]
pub struct Stats {
    /// Endpoints that are being probed now; one that several monitors probe counts for each.
    pub endpoints: AtomicU64,
    /// Probes ended, retries not counted apart.
    pub probes: AtomicU64,
    /// Those that did not pass.
    pub probes_failed: AtomicU64,
    /// Probes that could not be made for want of files or memory on this machine, or were given up
    /// because the process stood still meanwhile. They say nothing about the endpoint and send no
    /// report.
    pub probes_abstained: AtomicU64,
    /// Ticks passed over because the endpoint's last probe was still waiting or running.
    pub ticks_skipped: AtomicU64,
    /// The longest that a probe began after it was due, in microseconds: for want of a processor or
    /// of a free socket. Up to a millisecond is the clock's own step.
    pub lateness_us_max: AtomicU64,
    /// The sum over all probes begun, in microseconds.
    pub lateness_us_sum: AtomicU64,
    /// Reports dropped because the publisher did not keep up.
    pub reports_dropped: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
