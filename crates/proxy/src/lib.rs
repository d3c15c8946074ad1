//! The HTTP data plane: accepts requests, forwards each to the endpoint that the decision names,
//! and relays the response.
//!
//! The folders follow a request: [`run_worker`] → `listener` → `downstream` (one connection) →
//! `request` (one request) → `upstream` (a connection to the endpoint) → `exchange` and `relay`
//! (both messages) → `head` (what is changed in them). Whom to try is `decision`'s to say, how
//! bytes are framed is `h1`'s.

mod account;
mod arrival;
mod buffer;
mod crowd;
mod deadline;
mod downstream;
mod exchange;
mod facts;
mod fixed;
mod fronts;
mod gate;
mod geography;
mod grpc;
mod h2;
mod head;
mod listener;
mod loads;
mod outliers;
mod ray;
mod refusal;
mod relay;
mod request;
mod sessions;
mod settings;
mod shared;
mod transport;
mod upstream;
mod worker;

pub use crowd::{Crowd, CrowdLimits};
pub use fronts::Fronts;
pub use geography::Atlas;
pub use listener::Listener;
pub use loads::LoadTable;
pub use outliers::OutlierTable;
pub use sessions::SharedSessions;
pub use settings::{CleartextHttp2, ProxyProtocol, Settings, Timeouts};
pub use shared::Shared;
pub use worker::{WorkerOptions, run_worker};
