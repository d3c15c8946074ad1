//! A node: every plane wired to the others, started in order and ended in order.
//!
//! ```text
//! start   store → bootstrap → publisher (first view) → listeners → monitors, workers, API → ready
//! stop    not ready → workers drain → monitors, API, publisher → store
//! ```
//!
//! The planes know nothing of each other. They meet in the view and in the channels made here.

mod announce;
mod control_plane;
mod data_plane;
mod trials;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use evenkeel_api::Limits;
use evenkeel_control::ControlOptions;
use evenkeel_control::publisher::Publisher;
use evenkeel_net::drain::Drain;
use evenkeel_net::geo::GeoFiles;
use evenkeel_net::tls::machine_roots;
use evenkeel_proxy::Shared;
use evenkeel_store::{SqliteStore, Store};
use evenkeel_telemetry::Registry;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use self::announce::print_addresses;
pub(crate) use self::announce::{Announce, init_logs};
use self::control_plane::{bind_api, first_documents, start_monitors, stopped, store_options};
use self::data_plane::{bind, explain_sources, raise_descriptor_limit, site, start_workers};
use self::trials::Trials;
use crate::certificates::Certificates;
use crate::exit::Failure;
use crate::geo;
use crate::name_server::{NameServer, Parts};
use crate::settings::Settings;
use crate::{notifier, page};

/// Threads of the API and the publisher. They serve people and programs that configure, not
/// traffic; two let a slow answer not hold up a view.
const CONTROL_THREADS: usize = 2;
/// Probe reports under way to the publisher. When full, a report is dropped and counted; the next
/// probe repeats it.
const REPORTS_MAX: usize = 4096;

/// Wishes under way to the name server that secondaries be told of a zone. Whoever finds it full is
/// told so and asks again.
const NOTICES_MAX: usize = 64;

/// A running node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) api: SocketAddr,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
    control: Runtime,
    ready: watch::Sender<bool>,
    drain: watch::Sender<Drain>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<io::Result<()>>>,
    name_server: Option<evenkeel_dns::server::Running>,
    monitors: JoinHandle<()>,
    /// A worker that ended, and how.
    ended: mpsc::UnboundedReceiver<()>,
    api_task: tokio::task::JoinHandle<io::Result<()>>,
    /// Ends once it has written down what is known of health.
    publisher_task: tokio::task::JoinHandle<()>,
    notifier_task: tokio::task::JoinHandle<()>,
    certificates_task: tokio::task::JoinHandle<()>,
    /// Dropped last: it finishes what is queued.
    _store: Arc<SqliteStore>,
}

