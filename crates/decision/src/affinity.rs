//! Step 3: which endpoint an existing session belongs to, and what becomes of the session when
//! that endpoint cannot serve (behaviour.md 4). Reads and writes cookies as values only: adding
//! the header is `proxy`'s work. Nothing here remembers: a session lives in its cookie, so restarts
//! and other nodes know it too, or in the table that the caller passes in.

mod cookie_line;
mod header_key;
mod http_date;
mod set_cookie;
mod token;

use evenkeel_model::{
    AffinityKind, Endpoint, EndpointIx, PoolIx, Timestamp, Verdict,
    ZeroDowntimeFailover as Failover,
};

pub use cookie_line::{mentions_session_cookie, strip_session_cookie};
pub use set_cookie::SessionCookie;

use crate::effective::Effective;
use crate::eligible::{Barred, check, is_spared};
use crate::rendezvous::Key;
use crate::select::Choice;
use crate::trail::{Trail, TrailStep};
use crate::{Env, RequestFacts, SessionKey, SessionPlace};
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
///   New                       whoever answers is named in a new cookie or table entry
///   Pinned ─ unresolved ────────▶ Lent     served elsewhere for once, the cookie stays
///     ├───── overridden ────────▶ Lent
///     ├───── failed, temporary ─▶ Lent
///     ├───── failed, sticky ────▶ New
///     └───── failed, none ──────▶ the client gets the error, the cookie stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    Off,
    New(Carrier),
    Pinned(Carrier),
    Lent,
}

/// What carries a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Cookie,
    /// An entry of the table.
    Table(SessionKey),
}

impl Session {
    /// What follows when the endpoint fails; `None` when the error has to go out
    /// (behaviour.md 4.7 (3)).
    pub(crate) const fn after_failure(self, failover: Failover) -> Option<Self> {
        match (self, failover) {
            (Self::Pinned(_), Failover::None) => None,
            (Self::Pinned(_), Failover::Temporary) => Some(Self::Lent),
            (Self::Pinned(carrier), Failover::Sticky) => Some(Self::New(carrier)),
            (Self::Off | Self::New(_) | Self::Lent, _) => Some(self),
        }
    }

    /// What follows when the endpoint's name does not resolve (behaviour.md 1.3).
    pub(crate) const fn after_unresolved(self) -> Self {
        match self {
            Self::Pinned(_) => Self::Lent,
            Self::Off | Self::New(_) | Self::Lent => self,
        }
    }
}

/// Why a request is not pinned to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionFinding {
    /// The load balancer has no session affinity.
    Off,
    /// The request has no session cookie, or no session that the table knows.
    None,
    /// The request lacks the headers that would make a session: it is steered by itself.
    NoKey,
    /// The cookie is not of our making: wrong length or alphabet.
    Malformed,
    /// A newer or older version of ours wrote the cookie.
    UnknownVersion,
    /// No key of ours signed the cookie.
    BadMac,
    /// The cookie belongs to another load balancer.
    OtherLoadBalancer,
    /// The cookie is of the other kind of affinity: `ip_cookie` for `cookie`, or the reverse
    /// (behaviour.md 4.9).
    OtherKind,
    /// The session has reached its end.
    Expired,
    /// The session's pool is no candidate of this request, or its endpoint has left the pool.
    Gone,
    /// The session's pool is disabled or critical.
    PoolUnfit,
    /// The session's endpoint is disabled or not healthy.
    EndpointUnfit,
    /// The session's endpoint is left alone for what real traffic met there.
    EndpointEjected,
    /// The session is on the fallback pool, and a candidate is fit again.
    FallbackOver,
    /// The session's pool sheds it.
    Shed,
    /// A rule has replaced the candidates for this request, the session's pool with them. The
    /// request goes elsewhere, and the session stays as it is.
    Overridden,
}

impl SessionFinding {
    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::None => "none",
            Self::NoKey => "no_key",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
            Self::BadMac => "bad_mac",
            Self::OtherLoadBalancer => "other_lb",
            Self::OtherKind => "other_kind",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::PoolUnfit => "pool_unfit",
            Self::EndpointUnfit => "endpoint_unfit",
            Self::EndpointEjected => "endpoint_ejected",
            Self::FallbackOver => "fallback_over",
            Self::Shed => "shed",
            Self::Overridden => "overridden",
        }
    }
}

