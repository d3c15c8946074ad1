//! What the product counts: every metric name in one place, counted per worker without contention,
//! summed when scraped; the access log; traces. What happens to the process goes through `tracing`.

mod access_log;
mod counter;
mod dns;
mod histogram;
mod log_file;
mod process;
mod record;
mod render;
mod trace;
mod traffic;
mod worker;

pub use access_log::{
    AccessLog, AccessLogFormat, AccessLogOptions, AccessLogStats, AccessLogWriter, SampleRate,
};
pub use counter::{Counter, Gauge};
pub use dns::{DnsMetrics, DnsRegistry};
pub use histogram::{BOUNDS_US, Histogram, HistogramSum};
pub use log_file::LogTo;
pub use process::render_process;
pub use record::{RequestEnd, RequestRecord};
pub use render::{Exposition, MetricKind};
pub use trace::{RequestSpan, SpanContext, SpanQueue, TraceParent, TraceShare, TraceStats, Tracer};
pub use traffic::{
    EndpointLoad, EndpointTraffic, LoadBalancerTraffic, PoolTraffic, SessionResult, Shelf, Traffic,
};
pub use worker::{H2Flood, Registry, WorkerMetrics};
