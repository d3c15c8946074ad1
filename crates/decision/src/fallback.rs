//! Step 9: the pool of last resort (behaviour.md 1.4). Its health is not considered, the user's
//! wishes are: disabled stays disabled.

use evenkeel_model::{EndpointIx, PoolIx, View};

use crate::eligible::Barred;
use crate::{Rng, endpoint};

/// Picks among all enabled endpoints of the fallback pool; `None` when it is disabled or has none
/// left for this request.
pub(crate) fn pick(
    view: &View,
    pool: PoolIx,
    barred: &Barred,
    rng: &mut dyn Rng,
) -> Option<EndpointIx> {
    let config = &view.config;
    if !config.pool(pool).enabled {
        return None;
    }
    let enabled = config
        .pool(pool)
        .endpoints()
        .filter(|ix| config.endpoint(*ix).enabled && !barred.bars(view, *ix));
    endpoint::pick_of(view, pool, enabled, rng)
}
