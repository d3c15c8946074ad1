//! How busy endpoints and pools are at this moment, as an argument.

use evenkeel_model::{EndpointId, PoolId};

use crate::pace::Pace;

/// What an endpoint or a pool is doing, for all load balancers together (behaviour.md 2.7, 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Requests in flight: from dispatch until the response's last byte, or until it is aborted. A
    /// WebSocket is one of them for as long as it is open.
    pub requests: u32,
    /// Open connections, idle ones included; one for HTTP/2, however many streams it carries.
    pub connections: u32,
    /// How fast it answers. Known only of endpoints whose pool is steered by least latency.
    pub pace: Pace,
}

impl Load {
    /// So many requests and connections.
    #[must_use]
    pub const fn new(requests: u32, connections: u32) -> Self {
        Self { requests, connections, pace: Pace::UNKNOWN }
    }

    /// Whether nothing is in flight and no connection open.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        self.requests == 0 && self.connections == 0
    }
}

/// Live counts, shared by all workers.
pub trait Loads {
    /// The load of one endpoint.
    fn endpoint(&self, endpoint: EndpointId) -> Load;
    /// The load of a pool: the sum of its endpoints'.
    fn pool(&self, pool: PoolId) -> Load;
}

/// Everyone is idle.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLoads;

impl Loads for NoLoads {
    fn endpoint(&self, _endpoint: EndpointId) -> Load {
        Load::default()
    }

    fn pool(&self, _pool: PoolId) -> Load {
        Load::default()
    }
}
