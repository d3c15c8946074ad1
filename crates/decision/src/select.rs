//! Steps 4 to 6 and 9 in a row: pool, endpoint, or else the fallback pool. The first choice of a
//! request without a session and every later choice outside the pool at hand are this one.

use evenkeel_model::{EndpointIx, PoolIx};

use crate::effective::Effective;
use crate::eligible::Barred;
use crate::trail::{Trail, TrailStep};
use crate::{Env, endpoint, fallback, steering};

/// An endpoint, and in which role its pool serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) pool: PoolIx,
    pub(crate) endpoint: EndpointIx,
    /// Whether the pool serves as the fallback, and its health does not count.
    pub(crate) fallback: bool,
}

/// Chooses a pool by the policy, or the fallback pool when no candidate is eligible or all shed the
/// request. Returns it with whether it serves as the fallback.
pub(crate) fn select_pool(
    effective: &Effective<'_>,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> (PoolIx, bool) {
    // Step 5 runs inside step 4: see `shedding`.
    match steering::choose(effective, barred, env, trail) {
        Some(pool) => {
            trail.push(TrailStep::Pool(pool));
            (pool, false)
        }
        None => {
            trail.push(TrailStep::Fallback(effective.fallback_pool));
            (effective.fallback_pool, true)
        }
    }
}

/// Chooses by the policies, and from the fallback pool when no candidate is eligible; `None` when
/// that has nothing to offer either.
pub(crate) fn select(
    effective: &Effective<'_>,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<Choice> {
    let (pool, fallback) = select_pool(effective, barred, env, trail);
    select_in(effective, pool, fallback, barred, env, trail)
}

/// Chooses inside one pool, in the role it has.
pub(crate) fn select_in(
    effective: &Effective<'_>,
    pool: PoolIx,
    fallback: bool,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<Choice> {
    let endpoint = if fallback {
        fallback::pick(effective, pool, barred, env, trail)
    } else {
        endpoint::pick(effective, pool, barred, env, trail)
    }?;
    trail.push(TrailStep::Endpoint(endpoint));
    Some(Choice { pool, endpoint, fallback })
}
