//! Notification policies and webhooks (api.md 6.4). Writing one answers with its identifier alone.
//! A webhook that a policy names cannot be deleted: the policy would silently tell nobody.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::notification::{
    AlertType, AvailableAlerts, Delivery, Policy, StoredWebhook, Webhook, apply_policy,
    apply_webhook,
};
use evenkeel_api::{Context, Lookup, Problem, Verb};
use evenkeel_store::{JOURNAL_READ_MAX, JournalQuery};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::moment;
use super::object::{Deleted, page_of, success};
use crate::app::{App, within_quota};
use crate::auth::Caller;
use crate::catalog::{Catalog, Row, Table};
use crate::error::{Answer, ApiError};
use crate::ids::{new_id, now};
use crate::notifications::{DELIVERIES, LastDeliveries, Recorded};
use crate::records::{Owned, Owner, kind};
use crate::request::{At, Body, Page, Parameters, Place};

/// Most policies, and most webhooks, of one account: every change of health is held against all of
/// them.
const NOTIFICATIONS_MAX: usize = 1000;

/// Deliveries on a page of the history, unless asked otherwise.
const HISTORY_PER_PAGE: u64 = 25;

/// The most deliveries that are looked at for one answer. Older ones are found by an earlier
/// `before`.
const HISTORY_MAX: usize = 1000;

/// The answer to a creation or replacement.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// Of what was written.
    id: String,
}

/// What a new or replaced webhook says.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
pub(super) struct WebhookBody {
    /// What people call it.
    name: String,
    /// Where alerts are posted to.
    url: String,
    /// Sent along as the header `cf-webhook-auth`.
    secret: Option<String>,
}

/// What a new or replaced policy says.
pub(super) const POLICY_REQUIRED: &[&str] = &["name", "alert_type", "enabled", "mechanisms"];

/// GET of the kinds of alerts.
pub(super) async fn available_alerts(
    State(app): State<Arc<App>>,
    at: At,
) -> Answer<AvailableAlerts> {
    at.account(&app.catalog())?;
    Ok(success(AlertType::available()))
}

/// GET of the policies.
pub(super) async fn list_policies(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(page): Parameters<Page>,
) -> Answer<Vec<Policy>> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let mut policies: Vec<_> = owned(&catalog.policies, &place).cloned().collect();
    policies.sort_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    Ok(page_of(policies, page))
}

/// POST of a policy.
pub(super) async fn create_policy(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Written> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let count = owned(&catalog.policies, &place).count();
        within_quota(count, Some(NOTIFICATIONS_MAX), "notification policy")?;
        let document = policy(&app, catalog, &place, Verb::Create, &body, None, &id)?;
        draft.create(kind::NOTIFICATION_POLICY, &id, &Owned { owner: place.owner, document });
        Ok(Written { id: id.clone() })
    })
    .await
    .map(success)
}

/// GET of a policy.
pub(super) async fn fetch_policy(State(app): State<Arc<App>>, at: At) -> Answer<Policy> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let row = find(&catalog.policies, &place, at.id(), "notification policy")?;
    Ok(success(row.value.document.clone()))
}

/// PUT of a policy.
pub(super) async fn replace_policy(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Written> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let row = find(&catalog.policies, &place, at.id(), "notification policy")?;
        let current = Some(&row.value.document);
        let document = policy(&app, catalog, &place, Verb::Replace, &body, current, at.id())?;
        draft.update(row, &Owned { owner: place.owner, document });
        Ok(Written { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// DELETE of a policy.
pub(super) async fn delete_policy(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        draft.delete(find(&catalog.policies, &place, at.id(), "notification policy")?);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// GET of the webhooks.
pub(super) async fn list_webhooks(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(page): Parameters<Page>,
) -> Answer<Vec<Webhook>> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let last = last_deliveries(&app, &place.account).await?;
    let mut webhooks: Vec<_> =
        owned(&catalog.webhooks, &place).map(|stored| answered(stored, &last)).collect();
    webhooks.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    Ok(page_of(webhooks, page))
}

/// POST of a webhook.
pub(super) async fn create_webhook(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Written> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let count = owned(&catalog.webhooks, &place).count();
        within_quota(count, Some(NOTIFICATIONS_MAX), "webhook")?;
        let document = webhook(&app, catalog, &place, Verb::Create, &body, None, &id)?;
        draft.create(kind::NOTIFICATION_WEBHOOK, &id, &Owned { owner: place.owner, document });
        Ok(Written { id: id.clone() })
    })
    .await
    .map(success)
}

/// GET of a webhook.
pub(super) async fn fetch_webhook(State(app): State<Arc<App>>, at: At) -> Answer<Webhook> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let row = find(&catalog.webhooks, &place, at.id(), "webhook")?;
    let last = last_deliveries(&app, &place.account).await?;
    Ok(success(answered(&row.value.document, &last)))
}

