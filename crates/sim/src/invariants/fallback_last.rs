//! The fallback pool serves only when no candidate has anybody to offer, or all that have shed the
//! request (behaviour.md 1.4, 5.1, 6.1).

use super::{Finding, ensure};
use crate::exchange::Exchange;
use crate::oracle;

pub(super) fn check(exchange: &Exchange) -> Finding {
    let Some(candidates) = exchange.meant.as_ref().and_then(|meant| meant.candidates.as_ref())
    else {
        return Ok(());
    };
    let first = exchange.contacts.iter().position(|contact| contact.target.fallback);
    let Some(met) = first else { return Ok(()) };
    for pool in candidates {
        let might_shed = exchange.view.config.pool(*pool).shedding.is_some_and(|shedding| {
            oracle::shed(&exchange.view, *pool) > 0.0
                || (exchange.session.is_some() && shedding.sessions.hundredths() > 0)
        });
        ensure(might_shed || !exchange.has_open_endpoint(*pool, met), || {
            format!("{} is fit", exchange.view.config.pool(*pool).name)
        })?;
    }
    Ok(())
}
