//! What all workers of a process share.

use std::sync::{Arc, OnceLock};

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_net::certificate::Challenges;
use evenkeel_net::geo::Geo;
use evenkeel_net::tls::client::Outbound;
use evenkeel_net::tls::machine_roots;
use evenkeel_telemetry::{AccessLog, Tracer};
use tokio_rustls::rustls::RootCertStore;

use crate::crowd::{Crowd, CrowdLimits};
use crate::loads::LoadTable;
use crate::outliers::OutlierTable;
use crate::sessions::SharedSessions;

/// Handed to every worker; clones are the same.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where clients are.
    pub geo: Geo,
    /// How many clients are let in.
    pub crowd: Arc<Crowd>,
    /// What authorities look for before they certify a name.
    pub challenges: Challenges,
    /// How TLS is done with endpoints.
    pub outbound: Outbound,
    /// How busy endpoints are.
    pub loads: Arc<LoadTable>,
    /// What their traffic says about endpoints; `None` while passive health is off.
    pub outliers: Option<Arc<OutlierTable>>,
    /// Sessions that no cookie carries.
    pub sessions: Arc<SharedSessions>,
    /// Where requests are written down; `None` for nowhere.
    pub access_log: Option<AccessLog>,
    /// Who traces requests; `None` while nobody does, and then what clients say of their traces
    /// passes through untouched.
    pub tracer: Option<Tracer>,
}

impl Shared {
    /// With nothing counted and no session yet, and passive health, access log and traces off.
    #[must_use]
    pub fn new(geo: Geo) -> Self {
        Self {
            geo,
            crowd: Arc::default(),
            challenges: Challenges::default(),
            outbound: believing_the_machine(),
            loads: Arc::default(),
            outliers: None,
            sessions: Arc::default(),
            access_log: None,
            tracer: None,
        }
    }

    /// The same, with bounds on clients.
    #[must_use]
    pub fn with_crowd(self, limits: CrowdLimits) -> Self {
        Self { crowd: Arc::new(Crowd::new(limits)), ..self }
    }

    /// The same, with passive health on.
    #[must_use]
    pub fn with_passive_health(self, settings: PassiveSettings) -> Self {
        Self { outliers: Some(Arc::new(OutlierTable::new(settings))), ..self }
    }
}

/// TLS with endpoints as long as nobody says whom else to believe.
fn believing_the_machine() -> Outbound {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Outbound::new(Arc::clone(ROOTS.get_or_init(|| Arc::new(machine_roots()))))
}
