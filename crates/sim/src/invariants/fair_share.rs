//! Identical endpoints get 0.8–1.2 of a fair share over enough draws (behaviour.md 3).
//!
//! Identical are endpoints of one pool with the same weight that nobody is busy on. Enough is where
//! a fair engine would miss the bounds with a likelihood below 1e-9.

use std::collections::BTreeMap;

use evenkeel_model::PoolIx;

use super::{Finding, ensure};
use crate::census::Census;

/// Draws per endpoint: for a mean of 1,100 the bounds of Chernoff give exp(-1100 × 0.0188) below,
/// and less above.
const ENOUGH: u32 = 1_100;

pub(super) fn check(census: &Census) -> Finding {
    for ((pool, _), got) in alike(census) {
        let count = u32::try_from(got.len()).expect("few");
        let total: u32 = got.iter().sum();
        if total < ENOUGH * count {
            continue;
        }
        let fair = f64::from(total) / f64::from(count);
        let within = |got: &u32| (0.8..=1.2).contains(&(f64::from(*got) / fair));
        ensure(got.iter().all(within), || {
            let name = &census.view.config.pool(pool).name;
            format!("identical endpoints of {name} got {got:?}")
        })?;
    }
    Ok(())
}

/// What each of several identical endpoints got, by pool and weight.
fn alike(census: &Census) -> BTreeMap<(PoolIx, u32), Vec<u32>> {
    let mut groups: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for (ix, endpoint) in census.view.config.endpoints_indexed() {
        if census.view.health.is_fit(ix) && !census.busy.contains(&ix) {
            let got = census.endpoints.get(&ix).map_or(0, |tally| tally.got);
            groups.entry((endpoint.pool, endpoint.weight.hundredths())).or_default().push(got);
        }
    }
    groups.retain(|_, got| got.len() > 1);
    groups
}
