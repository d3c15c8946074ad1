//! Pools (api.md 2, rows 8 to 11 and 14): beyond the common verbs, the PATCH of all of them, who
//! names one, and the health that answers carry.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::references::pools_of;
use evenkeel_api::{Context, Limits, Pool, Problem, Verb, envelope, pool};
use evenkeel_model::{Health, PoolId, PoolIx, PoolStatus, Verdict, View};
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::{Object, Shared, all, find, page_of, success};
use super::references::{Reference, Resource};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::{Catalog, Table};
use crate::error::Answer;
use crate::ids::now;
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::{At, Body, Page, Parameters, Place};

impl Object for Pool {
    const KIND: &str = kind::POOL;
    const NOUN: &str = "pool";
    const GROUP: Group = Group::MonitorsAndPools;
    const REQUIRED: &'static [&'static str] = &["name", "origins"];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.pools
    }

    fn quota(limits: &Limits) -> Option<usize> {
        limits.pool_quota
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        pool::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        catalog.load_balancers.values().any(|lb| pools_of(&lb.document).any(|pool| pool == id))
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| a.0.document.name.cmp(&b.0.document.name));
    }

    fn has_monitor(&self, monitor: &str) -> bool {
        self.monitor.as_deref() == Some(monitor)
    }

    fn answered(mut self, view: &View) -> Self {
        fill_in_health(&mut self, view);
        self
    }
}

/// Adds what clients are told to look at in a pool with a monitor once something is known
/// (api.md 2.2). Origins stand in the view in document order; a view that is about to be replaced
/// may still have others, and then says nothing.
fn fill_in_health(pool: &mut Pool, view: &View) {
    let Ok(id) = pool.id.parse::<PoolId>() else { return };
    let Some(place) = view.config.pools.iter().position(|known| known.id == id) else { return };
    let known = &view.config.pools[place];
    if !known.is_monitored() || known.endpoints().len() != pool.origins.len() {
        return;
    }
    pool.healthy = pool_is_healthy(&view.health, PoolIx(u32::try_from(place).unwrap_or(u32::MAX)));
    for (origin, ix) in pool.origins.iter_mut().zip(known.endpoints()) {
        let health = view.health.endpoint(ix);
        origin.healthy = match health.verdict {
            Verdict::Unknown => continue,
            verdict => Some(verdict == Verdict::Healthy),
        };
        origin.failure_reason = Some(health.reason.to_string());
    }
}

fn pool_is_healthy(health: &Health, ix: PoolIx) -> Option<bool> {
    match health.pool(ix).status {
        PoolStatus::Unknown | PoolStatus::Disabled => None,
        PoolStatus::Healthy | PoolStatus::Degraded => Some(true),
        PoolStatus::Critical => Some(false),
    }
}

/// Which pools a PATCH of all of them is for: one page of them, told in either of two ways.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PatchQuery {
    page: Option<u64>,
    per_page: Option<u64>,
    limit: Option<u64>,
    offset: Option<u64>,
}

/// PATCH on the collection: clears the e-mail address of many pools at once.
pub(super) async fn patch_all(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Parameters(query): Parameters<PatchQuery>,
    Body(body): Body,
) -> Answer<Vec<Pool>> {
    let limit = query.limit.map_or(usize::MAX, saturated);
    let offset = query.offset.map_or(0, saturated);
    let changed = app
        .change(&caller, |catalog, draft| {
            let place = at.place(catalog)?;
            let (pools, _) =
                envelope::page(all::<Pool>(catalog, &place), query.page, query.per_page);
            let pools = pools.iter().skip(offset).take(limit).map(|pool| &pool.0.document);
            let lookup = catalog.of_account(&place.account);
            let cx = Context { now: &now(), id: "", limits: &app.limits, lookup: &lookup };
            let changed = pool::apply_to_all(&body, pools, &cx)?;
            for document in &changed {
                let row = find::<Pool>(catalog, &place, &document.id)?;
                draft.update(row, &Owned { owner: place.owner.clone(), document });
            }
            Ok(changed)
        })
        .await?;
    Ok(page_of(changed, Page::default()))
}

fn saturated(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The body of a PATCH of all pools.
#[derive(Debug, JsonSchema)]
pub(super) struct PatchAll {
    /// Only the empty text: it clears the address of every pool.
    #[expect(dead_code, reason = "describes; the body is read by `pool::apply_to_all`")]
    notification_email: String,
}

/// GET of who names a pool, and of the monitor that it names.
pub(super) async fn references(State(app): State<Arc<App>>, at: At) -> Answer<Vec<Reference>> {
    let catalog = app.catalog();
    let row = find::<Pool>(&catalog, &at.place(&catalog)?, at.id())?;
    let naming = catalog.load_balancers.values().map(|lb| &lb.document);
    let naming = naming.filter(|lb| pools_of(lb).any(|pool| pool == at.id()));
    let mut references: Vec<_> =
        naming.map(|lb| Reference::referrer(Resource::LoadBalancer, &lb.id, &lb.name)).collect();
    let monitor = row.value.document.monitor.as_deref().and_then(|id| catalog.monitors.get(id));
    references.extend(monitor.map(|monitor| {
        let monitor = &monitor.document;
        Reference::referral(Resource::Monitor, &monitor.id, &monitor.description)
    }));
    Ok(success(references))
}
