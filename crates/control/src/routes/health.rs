//! What is known of a pool's health (api.md 2, row 12; 2.5).

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::pool_health::{HealthReport, OriginHealth, PoolHealth};
use evenkeel_api::{Map, Pool};
use evenkeel_model::Node;

use super::object::{find, success};
use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::request::At;
use crate::seen::Seen;

/// The point of presence of a server that was not told where it stands: the default of `--pop`.
const SOMEWHERE: &str = "LOC";

/// GET of a pool's health. A pool that nobody judges has none; one that nobody has judged yet is
/// refused, in the words that clients know (api.md 9 item 5).
pub(super) async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<PoolHealth> {
    let catalog = app.catalog();
    let pool = &find::<Pool>(&catalog, &at.place(&catalog)?, at.id())?.value.document;
    let pop_health = if pool.monitor.is_none() && pool.monitor_group.is_none() {
        Map::default()
    } else {
        let report = report(pool, &Seen::new(app.live.load()));
        let report = report.ok_or_else(ApiError::no_health_yet)?;
        Map::from_iter([(here(&app.explain.node), report)])
    };
    Ok(success(PoolHealth { pool_id: pool.id.clone(), pop_health }))
}

/// Endpoints of which nothing is known, because they are disabled for instance, are left out.
fn report(pool: &Pool, seen: &Seen) -> Option<HealthReport> {
    let health = seen.health_of(pool)?;
    let origins = pool.origins.iter().zip(health.endpoints);
    let origins: Vec<_> = origins
        .filter_map(|(origin, health)| {
            Some(Map::from_iter([(origin.address.clone(), OriginHealth::of(&health)?)]))
        })
        .collect();
    (!origins.is_empty()).then(|| HealthReport { healthy: health.pool == Some(true), origins })
}

/// Where this server stands, in the form of `Lisbon, PT` as far as it is known: the code of the PoP
/// stands for the city.
fn here(node: &Node) -> String {
    let pop = node.pop.map_or_else(|| SOMEWHERE.to_owned(), |pop| pop.to_string());
    match node.country {
        Some(country) => format!("{pop}, {country}"),
        None => pop,
    }
}
