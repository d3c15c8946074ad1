//! Previews (api.md 2, rows 13, 16 and 20): monitor settings tried on a pool, or on every pool that
//! a monitor judges, before they are in force.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::preview::{PreviewCreated, PreviewResult};
use evenkeel_api::references::{monitor_groups_of, monitors_of, monitors_of_group};
use evenkeel_api::{Context, Monitor, MonitorGroup, Pool, Verb, monitor};

use super::object::{find, success};
use crate::app::App;
use crate::catalog::Catalog;
use crate::error::{Answer, ApiError};
use crate::ids::{new_id, now};
use crate::previews::PREVIEW_ENDPOINTS_MAX;
use crate::request::{At, Body, Place};

/// POST of settings to try on one pool.
pub(super) async fn of_pool(
    State(app): State<Arc<App>>,
    at: At,
    Body(body): Body,
) -> Answer<PreviewCreated> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let row = find::<Pool>(&catalog, &place, at.id())?;
    start(&app, &catalog, &place, &body, &[&row.value.document])
}

/// POST of settings to try on every pool that a monitor judges, be it in a group.
pub(super) async fn of_monitor(
    State(app): State<Arc<App>>,
    at: At,
    Body(body): Body,
) -> Answer<PreviewCreated> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    find::<Monitor>(&catalog, &place, at.id())?;
    let names = |group: &MonitorGroup| monitors_of_group(group).any(|monitor| monitor == at.id());
    let judges = |pool: &&Pool| {
        let mut groups = monitor_groups_of(pool).filter_map(|id| catalog.monitor_groups.get(id));
        monitors_of(pool).any(|monitor| monitor == at.id())
            || groups.any(|group| names(&group.document))
    };
    let pools: Vec<_> = catalog.pools.values().map(|pool| &pool.document).filter(judges).collect();
    start(&app, &catalog, &place, &body, &pools)
}

/// GET of what came of a preview, as far as it is done.
pub(super) async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<PreviewResult> {
    let account = at.account(&app.catalog())?.id.clone();
    let result = app.previews.result(&account, at.id());
    result.map(success).ok_or_else(|| ApiError::not_found("preview"))
}

fn start(
    app: &App,
    catalog: &Catalog,
    place: &Place,
    body: &[u8],
    pools: &[&Pool],
) -> Answer<PreviewCreated> {
    let lookup = catalog.of_account(&place.account);
    let cx = Context { now: &now(), id: &new_id(), limits: &app.limits, lookup: &lookup };
    let monitor = monitor::apply(Verb::Create, body, None, &cx)?;
    let endpoints: usize = pools.iter().map(|pool| pool.origins.len()).sum();
    if endpoints > PREVIEW_ENDPOINTS_MAX {
        return Err(ApiError::invalid(format_args!(
            "the pools of this monitor have {endpoints} origins, and a preview tries at most \
             {PREVIEW_ENDPOINTS_MAX}; preview the pools one by one"
        )));
    }
    Ok(success(app.previews.start(&place.account, pools, &monitor)))
}
