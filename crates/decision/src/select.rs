//! Steps 4 to 6 and 9 in a row: pool, endpoint, or else the fallback pool. The first choice of a
//! request without a session and every later choice outside the pool at hand are this one.

use evenkeel_model::{EndpointIx, PoolIx, View};

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

/// Chooses by the policies, and from the fallback pool when no candidate is eligible; `None` when
/// that has nothing to offer either.
pub(crate) fn select(
    view: &View,
    effective: &Effective<'_>,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<Choice> {
    let Some(pool) = steering::choose(view, effective, barred, env.rng, trail) else {
        let pool = effective.fallback_pool;
        trail.push(TrailStep::Fallback(pool));
        return select_in(view, pool, true, barred, env, trail);
    };
    trail.push(TrailStep::Pool(pool));
    // Step 5 goes here: shed before picking, or the endpoint looks busier than it is.
    select_in(view, pool, false, barred, env, trail)
}

/// Chooses inside one pool, in the role it has.
pub(crate) fn select_in(
    view: &View,
    pool: PoolIx,
    fallback: bool,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<Choice> {
    let endpoint = if fallback {
        fallback::pick(view, pool, barred, env.rng)
    } else {
        endpoint::pick(view, pool, barred, env.rng)
    }?;
    trail.push(TrailStep::Endpoint(endpoint));
    Some(Choice { pool, endpoint, fallback })
}
