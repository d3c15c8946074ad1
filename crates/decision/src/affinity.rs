//! Step 3: which endpoint an existing session belongs to, and what becomes of the session when
//! that endpoint cannot serve (behaviour.md 4). Reads and writes cookies as values only: adding
//! the header is `proxy`'s work. Nothing here remembers: a session lives in its cookie, so restarts
//! and other nodes know it too.

mod cookie_line;
mod http_date;
mod set_cookie;
mod token;

use evenkeel_model::{
    AffinityKind, EndpointIx, PoolIx, Timestamp, View, ZeroDowntimeFailover as Failover,
};

pub use cookie_line::{mentions_session_cookie, strip_session_cookie};
pub use set_cookie::SessionCookie;

use crate::effective::Effective;
use crate::select::Choice;
use crate::trail::{Trail, TrailStep};
use token::Token;

/// The session cookie's name.
pub const COOKIE_NAME: &str = "__cflb";

/// Cookies of our name that are looked at in one request. Browsers send one; a few may come
/// together when load balancers share names. Each costs up to two MACs, so a head full of them
/// must not.
pub const SESSION_COOKIES_MAX: usize = 8;

/// What a request's session amounts to, and where it may go from there.
///
/// ```text
///   Off                       no affinity: nothing is read, nothing is set
///   New                       whoever answers is named in a new cookie
///   Pinned ─ unresolved ────────▶ Lent     served elsewhere for once, the cookie stays
///     ├───── failed, temporary ─▶ Lent
///     ├───── failed, sticky ────▶ New
///     └───── failed, none ──────▶ the client gets the error, the cookie stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    Off,
    New,
    Pinned,
    Lent,
}

impl Session {
    /// What follows when the endpoint fails; `None` when the error has to go out
    /// (behaviour.md 4.7 (3)).
    pub(crate) const fn after_failure(self, failover: Failover) -> Option<Self> {
        match (self, failover) {
            (Self::Pinned, Failover::None) => None,
            (Self::Pinned, Failover::Temporary) => Some(Self::Lent),
            (Self::Pinned, Failover::Sticky) => Some(Self::New),
            (Self::Off | Self::New | Self::Lent, _) => Some(self),
        }
    }

    /// What follows when the endpoint's name does not resolve (behaviour.md 1.3).
    pub(crate) const fn after_unresolved(self) -> Self {
        match self {
            Self::Pinned => Self::Lent,
            Self::Off | Self::New | Self::Lent => self,
        }
    }
}

/// Why a request is not pinned to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionFinding {
    /// The load balancer has no session affinity.
    Off,
    /// The request has no session cookie.
    None,
    /// The cookie is not of our making: wrong length or alphabet.
    Malformed,
    /// A newer or older version of ours wrote the cookie.
    UnknownVersion,
    /// No key of ours signed the cookie.
    BadMac,
    /// The cookie belongs to another load balancer.
    OtherLoadBalancer,
    /// The session has reached its end.
    Expired,
    /// The session's pool is no candidate of this request, or its endpoint has left the pool.
    Gone,
    /// The session's pool is disabled or critical.
    PoolUnfit,
    /// The session's endpoint is disabled or not healthy.
    EndpointUnfit,
    /// The session is on the fallback pool, and a candidate is fit again.
    FallbackOver,
}

impl SessionFinding {
    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::None => "none",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
            Self::BadMac => "bad_mac",
            Self::OtherLoadBalancer => "other_lb",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::PoolUnfit => "pool_unfit",
            Self::EndpointUnfit => "endpoint_unfit",
            Self::FallbackOver => "fallback_over",
        }
    }
}

/// Looks for the request's session and for the endpoint it pins.
pub(crate) fn find(
    view: &View,
    effective: &Effective<'_>,
    cookies: &[&[u8]],
    now: Timestamp,
    trail: &mut Trail,
) -> (Session, Option<Choice>) {
    let pinned = match effective.affinity.kind {
        AffinityKind::None => {
            trail.push(TrailStep::Session(SessionFinding::Off));
            return (Session::Off, None);
        }
        _ => read_token(view, effective, cookies, now)
            .and_then(|token| find_pinned(view, effective, &token)),
    };
    match pinned {
        Ok(choice) => {
            trail.push(TrailStep::Pinned(choice.endpoint));
            (Session::Pinned, Some(choice))
        }
        Err(finding) => {
            trail.push(TrailStep::Session(finding));
            (Session::New, None)
        }
    }
}

/// The first session cookie that holds (behaviour.md 4.2); else what is wrong with the first.
fn read_token(
    view: &View,
    effective: &Effective<'_>,
    cookies: &[&[u8]],
    now: Timestamp,
) -> Result<Token, SessionFinding> {
    let load_balancer = view.config.load_balancer(effective.ix).id;
    let mut first_problem = None;
    let values = cookies.iter().flat_map(|line| cookie_line::session_values(line));
    for value in values.take(SESSION_COOKIES_MAX) {
        match Token::read(value, &view.config.affinity_keys)
            .and_then(|token| token.check(load_balancer, now))
        {
            Ok(token) => return Ok(token),
            Err(problem) => first_problem = first_problem.or(Some(problem)),
        }
    }
    Err(first_problem.unwrap_or(SessionFinding::None))
}

/// The endpoint a session names, if it may serve the session now (behaviour.md 4.7).
///
/// Looks only through the candidates and one pool's endpoints: the configuration may grow around
/// them without slowing this down.
fn find_pinned(
    view: &View,
    effective: &Effective<'_>,
    token: &Token,
) -> Result<Choice, SessionFinding> {
    let config = &view.config;
    let is_named = |pool: PoolIx| config.pool(pool).id == token.pool;
    let candidate = effective.candidates.iter().copied().find(|pool| is_named(*pool));
    let fallback = Some(effective.fallback_pool).filter(|pool| is_named(*pool));
    let pool = candidate.or(fallback).ok_or(SessionFinding::Gone)?;
    let endpoint = config
        .pool(pool)
        .endpoints()
        .find(|ix| config.endpoint(*ix).id == token.endpoint)
        .ok_or(SessionFinding::Gone)?;

    let as_candidate = match candidate {
        Some(pool) => keeps(view, pool, endpoint),
        None => Err(SessionFinding::FallbackOver),
    };
    match as_candidate {
        Err(finding) if fallback.is_some() => {
            // Health does not count in the fallback's role, but it has that role only while no
            // candidate is fit (behaviour.md 4.7 (5)).
            if effective.candidates.iter().any(|pool| view.health.pool(*pool).is_fit) {
                return Err(finding);
            }
            match (config.pool(pool).enabled, config.endpoint(endpoint).enabled) {
                (false, _) => Err(SessionFinding::PoolUnfit),
                (true, false) => Err(SessionFinding::EndpointUnfit),
                (true, true) => Ok(Choice { pool, endpoint, fallback: true }),
            }
        }
        kept => kept.map(|()| Choice { pool, endpoint, fallback: false }),
    }
}

/// Whether a candidate pool's endpoint may go on with its sessions; weight 0 is fine.
fn keeps(view: &View, pool: PoolIx, endpoint: EndpointIx) -> Result<(), SessionFinding> {
    if !view.health.pool(pool).keeps_sessions {
        Err(SessionFinding::PoolUnfit)
    } else if !view.health.keeps_sessions(endpoint) {
        Err(SessionFinding::EndpointUnfit)
    } else {
        Ok(())
    }
}
