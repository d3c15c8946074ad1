//! What all workers of a process share. Nothing here makes a request wait.

use std::sync::Arc;

use evenkeel_net::geo::Geo;

use crate::loads::LoadTable;

/// Handed to every worker; clones are the same.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where clients are.
    pub geo: Geo,
    /// How busy endpoints are.
    pub loads: Arc<LoadTable>,
}

impl Shared {
    /// With nothing counted yet.
    #[must_use]
    pub fn new(geo: Geo) -> Self {
        Self { geo, loads: Arc::default() }
    }
}
