//! Endpoints get of their pool's requests what its policy promises: a share by weight, divided by
//! their load where the policy says so (behaviour.md 3).

use super::{Finding, ensure};
use crate::census::{Census, Tally};
use crate::likelihood::is_plausible;

pub(super) fn check(census: &Census) -> Finding {
    let config = &census.view.config;
    let pool = |ix| config.endpoint(ix).pool;
    for (ix, Tally { got, meant }) in &census.endpoints {
        let beside = census.endpoints.iter().filter(|(other, _)| pool(**other) == pool(*ix));
        let draws: u32 = beside.map(|(_, tally)| tally.got).sum();
        ensure(is_plausible(*got, draws, meant / f64::from(draws)), || {
            let name = &config.endpoint(*ix).name;
            format!("{name} got {got} of its pool's {draws}, meant were {meant:.1}")
        })?;
    }
    Ok(())
}
