//! Who is probed by whom, as places of a configuration.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{
    Config, Endpoint, EndpointId, EndpointIx, Monitor, MonitorId, MonitorIx, Pool,
};

use crate::ask::Ask;

/// Whose outcomes add up to one verdict, and whose probes never overlap: an endpoint as one monitor
/// sees it. The members of a monitor group each have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId {
    pub endpoint: EndpointId,
    pub monitor: MonitorId,
}

/// One endpoint and its monitor, as places of a configuration that stays whole while held.
#[derive(Clone)]
pub(crate) struct Target {
    config: Arc<Config>,
    endpoint: EndpointIx,
    monitor: MonitorIx,
}

impl Target {
    /// Everything a configuration wants probed: enabled endpoints of enabled pools, by each monitor
    /// of their pool (behaviour.md 1.4, 7.7).
    pub(crate) fn all(config: &Arc<Config>) -> impl Iterator<Item = Self> {
        config.endpoints_indexed().flat_map(move |(endpoint, known)| {
            let pool = config.pool(known.pool);
            let monitors = if pool.enabled && known.enabled { pool.monitors() } else { &[] };
            monitors.iter().map(move |member| Self {
                config: Arc::clone(config),
                endpoint,
                monitor: member.monitor,
            })
        })
    }

    /// Which endpoint and which monitor.
    pub(crate) fn id(&self) -> JobId {
        JobId { endpoint: self.endpoint().id, monitor: self.monitor().id }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.config.endpoint(self.endpoint)
    }

    pub(crate) fn monitor(&self) -> &Monitor {
        self.config.monitor(self.monitor)
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.config.pool(self.endpoint().pool)
    }

    /// Time between two probes.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.monitor().interval_ms))
    }

    /// What a probe asks.
    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask::new(self.pool().id, self.endpoint(), self.monitor())
    }

    /// Whether a probe of `other` would put the same question to the same endpoint, so that
    /// outcomes counted for one count for the other (behaviour.md 7.4). How often is asked, how
    /// long is waited and how many outcomes decide are no part of the question.
    pub(crate) fn asks_the_same(&self, other: &Self) -> bool {
        self.id() == other.id()
            && self.endpoint().host == other.endpoint().host
            && self.monitor().kind == other.monitor().kind
            && self.monitor().port == other.monitor().port
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("endpoint", self.endpoint())
            .field("monitor", self.monitor())
            .finish()
    }
}
