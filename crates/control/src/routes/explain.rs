//! Why would this request go where? `POST /evenkeel/v1/explain` takes a request or a DNS query as a
//! thought, lets the decision of the traffic's own code decide it on the live view, and answers
//! with every step. Nothing is sent anywhere, counted or remembered.
//!
//! Not a part of Cloudflare's API, so it lies outside `/client/v4`, speaks plain JSON, and has its
//! own description, `openapi/explain.json`, served beside it.

mod answer;
mod question;
mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use evenkeel_decision::{
    ClientSubnet, Decision, Ejections, Env, Geography, Loads, NoGeography, NoLoads, QueryFacts,
    RequestFacts, Rng, SessionKey, SessionPlace, Sessions, Trail, decide,
};
use evenkeel_model::{Node, Timestamp, View};
use http::header;
use jiff::Timestamp as Now;

use crate::app::App;
use crate::auth::{Caller, authorize};
use crate::catalog::Catalog;
use crate::error::ApiError;
use crate::permission::{Group, Needs};
use crate::request::Body;
use answer::{Explanation, Outcome, Share, Who};
use question::{Asked, Query, Question, Request};

/// Where it is asked.
pub(super) const PATH: &str = "/evenkeel/v1/explain";
/// Where it is described.
pub(super) const OPENAPI_PATH: &str = "/evenkeel/v1/openapi.json";

pub(super) static OPENAPI: &str = include_str!("../../../../openapi/explain.json");

/// Looks for a session by headers, and leaves no trace.
pub type FindSession = Arc<dyn Fn(SessionKey, Timestamp) -> Option<SessionPlace> + Send + Sync>;

/// Answers queries as the name server does, and leaves no trace. `None` for what is no query.
pub type AnswerQuery = Arc<
    dyn Fn(&View, &SupposedQuery<'_>, &mut Env<'_>, &mut Trail) -> Option<NameAnswer> + Send + Sync,
>;

/// A query that nobody sent.
#[derive(Debug, Clone, Copy)]
pub struct SupposedQuery<'a> {
    /// The name asked for: lower case, no final dot.
    pub name: &'a str,
    /// The number of the type asked for.
    pub qtype: u16,
    /// Who asks.
    pub resolver: IpAddr,
    /// For whom, as the resolver says.
    pub client_subnet: Option<ClientSubnet>,
}

/// What a query is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    /// Its code, as `NOERROR`.
    pub rcode: String,
    /// Length of the prefix of the client's network that it is for; 0 when it is for everyone.
    pub scope: u8,
    /// The answer section, in its order.
    pub records: Vec<NameRecord>,
}

/// A record of an answer, in the words of zone files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRecord {
    /// Whose it is.
    pub owner: String,
    /// Seconds that it may be kept.
    pub ttl_s: u32,
    /// Its type's name.
    pub rtype: String,
    /// What it says.
    pub data: String,
}

/// What the decisions of the traffic know besides the view.
#[derive(Clone)]
pub struct ExplainSources {
    /// Where this server stands.
    pub node: Node,
    /// Where addresses are.
    pub geography: Arc<dyn Geography + Send + Sync>,
    /// How busy endpoints are.
    pub loads: Arc<dyn Loads + Send + Sync>,
    /// Whom traffic has found out; `None` while passive health is off.
    pub ejections: Option<Arc<dyn Ejections + Send + Sync>>,
    /// The sessions that are remembered.
    pub sessions: FindSession,
    /// The name server of this node, once it runs. Without one, queries are explained as far as
    /// load balancers answer them, and host names of endpoints as names.
    pub names: Arc<OnceLock<AnswerQuery>>,
}

impl Default for ExplainSources {
    /// Knows of no place, load, ejection or session.
    fn default() -> Self {
        Self {
            node: Node::default(),
            geography: Arc::new(NoGeography),
            loads: Arc::new(NoLoads),
            ejections: None,
            sessions: Arc::new(|_, _| None),
            names: Arc::default(),
        }
    }
}

impl fmt::Debug for ExplainSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExplainSources").field("node", &self.node).finish_non_exhaustive()
    }
}

/// The description of this part of the API. Needs no credentials.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1")], OPENAPI)
}

/// Whether a caller may ask.
pub(super) fn may(caller: &Caller, catalog: &Catalog) -> Result<(), ApiError> {
    authorize(caller, Needs::read(Group::LoadBalancers), None, None, catalog)
}