/// Looks for the request's session and for the endpoint it pins. Settles, too, what a new session's
/// first choice follows from.
pub(crate) fn find(
    effective: &mut Effective<'_>,
    facts: &RequestFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> (Session, Option<Choice>) {
    let (carrier, known) = match effective.affinity.kind {
        AffinityKind::None => {
            trail.push(TrailStep::Session(SessionFinding::Off));
            return (Session::Off, None);
        }
        AffinityKind::Cookie | AffinityKind::IpCookie => {
            let token = read_token(effective, facts.cookies, env.now);
            let place =
                token.map(|token| SessionPlace { pool: token.pool, endpoint: token.endpoint });
            (Carrier::Cookie, place)
        }
        AffinityKind::Header => {
            let Some(key) = header_key::find(effective, facts) else {
                trail.push(TrailStep::Session(SessionFinding::NoKey));
                return (Session::Off, None);
            };
            // Nodes that do not know the session agree on where it belongs (behaviour.md 4.6).
            effective.fixed = Some(Key::of_number(key.0));
            let known = env.sessions.find(key, env.now);
            (Carrier::Table(key), known.ok_or(SessionFinding::None))
        }
    };
    let pinned = known.and_then(|place| {
        let choice = find_pinned(effective, place, env)?;
        // The fallback pool sheds nothing: there is nowhere else.
        if !choice.fallback && effective.shedding.sheds_session(effective.view, choice.pool) {
            return Err(SessionFinding::Shed);
        }
        Ok((place, choice))
    });
    match pinned {
        Ok((place, choice)) => {
            if let Carrier::Table(key) = carrier {
                let expires = env.now.plus_seconds(effective.affinity.ttl_s().into());
                env.sessions.keep(key, place, expires);
            }
            let is_enabled = effective.view.config.endpoint(choice.endpoint).enabled;
            let note = if is_enabled { TrailStep::Pinned } else { TrailStep::Draining };
            trail.push(note(choice.endpoint));
            (Session::Pinned(carrier), Some(choice))
        }
        Err(finding) => {
            trail.push(TrailStep::Session(finding));
            let is_elsewhere = finding == SessionFinding::Overridden;
            (if is_elsewhere { Session::Lent } else { Session::New(carrier) }, None)
        }
    }
}

/// The first session cookie that holds (behaviour.md 4.2); else what is wrong with the first.
fn read_token(
    effective: &Effective<'_>,
    cookies: &[&[u8]],
    now: Timestamp,
) -> Result<Token, SessionFinding> {
    let config = &effective.view.config;
    let load_balancer = config.load_balancer(effective.ix).id;
    let mut first_problem = None;
    let values = cookies.iter().flat_map(|line| cookie_line::session_values(line));
    for value in values.take(SESSION_COOKIES_MAX) {
        match Token::read(value, &config.affinity_keys)
            .and_then(|token| token.check(load_balancer, effective.affinity.kind, now))
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
    effective: &Effective<'_>,
    place: SessionPlace,
    env: &Env<'_>,
) -> Result<Choice, SessionFinding> {
    let view = effective.view;
    let config = &view.config;
    let is_named = |pool: PoolIx| config.pool(pool).id == place.pool;
    let candidate = effective.candidates.iter().copied().find(|pool| is_named(*pool));
    let fallback = Some(effective.fallback_pool).filter(|pool| is_named(*pool));
    let is_overridden = effective.without_rules.iter().any(|pool| is_named(*pool));
    let absent = if is_overridden { SessionFinding::Overridden } else { SessionFinding::Gone };
    let pool = candidate.or(fallback).ok_or(absent)?;
    let endpoint = config
        .pool(pool)
        .endpoints()
        .find(|ix| config.endpoint(*ix).id == place.endpoint)
        .ok_or(SessionFinding::Gone)?;

    let as_candidate = match candidate {
        Some(pool) => keeps(effective, pool, endpoint, env),
        None => Err(SessionFinding::FallbackOver),
    };
    match as_candidate {
        Err(finding) if fallback.is_some() => {
            // Health does not count in the fallback's role, but it has that role only while no
            // candidate takes the request (behaviour.md 4.7 (5)).
            let takes = |pool: &PoolIx| check(effective, *pool, &Barred::default()).is_ok();
            if effective.candidates.iter().any(takes) {
                return Err(finding);
            }
            let serves = config.endpoint(endpoint).enabled || drains(effective, endpoint, env.now);
            match (config.pool(pool).enabled, serves) {
                (false, _) => Err(SessionFinding::PoolUnfit),
                (true, false) => Err(SessionFinding::EndpointUnfit),
                (true, true) => Ok(Choice { pool, endpoint, fallback: true }),
            }
        }
        kept => kept.map(|()| Choice { pool, endpoint, fallback: false }),
    }
}

/// Whether a candidate pool's endpoint may go on with its sessions; weight 0 is fine.
///
/// A draining endpoint may even where the pool has become critical for the lack of it; that of a
/// disabled pool may not, for pools do not drain (behaviour.md 4.8).
fn keeps(
    effective: &Effective<'_>,
    pool: PoolIx,
    endpoint: EndpointIx,
    env: &Env<'_>,
) -> Result<(), SessionFinding> {
    let view = effective.view;
    let may_drain = view.config.pool(pool).enabled && drains(effective, endpoint, env.now);
    if !may_drain && !view.health.pool(pool).keeps_sessions {
        Err(SessionFinding::PoolUnfit)
    } else if !may_drain && !view.health.keeps_sessions(endpoint) {
        Err(SessionFinding::EndpointUnfit)
    } else if env.ejections.is_some() && is_spared(view, pool, endpoint, env) {
        Err(SessionFinding::EndpointEjected)
    } else {
        Ok(())
    }
}

/// Whether an endpoint is disabled and still has time to finish its sessions. Probes have stopped,
/// so what was known last of its health counts; if that is nothing, it is given the benefit.
fn drains(effective: &Effective<'_>, ix: EndpointIx, now: Timestamp) -> bool {
    let view = effective.view;
    let Endpoint { enabled, disabled_at, pool, .. } = view.config.endpoint(ix);
    let duration_s = effective.affinity.drain_duration_s;
    let is_monitored = view.config.pool(*pool).is_monitored();
    !enabled
        && disabled_at.is_some_and(|at| now < at.plus_seconds(duration_s.into()))
        && !(is_monitored && view.health.endpoint(ix).verdict == Verdict::Unhealthy)
}
