//! Monitors (api.md 2, rows 15 and 17): beyond the common verbs, who names one.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::references::monitors_of;
use evenkeel_api::{Context, Limits, Monitor, Problem, Verb, monitor};

use super::object::{Object, Shared, find, success};
use super::references::{Reference, Resource};
use crate::app::App;
use crate::catalog::{Catalog, Table};
use crate::error::Answer;
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::{At, Place};

impl Object for Monitor {
    const KIND: &str = kind::MONITOR;
    const NOUN: &str = "monitor";
    const GROUP: Group = Group::MonitorsAndPools;
    const REQUIRED: &'static [&'static str] = &[];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.monitors
    }

    fn quota(limits: &Limits) -> Option<usize> {
        limits.monitor_quota
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        monitor::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        catalog.pools.values().any(|pool| monitors_of(&pool.document).any(|monitor| monitor == id))
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| key(a).cmp(&key(b)));
    }
}

fn key(monitor: &Shared<Monitor>) -> (&str, &str) {
    (&monitor.0.document.created_on, &monitor.0.document.id)
}

/// GET of the pools that name a monitor.
pub(super) async fn references(State(app): State<Arc<App>>, at: At) -> Answer<Vec<Reference>> {
    let catalog = app.catalog();
    find::<Monitor>(&catalog, &at.place(&catalog)?, at.id())?;
    let naming = catalog.pools.values().map(|pool| &pool.document);
    let naming = naming.filter(|pool| monitors_of(pool).any(|monitor| monitor == at.id()));
    let references = naming.map(|pool| Reference::referrer(Resource::Pool, &pool.id, &pool.name));
    Ok(success(references.collect()))
}
