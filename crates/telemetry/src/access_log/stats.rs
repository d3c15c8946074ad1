//! What became of the access log's lines.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Exposition, MetricKind};

/// Counts of the access log. Changed once per batch, by any thread.
#[derive(Debug, Default)]
pub struct AccessLogStats {
    lines: AtomicU64,
    dropped: AtomicU64,
    left_out: AtomicU64,
    write_errors: AtomicU64,
    bytes: AtomicU64,
}

impl AccessLogStats {
    /// Lines that were written.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines.load(Relaxed)
    }

    /// Lines that there was no room for.
    #[must_use]
    pub fn lines_dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Writes that failed.
    #[must_use]
    pub fn write_errors(&self) -> u64 {
        self.write_errors.load(Relaxed)
    }

    pub(super) fn wrote_lines(&self, lines: u64) {
        self.lines.fetch_add(lines, Relaxed);
    }

    pub(super) fn wrote_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Relaxed);
    }

    pub(super) fn left_out(&self, requests: u64) {
        self.left_out.fetch_add(requests, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.write_errors.fetch_add(1, Relaxed);
    }

    /// Writes the metrics of the access log.
    pub fn render(&self, page: &mut Exposition) {
        for (name, help, value) in [
            ("evenkeel_access_log_lines_total", "Lines written to the access log.", &self.lines),
            (
                "evenkeel_access_log_dropped_total",
                "Lines of the access log that were dropped because what it is written to is too slow or full.",
                &self.dropped,
            ),
            (
                "evenkeel_access_log_left_out_total",
                "Requests without a line because of the access log's sampling.",
                &self.left_out,
            ),
            (
                "evenkeel_access_log_write_errors_total",
                "Writes to the access log, and attempts to reopen it, that failed; lines wait or are dropped meanwhile.",
                &self.write_errors,
            ),
            ("evenkeel_access_log_bytes_total", "Bytes written to the access log.", &self.bytes),
        ] {
            page.metric(name, MetricKind::Counter, help);
            page.sample(name, &[], value.load(Relaxed));
        }
    }
}
