//! What all workers of a process share.

use std::sync::Arc;

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_net::certificate::Challenges;
use evenkeel_net::geo::Geo;

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
    /// How busy endpoints are.
    pub loads: Arc<LoadTable>,
    /// What their traffic says about endpoints; `None` while passive health is off.
    pub outliers: Option<Arc<OutlierTable>>,
    /// Sessions that no cookie carries.
    pub sessions: Arc<SharedSessions>,
}

impl Shared {
    /// With nothing counted and no session yet, and passive health off.
    #[must_use]
    pub fn new(geo: Geo) -> Self {
        Self {
            geo,
            crowd: Arc::default(),
            challenges: Challenges::default(),
            loads: Arc::default(),
            outliers: None,
            sessions: Arc::default(),
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
