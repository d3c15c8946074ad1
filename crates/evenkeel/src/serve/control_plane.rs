//! Parts of the control plane: the store and what is in it first, the API's listener, the monitors.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use evenkeel_control::{BootstrapError, BootstrapSettings, Bootstrapped, bootstrap};
use evenkeel_net::listen::listen;
use evenkeel_store::{SqliteOptions, Store};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::exit::Failure;
use crate::settings::Settings;

pub(super) fn store_options(settings: &Settings) -> SqliteOptions {
    let retentions = settings.of_health.retentions(settings.of_api.retentions.clone());
    SqliteOptions { retentions, ..SqliteOptions::default() }
}

pub(super) async fn first_documents(
    store: &dyn Store,
    settings: &Settings,
) -> Result<Bootstrapped, Failure> {
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

pub(super) fn bind_api(address: SocketAddr) -> Result<TcpListener, Failure> {
    listen(address).map_err(Failure::doing(format!("binding the API to {address}")))
}

pub(super) fn start_monitors(
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

pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the node is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
