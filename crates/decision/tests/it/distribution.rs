//! Shares of traffic, by chi-squared. Seeds are fixed, so a pass stays a pass; with another seed
//! each of these tests would fail a correct implementation with a chance below 1e-7.

use std::collections::BTreeMap;

use crate::notation::{Seeded, World};

const DRAWS: u32 = 100_000;

/// By degrees of freedom, what chi-squared exceeds with a chance of 1e-7.
const CRITICAL: [f64; 4] = [0.0, 28.38, 32.24, 35.42];

/// Sends requests without a session, and compares who answered with the weights in `expected`.
/// Endpoints that are not named there must get nothing.
#[track_caller]
fn check_shares(world: &str, request: &str, expected: &[(&str, f64)]) {
    let world = World::parse(world);
    let request = world.request(request);
    let mut rng = Seeded(0x5eed);
    let mut counts = BTreeMap::new();
    for _ in 0..DRAWS {
        let endpoint = world.send(&request, &mut rng).result.expect("an answer");
        *counts.entry(&*world.config().endpoint(endpoint).name).or_insert(0u32) += 1;
    }
    let total: f64 = expected.iter().map(|(_, weight)| weight).sum();
    let chi_squared: f64 = expected
        .iter()
        .map(|(name, weight)| {
            let mean = f64::from(DRAWS) * weight / total;
            (f64::from(counts.remove(name).unwrap_or(0)) - mean).powi(2) / mean
        })
        .sum();
    assert!(counts.is_empty(), "{}: nobody else is to be drawn: {counts:?}", world.text);
    let critical = CRITICAL[expected.len() - 1];
    assert!(chi_squared <= critical, "{}: {chi_squared} > {critical}", world.text);
}

#[test]
fn endpoints_get_their_weights_share() {
    check_shares("| eu: a b", "", &[("a", 1.0), ("b", 1.0)]);
    check_shares("| eu: a=0.01 b=0.99", "", &[("a", 1.0), ("b", 99.0)]);
    check_shares("| eu: a=0.5 b=0.25 c=0.25 d=0", "", &[("a", 2.0), ("b", 1.0), ("c", 1.0)]);
}

#[test]
fn trap_t20_the_share_of_a_lost_endpoint_goes_to_the_others_by_weight() {
    check_shares("| eu: a=0.5 b=0.25! c=0.25", "", &[("a", 2.0), ("c", 1.0)]);
    check_shares("| eu: a=0.5 b=0.25- c=0.25", "", &[("a", 2.0), ("c", 1.0)]);
}

#[test]
fn trap_t19_a_pool_without_a_weight_of_its_own_has_the_default_of_1() {
    check_shares("random A=0.1 | A: a | B: b", "", &[("a", 1.0), ("b", 10.0)]);
}

#[test]
fn pools_get_their_weights_share_whatever_is_in_them() {
    check_shares(
        "random A=0.4 default=0.3 | A: a=0.01 | B: b | C: c d=0",
        "",
        &[("a", 4.0), ("b", 3.0), ("c", 3.0)],
    );
    check_shares("random A=0.4 B=0.2 | A: a | B: b! | C: c", "", &[("a", 4.0), ("c", 10.0)]);
}

#[test]
fn the_fallback_draws_by_weight_and_evenly_when_nothing_has_one() {
    check_shares("| eu: x! | last spare: a=0.3! b=0.1 c=0", "", &[("a", 3.0), ("b", 1.0)]);
    check_shares("| eu: x! | last spare: a=0! b=0 c=0", "", &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
}

#[test]
fn a_retry_draws_among_the_others_by_weight() {
    check_shares("| eu: a=0.6 b=0.3 c=0.1", "refused:a", &[("b", 3.0), ("c", 1.0)]);
}

#[test]
fn trap_t44_unresolved_names_leave_the_shares_of_the_rest_alone() {
    check_shares("| eu: a=0.5 b=0.3 c=0.1", "unresolved:a", &[("b", 3.0), ("c", 1.0)]);
    check_shares(
        "random A=0.5 B=0.3 C=0.1 | A: a a2 | B: b | C: c",
        "unresolved:a unresolved:b",
        &[("a2", 5.0), ("c", 1.0)],
    );
}
