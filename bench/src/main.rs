//! Evenkeel's benchmark harness: starts each proxy with the best sensible configuration for the
//! same job, drives them interleaved, and prints what a request cost, beside what could spoil the
//! number. Knows the product only from outside: its command line, its REST API, its metrics.

use std::process::ExitCode;

mod api;
mod args;
mod cpu;
mod endpoint;
mod failure;
mod http;
mod interleave;
mod load;
mod machine;
mod measure;
mod name_server;
mod process;
mod proxy;
mod report;
mod request;
mod rundir;
mod scenario;
mod setup;
mod stats;
mod strace;
mod template;

use args::{Args, Parsed};
use failure::Result;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Help) => {
            print!("{}", args::HELP);
            for scenario in scenario::ALL {
                println!("  {:<18} {}", scenario.name, scenario.about);
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
    let mut all_valid = true;
    for scenario in scenario::ALL {
        if args.scenarios.is_empty() || args.scenarios.iter().any(|name| name == scenario.name) {
            all_valid &= (scenario.run)(args)?;
        }
    }
    Ok(all_valid)
}
