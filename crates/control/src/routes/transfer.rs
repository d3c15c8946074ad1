//! Moving in and out: `/evenkeel/v1/documents` is the whole installation as one file. GET writes it;
//! PUT takes one, ids preserved, in a single transaction, and says field by field what it changes;
//! with `dry_run=true` it only says so.
//!
//! Not a part of Cloudflare's API, so it lies outside `/client/v4` and speaks plain JSON; refusals
//! come in the envelope. Who asks needs permission for everything that a file can hold. What a file
//! is and what it may contain is [`evenkeel_api::transfer`]'s.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::Account;
use evenkeel_api::transfer::{
    self, Document, FieldChange, Installation, Kind, Options, Place, Plan, Step,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{certificates, zone_settings};
use crate::app::{App, Draft};
use crate::auth::{Caller, authorize};
use crate::catalog::{Catalog, Row, Table};
use crate::error::ApiError;
use crate::ids::now;
use crate::permission::{Access, Group, Needs};
use crate::records::{Owned, Owner, kind};
use crate::request::{Body, Parameters};

/// Where the file is.
pub(super) const PATH: &str = "/evenkeel/v1/documents";

/// The longest file, in bytes: 100,000 documents, which is the most that one transaction writes,
/// take about as much. Held in memory while it is read.
const FILE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What a file holds documents of, and whoever moves it must be permitted.
const GROUPS: [Group; 6] = [
    Group::LoadBalancers,
    Group::MonitorsAndPools,
    Group::Zones,
    Group::ZoneSettings,
    Group::DnsRecords,
    Group::Notifications,
];

/// How a file is taken.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ImportQuery {
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
    /// Let go what is there and not in the file, as far as the file says everything of a kind.
    #[serde(default)]
    prune: bool,
}

/// What a file changed, or would.
#[derive(Debug, Serialize)]
pub(super) struct Imported {
    dry_run: bool,
    added: usize,
    changed: usize,
    removed: usize,
    unchanged: usize,
    changes: Vec<Changed>,
}

/// What became of one document.
#[derive(Debug, Serialize)]
struct Changed {
    action: Action,
    kind: Kind,
    id: String,
    name: String,
    fields: Vec<FieldChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Add,
    Change,
    Remove,
}

/// Whether a caller may see everything that a file can hold.
pub(super) fn may_export(caller: &Caller, catalog: &Catalog) -> Result<(), ApiError> {
    permit(caller, catalog, Access::Read)
}

/// Whether a caller may change everything that a file can hold.
pub(super) fn may_import(caller: &Caller, catalog: &Catalog) -> Result<(), ApiError> {
    permit(caller, catalog, Access::Write)
}

/// GET of everything.
pub(super) async fn export(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    let catalog = app.catalog();
    // Asked again of this very catalog: it may have a zone that was not there a moment ago.
    may_export(&caller, &catalog)?;
    // Thousands of documents take a while, which other requests need not wait for.
    let file = move || {
        let accounts: Vec<Account> = catalog.accounts.values().cloned().collect();
        transfer::export(&accounts, &installation(&catalog))
    };
    Ok(Json(tokio::task::spawn_blocking(file).await.expect("an export does not panic")))
}

/// PUT of a file.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(query): Parameters<ImportQuery>,
    Body(body): Body<FILE_BYTES_MAX>,
) -> Result<Json<Imported>, ApiError> {
    let catalog = app.catalog();
    let (planner, whose) = (Arc::clone(&app), caller.clone());
    let plan = tokio::task::spawn_blocking(move || {
        let file = serde_json::from_slice(&body)
            .map_err(|error| ApiError::invalid(format_args!("malformed JSON: {error}")))?;
        let plan = plan(&planner, &whose, &catalog, &file, query)?;
        Ok::<_, ApiError>((file, catalog.revision(), plan))
    });
    let (file, revision, plan) = plan.await.expect("a plan does not panic")?;
    if query.dry_run {
        return Ok(Json(Imported::of(&plan, query)));
    }
    let imported = app
        .change(&caller, |catalog, draft| {
            // One made for another revision than that of the catalog is made anew.
            let newer;
            let plan = if catalog.revision() == revision {
                &plan
            } else {
                newer = self::plan(&app, &caller, catalog, &file, query)?;
                &newer
            };
            plan.steps.iter().for_each(|step| write_step(catalog, draft, step));
            Ok(Imported::of(plan, query))
        })
        .await?;
    Ok(Json(imported))
}

