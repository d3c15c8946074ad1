use std::vec::Vec;

use super::*;
use crate::pace::{Pace, Sighting};

const NOW: Timestamp = Timestamp::from_seconds(1_795_422_480);
const DRAWS: u32 = 40_000;

/// SplitMix64.
struct Seeded(u64);

impl Rng for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// An endpoint: weight, requests in flight, answers and how long each took in milliseconds.
type Row = (u32, u32, u32, u64);

fn shares(rows: &[Row], now: Timestamp) -> Vec<f64> {
    let load = |n: usize| {
        let (_, requests, answers, ms) = rows[n];
        let sighting = Sighting::Answered(ms * 1_000);
        let pace = (0..answers).fold(Pace::default(), |pace, _| pace.see(sighting, NOW));
        Load { pace, ..Load::new(requests, 0) }
    };
    let items = rows.iter().enumerate().map(|(n, row)| (n, row.0));
    let mut rng = Seeded(0x1a7e);
    let mut counts = std::vec![0_u32; rows.len()];
    for _ in 0..DRAWS {
        counts[choose(items.clone(), load, now, &mut rng).expect("a choice")] += 1;
    }
    counts.iter().map(|count| f64::from(*count) / f64::from(DRAWS)).collect()
}

#[track_caller]
fn check(rows: &[Row], expected: &[f64]) {
    for (share, p) in shares(rows, NOW).iter().zip(expected) {
        // Five and a half standard deviations: beyond them lies a chance below 1e-7.
        let bound = 5.5 * (p * (1.0 - p) / f64::from(DRAWS)).sqrt();
        assert!((share - p).abs() <= bound, "{rows:?}: {share} is not {p}");
    }
}

#[test]
fn of_idle_endpoints_alike_each_gets_its_weights_share() {
    check(&[(100, 0, 0, 0), (100, 0, 0, 0), (100, 0, 0, 0)], &[1.0 / 3.0; 3]);
    check(&[(50, 0, 20, 10), (25, 0, 20, 10), (25, 0, 20, 10)], &[0.5, 0.25, 0.25]);
    check(&[(100, 0, 20, 10), (1, 0, 20, 10)], &[100.0 / 101.0, 1.0 / 101.0]);
    check(&[(100, 0, 0, 0), (0, 0, 0, 0)], &[1.0, 0.0]);
}

#[test]
fn a_factor_of_two_in_latency_is_no_difference() {
    check(&[(100, 0, 20, 10), (100, 0, 20, 19), (100, 0, 20, 14)], &[1.0 / 3.0; 3]);
}

#[test]
fn a_request_in_flight_more_makes_it_eight_times_less_likely() {
    check(&[(100, 5, 20, 10), (100, 6, 20, 10)], &[8.0 / 9.0, 1.0 / 9.0]);
    // In proportion to the mean weight, 0.75: four thirds of a request against two thirds.
    let [a, b] = [1.0 * 8_f64.powf(-0.75), 0.5 * 8_f64.powf(-1.5)];
    check(&[(100, 1, 0, 0), (50, 1, 0, 0)], &[a / (a + b), b / (a + b)]);
}

#[test]
fn a_slow_endpoint_waits_until_the_fast_ones_have_a_queue() {
    // Ten times slower: 25 times the cost.
    check(&[(100, 15, 20, 10), (100, 0, 20, 100)], &[1.0, 0.0]);
    check(&[(100, 40, 20, 10), (100, 0, 20, 100)], &[0.0, 1.0]);
    check(&[(100, 24, 20, 10), (100, 0, 20, 100)], &[0.5, 0.5]);
}

#[test]
fn what_is_not_known_well_is_not_held_against_anybody() {
    // Nobody is known, or only the slow one.
    check(&[(100, 0, 3, 10), (100, 0, 3, 1_000)], &[0.5, 0.5]);
    check(&[(100, 0, 0, 0), (100, 0, 20, 1_000)], &[0.5, 0.5]);
    // A new endpoint among known ones is one of them.
    check(&[(100, 0, 20, 10), (100, 0, 20, 10), (100, 0, 0, 0)], &[1.0 / 3.0; 3]);
}

#[test]
fn a_bad_name_is_forgotten() {
    let rows = [(100, 1, 20, 10), (100, 0, 20, 100)];
    assert_eq!(shares(&rows, NOW)[1], 0.0);
    assert!(shares(&rows, NOW.plus_seconds(120))[1] > 0.5);
}

#[test]
fn the_slowest_of_all_and_endless_queues_are_compared_all_the_same() {
    let rows = [(100, u32::MAX, 20, 1), (1, u32::MAX, 20, 4_000_000), (100, u32::MAX, 20, 1)];
    let shares = shares(&rows, NOW);
    assert!(shares[0] > 0.4 && shares[2] > 0.4, "{shares:?}");
    let nobody: [(usize, u32); 1] = [(0, 0)];
    assert_eq!(choose(nobody.into_iter(), |_| Load::default(), NOW, &mut Seeded(1)), None);
}
