//! The control plane: the store, the publisher of views, the API, the monitors, the notifier, and
//! whoever follows certificates. It can end while the data plane goes on with the last view, and
//! begin again, in this process or in the one that takes over.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_api::Limits;
use evenkeel_control::publisher::{Publisher, Stage};
use evenkeel_control::{
    BootstrapError, BootstrapSettings, Bootstrapped, ControlOptions, bootstrap,
};
use evenkeel_model::Live;
use evenkeel_store::{SqliteOptions, SqliteStore, Store};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use super::data_plane::site;
use super::ground::Ground;
use super::trials::Trials;
use crate::exit::Failure;
use crate::settings::Settings;
use crate::{certificates, notifier, page};

/// Threads of the API and the publisher. They serve people and programs that configure, not
/// traffic; two let a slow answer not hold up a view.
const CONTROL_THREADS: usize = 2;
/// Probe reports under way to the publisher. When full, a report is dropped and counted; the next
/// probe repeats it.
const REPORTS_MAX: usize = 4096;
/// How long tasks that were told to end may hold the store open. A look-up that hangs in the
/// system's resolver is not waited for.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A control plane at work.
#[derive(Debug)]
pub(super) struct ControlPlane {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    monitors: JoinHandle<()>,
    api: tokio::task::JoinHandle<io::Result<()>>,
    /// Ends once it has written down what is known of health.
    publisher: tokio::task::JoinHandle<Stage>,
    notifier: tokio::task::JoinHandle<()>,
    certificates: tokio::task::JoinHandle<()>,
    /// Dropped last: it finishes what is queued, and lets go of the data directory.
    store: Arc<SqliteStore>,
}

/// What the data plane needs of the first one.
#[derive(Debug)]
pub(super) struct First {
    pub(super) live: Live,
    pub(super) revision: watch::Receiver<u64>,
    pub(super) made: Bootstrapped,
}

/// A control plane whose view is published, and whose API is not served yet.
#[derive(Debug)]
pub(super) struct Prepared {
    runtime: Runtime,
    store: Arc<SqliteStore>,
    publisher: Publisher,
    keeper: evenkeel_certificate::Keeper,
    live: Live,
}

impl Prepared {
    /// Opens the store and publishes the first view.
    ///
    /// # Errors
    /// When the data directory or a thread is not to be had.
    pub(super) fn first(ground: &Ground) -> Result<(Self, First), Failure> {
        let (runtime, store, made) = open(&ground.settings)?;
        let (publisher, live, revision) = Publisher::new(Arc::clone(&store) as Arc<dyn Store>)
            .map_err(Failure::doing("building the first view"))?;
        let prepared = Self::with(ground, runtime, store, publisher, live.clone());
        let prepared = prepared.map_err(|(failure, _)| failure)?;
        Ok((prepared, First { live, revision, made }))
    }

    /// Opens the store again, for readers who are there already. The stage stays where it is when
    /// that fails.
    ///
    /// # Errors
    /// As [`Self::first`].
    pub(super) fn again(
        ground: &Ground,
        stage: &mut Option<Stage>,
        live: &Live,
    ) -> Result<Self, Failure> {
        let (runtime, store, _) = open(&ground.settings)?;
        let from = stage.take().ok_or_else(|| {
            Failure::doing("publishing views")("the publisher before ended by itself")
        })?;
        let publisher = match Publisher::resume(Arc::clone(&store) as Arc<dyn Store>, from) {
            Ok(publisher) => publisher,
            Err((error, back)) => {
                *stage = Some(back);
                return Err(Failure::doing("building a view")(error));
            }
        };
        Self::with(ground, runtime, store, publisher, live.clone()).map_err(|(failure, back)| {
            *stage = Some(back);
            failure
        })
    }

    fn with(
        ground: &Ground,
        runtime: Runtime,
        store: Arc<SqliteStore>,
        publisher: Publisher,
        live: Live,
    ) -> Result<Self, (Failure, Stage)> {
        let settings = &ground.settings;
        let publisher = publisher
            .judging(&site(settings), settings.of_health.quorum)
            .served_by(settings.of_dns.name_servers.clone());
        let documents = Arc::clone(&store) as Arc<dyn Store>;
        let material = publisher.edge_material();
        match ground.tls.keeper(settings, &documents, material, &ground.roots) {
            Ok(keeper) => Ok(Self { runtime, store, publisher, keeper, live }),
            Err(failure) => Err((failure, publisher.leave())),
        }
    }

    /// Where tasks of the control plane run.
    pub(super) fn handle(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }

