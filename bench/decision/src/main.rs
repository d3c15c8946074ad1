//! Measures one decision: time, instructions, allocations, and how they grow with what is
//! configured. See README.md for what the columns mean.

mod allocations;
mod case;
mod instructions;
mod pin;
mod scene;
mod time;

use std::env;
use std::process::ExitCode;

use case::{ALL, Case};
use scene::{Scale, Scene};

/// Decisions of a larger configuration may take so much more than those of the smallest.
const RATIO_MAX: f64 = 1.1;

const HELP: &str = "\
Measures what one decision costs, see bench/decision/README.md.

usage: evenkeel-bench-decision [--help]
       evenkeel-bench-decision count CASE one|many N   decide N times and print nothing
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        [] => report(),
        ["count", case, scale, times] => {
            let case = ALL.iter().find(|known| known.name == case);
            let (Some(case), Some(scale), Ok(times)) =
                (case, Scale::parse(scale), times.parse::<u64>())
            else {
                return usage();
            };
            let scene = Scene::new(scale);
            case.decide(&scene, times);
            ExitCode::SUCCESS
        }
        ["--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprint!("error: no such command\n\n{HELP}");
    ExitCode::from(2)
}

fn report() -> ExitCode {
    if let Some(status) = pin::again_on_one_core() {
        return status;
    }
    let (one, many) = (Scene::new(Scale::One), Scene::new(Scale::Many));
    println!("2 pools × 3 endpoints, cookie affinity, 3 rules; alone, and among 10,000 of each");
    println!();
    println!(
        "{:<8}{:>8}{:>10}{:>7}{:>15}{:>10}{:>7}{:>14}",
        "case", "ns", "ns", "ratio", "instructions", "", "ratio", "allocations"
    );
    println!(
        "{:<8}{:>8}{:>10}{:>7}{:>15}{:>10}{:>7}{:>14}",
        "", "1", "10,000", "", "1", "10,000", "", ""
    );
    let mut good = true;
    for case in ALL {
        good &= row(case, &one, &many);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures and prints one case; false when it is out of bounds.
fn row(case: &Case, one: &Scene, many: &Scene) -> bool {
    let allocations = allocations::of(|times| case.decide(one, times))
        .max(allocations::of(|times| case.decide(many, times)));
    let (ns_one, ns_many) = time::medians_ns(case, one, many);
    let count = |scale| instructions::of_one(case, scale);
    print!("{:<8}{ns_one:>8.0}{ns_many:>10.0}{:>7.3}", case.name, ns_many / ns_one);
    let counted = count(Scale::One).zip(count(Scale::Many));
    let ratio = counted.map(|(one, many)| many / one);
    match (counted, ratio) {
        (Some((one, many)), Some(ratio)) => print!("{one:>15.0}{many:>10.0}{ratio:>7.3}"),
        _ => print!("{:>32}", "no valgrind"),
    }
    println!("{allocations:>14.2}");
    let grows = ratio.is_some_and(|ratio| ratio > RATIO_MAX);
    if grows {
        eprintln!("error: {} takes more than {RATIO_MAX} of its instructions", case.name);
    }
    if allocations > 0.0 {
        eprintln!("error: {} allocates", case.name);
    }
    !grows && allocations == 0.0
}
