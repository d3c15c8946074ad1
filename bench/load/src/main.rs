//! Load for proxies, and endpoints to put behind them. Sends requests at moments that do not depend
//! on the answers, measures from those moments (so that a stall is seen by every request that it
//! would have delayed), and says when it was itself too slow to be believed.
//!
//! One thread: what it can send is bounded by one core, and it tells how much of it was used.

use std::process::ExitCode;

mod args;
mod arrivals;
mod body;
mod failure;
mod http1;
mod http2;
mod outcome;
mod report;
mod response;
mod run;
mod serve;
mod sleeper;
mod tally;
mod target;
mod transport;
mod websocket;

#[cfg(test)]
mod tests;

use args::{Load, Parsed};
use failure::{Context, Result};

/// The poller is looked at after this many steps of tasks: arrivals stay punctual under load.
const EVENT_INTERVAL: u32 = 16;

fn main() -> ExitCode {
    open_more_files();
    let parsed = match args::parse(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(failure) => {
            eprintln!("error: {failure}");
            return ExitCode::from(2);
        }
    };
    let done = match parsed {
        Parsed::Help(text) => {
            print!("{text}");
            Ok(true)
        }
        Parsed::Load(load) => send(&load),
        Parsed::Serve(serve) => {
            runtime().and_then(|r| r.block_on(serve::run(&serve))).map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

/// A thousand connections need more files than a shell's usual 1,024: takes all it may have.
fn open_more_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused, it stays as it was, and connects will say that files have run out.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build()
        .context("the runtime")
}

/// Runs the load and prints what came of it. False after any error.
fn send(load: &Load) -> Result<bool> {
    let run = runtime()?.block_on(run::run(load))?;
    if load.json {
        println!("{}", report::json(load, &run));
    } else {
        print!("{}", report::text(load, &run));
    }
    Ok(run.tally.errors() == 0)
}
