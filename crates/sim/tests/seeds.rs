//! The simulation over many seeds, see `SIM_SEED`, `SIM_SEEDS` and `SIM_STEPS` in
//! `evenkeel_sim::settings`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use evenkeel_sim::invariants;
use evenkeel_sim::run::{Failure, Trails, run};
use evenkeel_sim::settings::{SEEDS_DEFAULT, STEPS_DEFAULT, Settings};
use evenkeel_sim::witness::Witness;

/// Failures that are shown; one cause often breaks many seeds.
const SHOWN_MAX: usize = 5;

/// Runs seeds on all cores. Which thread runs a seed changes nothing in it.
fn run_all(settings: Settings) -> (Witness, Vec<Failure>) {
    let next = AtomicU64::new(0);
    let worker = || {
        let (mut witness, mut failures) = (Witness::default(), Vec::new());
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= settings.seeds {
                return (witness, failures);
            }
            match run(settings.seed.wrapping_add(n), settings.steps, Trails::Forgotten) {
                Ok(run) => witness.add(&run.witness),
                Err(failure) => failures.push(failure),
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let (mut witness, mut failures) = (Witness::default(), Vec::new());
        for worker in workers {
            let (met, failed) = worker.join().expect("runs catch their panics");
            witness.add(&met);
            failures.extend(failed);
        }
        failures.sort_by_key(|failure| failure.seed);
        (witness, failures)
    })
}

#[test]
fn every_invariant_holds_in_every_world() {
    let settings = Settings::from_env();
    let (witness, failures) = run_all(settings);
    println!("{settings:?}: {witness:#?}");
    for failure in failures.iter().take(SHOWN_MAX) {
        println!("{failure}");
    }
    assert!(failures.is_empty(), "{} of {} seeds failed", failures.len(), settings.seeds);
    if settings.seeds >= SEEDS_DEFAULT && settings.steps >= STEPS_DEFAULT {
        everything_was_met(&witness);
    }
}

/// Without these an invariant would have had nothing to judge.
fn everything_was_met(witness: &Witness) {
    for what in [
        "answered",
        "fixed response",
        "unavailable",
        "gave up",
        "steering off",
        "steering geo",
        "steering random",
        "steering dynamic_latency",
        "steering proximity",
        "steering least_outstanding_requests",
        "steering least_connections",
        "affinity None",
        "pinned by Cookie",
        "pinned by IpCookie",
        "pinned by Header",
        "contact failed",
        "contact unresolved",
        "fallback",
        "retry",
        "retry across pools",
        "drained",
        "pool shares",
        "shed shares",
        "drawn often",
        "pool switched",
        "pool's health told",
        "endpoint's health told",
        "observation told",
        "group of two minds",
    ] {
        assert!(witness.count(what) >= 10, "{what}: {}", witness.count(what));
    }
}

#[test]
fn a_seed_replays_exactly() {
    let Settings { seed, steps, .. } = Settings::from_env();
    for seed in [seed, seed.wrapping_add(0x5eed), u64::MAX] {
        if let Err(difference) = invariants::replays(seed, steps) {
            panic!("{difference}");
        }
    }
}

#[test]
fn another_seed_is_another_world() {
    let trails = |seed| run(seed, 200, Trails::Kept).map(|run| run.trails).unwrap_or_default();
    assert_ne!(trails(1), trails(2));
}
