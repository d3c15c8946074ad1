//! One request on its way: what the engine decided, what befell it, and what the client saw. The
//! only place that talks to the engine.

use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_decision::{
    Decision, DialFailure, Env, GiveUp, RequestFacts, Step, Target, Trail, TrailStep, Unavailable,
    decide,
};
use evenkeel_model::{EndpointId, EndpointIx, Node, PoolId, PoolIx, Timestamp, View};

use crate::oracle::Meant;
use crate::places::Atlas;
use crate::request::{Held, Request};
use crate::servers::{Fate, Servers};

/// A request and all that became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What it was decided on.
    pub view: Arc<View>,
    /// When.
    pub now: Timestamp,
    /// What was asked.
    pub request: Request,
    /// What the oracle says of it; `None` when the host is nobody's.
    pub meant: Option<Meant>,
    /// The session that the engine should know of, by cookie or by headers.
    pub session: Option<Held>,
    /// Everyone the plan named, in order.
    pub contacts: Vec<Contact>,
    /// How it ended.
    pub outcome: Outcome,
    /// The session cookie that was set on the answer, as `Set-Cookie` has it.
    pub set_cookie: Option<String>,
    /// Why.
    pub trail: Trail,
}

/// An endpoint that the plan named, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Whom.
    pub target: Target,
    /// What came of it.
    pub fate: Fate,
}

/// What the client saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer of this endpoint.
    Answered(Target),
    /// A fixed response of this status.
    Responded(u16),
    /// An error page, without any attempt.
    Unavailable(Unavailable),
    /// An error page, after attempts.
    GaveUp(GiveUp),
}

/// What a request may know besides itself.
#[derive(Debug)]
pub struct Setting<'a> {
    /// What it is decided on.
    pub view: &'a Arc<View>,
    /// Where the server stands.
    pub node: &'a Node,
    /// What the oracle says of it.
    pub meant: Option<Meant>,
    /// The session that the engine should know of.
    pub session: Option<Held>,
}

/// Decides a request and obeys the plan, as a proxy would.
pub fn send(
    setting: Setting<'_>,
    request: Request,
    env: &mut Env<'_>,
    servers: &mut Servers,
) -> Exchange {
    let Setting { view, node, meant, session } = setting;
    let mut trail = Trail::new();
    let (mut contacts, mut set_cookie) = (Vec::new(), None);
    let outcome = with_facts(&request, node, |facts| {
        let mut plan = match decide(view, facts, env, &mut trail) {
            Decision::Forward(plan) => plan,
            Decision::Respond(fixed) => return Outcome::Responded(fixed.status),
            Decision::Unavailable(reason) => return Outcome::Unavailable(reason),
        };
        loop {
            let target = match plan.step() {
                Step::Dial(target) => target,
                Step::GiveUp(reason) => return Outcome::GaveUp(reason),
            };
            let fate = servers.contact(&view.config.endpoint(target.endpoint).address);
            contacts.push(Contact { target, fate });
            match fate {
                Fate::Failure(failure) => plan.failed(env, failure, &mut trail),
                Fate::Unresolved => plan.unresolved(env, &mut trail),
                Fate::Answer(_) => {
                    set_cookie = plan.answered(env).map(|cookie| {
                        let mut value = Vec::new();
                        cookie.write_value(view, env.now, facts.https, &mut value);
                        String::from_utf8(value).expect("cookies are ASCII")
                    });
                    return Outcome::Answered(target);
                }
            }
        }
    });
    let (view, now) = (Arc::clone(view), env.now);
    Exchange { view, now, request, meant, session, contacts, outcome, set_cookie, trail }
}

/// Asks for a decision only, and returns whom it names first.
#[must_use]
pub fn first_choice(
    view: &View,
    node: &Node,
    request: &Request,
    env: &mut Env<'_>,
) -> Option<Target> {
    with_facts(request, node, |facts| match decide(view, facts, env, &mut Trail::new()) {
        Decision::Forward(plan) => match plan.step() {
            Step::Dial(target) => Some(target),
            Step::GiveUp(_) => None,
        },
        Decision::Respond(_) | Decision::Unavailable(_) => None,
    })
}

