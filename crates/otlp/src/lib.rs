//! Traces to a collector: the spans of requests, in batches, by OTLP over HTTP with protobuf
//! (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! ```text
//! telemetry::Tracer ── bounded queue ──▶ run: batch → wire → POST ──▶ collector
//!                          │ full              ▲ 429, 502, 503, 504, no answer │
//!                          ▼                   └───────── later again ─────────┘
//!                    dropped, counted
//! ```
//!
//! Which requests are traced is `telemetry`'s business, and so are names of metrics. Nobody waits
//! for a collector: while it is away the queue fills up, and what has no room is counted.

mod attributes;
mod collector;
mod export;
mod spans;
mod wire;

pub use collector::{BadCollector, Collector};
pub use export::{ExportOptions, run};
