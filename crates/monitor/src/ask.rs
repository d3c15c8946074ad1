//! What one probe asks of whom.

use std::time::Duration;

use evenkeel_model::{Address, Endpoint, EndpointSpec, Monitor, MonitorKind, PoolId};

/// How much of a pool's identifier a probe tells the endpoint (behaviour.md 7.3).
const POOL_ID_PREFIX_DIGITS: usize = 16;

/// One question: a monitor, and the members of an endpoint that its probe depends on. They need not
/// be in any view, so that settings can be tried before they are stored.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What is asked, and what counts as a pass.
    pub monitor: &'a Monitor,
    /// Whose endpoint it is; the `User-Agent` of HTTP probes tells a part of it.
    pub pool: PoolId,
    /// Where the endpoint is.
    pub address: &'a Address,
    /// The endpoint's own port, 0 for the protocol's; the monitor's comes first.
    pub port: u16,
    /// The endpoint's own Host; it comes before the monitor's.
    pub host: Option<&'a str>,
    /// Whether the endpoint is in a virtual network, where addresses are private by nature.
    pub in_virtual_network: bool,
}

impl<'a> Ask<'a> {
    /// About an endpoint that is configured.
    #[must_use]
    pub fn new(pool: PoolId, endpoint: &'a Endpoint, monitor: &'a Monitor) -> Self {
        let Endpoint { address, port, host, virtual_network, .. } = endpoint;
        let (host, in_virtual_network) = (host.as_deref(), virtual_network.is_some());
        Self { monitor, pool, address, port: *port, host, in_virtual_network }
    }

    /// About an endpoint that may be configured some day.
    #[must_use]
    pub fn about(pool: PoolId, endpoint: &'a EndpointSpec, monitor: &'a Monitor) -> Self {
        let EndpointSpec { address, port, host, virtual_network, .. } = endpoint;
        let (host, in_virtual_network) = (host.as_deref(), virtual_network.is_some());
        Self { monitor, pool, address, port: *port, host, in_virtual_network }
    }

    /// Limit on one attempt.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.monitor.timeout_ms))
    }

    /// The port to probe: the monitor's, else the endpoint's, else the protocol's (behaviour.md
    /// U27). `None` where the protocol has none.
    pub(crate) fn port(&self) -> Option<u16> {
        let protocol = match self.monitor.kind {
            MonitorKind::Http { tls: false, .. } => 80,
            MonitorKind::Http { tls: true, .. } => 443,
            MonitorKind::Tcp
            | MonitorKind::UdpIcmp
            | MonitorKind::IcmpPing
            | MonitorKind::Smtp
            | MonitorKind::Grpc { .. } => 0,
        };
        [self.monitor.port, self.port, protocol].into_iter().find(|port| *port != 0)
    }

    /// Who asks, as the endpoint sees it. Monitors cannot change it (behaviour.md 7.3).
    pub(crate) fn user_agent(&self) -> String {
        let pool = self.pool.to_string();
        format!(
            "Mozilla/5.0 (compatible; Evenkeel-Traffic-Manager/1.0; \
             +https://github.com/evenkeel/evenkeel; pool-id: {})",
            &pool[..POOL_ID_PREFIX_DIGITS]
        )
    }
}