fn permit(caller: &Caller, catalog: &Catalog, access: Access) -> Result<(), ApiError> {
    for account in catalog.accounts.values() {
        for group in GROUPS {
            authorize(caller, Needs { group, access }, Some(&account.id), None, catalog)?;
        }
    }
    // A zone may be denied to whoever is let into its account.
    for zone in catalog.zones.values() {
        for group in [Group::LoadBalancers, Group::Zones, Group::ZoneSettings, Group::DnsRecords] {
            authorize(caller, Needs { group, access }, None, Some(&zone.id), catalog)?;
        }
    }
    Ok(())
}

/// What a file changes, for whoever may change all that the catalog has.
fn plan(
    app: &App,
    caller: &Caller,
    catalog: &Catalog,
    file: &Value,
    query: ImportQuery,
) -> Result<Plan, ApiError> {
    may_import(caller, catalog)?;
    let accounts: Vec<Account> = catalog.accounts.values().cloned().collect();
    let options = Options {
        prune: query.prune,
        accounts: &accounts,
        name_servers: &app.name_servers,
        limits: &app.limits,
        now: &now(),
    };
    Ok(transfer::plan(file, &installation(catalog), &options)?)
}

/// Drafts what becomes of one document.
fn write_step(catalog: &Catalog, draft: &mut Draft, step: &Step) {
    let id = step.document().id();
    let owner = owner(&step.place);
    match (step.document().kind(), &step.after) {
        (Kind::Zone, after) => {
            let after = after.as_ref().and_then(|after| match after {
                Document::Zone(zone) => Some(zone),
                _ => None,
            });
            match (catalog.zones.row(id), after) {
                (None, Some(zone)) => draft.create(kind::ZONE, id, zone),
                (Some(row), Some(zone)) => draft.update(row, zone),
                (Some(row), None) => {
                    certificates::delete_all(catalog, id, draft);
                    draft.delete(row);
                }
                (None, None) => {}
            }
        }
        (Kind::ZoneSettings, after) => {
            let after = after.as_ref().and_then(|after| match after {
                Document::ZoneSettings(settings) => Some(settings),
                _ => None,
            });
            match after {
                Some(settings) => zone_settings::write(catalog, draft, settings),
                None => zone_settings::delete_all(catalog, id, draft),
            }
        }
        (Kind::Monitor, after) => {
            put(draft, kind::MONITOR, id, catalog.monitors.row(id), owner, after.as_ref());
        }
        (Kind::MonitorGroup, after) => {
            let row = catalog.monitor_groups.row(id);
            put(draft, kind::MONITOR_GROUP, id, row, owner, after.as_ref());
        }
        (Kind::Pool, after) => {
            put(draft, kind::POOL, id, catalog.pools.row(id), owner, after.as_ref());
        }
        (Kind::LoadBalancer, after) => {
            let row = catalog.load_balancers.row(id);
            put(draft, kind::LOAD_BALANCER, id, row, owner, after.as_ref());
        }
        (Kind::DnsRecord, after) => {
            let row = catalog.dns_records.row(id);
            put(draft, kind::DNS_RECORD, id, row, owner, after.as_ref());
        }
        (Kind::NotificationWebhook, after) => {
            let row = catalog.webhooks.row(id);
            put(draft, kind::NOTIFICATION_WEBHOOK, id, row, owner, after.as_ref());
        }
        (Kind::NotificationPolicy, after) => {
            let row = catalog.policies.row(id);
            put(draft, kind::NOTIFICATION_POLICY, id, row, owner, after.as_ref());
        }
    }
}

