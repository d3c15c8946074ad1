//! Probes that somebody asks for once, outside of any schedule: a monitor is tried before it is in
//! force. Nothing comes of them elsewhere.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_model::{Config, EndpointHealth, EndpointIx, FailureReason, MonitorIx, Verdict};
use rustls::RootCertStore;

use crate::probe::{Network, Prober};
use crate::target::Target;

/// Probes once. One serves for any number of probes, at once too.
pub struct OneShot(Network);

impl fmt::Debug for OneShot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShot").finish_non_exhaustive()
    }
}

impl OneShot {
    /// `roots` and `own_addresses` as in [`Options`](crate::Options).
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>, own_addresses: Vec<SocketAddr>) -> Self {
        Self(Network::new(roots, own_addresses))
    }

    /// Probes an endpoint, enabled or not, by a monitor, whatever its pool is judged by. Retries
    /// included. The verdict is that of this probe alone, and `Unknown` when this machine lacked
    /// what a probe takes.
    ///
    /// Dropping the future ends the probe and closes its socket.
    pub async fn probe(
        &self,
        config: Arc<Config>,
        endpoint: EndpointIx,
        monitor: MonitorIx,
    ) -> EndpointHealth {
        let target = Target::new(config, endpoint, monitor);
        let Some(probe) = self.0.probe(&target).await else {
            return EndpointHealth { reason: FailureReason::Other, ..EndpointHealth::default() };
        };
        EndpointHealth {
            verdict: match probe.reason {
                FailureReason::NoFailures => Verdict::Healthy,
                _ => Verdict::Unhealthy,
            },
            reason: probe.reason,
            response_code: probe.response_code,
            rtt_us: probe.rtt_us(),
        }
    }
}
