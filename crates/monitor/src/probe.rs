//! One probe: up to `1 + retries` attempts, each a fresh connection with a clock of its own
//! (behaviour.md 7.3).
//!
//! A further kind of monitor is a further file here and a further arm in [`Prober::attempt`].

mod dial;
mod exchange;
mod grpc;
mod http;
mod icmp;
mod request;
mod site;
mod smtp;
mod tls;
mod watched;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_model::{EndpointHealth, FailureReason, MonitorKind, Reach, Verdict};
use rustls::RootCertStore;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::ask::Ask;
use crate::target::Target;
use crate::trace::{Phase, Trace};
use dial::{Place, Resolver};
use tls::Connectors;

/// What one probe saw, retries included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Why it failed, `NoFailures` when it passed.
    pub reason: FailureReason,
    /// Status of the response that was judged, 0 without one.
    pub response_code: u16,
    /// From the start of connect to the first byte of the response (TCP: to the end of the
    /// handshake; pings: to the reply), of an attempt that passed.
    pub rtt: Option<Duration>,
}

impl Probe {
    /// The round trip in microseconds.
    pub(crate) fn rtt_us(&self) -> Option<u32> {
        self.rtt.map(|rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX))
    }
}

/// Runs probes for the checker: over the network, or as a test has it.
pub(crate) trait Probing: Send + Sync + 'static {
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

/// The clock and the trace of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    deadline: Instant,
    trace: &'a Trace,
}

impl Attempt<'_> {
    /// Waits for a step as long as the attempt's time lasts; `late` is what its end during this
    /// step is called.
    async fn within<T>(
        &self,
        late: FailureReason,
        step: impl Future<Output = T>,
    ) -> Result<T, Miss> {
        timeout_at(self.deadline, step).await.map_err(|_| {
            self.trace.because(&"no answer in time");
            Miss::TimedOut(late)
        })
    }
}

/// What one probe came to, asked for by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// The verdict of this probe alone, whatever streak the monitor asks for. `Unknown` when this
    /// machine lacked what a probe takes; the last phase says what.
    pub health: EndpointHealth,
    /// What was done, in order.
    pub phases: Vec<Phase>,
    /// The endpoint's address, if one was found.
    pub address: Option<IpAddr>,
}

/// How often this machine's own want is logged. It hits thousands of probes at once and would fill
/// the log just when disk space may be the next thing to run out; the metric counts each.
const OWN_WANT_LOGGED_EVERY: Duration = Duration::from_secs(60);

/// Probes over the network. One serves for any number of probes, at once too.
#[derive(Debug)]
pub struct Prober {
    resolver: Resolver,
    connectors: Connectors,
    own_want_logged: Mutex<Option<Instant>>,
}

