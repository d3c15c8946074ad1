//! Time of one decision, of two configurations in turn.

use std::time::Instant;

use crate::case::Case;
use crate::scene::Scene;

/// Decisions between two looks at the clock, which then cost nothing against them.
const BATCH: u32 = 500;

/// Batches of each configuration. Half of them may be disturbed before a median moves.
const BATCHES: usize = 400;

/// Nanoseconds of one decision in each of two configurations: medians of batches that take turns,
/// so that what happens to the machine happens to both.
pub(crate) fn medians_ns(case: &Case, one: &Scene, many: &Scene) -> (f64, f64) {
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        of_one.push(batch_ns(case, one));
        of_many.push(batch_ns(case, many));
    }
    (median(of_one), median(of_many))
}

fn batch_ns(case: &Case, scene: &Scene) -> f64 {
    let start = Instant::now();
    case.decide(scene, BATCH.into());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
