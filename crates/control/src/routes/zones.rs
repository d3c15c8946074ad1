//! Zones (api.md 6.1). A list shows those that the caller may see. Deleting one deletes its load
//! balancers, DNS records, settings and certificates, and leaves its account's pools.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::zone::{self, Scope, ZoneType};
use evenkeel_api::{Account, Context, Verb, Zone};
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::{Deleted, page_of, success};
use super::{certificates, dns_records, zone_settings};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::{Catalog, Row};
use crate::error::{Answer, ApiError};
use crate::grants::Target;
use crate::ids::{new_id, now};
use crate::permission::{Group, Needs};
use crate::records::{Owner, kind};
use crate::request::{At, Body, Direction, Page, Parameters, bounded_page};

/// The query of the list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    name: Option<String>,
    #[serde(rename = "account.id")]
    account_id: Option<String>,
    #[serde(rename = "account.name")]
    account_name: Option<String>,
    status: Option<String>,
    /// Kinds of zones, in a comma list or one by one; all but internal ones when absent. Gathered
    /// by [`types`], because it may come more than once.
    #[serde(skip_deserializing)]
    r#type: Vec<ZoneType>,
    #[serde(default)]
    r#match: Match,
    #[serde(default)]
    order: Order,
    direction: Option<Direction>,
    page: Option<u64>,
    per_page: Option<u64>,
}

/// How many of the filters a zone must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Match {
    #[default]
    All,
    Any,
}

/// By what zones are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
enum Order {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "status")]
    Status,
    #[serde(rename = "account.id")]
    AccountId,
    #[serde(rename = "account.name")]
    AccountName,
    #[serde(rename = "plan.id")]
    PlanId,
}

impl ListQuery {
    fn wants(&self, zone: &Zone) -> bool {
        if self.r#type.is_empty() && zone.r#type == ZoneType::Internal {
            return false;
        }
        // A name is asked for as people write it.
        let name = self.name.as_ref().map(|name| name.trim_end_matches('.'));
        let filters = [
            name.map(|name| matches(name, &zone.name)),
            self.account_id.as_ref().map(|id| zone.account.id == *id),
            self.account_name.as_ref().map(|name| matches(name, &zone.account.name)),
            self.status.as_ref().map(|status| zone.status.as_str() == status),
            (!self.r#type.is_empty()).then(|| self.r#type.contains(&zone.r#type)),
        ];
        let mut passed = filters.into_iter().flatten().peekable();
        match self.r#match {
            Match::All => passed.all(|passed| passed),
            Match::Any => passed.peek().is_none() || passed.any(|passed| passed),
        }
    }
}

/// Whether a text is as a filter wants it: equal, or as the word before its colon says.
fn matches(filter: &str, text: &str) -> bool {
    let (how, wanted) = filter.split_once(':').unwrap_or(("equal", filter));
    let (how, wanted, text) = match how.strip_suffix("_case_sensitive") {
        Some(how) => (how, wanted.to_owned(), text.to_owned()),
        None => (how, wanted.to_lowercase(), text.to_lowercase()),
    };
    match how {
        "not_equal" => text != wanted,
        "starts_with" => text.starts_with(&wanted),
        "ends_with" => text.ends_with(&wanted),
        "contains" => text.contains(&wanted),
        _ => text == wanted,
    }
}

/// The kinds of zones that a query asks for.
fn types(parameters: &[(String, String)]) -> Result<Vec<ZoneType>, ApiError> {
    let asked = parameters.iter().filter(|(name, _)| name == "type");
    let words = asked.flat_map(|(_, value)| value.split(','));
    let read = |word: &str| {
        let value = serde_json::Value::from(word);
        serde_json::from_value(value).map_err(|_| {
            let reason = "type must be one of full, partial, secondary, internal";
            ApiError::invalid(format_args!("{reason}"))
        })
    };
    words.map(read).collect()
}