    /// Serves the API, probes, notifies.
    ///
    /// # Errors
    /// When a thread or a descriptor is not to be had. The stage comes back.
    pub(super) fn start(self, ground: &Ground) -> Result<ControlPlane, (Failure, Stage)> {
        let Self { runtime, store, publisher, keeper, live } = self;
        let settings = &ground.settings;
        let listener = match ground.sockets.api() {
            Ok(listener) => listener,
            Err(failure) => return Err((failure, publisher.leave())),
        };
        let served = [ground.sockets.http_addresses(), ground.sockets.https_addresses()].concat();
        let stats = Arc::new(evenkeel_monitor::Stats::default());
        let notifications = Arc::new(evenkeel_notify::Stats::default());
        let (stop, is_stopping) = watch::channel(false);
        let (reports, inbox) = mpsc::channel(REPORTS_MAX);
        let reach = settings.of_api.limits.reach();
        let roots = Arc::clone(&ground.roots);
        let documents = || Arc::clone(&store) as Arc<dyn Store>;
        let sources = page::Sources {
            workers: ground.registry.clone(),
            dns: ground.dns_registry.clone(),
            monitors: Arc::clone(&stats),
            health: publisher.stats(),
            shared: ground.shared.clone(),
            config: publisher.config_stats(),
            geo_reloads: Arc::clone(&ground.geo_reloads),
            upgrades: Arc::clone(&ground.upgrades),
            notifications: Arc::clone(&notifications),
            certificates: Arc::clone(&ground.tls.stats),
            records: ground.records.clone(),
            live: live.clone(),
        };
        let options = ControlOptions {
            listener,
            store: documents(),
            limits: Limits {
                interval_min_ms: settings.monitor_interval_min.ms,
                ..settings.of_api.limits.clone()
            },
            name_servers: settings.of_dns.name_servers.clone(),
            live: live.clone(),
            applied: publisher.applied(),
            metrics: Arc::new(move || page::render(&sources)),
            ready: ground.ready.subscribe(),
            explain: ground.explain.clone(),
            notify_peers: ground.dns_registry.as_ref().map(|_| ground.notify_peers.clone()),
            prober: Arc::new(Trials(
                evenkeel_monitor::Prober::new(Arc::clone(&roots), served.clone()).within(reach),
            )),
            settings: settings.of_api.server.clone(),
        };
        let parts = notifier::Parts {
            inbox: publisher.occasions(),
            store: documents(),
            relay: settings.of_health.relay.clone(),
            roots: Arc::clone(&roots),
            reach,
            stats: notifications,
        };
        let restored = publisher.restored().iter();
        let restored =
            restored.map(|known| ((known.endpoint, known.monitor), known.health)).collect();
        let monitors = start_monitors(
            evenkeel_monitor::Options {
                live,
                revision: publisher.revisions(),
                reports,
                roots,
                own_addresses: served,
                reach,
                stats,
                restored,
            },
            is_stopping.clone(),
        );
        let monitors = match monitors {
            Ok(monitors) => monitors,
            Err(failure) => return Err((failure, publisher.leave())),
        };
        Ok(ControlPlane {
            api: runtime.spawn(evenkeel_control::serve(options, stopped(is_stopping.clone()))),
            publisher: runtime.spawn(publisher.run(inbox, stopped(is_stopping.clone()))),
            notifier: notifier::start(parts, runtime.handle(), is_stopping.clone()),
            certificates: runtime.spawn(certificates::follow(keeper, is_stopping)),
            runtime,
            stop,
            monitors,
            store,
        })
    }
}

impl ControlPlane {
    /// Answers what was asked, writes down what is known of health, closes the store. Returns what
    /// another one goes on from; `None` when the publisher panicked.
    pub(super) fn end(self) -> Option<Stage> {
        let Self { runtime, stop, monitors, api, publisher, notifier, certificates, store } = self;
        stop.send_replace(true);
        let _ = monitors.join();
        let stage = runtime.block_on(async {
            let _ = api.await;
            let stage = publisher.await;
            let _ = notifier.await;
            let _ = certificates.await;
            stage.ok()
        });
        // Tasks that were cut off hold the store as well.
        runtime.shutdown_timeout(END_LIMIT);
        if Arc::strong_count(&store) > 1 {
            tracing::warn!("Something still holds the store open.");
        }
        stage
    }
}

/// Threads, the store, and what must be in it.
fn open(settings: &Settings) -> Result<(Runtime, Arc<SqliteStore>, Bootstrapped), Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(Failure::doing("starting the control threads"))?;
    let store = SqliteStore::open_with(&settings.data_dir, store_options(settings))
        .map_err(Failure::doing("opening the store"))?;
    let made = runtime.block_on(first_documents(&store, settings))?;
    Ok((runtime, Arc::new(store), made))
}

fn store_options(settings: &Settings) -> SqliteOptions {
    let retentions = settings.of_health.retentions(settings.of_api.retentions.clone());
    SqliteOptions { retentions, ..SqliteOptions::default() }
}

async fn first_documents(store: &dyn Store, settings: &Settings) -> Result<Bootstrapped, Failure> {
    let wishes = BootstrapSettings {
        account_id: settings.account_id.clone(),
        token: settings.api_token.clone(),
        email: None,
    };
    bootstrap(store, wishes).await.map_err(|error| match error {
        BootstrapError::AccountId(_) | BootstrapError::OtherAccount { .. } => {
            Failure::Configuration(vec![format!("EVENKEEL_ACCOUNT_ID: {error}")])
        }
        BootstrapError::Token => {
            Failure::Configuration(vec![format!("EVENKEEL_API_TOKEN: {error}")])
        }
        error @ BootstrapError::Store(_) => Failure::doing("preparing the store")(error),
    })
}

fn start_monitors(
    options: evenkeel_monitor::Options,
    stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::doing("starting the monitors"))?;
    let run = move || {
        runtime.block_on(evenkeel_monitor::run(options, stop));
        // A look-up that hangs in the system's resolver is not waited for.
        runtime.shutdown_background();
    };
    std::thread::Builder::new()
        .name("monitors".to_owned())
        .spawn(run)
        .map_err(Failure::doing("starting the monitors"))
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the node is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
