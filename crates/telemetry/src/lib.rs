//! What the product counts: every metric name in one place, counted per worker without contention,
//! summed when scraped. Logs go through `tracing`; access logs and traces join this crate later.

mod counter;
mod dns;
mod histogram;
mod process;
mod record;
mod render;
mod traffic;
mod worker;

pub use counter::{Counter, Gauge};
pub use dns::{DnsMetrics, DnsRegistry};
pub use histogram::{BOUNDS_US, Histogram, HistogramSum};
pub use process::render_process;
pub use record::{RequestEnd, RequestRecord};
pub use render::{Exposition, MetricKind};
pub use traffic::{
    EndpointLoad, EndpointTraffic, LoadBalancerTraffic, PoolTraffic, SessionResult, Shelf, Traffic,
};
pub use worker::{H2Flood, Registry, WorkerMetrics};
