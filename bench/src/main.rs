//! Evenkeel's benchmark harness: starts each proxy with the best sensible configuration for the
//! same job, drives them interleaved, and prints what a request cost, beside what could spoil the
//! number. Knows the product only from outside: its command line, its REST API, its metrics.

use std::process::ExitCode;

mod access_log;
mod api;
mod args;
mod cores;
mod cpu;
mod endpoint;
mod failure;
mod generator;
mod http;
mod interleave;
mod load;
mod machine;
mod measure;
mod memory;
mod name_server;
mod process;
mod proxy;
mod report;
mod request;
mod rundir;
mod scenario;
mod setup;
mod shape;
mod stats;
mod strace;
mod tail;
mod template;
mod tls;

use args::{Args, Parsed};
use failure::Result;

/// The picture beside the README's table, below the repository.
const HEADLINE_PICTURE: &str = "docs/performance/headline.svg";

fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Help) => {
            print!("{}", args::HELP);
            for scenario in scenario::ALL {
                println!("  {:<22} {}", scenario.name, scenario.about);
            }
            return ExitCode::SUCCESS;
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the scenarios asked for, one after the other. False when a row of any is void.
fn run(args: &Args) -> Result<bool> {
    if args.headline {
        return headline(args);
    }
    let mut all_valid = true;
    for scenario in scenario::ALL {
        if args.scenarios.is_empty() || args.scenarios.iter().any(|name| name == scenario.name) {
            all_valid &= scenario.run(args)?;
        }
    }
    Ok(all_valid)
}

/// Runs the scenarios of the README's table, and prints and draws it.
fn headline(args: &Args) -> Result<bool> {
    // What takes minutes when it is not there yet, before the machine is to be quiet.
    generator::binary()?;
    let mut headline = report::Headline::default();
    let mut all_valid = true;
    for (label, shape) in scenario::HEADLINE {
        // One that fails does not cost the others their place.
        let (header, rows) = match interleave::rows(args, shape) {
            Ok(measured) => measured,
            Err(failure) => {
                eprintln!("error: {}: {failure}", shape.name);
                all_valid = false;
                continue;
            }
        };
        all_valid &= report::measurements(&header, &rows, None)?;
        headline.add(label, &header, scenario::figure(shape), rows);
    }
    let picture = rundir::repository().join(HEADLINE_PICTURE);
    headline.draw(&picture)?;
    println!("\npicture: {}\n\n{}", picture.display(), headline.markdown());
    Ok(all_valid)
}
