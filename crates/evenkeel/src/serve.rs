//! A node: every plane wired to the others, started in order and ended in order.
//!
//! ```text
//! start   sockets → files → [predecessor: ready → take] → store → first view → workers → API → ready
//! stop    not ready → workers drain → monitors, API, publisher → store
//! leave   monitors, API, publisher → store → [successor serves] → workers drain gently
//! ```
//!
//! The planes know nothing of each other. They meet in the view and in the channels made here. What
//! happens while a node runs is in `run`, how one process hands over to the next in `succession`.

mod announce;
mod control_plane;
mod data_plane;
mod ground;
mod manager;
mod reload;
mod run;
mod sockets;
mod succession;
mod trials;
mod upgrades;

use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_control::publisher::Stage;
use tokio::runtime::{Builder, Runtime};

use self::announce::print_addresses;
pub(crate) use self::announce::{Announce, init_logs};
use self::control_plane::{ControlPlane, Prepared};
use self::data_plane::DataPlane;
use self::ground::{Ground, Once};
use self::reload::Reload;
use self::run::Signals;
use self::sockets::{Sockets, heed_manager};
use self::succession::Goodbye;
pub(crate) use self::succession::predecessor::Heritage;
use self::upgrades::Upgraded;
pub(crate) use self::upgrades::Upgrades;
use crate::cli::ServeArgs;
use crate::exit::Failure;
use crate::geo;
use crate::settings::{self, Settings};

/// A running node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) api: SocketAddr,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
    /// Signals, the watchdog, and whoever looks at files.
    house: Runtime,
    signals: Signals,
    ground: Ground,
    data: DataPlane,
    /// `None` while there is none, because a hand-over failed and it could not begin again.
    control: Option<ControlPlane>,
    /// What the next control plane goes on from, while there is none.
    stage: Option<Stage>,
    reload: Reload,
    /// Whether the service was asked to stop while it was handed over to us.
    is_to_stop: bool,
}

impl Node {
    /// Starts everything and returns once requests are served.
    ///
    /// # Errors
    /// When the data directory, an address or a thread is not to be had.
    pub(crate) fn start(
        mut settings: Settings,
        heritage: Heritage,
        announce: Announce,
    ) -> Result<Self, Failure> {
        let Heritage { stock, predecessor } = heritage;
        heed_manager(&mut settings, &stock);
        let house = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("house")
            .enable_all()
            .build()
            .map_err(Failure::doing("starting the first thread"))?;
        let signals = house
            .block_on(async { Signals::listen() })
            .map_err(Failure::doing("listening for signals"))?;
        let sockets = Sockets::gather(&settings, stock)?;
        let (mut ground, Once { geo_files, notices }) = Ground::lay(settings, sockets)?;
        if let Some(predecessor) = &predecessor {
            predecessor
                .ready(&ground.upgrades, &ground.shared.sessions)
                .map_err(Failure::doing("taking over from the process before"))?;
        }
        let (prepared, first) = Prepared::first(&ground)?;
        let token = first.made.token_made.clone();
        let data = DataPlane::start(&mut ground, first, notices, prepared.handle())?;
        let control = prepared.start(&ground).map_err(|(failure, _)| failure)?;
        let reload = Reload::new(&ground);
        let reloads = Arc::clone(&ground.geo_reloads);
        house.spawn(geo::watch(geo_files, Arc::clone(&reload.look_at_places), reloads));
        ground.ready.send_replace(true);
        let goodbye = predecessor.map(|predecessor| {
            ground.upgrades.count(Upgraded::Done);
            predecessor.serving()
        });
        let node = Self {
            api: ground.sockets.api_address()?,
            http: ground.sockets.http_addresses(),
            https: ground.sockets.https_addresses(),
            house,
            signals,
            ground,
            data,
            control: Some(control),
            stage: None,
            reload,
            is_to_stop: goodbye == Some(Goodbye::Stop),
        };
        if announce == Announce::Addresses {
            node.announce(token.as_deref());
        }
        Ok(node)
    }

    fn announce(&self, token: Option<&str>) {
        let is_tls = self.ground.settings.of_api.server.tls.is_some();
        let scheme = if is_tls { "https" } else { "http" };
        let dns = self.ground.sockets.dns_addresses();
        print_addresses(scheme, self.api, &self.http, &self.https, &dns, token);
    }
}

/// Reads the settings and serves until a signal asks to stop, or another process takes over.
///
/// # Errors
/// When a setting cannot be used, the node does not start, or a worker fails.
pub(crate) fn run(args: ServeArgs, heritage: Heritage) -> Result<(), Failure> {
    let mut reading = settings::read(&args);
    if let Some(settings) = reading.settings.take() {
        settings::judge_places(&settings, &mut reading);
        reading.settings = Some(settings);
    }
    let settings = match reading.settings {
        Some(settings) if reading.problems.is_empty() => settings,
        _ => return Err(Failure::Configuration(reading.problems)),
    };
    init_logs("info");
    let mut node = Node::start(settings, heritage, Announce::Addresses)?;
    node.reload.judge_by(args, reading.taken);
    node.run()
}