/// Drafts what becomes of an owned document: a document of any kind serialises as itself.
fn put<T>(
    draft: &mut Draft,
    kind: &str,
    id: &str,
    row: Option<&Row<Owned<T>>>,
    owner: Owner,
    after: Option<&Document>,
) {
    match (row, after) {
        (None, Some(document)) => draft.create(kind, id, &Owned { owner, document }),
        (Some(row), Some(document)) => draft.update(row, &Owned { owner, document }),
        (Some(row), None) => draft.delete(row),
        (None, None) => {}
    }
}

fn owner(place: &Place) -> Owner {
    match &place.zone {
        Some(zone) => Owner::Zone(zone.clone()),
        None => Owner::Account(place.account.clone()),
    }
}

/// Everything that moves.
fn installation(catalog: &Catalog) -> Installation {
    let mut all = Installation::default();
    for zone in catalog.zones.values() {
        let place = Place { account: zone.account.id.clone(), zone: None };
        all.insert(place, Document::Zone(zone.clone()));
    }
    for settings in catalog.zone_settings.values() {
        // What a zone left behind belongs nowhere.
        let Some(zone) = catalog.zones.get(&settings.zone_id) else { continue };
        let place = Place { account: zone.account.id.clone(), zone: Some(zone.id.clone()) };
        all.insert(place, Document::ZoneSettings(settings.clone()));
    }
    all.certificates = catalog.custom_certificates.rows().count()
        + catalog.client_certificates.rows().count()
        + catalog.trusted_certificates.rows().count();
    add(&mut all, catalog, &catalog.monitors, Document::Monitor);
    add(&mut all, catalog, &catalog.monitor_groups, Document::MonitorGroup);
    add(&mut all, catalog, &catalog.pools, Document::Pool);
    add(&mut all, catalog, &catalog.load_balancers, Document::LoadBalancer);
    add(&mut all, catalog, &catalog.dns_records, Document::DnsRecord);
    add(&mut all, catalog, &catalog.webhooks, Document::NotificationWebhook);
    add(&mut all, catalog, &catalog.policies, Document::NotificationPolicy);
    all
}

fn add<T: Clone>(
    all: &mut Installation,
    catalog: &Catalog,
    table: &Table<Owned<T>>,
    document: impl Fn(T) -> Document,
) {
    for owned in table.values() {
        let place = match &owned.owner {
            Owner::Account(account) => Place { account: account.clone(), zone: None },
            Owner::Zone(id) => {
                // What a zone left behind belongs nowhere.
                let Some(zone) = catalog.zones.get(id) else { continue };
                Place { account: zone.account.id.clone(), zone: Some(id.clone()) }
            }
        };
        all.insert(place, document(owned.document.clone()));
    }
}

impl Imported {
    fn of(plan: &Plan, query: ImportQuery) -> Self {
        let changes: Vec<Changed> = plan.steps.iter().map(Changed::of).collect();
        let count = |action| changes.iter().filter(|changed| changed.action == action).count();
        Self {
            dry_run: query.dry_run,
            added: count(Action::Add),
            changed: count(Action::Change),
            removed: count(Action::Remove),
            unchanged: plan.unchanged,
            changes,
        }
    }
}

impl Changed {
    fn of(step: &Step) -> Self {
        let action = match (&step.before, &step.after) {
            (None, _) => Action::Add,
            (Some(_), Some(_)) => Action::Change,
            (Some(_), None) => Action::Remove,
        };
        let document = step.document();
        Self {
            action,
            kind: document.kind(),
            id: document.id().to_owned(),
            name: document.label().to_owned(),
            fields: step.fields(),
        }
    }
}
