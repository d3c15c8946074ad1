//! A draw by weight among the eligible pools (behaviour.md 2.3), independent for each request.

use evenkeel_model::{PoolIx, PoolWeights, View};

use crate::Rng;
use crate::eligible::{Barred, check};
use crate::rng::draw;
use crate::trail::{Trail, TrailStep};

pub(super) fn choose(
    view: &View,
    candidates: &[PoolIx],
    weights: &PoolWeights,
    barred: &Barred,
    rng: &mut dyn Rng,
    trail: &mut Trail,
) -> Option<PoolIx> {
    let weight = |pool: PoolIx| weights.of(pool).hundredths();
    let (mut total, mut first) = (0, None);
    for pool in candidates.iter().copied() {
        match check(view, pool, barred) {
            Ok(()) => {
                total += u64::from(weight(pool));
                first = first.or(Some(pool));
            }
            Err(why) => trail.push(TrailStep::PassedOver(pool, why)),
        }
    }
    let eligible = candidates.iter().copied().filter(|pool| check(view, *pool, barred).is_ok());
    // Pools of weight 0 serve only when there is no other, and then in list order (1.4).
    draw(rng, total, eligible.map(|pool| (pool, weight(pool)))).or(first)
}
