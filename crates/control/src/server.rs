//! The listener of the REST server, plain or TLS: bounded connections, bounded patience, and a
//! shutdown that lets answers under way be finished.

mod cors;
mod limit;

use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use evenkeel_api::Limits;
use evenkeel_model::{Live, ZoneId};
use evenkeel_store::{Revision, Store};
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;

use crate::app::App;
use crate::previews::Prober;
use crate::routes::{ExplainSources, router};

pub(crate) use self::cors::Cors;
pub use self::limit::RateLimit;
pub(crate) use self::limit::{Key as LimiterKey, Limiter};

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

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest request body unless the installation says otherwise, in bytes. A pool of a thousand
/// endpoints takes about 200 KiB.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How TLS is spoken to clients of the API from their next connection on.
pub type TlsConfig = Arc<ArcSwap<rustls::ServerConfig>>;

/// Once the server is told to stop, answers say so to clients who would keep their connection; those
/// who have asked nothing for so long by then find it closed. Shorter than anybody notices, longer
/// than a request is on its way.
const GRACE: Duration = Duration::from_millis(200);

/// What an installation may choose of how the API is served.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// TLS with this; plain HTTP when `None`.
    pub tls: Option<TlsConfig>,
    /// Origins whose pages may use the API, as browsers write them; `*` is every one.
    pub cors_origins: Vec<String>,
    /// The longest request body, in bytes.
    pub body_bytes_max: usize,
    /// How often each caller may ask; unlimited when `None`.
    pub rate_limit: Option<RateLimit>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            tls: None,
            cors_origins: Vec::new(),
            body_bytes_max: BODY_BYTES_MAX,
            rate_limit: None,
        }
    }
}

/// The other end of a connection, told to every request on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

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
    /// Who tells name servers elsewhere of a zone when a request asks for it, whether or not the
    /// zone has changed; nobody when `None`. Of changes whoever serves zones learns from the view.
    pub notify_peers: Option<mpsc::Sender<ZoneId>>,
    /// How it is served.
    pub settings: ServerSettings,
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
    let tls = options.settings.tls.clone();
    let app = Arc::new(App::new(options));
    app.restore().await;
    let router = router(app);
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let is_closing = Arc::new(AtomicBool::new(false));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, peer, permit) = accept(&listener, &permits) => {
                let is_closing = Arc::clone(&is_closing);
                let service = Told { service: TowerToHyperService::new(router.clone()), peer, is_closing };
                let tls = tls.as_ref().map(|tls| TlsAcceptor::from(tls.load_full()));
                connections.spawn(connection(stream, permit, service, tls, graceful.watcher()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    is_closing.store(true, Relaxed);
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all_gone).await;
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "API connections were cut off by the shutdown.");
    }
    Ok(())
}

async fn accept(
    listener: &tokio::net::TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, Peer, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, Peer(peer.ip().to_canonical()), permit),
            Err(error) => {
                tracing::warn!(%error, "The API listener could not accept a connection.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The routes, and the other end of the connection that they serve.
#[derive(Clone)]
struct Told {
    service: TowerToHyperService<Router>,
    peer: Peer,
    /// Whether answers end their connection.
    is_closing: Arc<AtomicBool>,
}

impl Service<Request<Incoming>> for Told {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let is_closing = Arc::clone(&self.is_closing);
        let answered = self.service.call(request);
        Box::pin(async move {
            let mut response = answered.await?;
            if is_closing.load(Relaxed) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// One connection, served until it ends or the server stops.
async fn connection(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    service: Told,
    tls: Option<TlsAcceptor>,
    graceful: Watcher,
) {
    // Answers are small and written whole; waiting to fill a segment would only delay them.
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(TokioIo::new(stream), service, graceful).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => exchange(TokioIo::new(stream), service, graceful).await,
            Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake with the API failed."),
            Err(_) => tracing::debug!("A TLS handshake with the API took too long."),
        },
    }
    drop(permit);
}

async fn exchange<S>(stream: S, service: Told, graceful: Watcher)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(stream, service);
    if let Err(error) = graceful.watch(connection).await {
        tracing::debug!(%error, "An API connection ended early.");
    }
}

#[cfg(test)]
mod tests;
