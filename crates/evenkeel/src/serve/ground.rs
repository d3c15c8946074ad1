//! What both planes stand on, and what stays while the control plane ends and begins again: the
//! settings, the files they name, the keys of TLS, the counters, what workers share.

use std::sync::Arc;

use evenkeel_control::ExplainSources;
use evenkeel_model::ZoneId;
use evenkeel_net::geo::GeoFiles;
use evenkeel_net::tls::machine_roots;
use evenkeel_proxy::Shared;
use evenkeel_telemetry::{Counter, DnsRegistry, Registry};
use rustls::RootCertStore;
use tokio::sync::{mpsc, watch};

use super::data_plane::{explain_sources, raise_descriptor_limit};
use super::sockets::Sockets;
use super::upgrades::Upgrades;
use crate::certificates::Tls;
use crate::exit::Failure;
use crate::geo;
use crate::records::Records;
use crate::settings::Settings;

/// Wishes under way to the name server that secondaries be told of a zone. Whoever finds it full is
/// told so and asks again.
const NOTICES_MAX: usize = 64;

/// Everything that is there before the documents are.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) settings: Settings,
    pub(super) sockets: Sockets,
    pub(super) shared: Shared,
    pub(super) tls: Tls,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) explain: ExplainSources,
    pub(super) registry: Registry,
    /// What is told of each request.
    pub(super) records: Records,
    /// `None` while there is no name server.
    pub(super) dns_registry: Option<DnsRegistry>,
    /// Of zones whose secondaries are to be told though nothing has changed.
    pub(super) notify_peers: mpsc::Sender<ZoneId>,
    /// Times that a geographic database was read again.
    pub(super) geo_reloads: Arc<Counter>,
    pub(super) upgrades: Arc<Upgrades>,
    /// What `/readyz` tells.
    pub(super) ready: watch::Sender<bool>,
}

/// What of it is used up at the start.
#[derive(Debug)]
pub(super) struct Once {
    pub(super) geo_files: GeoFiles,
    pub(super) notices: mpsc::Receiver<ZoneId>,
}

impl Ground {
    /// Reads every file that the settings name. Nothing is served yet.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub(super) fn lay(settings: Settings, sockets: Sockets) -> Result<(Self, Once), Failure> {
        let files_max = raise_descriptor_limit();
        let geo_files =
            GeoFiles::open(&settings.geoip).map_err(|problems| geo::refused(&problems))?;
        let crowd = settings.of_clients.crowd(files_max);
        let shared = Shared::new(geo_files.geo()).with_crowd(crowd);
        let shared = match settings.passive_health {
            Some(passive) => shared.with_passive_health(passive),
            None => shared,
        };
        let roots = Arc::new(machine_roots());
        let tls = Tls::prepare(&settings, &roots)?;
        let records = Records::start(&settings, &roots)?;
        let shared = Shared {
            challenges: tls.challenges.clone(),
            outbound: tls.outbound.clone(),
            access_log: records.access_log.clone(),
            tracer: records.tracer.clone(),
            ..shared
        };
        let explain = explain_sources(&settings, &shared);
        let udp_threads = evenkeel_dns::server::ServerOptions::udp_threads(&sockets.dns);
        let (notify_peers, notices) = mpsc::channel(NOTICES_MAX);
        let ground = Self {
            registry: Registry::new(settings.workers),
            records,
            dns_registry: (!sockets.dns.is_empty()).then(|| DnsRegistry::new(udp_threads)),
            sockets,
            shared,
            tls,
            roots,
            explain,
            notify_peers,
            geo_reloads: Arc::default(),
            upgrades: Arc::default(),
            ready: watch::Sender::new(false),
            settings,
        };
        Ok((ground, Once { geo_files, notices }))
    }
}
