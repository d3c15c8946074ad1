//! Without shedding, pools get what the policy promises: everything or nothing, or a share by
//! weight and load (behaviour.md 2).

use super::{Finding, ensure};
use crate::census::{Census, Tally};
use crate::likelihood::is_plausible;

pub(super) fn check(census: &Census) -> Finding {
    if census.sheds { Ok(()) } else { compare(census) }
}

/// Holds what every pool got against what it should have got.
pub(super) fn compare(census: &Census) -> Finding {
    for (pool, Tally { got, meant }) in &census.pools {
        ensure(is_plausible(*got, census.draws, meant / f64::from(census.draws)), || {
            let name = &census.view.config.pool(*pool).name;
            format!("{name} got {got} of {}, meant were {meant:.1}", census.draws)
        })?;
    }
    Ok(())
}
