//! Parts of the data plane: listeners, workers, and what they decide by.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use evenkeel_control::{Bootstrapped, ExplainSources};
use evenkeel_model::{Live, Node as Site, Pop};
use evenkeel_net::drain::Drain;
use evenkeel_net::listen::listen_shared;
use evenkeel_net::tls::server::Terminator;
use evenkeel_proxy::{Atlas, Listener, Shared, WorkerOptions, run_worker};
use evenkeel_telemetry::Registry;
use tokio::sync::{mpsc, watch};

use crate::exit::Failure;
use crate::settings::Settings;

/// Binds addresses for every worker. Returns the addresses, which name the ports that were free.
pub(super) fn bind(
    addresses: &[SocketAddr],
    tls: Option<&Terminator>,
    of_worker: &mut [Vec<Listener>],
) -> Result<Vec<SocketAddr>, Failure> {
    let kind = if tls.is_some() { "HTTPS" } else { "HTTP" };
    let mut bound = Vec::new();
    for address in addresses {
        let doing = || Failure::doing(format!("binding the {kind} listener to {address}"));
        let sockets = listen_shared(*address, of_worker.len()).map_err(doing())?;
        bound.push(sockets[0].local_addr().map_err(doing())?);
        for (listeners, socket) in of_worker.iter_mut().zip(sockets) {
            listeners.push(Listener { socket, tls: tls.cloned() });
        }
    }
    Ok(bound)
}

#[expect(clippy::too_many_arguments, reason = "called once, to keep `start` readable")]
pub(super) fn start_workers(
    settings: &Settings,
    made: &Bootstrapped,
    live: &Live,
    revision: &watch::Receiver<u64>,
    listeners: Vec<Vec<Listener>>,
    https: &[SocketAddr],
    registry: &Registry,
    shared: &Shared,
    drain: &watch::Receiver<Drain>,
    end: &mpsc::UnboundedSender<()>,
) -> Result<Vec<JoinHandle<io::Result<()>>>, Failure> {
    let proxy = Arc::new(evenkeel_proxy::Settings {
        pop: settings.pop.clone(),
        site: site(settings),
        node: made.node_id.chars().take(16).collect(),
        reach: settings.of_api.limits.reach(),
        https_port: https.first().map(SocketAddr::port),
        fronts: settings.of_clients.fronts.clone(),
        timeouts: settings.of_clients.timeouts.clone(),
        cleartext_http2: settings.of_clients.cleartext_http2,
        proxy_protocol: settings.of_clients.proxy_protocol_out,
        ..evenkeel_proxy::Settings::default()
    });
    let mut workers = Vec::new();
    for (n, (listeners, metrics)) in listeners.into_iter().zip(registry.workers()).enumerate() {
        let options = WorkerOptions {
            live: live.clone(),
            revision: revision.clone(),
            listeners,
            metrics: Arc::clone(metrics),
            settings: Arc::clone(&proxy),
            shared: shared.clone(),
            drain: drain.clone(),
        };
        let end = end.clone();
        let run = move || {
            let _end = Ended(end);
            run_worker(options)
        };
        let thread = std::thread::Builder::new().name(format!("worker-{n}"));
        workers.push(thread.spawn(run).map_err(Failure::doing("starting a worker"))?);
    }
    Ok(workers)
}

/// Where this node stands.
pub(super) fn site(settings: &Settings) -> Site {
    Site {
        pop: Pop::parse(&settings.pop),
        region: Some(settings.region),
        coordinates: settings.coordinates,
        country: None,
    }
}

/// What the workers decide by, for those who ask about their decisions.
pub(super) fn explain_sources(settings: &Settings, shared: &Shared) -> ExplainSources {
    let sessions = Arc::clone(&shared.sessions);
    ExplainSources {
        names: Arc::default(),
        node: site(settings),
        geography: Arc::new(Atlas(shared.geo.clone())),
        loads: Arc::clone(&shared.loads) as _,
        ejections: shared.outliers.clone().map(|outliers| outliers as _),
        sessions: Arc::new(move |key, now| sessions.peek(key, now)),
    }
}

/// Tells that a worker is gone, even when it panicked.
struct Ended(mpsc::UnboundedSender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// As many descriptors as the system grants: each client connection takes one or two. Returns how
/// many that is.
pub(super) fn raise_descriptor_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "The limit on open files could not be raised.");
        rlimit::Resource::NOFILE.get_soft().unwrap_or(1024)
    })
}
