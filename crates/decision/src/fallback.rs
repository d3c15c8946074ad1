//! Step 9: the pool of last resort (behaviour.md 1.4). Its health is not considered, the user's
//! wishes are: disabled stays disabled.

use evenkeel_model::{EndpointIx, PoolIx, View};

use crate::effective::Effective;
use crate::eligible::Barred;
use crate::trail::Trail;
use crate::{Env, endpoint};

/// Picks among all enabled endpoints of the fallback pool; `None` when it is disabled or has none
/// left for this request.
pub(crate) fn pick(
    effective: &Effective<'_>,
    pool: PoolIx,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<EndpointIx> {
    endpoint::pick_of(effective, pool, open(effective.view, pool, barred), env, trail)
}

/// The endpoints of a pool that may take this request while it serves as the fallback.
pub(crate) fn open<'v>(
    view: &'v View,
    pool: PoolIx,
    barred: &'v Barred,
) -> impl Iterator<Item = EndpointIx> + Clone + 'v {
    let config = &view.config;
    let is_enabled = config.pool(pool).enabled;
    let endpoints = config.pool(pool).endpoints();
    endpoints
        .filter(move |ix| is_enabled && config.endpoint(*ix).enabled && !barred.bars(view, *ix))
}
