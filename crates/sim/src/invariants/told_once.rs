//! Each change of health is told once: never the same twice in a row, never one that did not happen,
//! and none is left out.

use evenkeel_model::{EndpointIx, PoolIx, PoolStatus, Verdict};

use super::{Finding, ensure};
use crate::publication::{Publication, Subject, turns};

pub(super) fn check(publication: &Publication) -> Finding {
    let Publication { view, changes, before, .. } = publication;
    let (config, health) = (&*view.config, &view.health);
    let mut told = before.clone();
    for (subject, turn) in changes.iter().flat_map(|change| turns(config, change)) {
        let earlier = told.insert(subject, turn.healthy);
        ensure(earlier != Some(turn.healthy), || format!("{subject:?} was told already"))?;
        ensure(turn.is_first == earlier.is_none(), || format!("{subject:?} was told before"))?;
    }
    for (ix, pool) in (0..).map(PoolIx).zip(&config.pools) {
        let known = match health.pool(ix).status {
            PoolStatus::Unknown | PoolStatus::Disabled => continue,
            PoolStatus::Healthy | PoolStatus::Degraded => true,
            PoolStatus::Critical => false,
        };
        let of_pool = told.get(&Subject::Pool(pool.id)).copied();
        // A pool whose first verdicts are still coming in was never down.
        let unjudged = |place: &EndpointIx| {
            config.endpoint(*place).enabled && health.endpoint(*place).verdict == Verdict::Unknown
        };
        let is_open = of_pool.is_none() && !known && pool.endpoints().any(|place| unjudged(&place));
        ensure(is_open || of_pool == Some(known), || {
            format!("{} is {known}, told {of_pool:?}", pool.name)
        })?;
        for endpoint in pool.endpoints() {
            let known = match health.endpoint(endpoint).verdict {
                Verdict::Healthy => true,
                Verdict::Unhealthy => false,
                Verdict::Unknown => continue,
            };
            let endpoint = config.endpoint(endpoint);
            let of_endpoint = told.get(&Subject::Endpoint(endpoint.id)).copied();
            ensure(!endpoint.enabled || of_endpoint == Some(known), || {
                format!("{} is {known}, told {of_endpoint:?}", endpoint.name)
            })?;
        }
    }
    Ok(())
}
