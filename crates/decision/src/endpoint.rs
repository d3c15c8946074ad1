//! Step 6: which endpoint inside the chosen pool (behaviour.md 3). A file per policy.

mod random;

use evenkeel_model::{EndpointIx, PoolIx, View};

use crate::Rng;
use crate::eligible::{Barred, open};

/// Picks among a pool's eligible endpoints; `None` when it has none.
pub(crate) fn pick(
    view: &View,
    pool: PoolIx,
    barred: &Barred,
    rng: &mut dyn Rng,
) -> Option<EndpointIx> {
    pick_of(view, pool, open(view, pool, barred), rng)
}

/// Picks among some of a pool's endpoints by the pool's policy. When all of them weigh nothing,
/// they are treated as equal (behaviour.md 1.4).
pub(crate) fn pick_of(
    view: &View,
    pool: PoolIx,
    endpoints: impl Iterator<Item = EndpointIx> + Clone,
    rng: &mut dyn Rng,
) -> Option<EndpointIx> {
    match view.config.pool(pool).endpoint_steering {
        _ => random::pick(view, endpoints, rng),
    }
}
