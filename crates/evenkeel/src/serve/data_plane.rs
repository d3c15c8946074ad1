//! The data plane: workers and the name server, and what they decide by.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use evenkeel_control::{Bootstrapped, ExplainSources};
use evenkeel_model::{Live, Node as Site, Pop, ZoneId};
use evenkeel_net::drain::Drain;
use evenkeel_proxy::{Atlas, Shared, WorkerOptions, run_worker};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::control_plane::First;
use super::ground::Ground;
use crate::exit::Failure;
use crate::name_server::{NameServer, Parts};
use crate::settings::Settings;

/// A data plane at work.
#[derive(Debug)]
pub(super) struct DataPlane {
    pub(super) live: Live,
    drain: watch::Sender<Drain>,
    workers: Vec<JoinHandle<io::Result<()>>>,
    name_server: Option<evenkeel_dns::server::Running>,
    /// Hears of each worker that ended.
    ended: mpsc::UnboundedReceiver<()>,
}

impl DataPlane {
    /// Starts to serve clients.
    ///
    /// # Errors
    /// When a file or a thread is not to be had.
    pub(super) fn start(
        ground: &mut Ground,
        first: First,
        notices: mpsc::Receiver<ZoneId>,
        control: &Handle,
    ) -> Result<Self, Failure> {
        let First { live, revision, made } = first;
        let drain = watch::Sender::new(Drain::Not);
        let (end, ended) = mpsc::unbounded_channel();
        let served = [ground.sockets.http_addresses(), ground.sockets.https_addresses()].concat();
        let name_server = NameServer::prepare(
            &ground.settings,
            &ground.explain,
            &served,
            &ground.sockets.dns,
            ground.dns_registry.clone(),
        )?;
        let parts = Parts {
            live: live.clone(),
            revision: revision.clone(),
            drain: drain.subscribe(),
            notices,
            ended: end.clone(),
        };
        let name_server = name_server.map(|server| server.start(parts, control)).transpose()?;
        let workers = start_workers(ground, &made, &live, &revision, &drain, &end)?;
        Ok(Self { live, drain, workers, name_server, ended })
    }

    /// Opens the log of queries anew under its name.
    pub(super) fn reopen_logs(&self) {
        if let Some(name_server) = &self.name_server {
            name_server.reopen_log();
        }
    }

    /// Waits until a worker ends by itself.
    pub(super) async fn failed(&mut self) {
        let _ = self.ended.recv().await;
    }

    /// Who can tell it to drain while it is waited for.
    pub(super) fn drain(&self) -> watch::Sender<Drain> {
        self.drain.clone()
    }

    /// Waits for what is left after the drain began.
    ///
    /// # Errors
    /// With what a worker failed with.
    pub(super) fn join(self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for worker in self.workers {
            outcome = match worker.join() {
                Ok(Ok(())) => outcome,
                Ok(Err(error)) => Err(Failure::doing("serving requests")(error)),
                Err(_) => Err(Failure::doing("serving requests")("a worker panicked")),
            };
        }
        if let Some(Err(error)) = self.name_server.map(evenkeel_dns::server::Running::join) {
            outcome = Err(Failure::doing("answering DNS queries")(error));
        }
        outcome
    }
}

fn start_workers(
    ground: &mut Ground,
    made: &Bootstrapped,
    live: &Live,
    revision: &watch::Receiver<u64>,
    drain: &watch::Sender<Drain>,
    end: &mpsc::UnboundedSender<()>,
) -> Result<Vec<JoinHandle<io::Result<()>>>, Failure> {
    let https = ground.sockets.https_addresses();
    let listeners = ground.sockets.hand_out(ground.settings.workers, &ground.tls.terminator);
    let Ground { settings, registry, shared, .. } = &*ground;
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
            drain: drain.subscribe(),
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
