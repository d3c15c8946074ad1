//! DNS records of a zone (api.md 6.3): one by one, many at once, and as a zone file.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evenkeel_api::dns_record::{self, Batch, BatchAnswer, Filter, Query};
use evenkeel_api::{Context, DnsRecord, Problem, Verb};
use http::header;
use schemars::JsonSchema;
use serde::Serialize;

use super::object::{Deleted, page_of, success};
use crate::app::{App, Draft, within_quota};
use crate::auth::Caller;
use crate::catalog::{Catalog, Row};
use crate::error::{Answer, ApiError};
use crate::ids::{new_id, now};
use crate::records::{Owned, Owner, kind};
use crate::request::{At, Body, Page, Parameters, Place};
use crate::upload::Upload;

/// Records on a page unless the query says otherwise.
const PER_PAGE_DEFAULT: u64 = 100;
/// Most records on a page, as published.
const PER_PAGE_MAX: u64 = 5_000_000;
/// The word for one in messages.
const NOUN: &str = "DNS record";

/// What an import did.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Imported {
    /// Records that were not there before.
    recs_added: usize,
    /// Records in the file.
    total_records_parsed: usize,
}

/// GET on the collection.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<Query>,
) -> Answer<Vec<DnsRecord>> {
    let per_page = query.per_page.unwrap_or(PER_PAGE_DEFAULT);
    if !(1..=PER_PAGE_MAX).contains(&per_page) {
        let reason = format_args!("per_page is not in range [1, {PER_PAGE_MAX}]");
        return Err(ApiError::invalid(reason));
    }
    let filter = Filter::new(&query);
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let mut records: Vec<_> = all(&catalog, &place).filter(|record| filter.wants(record)).collect();
    records.sort_by(|a, b| filter.compare(a, b));
    let page = Page { page: query.page, per_page: Some(per_page) };
    let axum::Json(mut envelope) = page_of(records, page);
    let info = envelope.result_info.take();
    let records = envelope.result.unwrap_or_default().into_iter().cloned().collect();
    let mut answer = success(records);
    answer.0.result_info = info;
    Ok(answer)
}

/// POST on the collection.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<DnsRecord> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let zone = Zone::of(&app, catalog, &at)?;
        within_quota(zone.records().count(), app.limits.dns_record_quota, NOUN)?;
        let record = zone.apply(Verb::Create, &body, None, &id)?;
        draft.create(kind::DNS_RECORD, &id, &zone.owned(&record));
        Ok(record)
    })
    .await
    .map(success)
}

/// GET on one.
pub(super) async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<DnsRecord> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    Ok(success(find(&catalog, &place, at.id())?.value.document.clone()))
}

/// PUT on one.
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<DnsRecord> {
    update(&app, &caller, Verb::Replace, &at, &body).await
}

/// PATCH on one.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<DnsRecord> {
    update(&app, &caller, Verb::Patch, &at, &body).await
}

async fn update(app: &App, caller: &Caller, verb: Verb, at: &At, body: &[u8]) -> Answer<DnsRecord> {
    app.change(caller, |catalog, draft| {
        let zone = Zone::of(app, catalog, at)?;
        let row = find(catalog, &zone.place, at.id())?;
        let record = zone.apply(verb, body, Some(&row.value.document), at.id())?;
        draft.update(row, &zone.owned(&record));
        Ok(record)
    })
    .await
    .map(success)
}

/// DELETE on one.
pub(super) async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        draft.delete(find(catalog, &at.place(catalog)?, at.id())?);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// POST of many changes at once: all of them are made, or none.
pub(super) async fn batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<BatchAnswer> {
    let batch = Batch::of_body(&body)?;
    let ids: Vec<_> = (0..batch.posts()).map(|_| new_id()).collect();
    app.change(&caller, |catalog, draft| {
        Zone::of(&app, catalog, &at)?.run(&batch, &ids, catalog, draft)
    })
    .await
    .map(success)
}

