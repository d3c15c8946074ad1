//! What would a probe see right now? `POST /evenkeel/v1/probe` asks one endpoint once, from this
//! server, and answers with every step and its time. No verdict changes by it, and nobody is told.
//!
//! Not a part of Cloudflare's API, so it lies outside `/client/v4` and speaks plain JSON; it is
//! described beside explanations, in `openapi/explain.json`. A probe is a connection to wherever the
//! caller says, so it takes the permission to write pools, and addresses that these may not have are
//! refused here too.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use evenkeel_api::pool_health::OriginHealth;
use evenkeel_api::{Context, Monitor, Pool, Problem, Verb, monitor, pool};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::{Caller, authorize};
use crate::catalog::Catalog;
use crate::error::ApiError;
use crate::ids::{new_id, now};
use crate::permission::{Group, Needs};
use crate::previews::{Probed, ProbedPhase};
use crate::records::Owner;
use crate::request::Body;

/// Where it is asked.
pub(super) const PATH: &str = "/evenkeel/v1/probe";

/// Whoever may have an endpoint probed for ever, may have it probed once.
const NEEDS: Needs = Needs::write(Group::MonitorsAndPools);

/// Whom to probe, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Whose monitor and pool; the caller's only or first one unless it is named.
    account: Option<String>,
    /// An identifier, or a document as monitors are created by.
    monitor: Wanted,
    /// An endpoint of this pool, by its name, or by an address that only one of them has.
    pool: Option<String>,
    endpoint: Option<String>,
    /// An endpoint of no pool.
    address: Option<String>,
    port: Option<u16>,
    /// The `Host` of that one.
    host: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    Id(String),
    Document(Map<String, Value>),
}

/// What the probe saw.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    /// Null when this server lacked what a probe takes, so that nothing can be said.
    healthy: Option<bool>,
    failure_reason: String,
    response_code: u16,
    /// As the health of pools has it, and absent as there.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<String>,
    /// The IP address that was asked.
    address: Option<IpAddr>,
    /// How long all of it took.
    took_ms: f64,
    phases: Vec<Phase>,
}

/// One step.
#[derive(Debug, Serialize)]
struct Phase {
    phase: &'static str,
    attempt: u16,
    at_ms: f64,
    took_ms: f64,
    note: String,
    failed: bool,
}

/// Whether a caller may ask.
///
/// # Errors
/// 403 when it may not.
pub(super) fn may(caller: &Caller, catalog: &Catalog) -> Result<(), ApiError> {
    authorize(caller, NEEDS, None, None, catalog)
}

/// POST of a question.
///
/// # Dropping
/// Ends the probe.
pub(super) async fn probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body,
) -> Result<Json<Answered>, ApiError> {
    let question: Question = serde_json::from_slice(&body)
        .map_err(|error| ApiError::invalid(format_args!("{error}")))?;
    let (monitor, pool, place) = resolve(&app, &caller, question)?;
    let began = Instant::now();
    let probed = app.previews.probe(&pool, place, &monitor).await;
    let probed = probed.ok_or_else(|| ApiError::not_found("endpoint that can be probed"))?;
    Ok(Json(Answered::of(probed, began.elapsed().as_secs_f64() * 1000.0)))
}

