//! The listener of the REST server: bounded connections, bounded patience, and a shutdown that lets
//! answers under way be finished.

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use evenkeel_api::Limits;
use evenkeel_model::Live;
use evenkeel_store::{Revision, Store};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::previews::Prober;
use crate::routes::{ExplainSources, router};

/// Connections served at once; further ones wait in the kernel's queue. The API is for a few people
/// and programs, not for the traffic.
const CONNECTIONS_MAX: usize = 1024;

/// How long a client may take to send a request head, the silence before it included. Longer than
/// the 90 s for which Go's client, the most patient of the usual ones, keeps an idle connection: the
/// client closes first and never finds its request refused.
const HEAD_TIMEOUT: Duration = Duration::from_secs(100);

/// The most bytes of a request head, and the size of each connection's buffer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long answers under way may take once the server is told to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after `accept` failed for want of descriptors or memory: the next try would fail as well,
/// and trying at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Renders the metrics page.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the control plane is made of.
pub struct ControlOptions {
    /// Where it listens.
    pub listener: TcpListener,
    /// The documents; bootstrapped.
    pub store: Arc<dyn Store>,
    /// What this installation allows.
    pub limits: Limits,
    /// Names of the servers that answer for new zones.
    pub name_servers: Vec<String>,
    /// The view, for the health that answers carry.
    pub live: Live,
    /// From [`crate::publisher::Publisher::applied`]: a change is answered once it is live.
    pub applied: watch::Receiver<Revision>,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// What `/readyz` tells.
    pub ready: watch::Receiver<bool>,
    /// What decisions that are explained go by.
    pub explain: ExplainSources,
    /// Who tries monitors for previews.
    pub prober: Arc<dyn Prober>,
}

impl std::fmt::Debug for ControlOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlOptions").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Serves the API until `shutdown` completes, and then what is under way, for at most ten seconds.
///
/// # Dropping
/// Cuts all connections. Changes being written are written.
///
/// # Errors
/// When the listener cannot be used. Errors of single connections are theirs alone.
pub async fn serve(
    options: ControlOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    options.listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(options.listener.try_clone()?)?;
    let router = router(Arc::new(App::new(options)));
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, permit) = accept(&listener, &permits) => {
                connections.spawn(connection(stream, permit, router.clone(), &graceful));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "API connections were cut off by the shutdown.");
    }
    Ok(())
}

async fn accept(
    listener: &tokio::net::TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "The API listener could not accept a connection.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, served until it ends or the server stops.
fn connection(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<> {
    // Answers are small and written whole; waiting to fill a segment would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "An API connection ended early.");
        }
        drop(permit);
    }
}

#[cfg(test)]
mod tests;
