//! The verbs that load balancers, pools and monitors share: what differs is in [`Object`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::envelope::{self, ApiMessage, Envelope};
use evenkeel_api::{Context, Limits, Problem, Verb};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::{App, Draft, within_quota};
use crate::auth::Caller;
use crate::catalog::{Catalog, Row, Table};
use crate::error::{Answer, ApiError};
use crate::ids::{new_id, now};
use crate::permission::Group;
use crate::records::Owned;
use crate::request::{At, Body, Page, Parameters, Place};
use crate::seen::Seen;

/// A kind of document with all verbs.
pub(super) trait Object:
    Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The kind in the store.
    const KIND: &str;
    /// The word for it in messages.
    const NOUN: &str;
    /// Which permissions are about it.
    const GROUP: Group;
    /// What a new one must be given.
    const REQUIRED: &'static [&'static str];
    /// Whether a deletion answers with the whole document instead of its id.
    const DELETE_ANSWERS_WHOLE: bool = false;

    /// All of them.
    fn table(catalog: &Catalog) -> &Table<Owned<Self>>;

    /// How many an account may have, its zones included.
    fn quota(limits: &Limits) -> Option<usize>;

    /// The document that a request leaves behind.
    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        place: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>>;

    /// Whether another document names it, so that it cannot be deleted.
    fn is_referenced(catalog: &Catalog, id: &str) -> bool;

    /// Puts a list into its documented order (api.md 1.6).
    fn sort(list: &mut [Shared<Self>]);

    /// Whether a list that is asked for by monitor contains it.
    fn has_monitor(&self, _monitor: &str) -> bool {
        true
    }

    /// What whoever writes it should know, though it is accepted.
    fn remarks(&self) -> Vec<ApiMessage> {
        Vec::new()
    }

    /// The document as answered, with what is known only now.
    fn answered(self, _seen: &Seen) -> Self {
        self
    }
}

/// A success with a document that was just written, and what is worth a remark about it.
fn written<O: Object>(document: O, app: &App) -> Json<Envelope<O>> {
    let messages = document.remarks();
    let answer = Envelope::success(document.answered(&Seen::new(app.live.load())));
    Json(Envelope { messages, ..answer })
}

/// A document of the catalog with its owner, shared so that only what a page holds is copied.
#[derive(Debug)]
pub(super) struct Shared<O>(pub(super) Arc<Owned<O>>);

/// What a deletion answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    /// Of what was deleted.
    pub(super) id: String,
}

/// The query of a list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    /// Only what names this monitor.
    monitor: Option<String>,
    // Not flattened: that would make serde read the numbers as text.
    /// From 1; everything is on one page unless `per_page` says otherwise.
    page: Option<u64>,
    /// Items on a page.
    per_page: Option<u64>,
}

/// A success with one object.
pub(super) fn success<T>(result: T) -> Json<Envelope<T>> {
    Json(Envelope::success(result))
}

/// A success with one page of a list.
pub(super) fn page_of<T>(items: Vec<T>, page: Page) -> Json<Envelope<Vec<T>>> {
    Json(Envelope::list(envelope::page(items, page.page, page.per_page)))
}

/// The object a path names, if it stands where the path says.
pub(super) fn find<'c, O: Object>(
    catalog: &'c Catalog,
    place: &Place,
    id: &str,
) -> Result<&'c Row<Owned<O>>, ApiError> {
    O::table(catalog)
        .row(id)
        .filter(|row| row.value.owner == place.owner)
        .ok_or_else(|| ApiError::not_found(O::NOUN))
}

/// The objects of a place, in their order.
pub(super) fn all<O: Object>(catalog: &Catalog, place: &Place) -> Vec<Shared<O>> {
    let rows = O::table(catalog).rows().filter(|row| row.value.owner == place.owner);
    let mut list: Vec<_> = rows.map(|row| Shared(Arc::clone(&row.value))).collect();
    O::sort(&mut list);
    list
}

/// GET on the collection.
pub(super) async fn list<O: Object>(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<ListQuery>,
) -> Answer<Vec<O>> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let mut list = all::<O>(&catalog, &place);
    if let Some(monitor) = query.monitor.filter(|monitor| !monitor.is_empty()) {
        list.retain(|object| object.0.document.has_monitor(&monitor));
    }
    let (list, info) = envelope::page(list, query.page, query.per_page);
    let seen = Seen::new(app.live.load());
    let list = list.into_iter().map(|object| object.0.document.clone().answered(&seen)).collect();
    Ok(Json(Envelope::list((list, info))))
}

/// POST on the collection.
pub(super) async fn create<O: Object>(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<O> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let others = O::table(catalog).values();
        let others = others.filter(|other| place.account_has(catalog, &other.owner));
        within_quota(others.count(), O::quota(&app.limits), O::NOUN)?;
        let lookup = catalog.of_account(&place.account);
        let cx = Context { now: &now(), id: &id, limits: &app.limits, lookup: &lookup };
        let document = O::apply(Verb::Create, &body, None, &place, &cx)?;
        let owned = Owned { owner: place.owner, document };
        draft.create(O::KIND, &id, &owned);
        Ok(owned.document)
    })
    .await
    .map(|document| written(document, &app))
}

/// GET on one.
pub(super) async fn fetch<O: Object>(State(app): State<Arc<App>>, at: At) -> Answer<O> {
    let catalog = app.catalog();
    let row = find::<O>(&catalog, &at.place(&catalog)?, at.id())?;
    Ok(success(row.value.document.clone().answered(&Seen::new(app.live.load()))))
}

/// PUT on one.
pub(super) async fn replace<O: Object>(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<O> {
    update(&app, &caller, Verb::Replace, &at, &body).await
}

/// PATCH on one.
pub(super) async fn patch<O: Object>(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<O> {
    update(&app, &caller, Verb::Patch, &at, &body).await
}

async fn update<O: Object>(
    app: &App,
    caller: &Caller,
    verb: Verb,
    at: &At,
    body: &[u8],
) -> Answer<O> {
    app.change(caller, |catalog, draft: &mut Draft| {
        let place = at.place(catalog)?;
        let row = find::<O>(catalog, &place, at.id())?;
        let lookup = catalog.of_account(&place.account);
        let cx = Context { now: &now(), id: at.id(), limits: &app.limits, lookup: &lookup };
        let document = O::apply(verb, body, Some(&row.value.document), &place, &cx)?;
        let owned = Owned { owner: place.owner, document };
        draft.update(row, &owned);
        Ok(owned.document)
    })
    .await
    .map(|document| written(document, app))
}

/// DELETE on one. A body is neither wanted nor looked at.
pub(super) async fn delete<O: Object>(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
) -> Answer<Deleted> {
    remove::<O>(&app, &caller, &at).await?;
    Ok(success(Deleted { id: at.id().to_owned() }))
}

/// DELETE on one, answered with what was deleted.
pub(super) async fn delete_whole<O: Object>(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
) -> Answer<O> {
    let document = remove::<O>(&app, &caller, &at).await?;
    Ok(success(document.answered(&Seen::new(app.live.load()))))
}

async fn remove<O: Object>(app: &App, caller: &Caller, at: &At) -> Result<O, ApiError> {
    app.change(caller, |catalog, draft| {
        let row = find::<O>(catalog, &at.place(catalog)?, at.id())?;
        if O::is_referenced(catalog, at.id()) {
            return Err(Problem::referenced().into());
        }
        draft.delete(row);
        Ok(row.value.document.clone())
    })
    .await
}
