//! Failover order: the first eligible pool (behaviour.md 2.2). A better pool gets new traffic back
//! the moment it is eligible again.

use evenkeel_model::{PoolIx, View};

use crate::eligible::{Barred, check};
use crate::trail::{Trail, TrailStep};

pub(super) fn choose(
    view: &View,
    candidates: &[PoolIx],
    barred: &Barred,
    trail: &mut Trail,
) -> Option<PoolIx> {
    candidates.iter().copied().find(|pool| match check(view, *pool, barred) {
        Ok(()) => true,
        Err(why) => {
            trail.push(TrailStep::PassedOver(*pool, why));
            false
        }
    })
}
