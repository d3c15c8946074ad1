//! What all workers of a process share.

use std::sync::Arc;

use evenkeel_net::geo::Geo;

use crate::loads::LoadTable;
use crate::sessions::SharedSessions;

/// Handed to every worker; clones are the same.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where clients are.
    pub geo: Geo,
    /// How busy endpoints are.
    pub loads: Arc<LoadTable>,
    /// Sessions that no cookie carries.
    pub sessions: Arc<SharedSessions>,
}

impl Shared {
    /// With nothing counted and no session yet.
    #[must_use]
    pub fn new(geo: Geo) -> Self {
        Self { geo, loads: Arc::default(), sessions: Arc::default() }
    }
}