impl Node {
    /// Starts everything and returns once requests are served.
    ///
    /// # Errors
    /// When the data directory, an address or a thread is not to be had.
    pub(crate) fn start(settings: &Settings, announce: Announce) -> Result<Self, Failure> {
        let files_max = raise_descriptor_limit();
        let geo_files =
            GeoFiles::open(&settings.geoip).map_err(|problems| geo::refused(&problems))?;
        let crowd = settings.of_clients.crowd(files_max);
        let shared = Shared::new(geo_files.geo()).with_crowd(crowd);
        let shared = match settings.passive_health {
            Some(passive) => shared.with_passive_health(passive),
            None => shared,
        };
        let control = Builder::new_multi_thread()
            .worker_threads(CONTROL_THREADS)
            .thread_name("control")
            .enable_all()
            .build()
            .map_err(Failure::doing("starting the control threads"))?;
        let store = Arc::new(
            SqliteStore::open_with(&settings.data_dir, store_options(settings))
                .map_err(Failure::doing("opening the store"))?,
        );
        let made = control.block_on(first_documents(store.as_ref(), settings))?;
        let (publisher, live, revision) = Publisher::new(Arc::clone(&store) as Arc<dyn Store>)
            .map_err(Failure::doing("building the first view"))?;
        let publisher = publisher
            .judging(&site(settings), settings.of_health.quorum)
            .served_by(settings.of_dns.name_servers.clone());

        let api_listener = bind_api(settings.api)?;
        let api = api_listener.local_addr().map_err(Failure::doing("binding the API"))?;
        let roots = Arc::new(machine_roots());
        let documents = Arc::clone(&store) as Arc<dyn Store>;
        let material = publisher.edge_material();
        let certificates = Certificates::prepare(settings, &documents, material, &roots)?;
        let shared = Shared {
            challenges: certificates.challenges.clone(),
            outbound: certificates.outbound.clone(),
            ..shared
        };
        let mut listeners: Vec<_> = (0..settings.workers).map(|_| Vec::new()).collect();
        let http = bind(&settings.http, None, &mut listeners)?;
        let tls = Some(&certificates.terminator);
        let https = bind(&settings.of_tls.https, tls, &mut listeners)?;
        let served = [&http[..], &https[..]].concat();
        let explain = explain_sources(settings, &shared);
        let name_server = NameServer::bind(settings, &explain, &served)?;
        let dns: Vec<_> = name_server.iter().flat_map(|server| server.addresses.clone()).collect();

        let registry = Registry::new(settings.workers);
        let stats = Arc::new(evenkeel_monitor::Stats::default());
        let (ready, is_ready) = watch::channel(false);
        let (drain, is_draining) = watch::channel(Drain::Not);
        let (stop, is_stopping) = watch::channel(false);
        let (reports, inbox) = mpsc::channel(REPORTS_MAX);
        let (notify_peers, notices) = mpsc::channel(NOTICES_MAX);

        let notifications = Arc::new(evenkeel_notify::Stats::default());
        let sources = page::Sources {
            workers: registry.clone(),
            dns: name_server.as_ref().map(|server| server.registry.clone()),
            monitors: Arc::clone(&stats),
            health: publisher.stats(),
            outliers: shared.outliers.clone(),
            notifications: Arc::clone(&notifications),
            certificates: Arc::clone(&certificates.stats),
            live: live.clone(),
        };
        let reach = settings.of_api.limits.reach();
        let options = ControlOptions {
            listener: api_listener,
            store: Arc::clone(&store) as Arc<dyn Store>,
            limits: Limits {
                interval_min_ms: settings.monitor_interval_min.ms,
                ..settings.of_api.limits.clone()
            },
            name_servers: settings.of_dns.name_servers.clone(),
            live: live.clone(),
            applied: publisher.applied(),
            metrics: Arc::new(move || page::render(&sources)),
            ready: is_ready,
            explain,
            notify_peers: name_server.is_some().then_some(notify_peers),
            prober: Arc::new(Trials(
                evenkeel_monitor::Prober::new(Arc::clone(&roots), served.clone()).within(reach),
            )),
            settings: settings.of_api.server.clone(),
        };
        let parts = notifier::Parts {
            inbox: publisher.occasions(),
            store: Arc::clone(&store) as Arc<dyn Store>,
            relay: settings.of_health.relay.clone(),
            roots: Arc::clone(&roots),
            reach,
            stats: notifications,
        };
        let notifier_task = notifier::start(parts, control.handle(), is_stopping.clone());
        let api_task =
            control.spawn(evenkeel_control::serve(options, stopped(is_stopping.clone())));
        let certificates_task = certificates.start(control.handle(), is_stopping.clone())?;
        let restored = publisher.restored().iter();
        let restored =
            restored.map(|known| ((known.endpoint, known.monitor), known.health)).collect();
        let publisher_task = control.spawn(publisher.run(inbox, stopped(is_stopping.clone())));
        control.spawn(geo::watch(geo_files));

        let monitors = start_monitors(
            evenkeel_monitor::Options {
                live: live.clone(),
                revision: revision.clone(),
                reports,
                roots,
                own_addresses: served,
                reach,
                stats,
                restored,
            },
            is_stopping,
        )?;
        let (end, ended) = mpsc::unbounded_channel();
        let parts = Parts {
            live: live.clone(),
            revision: revision.clone(),
            drain: is_draining.clone(),
            notices,
            ended: end.clone(),
        };
        let name_server =
            name_server.map(|server| server.start(parts, control.handle())).transpose()?;
        let workers = start_workers(
            settings,
            &made,
            &live,
            &revision,
            listeners,
            &https,
            &registry,
            &shared,
            &is_draining,
            &end,
        )?;

        ready.send_replace(true);
        if announce == Announce::Addresses {
            let scheme = if settings.of_api.server.tls.is_some() { "https" } else { "http" };
            print_addresses(scheme, api, &http, &https, &dns, made.token_made.as_deref());
        }
        Ok(Self {
            api,
            http,
            https,
            control,
            ready,
            drain,
            stop,
            workers,
            name_server,
            monitors,
            ended,
            api_task,
            publisher_task,
            notifier_task,
            certificates_task,
            _store: store,
        })
    }

    /// Serves until a signal asks to stop, then drains. A second signal ends the process at once.
    ///
    /// # Errors
    /// When signals cannot be received, or a worker ended by itself.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let control = self.control.handle().clone();
        let outcome = control.block_on(async {
            let mut terminate =
                signal(SignalKind::terminate()).map_err(Failure::doing("listening for signals"))?;
            let mut interrupt =
                signal(SignalKind::interrupt()).map_err(Failure::doing("listening for signals"))?;
            let outcome = tokio::select! {
                _ = terminate.recv() => Ok(()),
                _ = interrupt.recv() => Ok(()),
                _ = self.ended.recv() => Err(Failure::Failed {
                    doing: "serving requests".to_owned(),
                    source: "a worker ended by itself".into(),
                }),
            };
            tokio::spawn(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::warn!("Second signal: ending at once.");
                std::process::exit(0);
            });
            outcome
        });
        tracing::info!("Draining: no new connections, requests under way are finished.");
        let ended = self.stop();
        outcome.and(ended)
    }

    /// Drains the workers, then ends the rest.
    ///
    /// # Errors
    /// With what a worker failed with.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.ready.send_replace(false);
        self.drain.send_replace(Drain::Prompt);
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
        self.stop.send_replace(true);
        let _ = self.monitors.join();
        let _ = self.control.block_on(self.api_task);
        let _ = self.control.block_on(self.publisher_task);
        let _ = self.control.block_on(self.notifier_task);
        let _ = self.control.block_on(self.certificates_task);
        outcome
    }
}
