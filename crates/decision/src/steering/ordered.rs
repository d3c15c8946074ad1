//! Failover order: the first eligible pool (behaviour.md 2.2, 2.4). A better pool gets new traffic
//! back the moment it is eligible again.

use evenkeel_model::PoolIx;

use crate::effective::Effective;
use crate::eligible::{Barred, survivors};
use crate::trail::Trail;

pub(super) fn choose(
    effective: &Effective<'_>,
    barred: &Barred,
    trail: &mut Trail,
) -> Option<PoolIx> {
    survivors(effective, barred, trail).next()
}
