use std::vec::Vec;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_795_422_480);

fn after(seconds: u64) -> Timestamp {
    START.plus_seconds(seconds)
}

/// A pace after the same sighting so many times at one moment.
fn seen(sighting: Sighting, times: u32, now: Timestamp) -> Pace {
    (0..times).fold(Pace::default(), |pace, _| pace.see(sighting, now))
}

#[track_caller]
fn assert_about(pace: Pace, us: f64) {
    let latency = pace.latency_us().expect("something is known") as f64;
    assert!((latency / us - 1.0).abs() < 0.01, "{latency} is not about {us}");
}

#[test]
fn a_word_holds_it_all() {
    assert_eq!(Pace::default().to_bits(), 0);
    for sighting in [Sighting::Answered(0), Sighting::Failed(7), Sighting::Abandoned(u64::MAX)] {
        for times in [1, 3, 100] {
            let pace = seen(sighting, times, START);
            assert_eq!(Pace::from_bits(pace.to_bits()), pace, "{sighting:?}");
        }
    }
}

#[test]
fn equal_answers_are_the_estimate() {
    for us in [1, 40, 10_000, 3_000_000, 4_000_000_000] {
        for times in [1, 2, 50, 500] {
            assert_about(seen(Sighting::Answered(us), times, START), us as f64);
        }
    }
}

#[test]
fn the_mean_is_geometric() {
    let pace = seen(Sighting::Answered(1_000), 1, START).see(Sighting::Answered(4_000), START);
    assert_about(pace, 2_000.0);
    // One answer in a hundred takes ten seconds instead of five milliseconds.
    let mut pace = seen(Sighting::Answered(5_000), 99, START);
    pace = pace.see(Sighting::Answered(10_000_000), START);
    assert!(pace.latency_us() < Some(6_000), "{:?}", pace.latency_us());
}

#[test]
fn trust_comes_with_answers_and_goes_with_time() {
    assert_eq!(Pace::default().trust(START), 0.0);
    for (times, seconds, expected) in
        [(1, 0, 0.125), (4, 0, 0.5), (8, 0, 1.0), (64, 0, 1.0), (64, 30, 1.0), (8, 10, 0.5)]
    {
        let trust = seen(Sighting::Answered(1_000), times, START).trust(after(seconds));
        assert!((trust - expected).abs() < 0.02, "{times} {seconds}: {trust} is not {expected}");
    }
    let known = seen(Sighting::Answered(1_000), 64, START);
    let trusts: Vec<_> = (0..200).map(|seconds| known.trust(after(seconds))).collect();
    assert!(trusts.is_sorted_by(|a, b| a >= b), "{trusts:?}");
    assert_eq!(known.trust(after(200)), 0.0);
}

#[test]
fn the_first_answer_after_a_long_time_counts_alone() {
    let known = seen(Sighting::Answered(900_000), 64, START);
    assert_about(known.see(Sighting::Answered(1_000), after(600)), 1_000.0);
}

#[test]
fn a_clock_that_is_a_little_behind_takes_nothing_away() {
    let known = seen(Sighting::Answered(1_000), 64, after(1));
    assert_eq!(known.trust(START), 1.0);
}

#[test]
fn a_slowdown_shows_after_some_twenty_answers() {
    let mut pace = seen(Sighting::Answered(10_000), 500, START);
    let steps = (1..).find(|_| {
        pace = pace.see(Sighting::Answered(100_000), START);
        pace.latency_us() > Some(20_000)
    });
    assert!((15..=25).contains(&steps.unwrap()), "{steps:?}");
}

#[test]
fn fast_failures_are_slow() {
    // Whoever only fails seems slower with each time.
    let pace = seen(Sighting::Failed(300), 1, START);
    assert_about(pace, 250_000.0);
    assert!(seen(Sighting::Failed(300), 3, START).latency_us() > Some(1_000_000));
    assert_eq!(seen(Sighting::Failed(u64::MAX), 500, START).log, LOG_MAX);
    // An endpoint that took 300 µs and fails at once is left alone after some ten failures.
    let mut pace = seen(Sighting::Answered(300), 500, START);
    let steps = (1..).find(|_| {
        pace = pace.see(Sighting::Failed(20), START);
        pace.latency_us() > Some(600)
    });
    assert!(steps.unwrap() <= 12, "{steps:?}");
    // A failure in a hundred is nearly nothing.
    let mut pace = seen(Sighting::Answered(300_000), 99, START);
    pace = pace.see(Sighting::Failed(20), START);
    assert!(pace.latency_us() < Some(330_000));
}

#[test]
fn who_did_not_wait_tells_only_that_it_would_have_taken_longer() {
    let known = seen(Sighting::Answered(10_000), 20, START);
    assert_eq!(known.see(Sighting::Abandoned(9_000), START), known);
    assert!(known.see(Sighting::Abandoned(5_000_000), START).latency_us() > known.latency_us());
    assert_about(Pace::default().see(Sighting::Abandoned(2_000_000), START), 2_000_000.0);
}
