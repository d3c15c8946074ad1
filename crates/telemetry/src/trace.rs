//! Traces: which trace a request belongs to, and what is told of it once it is over.
//!
//! A request that is traced becomes a server span, with a client span inside for its last attempt.
//! Spans wait in a bounded queue for whoever exports them (the `otlp` crate); nothing here does I/O.

mod context;
mod parent;
mod span;
mod stats;
mod tracer;

pub use self::context::SpanContext;
pub use self::parent::TraceParent;
pub use self::span::RequestSpan;
pub use self::stats::TraceStats;
pub use self::tracer::{SpanQueue, TraceShare, Tracer};
