//! Step 4: which of the candidate pools (behaviour.md 2). A file per policy.

mod off;
mod random;

use evenkeel_model::{PoolIx, Steering, View};

use crate::Rng;
use crate::effective::Effective;
use crate::eligible::Barred;
use crate::trail::Trail;

/// Chooses a pool among the eligible candidates; `None` when no candidate is eligible.
pub(crate) fn choose(
    view: &View,
    effective: &Effective<'_>,
    barred: &Barred,
    rng: &mut dyn Rng,
    trail: &mut Trail,
) -> Option<PoolIx> {
    match effective.steering {
        Steering::Random => {
            random::choose(view, effective.candidates, effective.pool_weights, barred, rng, trail)
        }
        _ => off::choose(view, effective.candidates, barred, trail),
    }
}
