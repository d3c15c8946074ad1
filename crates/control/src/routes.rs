//! The paths of the API and what answers them (api.md 2 and 6).
//!
//! | paths | answered by |
//! |---|---|
//! | load balancers, pools, monitors, monitor groups: all verbs | [`object`], told apart by an [`object::Object`] each |
//! | bulk PATCH of pools; references | [`pools`]; [`mod@references`] |
//! | health of pools, its changes; previews | [`health`], [`events`]; [`previews`] |
//! | regions; search | [`regions`]; [`search`] |
//! | DNSSEC; name servers elsewhere | [`mod@dnssec`]; [`secondary_dns`] |
//! | DNS records; notification policies and webhooks | [`mod@dns_records`]; [`mod@notifications`] |
//! | settings and certificates of zones | [`zone_settings`]; [`certificates`] |
//! | zones; accounts; user | [`zones`]; [`accounts`]; [`user`] |
//! | tokens; the audit log | [`tokens`]; [`audit_logs`] |
//! | `/evenkeel/v1`: why a request goes where; one probe now; all documents at once | [`explain`]; [`probe_once`]; [`transfer`], listed by [`mod@own`] |
//! | `/healthz`, `/readyz`, `/metrics` | [`probes`], without credentials |
//!
//! Everything below `/client/v4` is an [`operation`] in the list below: it wants credentials, answers
//! in the envelope whatever happens, and is described by [`openapi`].
//! Before and after all of it comes the [`edge`]; what a body has that nobody read is [`unread`]'s.

mod accounts;
mod audit_logs;
mod certificates;
mod dns_records;
mod dnssec;
mod edge;
mod events;
mod explain;
mod health;
mod load_balancers;
mod monitor_groups;
mod monitors;
mod notifications;
mod object;
mod openapi;
mod operation;
mod own;
mod pools;
mod previews;
mod probe_once;
mod probes;
mod references;
mod regions;
mod search;
mod secondary_dns;
mod tokens;
mod transfer;
mod unread;
mod user;
mod zone_settings;
mod zones;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use evenkeel_api::dns_record::{Batch, BatchAnswer, Query};
use evenkeel_api::notification::{AvailableAlerts, Delivery, Policy, Webhook};
use evenkeel_api::pool_health::PoolHealth;
use evenkeel_api::preview::{PreviewCreated, PreviewResult};
use evenkeel_api::references::Reference;
use evenkeel_api::regions::Regions;
use evenkeel_api::search::SearchResult;
use evenkeel_api::{
    Account, DnsRecord, HealthEvent, LoadBalancer, Monitor, MonitorGroup, Pool, User, Zone,
};
use http::{HeaderValue, Method, Uri, header};

pub use self::explain::{
    AnswerQuery, ExplainSources, FindSession, NameAnswer, NameRecord, SupposedQuery,
};
use self::object::Deleted;
use self::operation::{Operation, Operations};
use self::own::Own;
use self::references::Resourceful;
use self::user::TokenStatus;
use crate::app::App;
use crate::error::ApiError;
use crate::permission::Group;
use crate::request::Page;

/// Where the API begins.
const BASE: &str = "/client/v4";

/// Everything the control plane answers.
pub(crate) fn router(app: Arc<App>) -> Router {
    let edge = Arc::new(edge::Edge::new(Arc::clone(&app)));
    let mut operations = Operations::new(Arc::clone(&app));
    load_balancing(&mut operations);
    neighbours(&mut operations);
    let (api, described) = operations.finish();
    let description = openapi::describe(&described);
    let api = api.route("/openapi.json", get(async move || openapi::answer(&description)));
    let (own, _) = own(Arc::clone(&app)).finish();
    let routes = Router::new()
        .nest(BASE, api)
        .merge(own)
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
        .fallback(no_route)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(app);
    // Around the routes as a whole: a layer of theirs would run only once a route is chosen.
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn(exact_methods))
        .layer(middleware::from_fn_with_state(edge, edge::pass))
        .layer(middleware::from_fn(unread::forget))
}

/// What Cloudflare's API does not have.
fn own(app: Arc<App>) -> Own {
    let mut own = Own::new(app);
    own.publish(explain::OPENAPI_PATH, explain::openapi);
    own.serve(Method::POST, explain::PATH, explain::may, explain::explain);
    own.serve(Method::POST, probe_once::PATH, probe_once::may, probe_once::probe);
    own.serve(Method::GET, transfer::PATH, transfer::may_export, transfer::export);
    own.serve(Method::PUT, transfer::PATH, transfer::may_import, transfer::import);
    own
}