/// POST of a question.
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Body(body): Body,
) -> Result<Json<Explanation>, ApiError> {
    let question = Question::read(&body)?;
    let view = app.live.load();
    let sources = app.explain.clone();
    // Thousands of decisions take milliseconds, which other requests need not wait for.
    let explained = tokio::task::spawn_blocking(move || explain_on(&view, &question, &sources));
    Ok(Json(explained.await.expect("a decision does not panic")))
}

fn explain_on(view: &View, question: &Question, sources: &ExplainSources) -> Explanation {
    let now = u64::try_from(Now::now().as_millisecond()).map_or(Timestamp(0), Timestamp);
    let mut chance = Chance(fastrand::Rng::new());
    let mut sessions = Untouched(&sources.sessions);
    let mut env = Env {
        now,
        rng: &mut chance,
        loads: &*sources.loads,
        ejections: sources.ejections.as_deref().map(|ejections| ejections as _),
        sessions: &mut sessions,
    };
    let mut trail = Trail::thorough();
    let mut ask = |trail: &mut Trail| match &question.asked {
        Asked::Request(request) => ask_request(view, request, sources, &mut env, trail),
        Asked::Query(query) => ask_query(view, query, sources, &mut env, trail),
    };
    let outcome = ask(&mut trail);
    let mut counts = BTreeMap::from([(outcome.clone(), 1)]);
    let mut unread = Trail::new();
    for _ in 1..question.repeat {
        unread.clear();
        *counts.entry(ask(&mut unread)).or_default() += 1;
    }
    let client = question.client();
    let location = sources.geography.location(client);
    let who = Who {
        address: client,
        country: location.country.map(|country| country.to_string()),
        region: location.region().map(|region| region.to_string()),
        asn: sources.geography.asn(client),
    };
    let steps = steps::of(&trail, view);
    Explanation {
        revision: view.revision,
        text: answer::text(&who, &steps, &outcome),
        client: who,
        trail: trail.describe(view).to_string(),
        steps,
        outcome,
        distribution: (question.repeat > 1).then(|| Share::of(counts)),
    }
}

fn ask_request(
    view: &View,
    request: &Request,
    sources: &ExplainSources,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Outcome {
    let cookies: Vec<&[u8]> = request.cookies().collect();
    let facts = RequestFacts {
        https: request.https,
        cookies: &cookies,
        method: request.method.as_bytes(),
        target: request.target.as_bytes(),
        headers: &request.headers,
        node: &sources.node,
        geography: &*sources.geography,
        ..RequestFacts::new(&request.host, request.client)
    };
    match decide(view, &facts, env, trail) {
        Decision::Forward(plan) => Outcome::of_plan(&plan, env),
        Decision::Respond(response) => Outcome::of_response(response),
        Decision::Unavailable(reason) => Outcome::of_refusal(reason),
    }
}

fn ask_query(
    view: &View,
    query: &Query,
    sources: &ExplainSources,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Outcome {
    if let Some(answer) = sources.names.get() {
        let supposed = SupposedQuery {
            name: &query.name,
            qtype: query.qtype,
            resolver: query.resolver,
            client_subnet: query.client_subnet,
        };
        return match answer(view, &supposed, env, trail) {
            Some(answer) => Outcome::of_name_answer(&answer),
            None => Outcome::of_no_query(),
        };
    }
    let facts = QueryFacts {
        client_subnet: query.client_subnet,
        node: &sources.node,
        geography: &*sources.geography,
        ..QueryFacts::new(&query.name, query.qtype, query.resolver)
    };
    match evenkeel_decision::answer(view, &facts, env, trail) {
        Ok(answer) => Outcome::of_answer(view, &answer),
        Err(reason) => Outcome::of_refusal(reason),
    }
}

/// Random draws, as a worker has its own.
struct Chance(fastrand::Rng);

impl Rng for Chance {
    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// Remembered sessions, as they are.
struct Untouched<'a>(&'a FindSession);

impl Sessions for Untouched<'_> {
    fn find(&mut self, key: SessionKey, now: Timestamp) -> Option<SessionPlace> {
        (self.0)(key, now)
    }

    fn keep(&mut self, _: SessionKey, _: SessionPlace, _: Timestamp) {}
}
