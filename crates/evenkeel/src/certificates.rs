//! TLS on both sides, wired: listeners shake hands by a table of certificates that follows files,
//! uploads and authorities; connections to endpoints by what each zone trusts.

use std::sync::Arc;

use evenkeel_certificate::{
    AcmeOptions, AcmeSettings, Files, Keeper, Options, Stats, self_signed_in,
};
use evenkeel_model::EdgeMaterial;
use evenkeel_net::certificate::Challenges;
use evenkeel_net::tls::client::Outbound;
use evenkeel_net::tls::server::{Identities, Terminator};
use evenkeel_store::Store;
use rustls::RootCertStore;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::exit::Failure;
use crate::settings::{AcmeWishes, Settings};

/// What TLS is done with. Clients can be served as soon as it is here.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) terminator: Terminator,
    pub(crate) outbound: Outbound,
    pub(crate) challenges: Challenges,
    pub(crate) stats: Arc<Stats>,
    keeper: Keeper,
    look: Arc<Notify>,
}

impl Certificates {
    /// Reads what is there already.
    pub(crate) fn prepare(
        settings: &Settings,
        store: &Arc<dyn Store>,
        material: watch::Receiver<Arc<EdgeMaterial>>,
        roots: &Arc<RootCertStore>,
    ) -> Result<Self, Failure> {
        let tls = &settings.of_tls;
        // They were good when the settings were read.
        let files = Files::open(&tls.pairs, tls.clients.as_ref()).map_err(|problems| {
            let errors = problems.into_iter().filter_map(|problem| problem.outcome.err());
            Failure::Configuration(errors.map(|error| format!("tls-cert: {error}")).collect())
        })?;
        let self_signed = match tls.https.is_empty() {
            true => None,
            false => Some(
                self_signed_in(&settings.data_dir)
                    .map_err(Failure::doing("keeping a self-signed certificate"))?,
            ),
        };
        let terminator = Terminator::new(Identities::default(), &files.client_auth())
            .map_err(Failure::doing("making the keys of TLS sessions"))?;
        let outbound = Outbound::new(Arc::clone(roots));
        let challenges = Challenges::default();
        let acme = tls.acme.as_ref().map(|wishes| AcmeOptions {
            settings: acme_settings(wishes, roots),
            store: Arc::clone(store),
            challenges: challenges.clone(),
            rng: fastrand::Rng::new(),
        });
        let (stats, look) = (Arc::<Stats>::default(), Arc::<Notify>::default());
        let keeper = Keeper::new(Options {
            terminator: terminator.clone(),
            outbound: outbound.clone(),
            material,
            files,
            self_signed,
            acme,
            look: Arc::clone(&look),
            stats: Arc::clone(&stats),
        });
        Ok(Self { terminator, outbound, challenges, stats, keeper, look })
    }

    /// Follows every change from now on. A SIGHUP makes files be looked at at once.
    pub(crate) fn start(
        self,
        control: &Handle,
        stop: watch::Receiver<bool>,
    ) -> Result<tokio::task::JoinHandle<()>, Failure> {
        let _entered = control.enter();
        let hangup = signal(SignalKind::hangup());
        let hangup = hangup.map_err(Failure::doing("listening for signals"))?;
        let Self { keeper, look, .. } = self;
        Ok(control.spawn(async move {
            tokio::select! {
                () = keeper.run(stop) => {}
                () = look_at(hangup, &look) => {}
            }
        }))
    }
}

fn acme_settings(wishes: &AcmeWishes, machine: &Arc<RootCertStore>) -> AcmeSettings {
    let mut roots = Arc::clone(machine);
    if let Some(own) = &wishes.roots {
        Arc::make_mut(&mut roots).extend(own.roots.iter().cloned());
    }
    AcmeSettings {
        directory: wishes.directory.clone(),
        email: wishes.email.clone(),
        roots,
        challenges: wishes.challenges.clone(),
    }
}

/// For as long as signals come.
async fn look_at(mut hangup: Signal, look: &Notify) {
    while hangup.recv().await.is_some() {
        tracing::info!("Looking at the files of certificates, as asked by SIGHUP.");
        look.notify_one();
    }
    std::future::pending::<()>().await;
}