/// The monitor, and the endpoint as a place in a pool, all of one account.
fn resolve(
    app: &App,
    caller: &Caller,
    question: Question,
) -> Result<(Monitor, Pool, usize), ApiError> {
    let catalog = app.catalog();
    let account = question.account.as_deref().or(caller.account.as_deref());
    let account = account.ok_or_else(ApiError::forbidden)?;
    authorize(caller, NEEDS, Some(account), None, &catalog)?;
    let mine = Owner::Account(account.to_owned());
    let lookup = catalog.of_account(account);
    let (now, id) = (now(), new_id());
    let cx = Context { now: &now, id: &id, limits: &app.limits, lookup: &lookup };
    let monitor = match &question.monitor {
        Wanted::Id(id) => {
            let owned = catalog.monitors.get(id).filter(|owned| owned.owner == mine);
            owned.ok_or_else(|| ApiError::not_found("monitor"))?.document.clone()
        }
        Wanted::Document(document) => {
            let body = Value::Object(document.clone()).to_string();
            monitor::apply(Verb::Create, body.as_bytes(), None, &cx)
                .map_err(|problems| below("/monitor", problems))?
        }
    };
    match question {
        Question {
            pool: Some(pool),
            endpoint: Some(endpoint),
            address: None,
            port: None,
            host: None,
            ..
        } => {
            let owned = catalog.pools.get(&pool).filter(|owned| owned.owner == mine);
            let pool = owned.ok_or_else(|| ApiError::not_found("pool"))?.document.clone();
            let place = place(&pool, &endpoint)?;
            Ok((monitor, pool, place))
        }
        Question { pool: None, endpoint: None, address: Some(address), port, host, .. } => {
            let pool = pool_of(&address, port, host.as_deref(), &cx)?;
            Ok((monitor, pool, 0))
        }
        _ => Err(ApiError::invalid(format_args!(
            "either pool and endpoint are needed, or address, with port and host where it has them"
        ))),
    }
}

/// The endpoint of this name; else the only one of this address.
fn place(pool: &Pool, wanted: &str) -> Result<usize, ApiError> {
    if let Some(place) = pool.origins.iter().position(|origin| origin.name == wanted) {
        return Ok(place);
    }
    let mut places = (0..).zip(&pool.origins).filter(|(_, origin)| origin.address == wanted);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some(_), Some(_)) => Err(ApiError::invalid(format_args!(
            "several endpoints of this pool have this address; name one by its name"
        ))),
        (None, _) => Err(ApiError::not_found("endpoint")),
    }
}

/// A pool that holds nothing but an endpoint there; nobody will see it.
fn pool_of(
    address: &str,
    port: Option<u16>,
    host: Option<&str>,
    cx: &Context<'_>,
) -> Result<Pool, ApiError> {
    let mut origin = json!({ "name": "endpoint", "address": address });
    if let Some(port) = port {
        origin["port"] = json!(port);
    }
    if let Some(host) = host {
        origin["header"] = json!({ "Host": [host] });
    }
    let body = json!({ "name": cx.id, "origins": [origin] });
    let problems = match pool::apply(Verb::Create, body.to_string().as_bytes(), None, cx) {
        Ok(pool) => return Ok(pool),
        Err(problems) => problems,
    };
    let question = |problem: Problem| {
        let pointer = problem.pointer.trim_start_matches("/origins/0");
        let pointer = if pointer.starts_with("/header") { "/host" } else { pointer };
        Problem { pointer: pointer.to_owned(), ..problem }
    };
    Err(problems.into_iter().map(question).collect::<Vec<_>>().into())
}

/// Problems of a document that stands in a member of the body.
fn below(member: &str, problems: Vec<Problem>) -> ApiError {
    let moved =
        |problem: Problem| Problem { pointer: format!("{member}{}", problem.pointer), ..problem };
    problems.into_iter().map(moved).collect::<Vec<_>>().into()
}

impl Answered {
    fn of(probed: Probed, took_ms: f64) -> Self {
        let Probed { outcome, is_telling, address, phases } = probed;
        let health = OriginHealth::of_probe(outcome.reason, outcome.response_code, outcome.rtt_us);
        Self {
            healthy: is_telling.then_some(health.healthy),
            failure_reason: health.failure_reason,
            response_code: health.response_code,
            rtt: health.rtt,
            address,
            took_ms: in_ms(took_ms),
            phases: phases.into_iter().map(Phase::of).collect(),
        }
    }
}

impl Phase {
    fn of(phase: ProbedPhase) -> Self {
        let ProbedPhase { name, attempt, at_us, took_us, note, failed } = phase;
        let (at_ms, took_ms) = (ms_of(at_us), ms_of(took_us));
        Self { phase: name, attempt, at_ms, took_ms, note, failed }
    }
}

/// To the microsecond.
fn in_ms(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "exact for some hundred years")]
fn ms_of(us: u64) -> f64 {
    us as f64 / 1000.0
}