impl Order {
    fn compare(self, a: &Zone, b: &Zone) -> Ordering {
        let first = match self {
            Self::Name => Ordering::Equal,
            Self::Status => a.status.as_str().cmp(b.status.as_str()),
            Self::AccountId => a.account.id.cmp(&b.account.id),
            Self::AccountName => a.account.name.cmp(&b.account.name),
            Self::PlanId => a.plan.id.cmp(&b.plan.id),
        };
        first.then_with(|| a.name.cmp(&b.name))
    }
}

/// GET on the collection.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(mut query): Parameters<ListQuery>,
    Parameters(all): Parameters<Vec<(String, String)>>,
) -> Answer<Vec<Zone>> {
    query.r#type = types(&all)?;
    let page = bounded_page(Page { page: query.page, per_page: query.per_page })?;
    let catalog = app.catalog();
    let seen = |zone: &&Zone| {
        let (zone, account) = (&*zone.id, Some(&*zone.account.id));
        caller.may(Needs::read(Group::Zones), Target::Zone { zone, account })
    };
    let zones = catalog.zones.values().filter(|zone| query.wants(zone));
    let mut zones: Vec<_> = zones.filter(seen).cloned().collect();
    zones.sort_by(|a, b| query.order.compare(a, b));
    if query.direction == Some(Direction::Desc) {
        zones.reverse();
    }
    Ok(page_of(zones, page))
}

/// POST on the collection.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body,
) -> Answer<Zone> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let zone = apply(&app, &caller, catalog, Verb::Create, &body, None, &id)?;
        draft.create(kind::ZONE, &id, &zone);
        Ok(zone)
    })
    .await
    .map(success)
}

/// GET on one.
pub(super) async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<Zone> {
    let catalog = app.catalog();
    Ok(success(Zone::clone(&find(&catalog, &at)?.value)))
}

/// PATCH on one.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Zone> {
    app.change(&caller, |catalog, draft| {
        let row = find(catalog, &at)?;
        let (current, id) = (Some(&*row.value), &row.value.id);
        let zone = apply(&app, &caller, catalog, Verb::Patch, &body, current, id)?;
        draft.update(row, &zone);
        Ok(zone)
    })
    .await
    .map(success)
}

/// DELETE on one, on its load balancers and on everything else that is its own.
pub(super) async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        let row = find(catalog, &at)?;
        let owner = Owner::Zone(row.value.id.clone());
        for lb in catalog.load_balancers.rows().filter(|lb| lb.value.owner == owner) {
            draft.delete(lb);
        }
        dns_records::delete_all(catalog, &row.value.id, draft);
        zone_settings::delete_all(catalog, &row.value.id, draft);
        certificates::delete_all(catalog, &row.value.id, draft);
        draft.delete(row);
        Ok(Deleted { id: row.value.id.clone() })
    })
    .await
    .map(success)
}

fn find<'c>(catalog: &'c Catalog, at: &At) -> Result<&'c Row<Zone>, ApiError> {
    catalog.zones.row(at.zone()).ok_or_else(|| ApiError::not_found("zone"))
}

fn apply(
    app: &App,
    caller: &Caller,
    catalog: &Catalog,
    verb: Verb,
    body: &[u8],
    current: Option<&Zone>,
    id: &str,
) -> Result<Zone, ApiError> {
    let needs = Needs::write(Group::Zones);
    let may_write = |account: &&Account| caller.may(needs, Target::Account(&account.id));
    let accounts: Vec<Account> = catalog.accounts.values().filter(may_write).cloned().collect();
    if accounts.is_empty() && verb == Verb::Create {
        return Err(ApiError::forbidden());
    }
    let scope = Scope { accounts: &accounts, name_servers: &app.name_servers };
    let account = current.map_or("", |zone| &zone.account.id);
    let lookup = catalog.of_account(account);
    let cx = Context { now: &now(), id, limits: &app.limits, lookup: &lookup };
    Ok(zone::apply(verb, body, current, &scope, &cx)?)
}
