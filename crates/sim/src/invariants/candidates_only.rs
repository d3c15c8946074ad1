//! Whoever is chosen anew is fit, and of a candidate pool: healthy, enabled, with a weight, in a
//! pool that is above its minimum (behaviour.md 1.3). In the fallback's role only the user's wishes
//! count, and the pool is the fallback pool.

use evenkeel_decision::Target;

use super::{Finding, ensure};
use crate::exchange::Exchange;

pub(super) fn check(exchange: &Exchange) -> Finding {
    let Some(meant) = &exchange.meant else { return Ok(()) };
    let (config, health) = (&exchange.view.config, &exchange.view.health);
    for (n, contact) in exchange.contacts.iter().enumerate() {
        let Target { endpoint, pool, fallback, .. } = contact.target;
        let name = || format!("{} in {}", config.endpoint(endpoint).name, config.pool(pool).name);
        ensure(config.endpoint(endpoint).pool == pool, || format!("{} is not there", name()))?;
        if fallback {
            ensure(pool == meant.fallback, || format!("{} is no fallback", name()))?;
            continue;
        }
        if let Some(candidates) = &meant.candidates {
            ensure(candidates.contains(&pool), || format!("{} is no candidate", name()))?;
        }
        // Whom a session goes on with is another invariant's business.
        if n == 0 && exchange.is_of_session(endpoint) {
            continue;
        }
        ensure(health.is_fit(endpoint), || format!("{} is not fit", name()))?;
        // A session's endpoint may have been in a pool that takes no new traffic; its neighbours
        // may stand in for it.
        let first = exchange.contacts.first().map(|contact| contact.target);
        let beside = first.is_some_and(|first| {
            n > 0 && first.pool == pool && exchange.is_of_session(first.endpoint)
        });
        ensure(health.pool(pool).is_fit || beside, || format!("the pool of {} is not", name()))?;
    }
    Ok(())
}
