//! What the live view says about documents, for answers that carry health.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_api::Pool;
use evenkeel_decision::health::status::is_pool_healthy;
use evenkeel_model::{EndpointHealth, PoolId, PoolIx, View};

/// One view, searched as often as one answer needs it.
#[derive(Debug)]
pub(crate) struct Seen {
    view: Arc<View>,
    /// Made when the first pool is asked about: a list of ten thousand pools must not walk through
    /// ten thousand others for each.
    places: OnceCell<HashMap<PoolId, PoolIx>>,
}

/// What is known of a pool.
#[derive(Debug)]
pub(crate) struct SeenPool {
    /// Whether enough of its endpoints are healthy; `None` while nobody can say, or it is disabled.
    pub(crate) pool: Option<bool>,
    /// In document order.
    pub(crate) endpoints: Vec<EndpointHealth>,
}

impl Seen {
    /// Looks at a view.
    pub(crate) fn new(view: Arc<View>) -> Self {
        Self { view, places: OnceCell::new() }
    }

    /// What is known of a pool that something judges. Endpoints stand in the view in document order;
    /// a view that is about to be replaced may still have others, and then says nothing.
    pub(crate) fn health_of(&self, pool: &Pool) -> Option<SeenPool> {
        if pool.monitor.is_none() && pool.monitor_group.is_none() {
            return None;
        }
        let (config, health) = (&self.view.config, &self.view.health);
        let places = self.places.get_or_init(|| {
            config.pools.iter().map(|pool| pool.id).zip((0..).map(PoolIx)).collect()
        });
        let ix = *places.get(&pool.id.parse::<PoolId>().ok()?)?;
        let endpoints = config.pool(ix).endpoints();
        if endpoints.len() != pool.origins.len() {
            return None;
        }
        let endpoints = endpoints.map(|ix| *health.endpoint(ix)).collect();
        Some(SeenPool { pool: is_pool_healthy(health, ix), endpoints })
    }
}
