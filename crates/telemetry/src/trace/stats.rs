//! What became of spans.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Exposition, MetricKind};

/// Counts of spans. A traced request has two, or one if it asked no endpoint.
#[derive(Debug, Default)]
pub struct TraceStats {
    exported: AtomicU64,
    dropped: AtomicU64,
    exports_failed: AtomicU64,
}

impl TraceStats {
    /// Spans that the collector took.
    pub fn exported(&self, spans: u64) {
        self.exported.fetch_add(spans, Relaxed);
    }

    /// Spans that there was no room for, or that the collector would not take.
    pub fn dropped(&self, spans: u64) {
        self.dropped.fetch_add(spans, Relaxed);
    }

    /// A request to the collector that failed, tried again or not.
    pub fn export_failed(&self) {
        self.exports_failed.fetch_add(1, Relaxed);
    }

    /// Spans that the collector took so far.
    #[must_use]
    pub fn spans_exported(&self) -> u64 {
        self.exported.load(Relaxed)
    }

    /// Spans lost so far.
    #[must_use]
    pub fn spans_dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Requests to the collector that failed so far.
    #[must_use]
    pub fn exports_failed(&self) -> u64 {
        self.exports_failed.load(Relaxed)
    }

    /// Writes the metrics of traces.
    pub fn render(&self, page: &mut Exposition) {
        for (name, help, value) in [
            (
                "evenkeel_spans_exported_total",
                "Spans of traces that the collector took.",
                &self.exported,
            ),
            (
                "evenkeel_spans_dropped_total",
                "Spans of traces lost because the collector is too slow, away or would not take them.",
                &self.dropped,
            ),
            (
                "evenkeel_span_exports_failed_total",
                "Requests to the collector of traces that failed, each attempt for itself.",
                &self.exports_failed,
            ),
        ] {
            page.metric(name, MetricKind::Counter, help);
            page.sample(name, &[], value.load(Relaxed));
        }
    }
}
