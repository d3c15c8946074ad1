//! The tables of `docs/notes/2026-11-latency-aware-steering.md`: policies compared in virtual time.
//!
//! `cargo run --release -p evenkeel-sim --example uneven_endpoints [SEED]`

use evenkeel_model::EndpointSteering::{
    LeastConnections, LeastLatency, LeastOutstandingRequests, Random,
};
use evenkeel_sim::queueing::farm::{Endpoint, Farm, Spread};
use evenkeel_sim::queueing::rival::Rival;
use evenkeel_sim::queueing::{Policy, Report, run};

const POLICIES: [(&str, Policy); 9] = [
    ("random", Policy::Ours(Random)),
    ("least_connections", Policy::Ours(LeastConnections)),
    ("least_outstanding_requests", Policy::Ours(LeastOutstandingRequests)),
    ("shorter of two", Policy::Rival(Rival::ShorterOfTwo)),
    ("shortest queue", Policy::Rival(Rival::ShortestQueue)),
    ("peak-EWMA of two", Policy::Rival(Rival::PeakEwmaOfTwo)),
    ("peak-EWMA, least of all", Policy::Rival(Rival::PeakEwma)),
    ("hot-cold, then latency", Policy::Rival(Rival::HotCold)),
    ("least_latency", Policy::Ours(LeastLatency)),
];

/// A column: its head, what is simulated, and what is shown of it.
type Column = (&'static str, Farm, fn(&Report) -> String);

fn main() {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("Seed {seed}.\n\np99 in milliseconds, one of four endpoints 10 × slower\n");
    let p99 = |report: &Report| format!("{:.0}", report.quantile_ms(0.99));
    let fixed = |load| Farm { spread: Spread::Fixed, ..Farm::uneven(16, load, 200_000) };
    let shared = |load| Farm { balancers: 8, ..Farm::uneven(16, load, 200_000) };
    table(
        seed,
        &[
            ("16 workers, 70 %", Farm::uneven(16, 0.7, 200_000), p99),
            ("90 %", Farm::uneven(16, 0.9, 200_000), p99),
            ("4 workers, 70 %", Farm::uneven(4, 0.7, 200_000), p99),
            ("90 %", Farm::uneven(4, 0.9, 200_000), p99),
            ("1 worker, 70 %", Farm::uneven(1, 0.7, 100_000), p99),
            ("90 %", Farm::uneven(1, 0.9, 100_000), p99),
            ("16, fixed times, 90 %", fixed(0.9), p99),
            ("16, 8 balancers, 90 %", shared(0.9), p99),
        ],
    );
    println!("\nShares of four identical endpoints, least and most, of a fair one\n");
    let even = |load| Farm::even(16, load, 100_000);
    let alone = |load| Farm { balancers: 8, ..even(load) };
    let tailed = Farm { spread: Spread::Tailed, ..Farm::even(64, 0.3, 100_000) };
    table(
        seed,
        &[
            ("2 %", even(0.02), extremes),
            ("30 %", even(0.3), extremes),
            ("90 %", even(0.9), extremes),
            ("8 balancers, 2 %", alone(0.02), extremes),
            ("8 balancers, 90 %", alone(0.9), extremes),
            ("0.1 % take 4 s", tailed, extremes),
        ],
    );
    println!("\nWhat befalls single endpoints\n");
    let weighted = |weights: [u8; 2], load| {
        let endpoints = weights.map(|weight| Endpoint { weight, ..Endpoint::new(10.0, 16) });
        Farm::new(endpoints.into(), load, 50_000)
    };
    let mut failing = Farm::even(16, 0.3, 100_000);
    failing.endpoints[3].fails = true;
    // Forty seconds, and the last endpoint is well after twenty.
    let recovery = |load: f64| {
        let farm = Farm::uneven(16, load, 0);
        let requests = (farm.requests_per_second() * 60.0) as usize;
        Farm { requests, recovery_s: Some(20), ..farm }
    };
    let joining = Farm { join_s: Some(10), ..Farm::even(16, 0.6, 100_000) };
    table(
        seed,
        &[
            ("weights 1 and 0.01, 2 %", weighted([100, 1], 0.02), last),
            ("weights 1 and 0.5, 2 %", weighted([100, 50], 0.02), last),
            ("one fails fast", failing, |report| {
                format!("{:.2} % errors", 100.0 * report.errors as f64 / report.sent.len() as f64)
            }),
            ("recovers, 10 %", recovery(0.1), recovered),
            ("recovers, 90 %", recovery(0.9), recovered),
            ("joins: most in flight, old and new", joining, |report| {
                format!("{}, {}", report.in_flight_max[0], report.in_flight_max[3])
            }),
        ],
    );
}

/// The part of the last endpoint.
fn last(report: &Report) -> String {
    let last = report.in_flight_max.len() - 1;
    format!("{:.1} %", 100.0 * report.share_of_all(last))
}

fn extremes(report: &Report) -> String {
    let count = report.in_flight_max.len();
    let shares = (0..count).map(|n| report.share_of_all(n) * count as f64);
    let least = shares.clone().fold(f64::INFINITY, f64::min);
    format!("{least:.2}–{:.2}", shares.fold(0.0, f64::max))
}

fn recovered(report: &Report) -> String {
    let seconds = report.seconds_until_share(3, 20, 0.2);
    seconds.map_or_else(|| "not in 40 s".to_owned(), |s| format!("{s} s"))
}

fn table(seed: u64, columns: &[Column]) {
    let heads: Vec<_> = columns.iter().map(|(head, ..)| *head).collect();
    println!("| policy | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(columns.len()));
    for (name, policy) in POLICIES {
        let cells: Vec<_> =
            columns.iter().map(|(_, farm, show)| show(&run(farm, policy, seed))).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}
