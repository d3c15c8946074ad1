//! Step 4: which of the candidate pools (behaviour.md 2). A file per family of policies: those that
//! go by list order, by a number, or by a draw.

mod drawn;
mod measured;
mod ordered;

use evenkeel_model::{PoolIx, Steering};

use crate::Env;
use crate::draw::Divisor;
use crate::effective::Effective;
use crate::eligible::Barred;
use crate::trail::Trail;

/// Chooses a pool among the eligible candidates; `None` when no candidate is eligible.
pub(crate) fn choose(
    effective: &Effective<'_>,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<PoolIx> {
    match effective.steering {
        // Where they come from is the whole of geo steering; inside the list it is failover.
        Steering::Off | Steering::Geo => ordered::choose(effective, barred, trail),
        Steering::DynamicLatency => measured::soonest(effective, barred, trail),
        Steering::Proximity => measured::nearest(effective, barred, trail),
        Steering::Random => drawn::choose(effective, Divisor::One, barred, env, trail),
        Steering::LeastOutstandingRequests => {
            drawn::choose(effective, Divisor::Requests, barred, env, trail)
        }
        Steering::LeastConnections => {
            drawn::choose(effective, Divisor::Connections, barred, env, trail)
        }
    }
}
