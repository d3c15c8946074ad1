//! Draws by weight among the eligible pools: `random`, and the two that divide the weights by live
//! load (behaviour.md 2.3, 2.7, 2.8). Independent for each request.

use evenkeel_model::PoolIx;

use crate::draw::{Divisor, choose as choose_by};
use crate::effective::Effective;
use crate::eligible::{Barred, check, survivors};
use crate::rendezvous::Purpose;
use crate::trail::{Measure, Trail, TrailStep};
use crate::{Env, Load};

pub(super) fn choose(
    effective: &Effective<'_>,
    by: Divisor,
    barred: &Barred,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Option<PoolIx> {
    // Pools of weight 0 serve only when there is no other, and then in list order (1.4). This pass
    // is also the one that leaves notes.
    let (mut first, mut weighty) = (None, 0);
    for pool in survivors(effective, barred, trail) {
        first = first.or(Some(pool));
        weighty += u32::from(effective.weights.of(pool) > 0);
    }
    if weighty == 0 {
        return first;
    }
    let config = &effective.view.config;
    let loads = env.loads;
    let load = |pool: PoolIx| {
        if effective.is_http { loads.pool(config.pool(pool).id) } else { Load::default() }
    };
    let eligible = effective.candidates.iter().copied();
    let eligible = eligible.filter(|pool| check(effective, *pool, barred).is_ok());
    if trail.is_thorough() {
        for pool in eligible.clone() {
            let weight = Measure::Weight(effective.weights.of(pool));
            trail.consider(TrailStep::Measured(pool, weight));
            trail.consider(TrailStep::Measured(pool, Measure::Load(load(pool))));
        }
    }
    choose_by(
        eligible.map(|pool| (pool, effective.weights.of(pool))),
        by,
        effective.fixed,
        |key, pool| key.hash(Purpose::Pool, [&config.pool(pool).id.0, &[]]),
        load,
        env,
    )
}
