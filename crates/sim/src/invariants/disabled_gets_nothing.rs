//! Nothing reaches a disabled endpoint, pool or load balancer, but for the sessions of an endpoint
//! that drains (behaviour.md 1.4, 4.8).

use evenkeel_decision::Target;

use super::{Finding, ensure};
use crate::exchange::{Exchange, Outcome};

pub(super) fn check(exchange: &Exchange) -> Finding {
    let config = &exchange.view.config;
    let Some(meant) = &exchange.meant else {
        let refused = matches!(exchange.outcome, Outcome::Unavailable(_));
        return ensure(refused, || "a host that is nobody's was served".to_owned());
    };
    ensure(config.load_balancer(meant.load_balancer).enabled, || {
        "a disabled load balancer served".to_owned()
    })?;
    for contact in &exchange.contacts {
        let Target { endpoint, pool, .. } = contact.target;
        let (pool, endpoint, ix) = (config.pool(pool), config.endpoint(endpoint), endpoint);
        ensure(pool.enabled, || format!("pool {} is disabled", pool.name))?;
        ensure(endpoint.enabled || drains(exchange, ix), || {
            format!("endpoint {} is disabled", endpoint.name)
        })?;
    }
    Ok(())
}

/// Whether a disabled endpoint may still serve the request's session.
fn drains(exchange: &Exchange, ix: evenkeel_model::EndpointIx) -> bool {
    let drain = exchange.meant.as_ref().map_or(0, |meant| meant.affinity.drain_duration_s);
    let since = exchange.view.config.endpoint(ix).disabled_at;
    exchange.is_of_session(ix)
        && since.is_some_and(|since| exchange.now < since.plus_seconds(drain.into()))
}
