//! Pools (api.md 2, rows 8 to 11): beyond the common verbs, the PATCH of all of them, and the health
//! that answers carry.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::pool_health::OriginHealth;
use evenkeel_api::references::pools_of;
use evenkeel_api::{Context, Limits, Pool, Problem, Verb, envelope, pool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::{Object, Shared, all, find, page_of};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::{Catalog, Table};
use crate::error::Answer;
use crate::ids::now;
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::{At, Body, Page, Parameters, Place};
use crate::seen::Seen;

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

    /// Adds what clients are told to look at in a pool with a monitor once something is known
    /// (api.md 2.2).
    fn answered(mut self, seen: &Seen) -> Self {
        let Some(health) = seen.health_of(&self) else { return self };
        self.healthy = health.pool;
        for (origin, health) in self.origins.iter_mut().zip(health.endpoints) {
            let known = OriginHealth::of(&health);
            origin.healthy = known.as_ref().map(|known| known.healthy);
            origin.failure_reason = known.map(|known| known.failure_reason);
        }
        self
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