impl Prober {
    /// `roots` are whom probes over TLS believe, see [`evenkeel_net::tls::machine_roots`].
    /// `own_addresses` are where this process takes traffic itself: an endpoint name that resolves
    /// to one of them is not probed, its reason is `DNS Internal` (behaviour.md 7.3).
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>, own_addresses: Vec<SocketAddr>) -> Self {
        Self {
            resolver: Resolver::new(own_addresses),
            connectors: Connectors::new(roots),
            own_want_logged: Mutex::new(None),
        }
    }

    /// The same, kept from addresses that the installation does not want reached: neither an
    /// endpoint's address, nor what its name resolves to, nor where it redirects leads there. Such a
    /// probe fails for the reason `Other Failure`.
    #[must_use]
    pub fn within(mut self, reach: Reach) -> Self {
        self.resolver = self.resolver.within(reach);
        self
    }

    /// Probes once, retries included, and tells how it went. Nothing comes of it elsewhere. Takes
    /// at most `1 + retries` times the monitor's timeout.
    ///
    /// Needs a tokio runtime with I/O and time. Dropping the future ends the probe and closes its
    /// socket.
    pub async fn probe(&self, ask: Ask<'_>) -> ProbeResult {
        let trace = Trace::on();
        let probe = self.run(&ask, &trace).await;
        let health = match probe {
            Some(probe) => EndpointHealth {
                verdict: match probe.reason {
                    FailureReason::NoFailures => Verdict::Healthy,
                    _ => Verdict::Unhealthy,
                },
                reason: probe.reason,
                response_code: probe.response_code,
                rtt_us: probe.rtt_us(),
            },
            None => EndpointHealth { reason: FailureReason::Other, ..EndpointHealth::default() },
        };
        let (phases, address) = trace.finish();
        ProbeResult { health, phases, address }
    }

    async fn run(&self, ask: &Ask<'_>, trace: &Trace) -> Option<Probe> {
        let mut retries = ask.monitor.retries;
        let (reason, response_code) = loop {
            let attempt = Attempt { deadline: Instant::now() + ask.timeout(), trace };
            match self.attempt(ask, attempt).await {
                Ok(Pass { response_code, rtt }) => {
                    let reason = FailureReason::NoFailures;
                    return Some(Probe { reason, response_code, rtt: Some(rtt) });
                }
                Err(Miss::TimedOut(reason)) if retries > 0 => {
                    retries -= 1;
                    trace.failed(reason);
                    trace.next_attempt();
                }
                Err(Miss::TimedOut(reason)) => break (reason, 0),
                Err(Miss::Failed { reason, response_code }) => break (reason, response_code),
                Err(Miss::Own(error)) => {
                    trace.because(&format_args!("this machine lacks what a probe takes: {error}"));
                    trace.failed(FailureReason::Other);
                    self.log_own_want(&error);
                    return None;
                }
            }
        };
        trace.failed(reason);
        Some(Probe { reason, response_code, rtt: None })
    }

    async fn attempt(&self, ask: &Ask<'_>, attempt: Attempt<'_>) -> Result<Pass, Miss> {
        match &ask.monitor.kind {
            MonitorKind::Tcp => self.handshake(ask, attempt).await,
            MonitorKind::Http { .. } => http::attempt(self, ask, attempt).await,
            MonitorKind::UdpIcmp => icmp::knock(self, ask, attempt).await,
            MonitorKind::IcmpPing => icmp::ping(self, ask, attempt).await,
            MonitorKind::Smtp => smtp::attempt(self, ask, attempt).await,
            MonitorKind::Grpc { .. } => grpc::attempt(self, ask, attempt).await,
        }
    }

    /// The `tcp` monitor: a handshake, and goodbye.
    async fn handshake(&self, ask: &Ask<'_>, attempt: Attempt<'_>) -> Result<Pass, Miss> {
        let port = required_port(ask, attempt)?;
        let address = self.resolver.resolve(Place::of(ask, port), attempt).await?;
        let started = Instant::now();
        dial::connect(address, attempt).await?;
        Ok(Pass { response_code: 0, rtt: started.elapsed() })
    }

    fn log_own_want(&self, error: &std::io::Error) {
        if self.is_time_to_log() {
            warn!(%error, "This machine lacks what a probe takes; verdicts stay as they are.");
        }
    }

    fn is_time_to_log(&self) -> bool {
        let now = Instant::now();
        let mut logged = self.own_want_logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = logged.is_none_or(|last| now.duration_since(last) >= OWN_WANT_LOGGED_EVERY);
        if is_time {
            *logged = Some(now);
        }
        is_time
    }
}

/// The port to probe, of monitors that cannot do without.
fn required_port(ask: &Ask<'_>, attempt: Attempt<'_>) -> Result<u16, Miss> {
    ask.port().ok_or_else(|| impossible(attempt, "neither the monitor nor the endpoint has a port"))
}

/// A monitor that asks for what cannot be asked.
fn impossible(attempt: Attempt<'_>, why: &str) -> Miss {
    attempt.trace.because(&why);
    FailureReason::MonitorConfig.into()
}

impl Probing for Prober {
    async fn probe(&self, target: &Target) -> Option<Probe> {
        self.run(&target.ask(), &Trace::off()).await
    }
}

#[cfg(test)]
mod tests;
