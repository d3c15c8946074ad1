//! Steering by least latency on endpoints with queues, in virtual time: what it promises, held
//! against chance by seeds.

use evenkeel_model::EndpointSteering;
use evenkeel_sim::queueing::farm::{Endpoint, Farm, Spread};
use evenkeel_sim::queueing::{Policy, Report, run};

const SEEDS: [u64; 3] = [1, 0x5eed, 0x1a7e];

fn least_latency(farm: &Farm, seed: u64) -> Report {
    run(farm, Policy::Ours(EndpointSteering::LeastLatency), seed)
}

#[test]
fn an_endpoint_ten_times_slower_costs_little() {
    for (workers, requests) in [(1, 20_000), (4, 30_000), (16, 40_000)] {
        for load in [0.7, 0.9] {
            let farm = Farm::uneven(workers, load, requests);
            for seed in SEEDS {
                let p99 = |policy| run(&farm, Policy::Ours(policy), seed).quantile_ms(0.99);
                let random = p99(EndpointSteering::Random);
                let outstanding = p99(EndpointSteering::LeastOutstandingRequests);
                let ours = p99(EndpointSteering::LeastLatency);
                let case = format!("{workers} workers, load {load}, seed {seed:#x}");
                assert!(outstanding <= 0.5 * random, "{case}: {outstanding} to {random}");
                assert!(ours <= 0.4 * random, "{case}: {ours} to {random}");
                assert!(ours <= 0.4 * outstanding, "{case}: {ours} to {outstanding}");
            }
        }
    }
}

#[test]
fn identical_endpoints_get_a_fair_share_each() {
    let even = |load| Farm::even(16, load, 10_000);
    for farm in [
        even(0.001),
        even(0.02),
        even(0.5),
        even(0.9),
        Farm { spread: Spread::Fixed, ..even(0.5) },
        Farm { spread: Spread::Tailed, ..Farm::even(64, 0.3, 20_000) },
        Farm { balancers: 8, ..even(0.02) },
        Farm { balancers: 8, ..even(0.9) },
    ] {
        for seed in SEEDS {
            let report = least_latency(&farm, seed);
            let shares: Vec<_> = (0..4).map(|n| 4.0 * report.share_of_all(n)).collect();
            let is_fair = shares.iter().all(|share| (0.8..=1.2).contains(share));
            assert!(is_fair, "{farm:?}, seed {seed:#x}: {shares:?}");
        }
    }
}

#[test]
fn an_endpoint_that_recovers_is_found_out() {
    for load in [0.1, 0.9] {
        let farm = Farm::uneven(4, load, 0);
        let requests = (farm.requests_per_second() * 80.0) as usize;
        let farm = Farm { requests, recovery_s: Some(20), ..farm };
        for seed in SEEDS {
            let report = least_latency(&farm, seed);
            assert!(report.share(3, 5, 20) < 0.03, "load {load}, seed {seed:#x}");
            let share = report.share(3, 60, 79);
            assert!((0.2..=0.3).contains(&share), "load {load}, seed {seed:#x}: {share}");
        }
    }
}

#[test]
fn fast_failures_draw_nobody() {
    let mut farm = Farm::even(16, 0.5, 40_000);
    farm.endpoints[3].fails = true;
    for seed in SEEDS {
        let errors = least_latency(&farm, seed).errors;
        assert!(errors < 400, "seed {seed:#x}: {errors}");
    }
}

#[test]
fn a_new_endpoint_is_not_overrun() {
    let farm = Farm { join_s: Some(5), ..Farm::even(16, 0.6, 40_000) };
    for seed in SEEDS {
        let report = least_latency(&farm, seed);
        let [old, .., new] = report.in_flight_max[..] else { panic!("four endpoints") };
        assert!(new <= 2 * old, "seed {seed:#x}: {new} to {old}");
        assert!((0.2..=0.3).contains(&report.share(3, 6, u64::MAX / 1_000_000)));
    }
}

#[test]
fn a_small_weight_stays_small() {
    let endpoints = [100, 1].map(|weight| Endpoint { weight, ..Endpoint::new(10.0, 16) });
    let farm = Farm::new(endpoints.into(), 0.02, 20_000);
    for seed in SEEDS {
        let share = least_latency(&farm, seed).share_of_all(1);
        assert!((0.005..0.05).contains(&share), "seed {seed:#x}: {share}");
    }
}
