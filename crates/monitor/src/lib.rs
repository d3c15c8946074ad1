//! Health monitors: probes on a schedule, verdicts by [`evenkeel_decision::health`].
//!
//! One task asks every monitored endpoint of the current view once per interval and sends a
//! [`Report`] after each probe. Thousands of endpoints share one thread: what waits is an entry in
//! a queue, what runs is one small task.
//!
//! ```text
//!   View ──▶ target ──▶ checker ──▶ probe ──▶ endpoint
//!            what to    when, and   resolve, connect,
//!            ask        the verdict TLS, speak, judge
//!                          │
//!                          └──▶ Report, to the publisher
//! ```
//!
//! What is left to others: whether a verdict becomes part of the next view (`control`), the votes of
//! several checkers and of the members of a monitor group (`decision`), what follows for pools
//! (`model`), and passive signs of health from real traffic (`proxy`).
//!
//! A [`Prober`] by itself asks once, and tells each step and its time.

mod ask;
mod checker;
mod probe;
mod stats;
mod target;
mod ticks;
mod trace;

#[cfg(test)]
mod testing;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_decision::health::Report;
use evenkeel_model::{EndpointHealth, EndpointId, Live, MonitorId, Reach};
use rustls::RootCertStore;
use tokio::sync::{mpsc, watch};

pub use ask::Ask;
pub use probe::{ProbeResult, Prober};
pub use stats::Stats;
pub use trace::{Phase, PhaseName};

use checker::Checker;

/// What the checker works with.
#[derive(Debug)]
pub struct Options {
    /// What to probe.
    pub live: Live,
    /// Wakes the checker when `live` holds a new view.
    pub revision: watch::Receiver<u64>,
    /// Where reports go. When full, a report is dropped and counted: the next probe repeats it.
    pub reports: mpsc::Sender<Report>,
    /// Whom `https` monitors believe, see [`evenkeel_net::tls::machine_roots`].
    pub roots: Arc<RootCertStore>,
    /// Where this process takes traffic itself. An endpoint name that resolves to one of these is
    /// not probed, its reason is `DNS Internal` (behaviour.md 7.3).
    pub own_addresses: Vec<SocketAddr>,
    /// Which addresses may be reached, by endpoints, names and redirects alike.
    pub reach: Reach,
    /// Counted here.
    pub stats: Arc<Stats>,
    /// What an earlier process knew and is fresh enough to go on from (behaviour.md 7.4): the jobs
    /// of the first view start in this state instead of `Unknown`. Nothing is reported of it.
    pub restored: HashMap<(EndpointId, MonitorId), EndpointHealth>,
}

/// Probes until `shutdown` holds true or its sender is gone.
///
/// Follows every new view: an endpoint that appears is probed at once (within two seconds, spread),
/// one that is removed or disabled, by itself or with its pool, is left in peace at once. Needs a
/// tokio runtime with I/O and time; the current-thread one suffices.
///
/// Dropping the future ends every probe that runs; no report is sent for those. A name that is
/// being resolved holds one thread of the runtime's blocking pool until the system's resolver gives
/// up, so a runtime that must end promptly is shut down in the background.
pub async fn run(options: Options, shutdown: watch::Receiver<bool>) {
    let Options { live, revision, reports, roots, own_addresses, reach, stats, restored } = options;
    let prober = Prober::new(roots, own_addresses).within(reach);
    Checker::new(prober, live, reports, stats, restored).run(revision, shutdown).await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_model::{FailureReason, Monitor, Verdict};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::testing::{HttpAsk, config, endpoint, monitor};

    /// From the view to the report and back to silence, with everything real.
    #[tokio::test]
    async fn an_endpoint_that_dies_is_reported_until_the_shutdown() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            }
        });
        let often = Monitor { interval_ms: 50, ..monitor(HttpAsk::default().into()) };
        let (_writer, live) =
            Live::new(config(Some(often), vec![endpoint("127.0.0.1", port)]).view(1));
        let (_revision, revision) = watch::channel(1);
        let (stop, shutdown) = watch::channel(false);
        let (reports, mut inbox) = mpsc::channel(1);
        let options = Options {
            live,
            revision,
            reports,
            roots: Arc::new(RootCertStore::empty()),
            own_addresses: Vec::new(),
            reach: Reach::EVERYWHERE,
            stats: Arc::default(),
            restored: HashMap::new(),
        };
        let checker = tokio::spawn(run(options, shutdown));
        let mut next = async || timeout(Duration::from_secs(10), inbox.recv()).await.unwrap();

        let health = next().await.unwrap().health;
        assert_eq!((health.verdict, health.response_code), (Verdict::Healthy, 200));
        server.abort();
        // The last connections may be reset before the first is refused.
        loop {
            let health = next().await.unwrap().health;
            if health.reason == FailureReason::TcpConnectionFailed {
                break assert_eq!(health.verdict, Verdict::Unhealthy);
            }
        }
        stop.send(true).unwrap();
        while next().await.is_some() {}
        checker.await.unwrap();
    }
}
