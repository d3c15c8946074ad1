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
use tokio::sync::{Notify, watch};

use crate::exit::Failure;
use crate::settings::{AcmeWishes, Settings};

/// What TLS is done with, for as long as the process lives. Clients can be served once a keeper was
/// made of it.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) terminator: Terminator,
    pub(crate) outbound: Outbound,
    pub(crate) challenges: Challenges,
    pub(crate) stats: Arc<Stats>,
    /// Makes the files be looked at now.
    pub(crate) look: Arc<Notify>,
}

impl Tls {
    /// Reads what clients must show.
    pub(crate) fn prepare(
        settings: &Settings,
        roots: &Arc<RootCertStore>,
    ) -> Result<Self, Failure> {
        let files = files(settings)?;
        Ok(Self {
            terminator: Terminator::new(Identities::default(), &files.client_auth())
                .map_err(Failure::doing("making the keys of TLS sessions"))?,
            outbound: Outbound::new(Arc::clone(roots)),
            challenges: Challenges::default(),
            stats: Arc::default(),
            look: Arc::default(),
        })
    }

    /// Publishes what is there already, and makes ready who follows every change.
    pub(crate) fn keeper(
        &self,
        settings: &Settings,
        store: &Arc<dyn Store>,
        material: watch::Receiver<Arc<EdgeMaterial>>,
        roots: &Arc<RootCertStore>,
    ) -> Result<Keeper, Failure> {
        let self_signed = match settings.of_tls.https.is_empty() {
            true => None,
            false => Some(
                self_signed_in(&settings.data_dir)
                    .map_err(Failure::doing("keeping a self-signed certificate"))?,
            ),
        };
        let acme = settings.of_tls.acme.as_ref().map(|wishes| AcmeOptions {
            settings: acme_settings(wishes, roots),
            store: Arc::clone(store),
            challenges: self.challenges.clone(),
            rng: fastrand::Rng::new(),
        });
        Ok(Keeper::new(Options {
            terminator: self.terminator.clone(),
            outbound: self.outbound.clone(),
            material,
            files: files(settings)?,
            self_signed,
            acme,
            look: Arc::clone(&self.look),
            stats: Arc::clone(&self.stats),
        }))
    }
}

/// They were good when the settings were read.
fn files(settings: &Settings) -> Result<Files, Failure> {
    let tls = &settings.of_tls;
    Files::open(&tls.pairs, tls.clients.as_ref()).map_err(|problems| {
        let errors = problems.into_iter().filter_map(|problem| problem.outcome.err());
        Failure::Configuration(errors.map(|error| format!("tls-cert: {error}")).collect())
    })
}

/// Follows every change until told to stop.
pub(crate) async fn follow(keeper: Keeper, stop: watch::Receiver<bool>) {
    keeper.run(stop).await;
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