/// What balances and how it fares (api.md 2).
fn load_balancing(api: &mut Operations) {
    api.object::<LoadBalancer>("/zones/{zone_id}/load_balancers");
    api.object::<LoadBalancer>("/accounts/{account_id}/load_balancers");
    for base in ["/accounts/{account_id}/load_balancers", "/user/load_balancers"] {
        pools_and_monitors(api, base);
    }
    api.serve(
        Operation::get(
            "/user/load_balancing_analytics/events",
            Group::MonitorsAndPools,
            "List health events",
        )
        .query::<events::EventsQuery>()
        .lists::<HealthEvent>(),
        events::list,
    );
    let groups = "/accounts/{account_id}/load_balancers/monitor_groups";
    api.object::<MonitorGroup>(groups);
    references::<MonitorGroup>(api, groups);
    api.serve(
        Operation::get(
            "/accounts/{account_id}/load_balancers/search",
            Group::MonitorsAndPools,
            "Search",
        )
        .query::<search::SearchQuery>()
        .answers::<SearchResult>(),
        search::search,
    );
    let regions = "/accounts/{account_id}/load_balancers/regions";
    api.serve(
        Operation::get(regions, Group::LoadBalancers, "List regions")
            .query::<regions::RegionQuery>()
            .answers::<Regions>(),
        regions::list,
    );
    api.serve(
        Operation::get(&format!("{regions}/{{region_id}}"), Group::LoadBalancers, "Get a region")
            .query::<regions::RegionQuery>()
            .answers::<Regions>(),
        regions::fetch,
    );
}

/// What accounts have, and users once had (api.md 2, row 24).
fn pools_and_monitors(api: &mut Operations, base: &str) {
    let group = Group::MonitorsAndPools;
    let (pools, monitors) = (format!("{base}/pools"), format!("{base}/monitors"));
    api.object::<Pool>(&pools);
    api.serve(
        Operation::patch(&pools, group, "Change all pools")
            .query::<pools::PatchQuery>()
            .body::<pools::PatchAll>()
            .lists::<Pool>(),
        pools::patch_all,
    );
    references::<Pool>(api, &pools);
    let pool = operation::single::<Pool>(&pools);
    api.serve(
        Operation::get(&format!("{pool}/health"), group, "Get the health of a pool")
            .answers::<PoolHealth>(),
        health::fetch,
    );
    api.serve(
        Operation::post(&format!("{pool}/preview"), group, "Preview a monitor on a pool")
            .document::<Monitor>(&[])
            .answers::<PreviewCreated>(),
        previews::of_pool,
    );
    api.object::<Monitor>(&monitors);
    references::<Monitor>(api, &monitors);
    let monitor = operation::single::<Monitor>(&monitors);
    api.serve(
        Operation::post(&format!("{monitor}/preview"), group, "Preview a monitor on its pools")
            .document::<Monitor>(&[])
            .answers::<PreviewCreated>(),
        previews::of_monitor,
    );
    api.serve(
        Operation::get(&format!("{base}/preview/{{preview_id}}"), group, "Get a preview")
            .answers::<PreviewResult>(),
        previews::fetch,
    );
}

/// Who names a document, and whom it names.
fn references<O: Resourceful>(api: &mut Operations, collection: &str) {
    let path = format!("{}/references", operation::single::<O>(collection));
    let summary = format!("List {} references", O::NOUN);
    api.serve(
        Operation::get(&path, O::GROUP, &summary).lists::<Reference>(),
        references::list::<O>,
    );
}

/// What stands around it (api.md 6).
fn neighbours(api: &mut Operations) {
    api.serve(
        Operation::get("/zones", Group::Zones, "List zones")
            .query::<zones::ListQuery>()
            .lists::<Zone>(),
        zones::list,
    );
    api.serve(
        Operation::post("/zones", Group::Zones, "Create a zone")
            .document::<Zone>(&["name"])
            .answers::<Zone>(),
        zones::create,
    );
    let zone = "/zones/{zone_id}";
    api.serve(Operation::get(zone, Group::Zones, "Get a zone").answers::<Zone>(), zones::fetch);
    api.serve(
        Operation::patch(zone, Group::Zones, "Change a zone")
            .document::<Zone>(&[])
            .answers::<Zone>(),
        zones::patch,
    );
    api.serve(
        Operation::delete(zone, Group::Zones, "Delete a zone").answers::<Deleted>(),
        zones::delete,
    );
    zone_settings::serve(api);
    certificates::serve(api);
    dns_records(api);
    dnssec::serve(api);
    secondary_dns::serve(api);
    notifications(api);
    let group = Group::AccountSettings;
    api.serve(
        Operation::get("/accounts", group, "List accounts")
            .query::<accounts::ListQuery>()
            .lists::<Account>(),
        accounts::list,
    );
    api.serve(
        Operation::get("/accounts/{account_id}", group, "Get an account").answers::<Account>(),
        accounts::fetch,
    );
    api.serve(
        Operation::get("/accounts/{account_id}/tokens/verify", Group::Caller, "Verify a token")
            .answers::<TokenStatus>(),
        accounts::verify_token,
    );
    api.serve(
        Operation::get("/user", Group::Caller, "Get the user").answers::<User>(),
        user::fetch,
    );
    api.serve(
        Operation::get("/user/tokens/verify", Group::Caller, "Verify a token")
            .answers::<TokenStatus>(),
        user::verify_token,
    );
    tokens::serve(api);
    audit_logs::serve(api);
}

