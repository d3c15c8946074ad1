//! Measures what reading a query and writing its answer costs, with two libraries and as the
//! product does it; and a whole answer for a load balancer, alone and among 10,000. See README.md.

mod count;
mod scene;
mod with_domain;
mod with_hickory;
mod with_ours;

use std::env;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use scene::Scene;

/// Batches timed per case; the median counts.
const BATCHES: usize = 200;
/// Repetitions of a batch.
const BATCH: u32 = 500;

/// One thing that is measured: a repetition of it.
struct Case {
    name: &'static str,
    what: fn(&Scene, &mut Vec<u8>),
}

const CASES: &[Case] = &[
    Case { name: "read/domain", what: |scene, _| with_domain::read(&scene.query) },
    Case { name: "read/hickory", what: |scene, _| with_hickory::read(&scene.query) },
    Case { name: "read/ours", what: |scene, _| with_ours::read(&scene.query) },
    Case { name: "write/domain", what: |scene, out| with_domain::write(&scene.query, out) },
    Case { name: "write/hickory", what: |scene, out| with_hickory::write(&scene.query, out) },
    Case { name: "write/ours", what: |scene, out| with_ours::write(scene, out) },
    Case { name: "whole/1", what: |scene, out| with_ours::whole(scene.alone(), out) },
    Case { name: "whole/10000", what: |scene, out| with_ours::whole(scene.among_many(), out) },
    Case { name: "geo/1", what: |scene, out| with_ours::geo(scene.alone(), out) },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        [] => report(),
        ["count", name, times] => {
            let case = CASES.iter().find(|case| case.name == name);
            let (Some(case), Ok(times)) = (case, times.parse()) else { return usage() };
            repeat(case, &Scene::new(), times);
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: evenkeel-bench-dns-wire [count CASE N]   see bench/dns-wire/README.md");
    ExitCode::from(2)
}

fn report() {
    let scene = Scene::new();
    println!("{:<14}{:>8}{:>14}", "case", "ns", "instructions");
    for case in CASES {
        repeat(case, &scene, BATCH);
        let mut batches: Vec<f64> = (0..BATCHES)
            .map(|_| {
                let begin = Instant::now();
                repeat(case, &scene, BATCH);
                begin.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
            })
            .collect();
        batches.sort_by(f64::total_cmp);
        let instructions = count::of_one(case.name).map_or("-".into(), |n| format!("{n:.0}"));
        println!("{:<14}{:>8.0}{instructions:>14}", case.name, batches[BATCHES / 2]);
    }
}

fn repeat(case: &Case, scene: &Scene, times: u32) {
    let mut out = Vec::with_capacity(1500);
    for _ in 0..times {
        out.clear();
        (case.what)(black_box(scene), &mut out);
        black_box(&out);
    }
}
