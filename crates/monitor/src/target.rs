//! What one probe asks of whom: an endpoint and the monitor that judges it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{
    Config, Endpoint, EndpointId, EndpointIx, Monitor, MonitorId, MonitorIx, MonitorKind, Pool,
};

/// How much of a pool's identifier a probe tells the endpoint (behaviour.md 7.3).
const POOL_ID_PREFIX_DIGITS: usize = 16;

/// One endpoint and its monitor, as places of a configuration that stays whole while held.
#[derive(Clone)]
pub(crate) struct Target {
    config: Arc<Config>,
    endpoint: EndpointIx,
    monitor: MonitorIx,
}

impl Target {
    /// An endpoint and any monitor of its configuration.
    pub(crate) const fn new(config: Arc<Config>, endpoint: EndpointIx, monitor: MonitorIx) -> Self {
        Self { config, endpoint, monitor }
    }

    /// Everything a configuration wants probed: enabled endpoints of enabled pools with a monitor
    /// (behaviour.md 1.4).
    pub(crate) fn all(config: &Arc<Config>) -> impl Iterator<Item = Self> {
        config.endpoints_indexed().filter_map(|(ix, endpoint)| {
            let pool = config.pool(endpoint.pool);
            let monitor = pool.monitor.filter(|_| pool.enabled && endpoint.enabled)?;
            Some(Self { config: Arc::clone(config), endpoint: ix, monitor })
        })
    }

    /// The endpoint's identity.
    pub(crate) fn id(&self) -> EndpointId {
        self.endpoint().id
    }

    /// The monitor's identity.
    pub(crate) fn monitor_id(&self) -> MonitorId {
        self.monitor().id
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

    /// Limit on one attempt.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.monitor().timeout_ms))
    }

    /// The port to probe: the monitor's, else the endpoint's, else the protocol's (behaviour.md
    /// U27).
    pub(crate) fn port(&self) -> Option<u16> {
        let protocol = match self.monitor().kind {
            MonitorKind::Http { tls: false, .. } => 80,
            MonitorKind::Http { tls: true, .. } => 443,
            MonitorKind::Tcp | MonitorKind::Unsupported => 0,
        };
        [self.monitor().port, self.endpoint().port, protocol].into_iter().find(|port| *port != 0)
    }

    /// Who asks, as the endpoint sees it. Monitors cannot change it (behaviour.md 7.3).
    pub(crate) fn user_agent(&self) -> String {
        let pool = self.pool().id.to_string();
        format!(
            "Mozilla/5.0 (compatible; Evenkeel-Traffic-Manager/1.0; \
             +https://github.com/evenkeel/evenkeel; pool-id: {})",
            &pool[..POOL_ID_PREFIX_DIGITS]
        )
    }

    /// Whether a probe of `other` would put the same question to the same endpoint, so that
    /// outcomes counted for one count for the other (behaviour.md 7.4). How often is asked, how
    /// long is waited and how many outcomes decide are no part of the question.
    pub(crate) fn asks_the_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.endpoint(), other.endpoint());
        ours.id == theirs.id
            && ours.host == theirs.host
            && self.monitor().id == other.monitor().id
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