/// PUT of a webhook.
pub(super) async fn replace_webhook(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Written> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let row = find(&catalog.webhooks, &place, at.id(), "webhook")?;
        let current = Some(&row.value.document);
        let document = webhook(&app, catalog, &place, Verb::Replace, &body, current, at.id())?;
        draft.update(row, &Owned { owner: place.owner, document });
        Ok(Written { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// DELETE of a webhook that no policy names.
pub(super) async fn delete_webhook(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let row = find(&catalog.webhooks, &place, at.id(), "webhook")?;
        let mut policies = owned(&catalog.policies, &place);
        if policies.any(|policy| policy.webhooks().any(|named| named == at.id())) {
            return Err(Problem::referenced().into());
        }
        draft.delete(row);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// Which deliveries are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct HistoryQuery {
    /// Only those that ended at this time or later, in RFC 3339.
    since: Option<String>,
    /// Only those that ended before this time, in RFC 3339.
    before: Option<String>,
    /// From 1.
    page: Option<u64>,
    /// Items on a page; 25 unless told otherwise.
    per_page: Option<u64>,
}

/// GET of what was told, newest first.
pub(super) async fn history(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<HistoryQuery>,
) -> Answer<Vec<Delivery>> {
    let account = at.account(&app.catalog())?.id.clone();
    let millis = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or(0);
    let since = moment("since", query.since.as_deref())?.map(millis);
    let before = moment("before", query.before.as_deref())?.map(millis);
    let deliveries = deliveries(&app, &account, since, before).await?;
    let per_page = Some(query.per_page.unwrap_or(HISTORY_PER_PAGE));
    Ok(page_of(deliveries, Page { page: query.page, per_page }))
}

/// The newest deliveries of an account.
async fn deliveries(
    app: &App,
    account: &str,
    from_ms: Option<u64>,
    until_ms: Option<u64>,
) -> Result<Vec<Delivery>, ApiError> {
    let newest = JournalQuery::newest(DELIVERIES, JOURNAL_READ_MAX);
    let mut query = JournalQuery { from_ms, until_ms, ..newest };
    let mut found = Vec::new();
    while found.len() < HISTORY_MAX {
        let entries = app.journal(query.clone()).await?;
        let Some(last) = entries.last() else { break };
        query = query.past(last.sequence);
        let recorded = entries.iter().filter_map(|entry| {
            let recorded: Recorded = serde_json::from_slice(&entry.body).ok()?;
            let id = entry.sequence.to_string();
            (recorded.account_id == account).then_some(Delivery { id, ..recorded.delivery })
        });
        found.extend(recorded);
    }
    found.truncate(HISTORY_MAX);
    Ok(found)
}

async fn last_deliveries(app: &App, account: &str) -> Result<LastDeliveries, ApiError> {
    let mut last = LastDeliveries::default();
    for delivery in deliveries(app, account, None, None).await? {
        last.take(&delivery);
    }
    Ok(last)
}

/// A webhook as answered, with what is known only from its deliveries.
fn answered(stored: &StoredWebhook, last: &LastDeliveries) -> Webhook {
    let (last_success, last_failure) = last.of(&stored.webhook.id);
    Webhook { last_success, last_failure, ..stored.webhook.clone() }
}

/// The documents of a place.
fn owned<'c, T>(table: &'c Table<Owned<T>>, place: &Place) -> impl Iterator<Item = &'c T> {
    let owner: Owner = place.owner.clone();
    table.values().filter(move |owned| owned.owner == owner).map(|owned| &owned.document)
}

fn find<'c, T>(
    table: &'c Table<Owned<T>>,
    place: &Place,
    id: &str,
    noun: &str,
) -> Result<&'c Row<Owned<T>>, ApiError> {
    let row = table.row(id).filter(|row| row.value.owner == place.owner);
    row.ok_or_else(|| ApiError::not_found(noun))
}

fn policy(
    app: &App,
    catalog: &Catalog,
    place: &Place,
    verb: Verb,
    body: &[u8],
    current: Option<&Policy>,
    id: &str,
) -> Result<Policy, ApiError> {
    let lookup = catalog.of_account(&place.account);
    let cx = Context { now: &now(), id, limits: &app.limits, lookup: &lookup };
    let webhook_exists = |id: &str| find(&catalog.webhooks, place, id, "").is_ok();
    let pool_exists = |id: &str| lookup.pool_exists(id);
    Ok(apply_policy(verb, body, current, &webhook_exists, &pool_exists, &cx)?)
}

fn webhook(
    app: &App,
    catalog: &Catalog,
    place: &Place,
    verb: Verb,
    body: &[u8],
    current: Option<&StoredWebhook>,
    id: &str,
) -> Result<StoredWebhook, ApiError> {
    let lookup = catalog.of_account(&place.account);
    let cx = Context { now: &now(), id, limits: &app.limits, lookup: &lookup };
    Ok(apply_webhook(verb, body, current, &cx)?)
}