/// GET of all records as a zone file.
pub(super) async fn export(State(app): State<Arc<App>>, at: At) -> Result<Response, ApiError> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let zone = place.zone_name.as_deref().unwrap_or_default();
    let view = app.live.load();
    let served = view.zones.iter().find(|served| served.id.to_string() == at.zone());
    let served = served.map(|served| &**served);
    let text = dns_record::export(zone, &now(), served, all(&catalog, &place));
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// POST of a zone file, whose records are added to those there are.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    upload: Upload,
) -> Answer<Imported> {
    let file = upload.text("file")?.ok_or_else(|| {
        ApiError::invalid(format_args!("the part \"file\" is missing, which holds the zone file"))
    })?;
    let proxied = upload.text("proxied")? == Some("true");
    let catalog = app.catalog();
    let zone = Zone::of(&app, &catalog, &at)?;
    let batch = zone.with_context("", |name, cx| Batch::of_zone_file(name, file, proxied, cx))?;
    let ids: Vec<_> = (0..batch.posts()).map(|_| new_id()).collect();
    let answer = app
        .change(&caller, |catalog, draft| {
            Zone::of(&app, catalog, &at)?.run(&batch, &ids, catalog, draft)
        })
        .await?;
    Ok(success(Imported { recs_added: answer.posts.len(), total_records_parsed: batch.posts() }))
}

fn find<'c>(
    catalog: &'c Catalog,
    place: &Place,
    id: &str,
) -> Result<&'c Row<Owned<DnsRecord>>, ApiError> {
    let row = catalog.dns_records.row(id).filter(|row| row.value.owner == place.owner);
    row.ok_or_else(|| Problem::no_record().into())
}

/// The records of a place.
fn all<'c>(catalog: &'c Catalog, place: &Place) -> impl Iterator<Item = &'c DnsRecord> {
    let owner = place.owner.clone();
    let owned = catalog.dns_records.values().filter(move |record| record.owner == owner);
    owned.map(|record| &record.document)
}

/// A zone whose records are about to change.
struct Zone<'c> {
    app: &'c App,
    catalog: &'c Catalog,
    place: Place,
}

impl<'c> Zone<'c> {
    fn of(app: &'c App, catalog: &'c Catalog, at: &At) -> Result<Self, ApiError> {
        Ok(Self { app, catalog, place: at.place(catalog)? })
    }

    fn records(&self) -> impl Iterator<Item = &'c DnsRecord> {
        all(self.catalog, &self.place)
    }

    fn owned<'r>(&self, record: &'r DnsRecord) -> Owned<&'r DnsRecord> {
        Owned { owner: self.place.owner.clone(), document: record }
    }

    /// Does something that needs the zone's name and the surroundings of a change.
    fn with_context<T>(
        &self,
        id: &str,
        run: impl FnOnce(&str, &Context<'_>) -> Result<T, Vec<Problem>>,
    ) -> Result<T, ApiError> {
        let name = self.place.zone_name.as_deref().unwrap_or_default();
        let lookup = self.catalog.of_account(&self.place.account);
        let cx = Context { now: &now(), id, limits: &self.app.limits, lookup: &lookup };
        Ok(run(name, &cx)?)
    }

    /// The record that a request leaves behind, which its neighbours allow.
    fn apply(
        &self,
        verb: Verb,
        body: &[u8],
        current: Option<&DnsRecord>,
        id: &str,
    ) -> Result<DnsRecord, ApiError> {
        let record =
            self.with_context(id, |name, cx| dns_record::apply(verb, body, current, name, cx))?;
        dns_record::check(&record, self.records())?;
        Ok(record)
    }

    /// Drafts what a batch changes. A record it changes twice is written once.
    fn run(
        &self,
        batch: &Batch,
        ids: &[String],
        catalog: &Catalog,
        draft: &mut Draft,
    ) -> Result<BatchAnswer, ApiError> {
        let answer = self.with_context("", |name, cx| batch.run(self.records(), name, ids, cx))?;
        let count = self.records().count() + answer.posts.len() - answer.deletes.len();
        // One less is there before the last one is added.
        if !answer.posts.is_empty() {
            within_quota(count - 1, self.app.limits.dns_record_quota, NOUN)?;
        }
        for record in &answer.deletes {
            draft.delete(find(catalog, &self.place, &record.id)?);
        }
        let written = answer.patches.iter().chain(&answer.puts);
        let last: BTreeMap<_, _> = written.map(|record| (&record.id, record)).collect();
        for record in last.into_values() {
            draft.update(find(catalog, &self.place, &record.id)?, &self.owned(record));
        }
        for record in &answer.posts {
            draft.create(kind::DNS_RECORD, &record.id, &self.owned(record));
        }
        Ok(answer)
    }
}

/// Drafts the deletion of all records of a zone.
pub(super) fn delete_all(catalog: &Catalog, zone: &str, draft: &mut Draft) {
    let owner = Owner::Zone(zone.to_owned());
    for row in catalog.dns_records.rows().filter(|row| row.value.owner == owner) {
        draft.delete(row);
    }
}
