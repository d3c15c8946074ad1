//! A session keeps its endpoint for as long as that is fit and its pool is a candidate
//! (behaviour.md 4.7 (1), (4), (5)).

use evenkeel_model::{EndpointIx, PoolIx};

use super::{Finding, ensure};
use crate::exchange::{Exchange, Outcome};
use crate::oracle::Meant;
use crate::request::Held;

pub(super) fn check(exchange: &Exchange) -> Finding {
    let (Some(meant), Some(session)) = (&exchange.meant, &exchange.session) else {
        return Ok(());
    };
    if matches!(exchange.outcome, Outcome::Responded(_)) {
        return Ok(());
    }
    let Some(endpoint) = must_keep(exchange, meant, session) else { return Ok(()) };
    let first = exchange.contacts.first().map(|contact| contact.target.endpoint);
    ensure(first == Some(endpoint), || {
        format!("the session with {} was not kept", exchange.view.config.endpoint(endpoint).name)
    })
}

/// The endpoint that must serve the session, where there is no doubt about it.
pub(super) fn must_keep(exchange: &Exchange, meant: &Meant, session: &Held) -> Option<EndpointIx> {
    let (config, health) = (&exchange.view.config, &exchange.view.health);
    // Whether a session outlives a change of its kind is left open.
    let candidates = meant
        .candidates
        .as_ref()
        .filter(|_| !session.in_doubt && session.kind == meant.affinity.kind)?;
    let named = |pool: &PoolIx| config.pool(*pool).id == session.pool;
    let of_pool = |pool: PoolIx| {
        config.pool(pool).endpoints().find(|ix| config.endpoint(*ix).id == session.endpoint)
    };
    if let Some(pool) = candidates.iter().copied().find(named) {
        let sheds = config.pool(pool).shedding.is_some_and(|s| s.sessions.hundredths() > 0);
        let endpoint = of_pool(pool)?;
        let keeps = health.pool(pool).keeps_sessions && health.keeps_sessions(endpoint);
        if keeps {
            return (!sheds).then_some(endpoint);
        }
    }
    let nobody_fit = candidates.iter().all(|pool| !health.pool(*pool).is_fit);
    let fallback = Some(meant.fallback).filter(named).filter(|_| nobody_fit)?;
    let endpoint = of_pool(fallback)?;
    let wished = config.pool(fallback).enabled && config.endpoint(endpoint).enabled;
    wished.then_some(endpoint)
}
