//! One probe: up to `1 + retries` attempts, each a fresh connection with a clock of its own
//! (behaviour.md 7.3).
//!
//! A further kind of monitor is a further file here and a further arm in [`Network::attempt`].

mod dial;
mod exchange;
mod http;
mod request;
mod site;
mod tls;
mod watched;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_model::{FailureReason, MonitorKind};
use rustls::RootCertStore;
use tokio::time::Instant;
use tracing::warn;

use crate::target::Target;
use dial::Resolver;
use tls::Connectors;

/// What one probe saw, retries included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Why it failed, `NoFailures` when it passed.
    pub reason: FailureReason,
    /// Status of the response that was judged, 0 without one.
    pub response_code: u16,
    /// From the start of connect to the first byte of the response (TCP: to the end of the
    /// handshake), of an attempt that passed.
    pub rtt: Option<Duration>,
}

impl Probe {
    /// The round trip in microseconds.
    pub(crate) fn rtt_us(&self) -> Option<u32> {
        self.rtt.map(|rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX))
    }
}

/// Runs probes: over the network, or as a test has it.
pub(crate) trait Prober: Send + Sync + 'static {
    /// Probes once. `None` when this machine lacked what a probe takes, so that nothing can be said
    /// about the endpoint. Dropping the future ends the probe and closes its socket.
    fn probe(&self, target: &Target) -> impl Future<Output = Option<Probe>> + Send;
}

/// An attempt that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    response_code: u16,
    rtt: Duration,
}

/// An attempt that did not.
#[derive(Debug)]
pub(crate) enum Miss {
    /// The endpoint was reached, or not, and fails the monitor.
    Failed {
        /// Never `NoFailures`.
        reason: FailureReason,
        /// Status of the response, 0 without one.
        response_code: u16,
    },
    /// The attempt's time was over during the step that the reason names. Worth a retry.
    TimedOut(FailureReason),
    /// This machine's own want, of open files for example.
    Own(std::io::Error),
}

impl From<FailureReason> for Miss {
    fn from(reason: FailureReason) -> Self {
        Self::Failed { reason, response_code: 0 }
    }
}

/// How often this machine's own want is logged. It hits thousands of probes at once and would fill
/// the log just when disk space may be the next thing to run out; the metric counts each.
const OWN_WANT_LOGGED_EVERY: Duration = Duration::from_secs(60);

/// Probes over the network.
pub(crate) struct Network {
    resolver: Resolver,
    connectors: Connectors,
    own_want_logged: Mutex<Option<Instant>>,
}

impl Network {
    /// `own` are the addresses at which this process takes traffic.
    pub(crate) fn new(roots: Arc<RootCertStore>, own: Vec<SocketAddr>) -> Self {
        Self {
            resolver: Resolver::new(own),
            connectors: Connectors::new(roots),
            own_want_logged: Mutex::new(None),
        }
    }

    fn log_own_want(&self, error: &std::io::Error) {
        let now = Instant::now();
        let mut logged = self.own_want_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|last| now.duration_since(last) >= OWN_WANT_LOGGED_EVERY) {
            *logged = Some(now);
            warn!(%error, "This machine lacks what a probe takes; verdicts stay as they are.");
        }
    }

    async fn attempt(&self, target: &Target, deadline: Instant) -> Result<Pass, Miss> {
        match &target.monitor().kind {
            MonitorKind::Tcp => self.handshake(target, deadline).await,
            MonitorKind::Http { .. } => http::attempt(self, target, deadline).await,
            MonitorKind::UdpIcmp
            | MonitorKind::IcmpPing
            | MonitorKind::Smtp
            | MonitorKind::Grpc { .. } => Err(FailureReason::MonitorConfig.into()),
        }
    }

    /// The `tcp` monitor: a handshake, and goodbye.
    async fn handshake(&self, target: &Target, deadline: Instant) -> Result<Pass, Miss> {
        let port = target.port().ok_or(FailureReason::MonitorConfig)?;
        let address = self.resolver.resolve(&target.endpoint().address, port, deadline).await?;
        let started = Instant::now();
        dial::connect(address, deadline).await?;
        Ok(Pass { response_code: 0, rtt: started.elapsed() })
    }
}

impl Prober for Network {
    async fn probe(&self, target: &Target) -> Option<Probe> {
        let mut retries = target.monitor().retries;
        let (reason, response_code) = loop {
            let deadline = Instant::now() + target.timeout();
            match self.attempt(target, deadline).await {
                Ok(Pass { response_code, rtt }) => {
                    let reason = FailureReason::NoFailures;
                    return Some(Probe { reason, response_code, rtt: Some(rtt) });
                }
                Err(Miss::TimedOut(_)) if retries > 0 => retries -= 1,
                Err(Miss::TimedOut(reason)) => break (reason, 0),
                Err(Miss::Failed { reason, response_code }) => break (reason, response_code),
                Err(Miss::Own(error)) => {
                    self.log_own_want(&error);
                    return None;
                }
            }
        };
        Some(Probe { reason, response_code, rtt: None })
    }
}

#[cfg(test)]
mod tests;