fn with_facts<T>(request: &Request, node: &Node, then: impl FnOnce(&RequestFacts<'_>) -> T) -> T {
    let cookies: Vec<&[u8]> = request.cookies.iter().map(String::as_bytes).collect();
    let lines = request.cookies.iter().map(|line| ("cookie", line.as_str()));
    let headers: Vec<(&str, &str)> = request.headers.iter().copied().chain(lines).collect();
    let facts = RequestFacts {
        https: true,
        cookies: &cookies,
        method: request.method.as_bytes(),
        target: request.path.as_bytes(),
        headers: &headers,
        node,
        geography: &Atlas,
        ..RequestFacts::new(&request.host, IpAddr::V4(request.client))
    };
    then(&facts)
}

impl Exchange {
    /// The endpoint that answered.
    #[must_use]
    pub const fn answered(&self) -> Option<Target> {
        match self.outcome {
            Outcome::Answered(target) => Some(target),
            _ => None,
        }
    }

    /// Whom the engine says the request's session is with.
    #[must_use]
    pub fn pinned(&self) -> Option<(PoolId, EndpointId)> {
        self.trail.steps().iter().find_map(|step| match step {
            TrailStep::Pinned(ix) | TrailStep::Draining(ix) => {
                let endpoint = self.view.config.endpoint(*ix);
                Some((self.view.config.pool(endpoint.pool).id, endpoint.id))
            }
            _ => None,
        })
    }

    /// Everyone that a connection was tried with.
    pub fn dialled(&self) -> impl Iterator<Item = Target> + '_ {
        let dialled = self.contacts.iter().filter(|contact| contact.fate != Fate::Unresolved);
        dialled.map(|contact| contact.target)
    }

    /// Whether the endpoint is the one that the request's session is with.
    #[must_use]
    pub fn is_of_session(&self, endpoint: EndpointIx) -> bool {
        let id = self.view.config.endpoint(endpoint).id;
        self.session.as_ref().is_some_and(|session| session.endpoint == id)
    }

    /// Whether a pool has an endpoint that could take the request as new traffic, of those whose
    /// servers it has not met in the first `met` contacts.
    #[must_use]
    pub fn has_open_endpoint(&self, pool: PoolIx, met: usize) -> bool {
        let View { config, health, .. } = &*self.view;
        health.pool(pool).is_fit
            && config.pool(pool).endpoints().any(|ix| health.is_fit(ix) && !self.has_met(ix, met))
    }

    /// Whether one of the first `count` contacts was with this endpoint's server, or with its name
    /// where that did not resolve.
    #[must_use]
    pub fn has_met(&self, ix: EndpointIx, count: usize) -> bool {
        let endpoint = |ix| self.view.config.endpoint(ix);
        self.contacts.iter().take(count).any(|Contact { target, fate }| match fate {
            Fate::Unresolved => endpoint(target.endpoint).address == endpoint(ix).address,
            _ => endpoint(target.endpoint).is_same_server(endpoint(ix)),
        })
    }

    /// How the first attempt failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<DialFailure> {
        self.contacts.iter().find_map(|contact| match contact.fate {
            Fate::Failure(failure) => Some(failure),
            _ => None,
        })
    }
}

/// One line: when, who, what for, why, and how it ended.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { host, client, method, path, .. } = &self.request;
        let trail = self.trail.describe(&self.view);
        write!(f, "{} {client} {method} {host}{path} | {trail} | ", self.now.0)?;
        match self.outcome {
            Outcome::Answered(target) => {
                let endpoint = self.view.config.endpoint(target.endpoint);
                write!(f, "200 {}:{}", endpoint.address, endpoint.port)?;
            }
            Outcome::Responded(status) => write!(f, "{status} fixed")?,
            Outcome::Unavailable(reason) => write!(f, "{} {}", reason.status(), reason.as_str())?,
            Outcome::GaveUp(reason) => write!(f, "{} {}", reason.status(), reason.as_str())?,
        }
        match &self.set_cookie {
            Some(set) => write!(f, " {set}"),
            None => f.write_char(' '),
        }
    }
}