/// The records of zones (api.md 6.3).
fn dns_records(api: &mut Operations) {
    let group = Group::DnsRecords;
    let all = "/zones/{zone_id}/dns_records";
    let one = "/zones/{zone_id}/dns_records/{dns_record_id}";
    const REQUIRED: &[&str] = &["type", "name"];
    api.serve(
        Operation::get(all, group, "List DNS records").query::<Query>().lists::<DnsRecord>(),
        dns_records::list,
    );
    api.serve(
        Operation::post(all, group, "Create a DNS record")
            .document::<DnsRecord>(REQUIRED)
            .answers::<DnsRecord>(),
        dns_records::create,
    );
    api.serve(
        Operation::get(one, group, "Get a DNS record").answers::<DnsRecord>(),
        dns_records::fetch,
    );
    api.serve(
        Operation::put(one, group, "Replace a DNS record")
            .document::<DnsRecord>(REQUIRED)
            .answers::<DnsRecord>(),
        dns_records::replace,
    );
    api.serve(
        Operation::patch(one, group, "Change a DNS record")
            .document::<DnsRecord>(&[])
            .answers::<DnsRecord>(),
        dns_records::patch,
    );
    api.serve(
        Operation::delete(one, group, "Delete a DNS record").answers::<Deleted>(),
        dns_records::delete,
    );
    api.serve(
        Operation::post(&format!("{all}/batch"), group, "Change many DNS records")
            .body::<Batch>()
            .answers::<BatchAnswer>(),
        dns_records::batch,
    );
    api.serve(
        Operation::get(&format!("{all}/export"), group, "Export DNS records").answers_text(),
        dns_records::export,
    );
    api.serve(
        Operation::post(&format!("{all}/import"), group, "Import DNS records")
            .text("multipart/form-data")
            .answers::<dns_records::Imported>(),
        dns_records::import,
    );
}

/// Notification policies and where they are sent (api.md 6.4).
fn notifications(api: &mut Operations) {
    let group = Group::Notifications;
    let base = "/accounts/{account_id}/alerting/v3";
    let policies = format!("{base}/policies");
    let policy = format!("{policies}/{{policy_id}}");
    let webhooks = format!("{base}/destinations/webhooks");
    let webhook = format!("{webhooks}/{{webhook_id}}");
    api.serve(
        Operation::get(&format!("{base}/available_alerts"), group, "List available alerts")
            .answers::<AvailableAlerts>(),
        notifications::available_alerts,
    );
    api.serve(
        Operation::get(&format!("{base}/history"), group, "List sent notifications")
            .query::<notifications::HistoryQuery>()
            .lists::<Delivery>(),
        notifications::history,
    );
    api.serve(
        Operation::get(&policies, group, "List notification policies")
            .query::<Page>()
            .lists::<Policy>(),
        notifications::list_policies,
    );
    api.serve(
        Operation::post(&policies, group, "Create a notification policy")
            .document::<Policy>(notifications::POLICY_REQUIRED)
            .answers::<notifications::Written>(),
        notifications::create_policy,
    );
    api.serve(
        Operation::get(&policy, group, "Get a notification policy").answers::<Policy>(),
        notifications::fetch_policy,
    );
    api.serve(
        Operation::put(&policy, group, "Replace a notification policy")
            .document::<Policy>(notifications::POLICY_REQUIRED)
            .answers::<notifications::Written>(),
        notifications::replace_policy,
    );
    api.serve(
        Operation::delete(&policy, group, "Delete a notification policy").answers::<Deleted>(),
        notifications::delete_policy,
    );
    api.serve(
        Operation::get(&webhooks, group, "List webhooks").query::<Page>().lists::<Webhook>(),
        notifications::list_webhooks,
    );
    api.serve(
        Operation::post(&webhooks, group, "Create a webhook")
            .body::<notifications::WebhookBody>()
            .answers::<notifications::Written>(),
        notifications::create_webhook,
    );
    api.serve(
        Operation::get(&webhook, group, "Get a webhook").answers::<Webhook>(),
        notifications::fetch_webhook,
    );
    api.serve(
        Operation::put(&webhook, group, "Replace a webhook")
            .body::<notifications::WebhookBody>()
            .answers::<notifications::Written>(),
        notifications::replace_webhook,
    );
    api.serve(
        Operation::delete(&webhook, group, "Delete a webhook").answers::<Deleted>(),
        notifications::delete_webhook,
    );
}

/// Keeps GET handlers from answering HEAD, which the API does not have (api.md 9 item 30): under a
/// name that no route takes the request meets the refusal that every other method meets.
async fn exact_methods(mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(BASE) {
        return next.run(request).await;
    }
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::OPTIONS;
    }
    let mut response = next.run(request).await;
    let allowed = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok());
    if let Some(allowed) = allowed {
        let methods: Vec<_> = allowed.split(',').filter(|method| *method != "HEAD").collect();
        if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
            response.headers_mut().insert(header::ALLOW, value);
        }
    }
    response
}

async fn no_route(uri: Uri) -> Response {
    let path = uri.path();
    ApiError::unroutable(path.strip_prefix(BASE).unwrap_or(path)).into_response()
}

#[cfg(test)]
mod tests;
