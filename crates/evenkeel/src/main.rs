//! `evenkeel`: the program. Reads the command line and settings, wires the planes together, and
//! ends them in order. What they do is in their own crates.

mod certificates;
mod check_config;
mod cli;
mod client;
mod commands;
mod completions;
mod demo;
mod exit;
mod explain;
mod geo;
mod manual;
mod name_server;
mod notifier;
mod page;
mod ready;
mod records;
mod serve;
mod settings;
mod transfer;

use clap::Parser;
use exit::Failure;

/// Many small, short-lived allocations from several threads are what mimalloc is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let outcome = match cli::Cli::parse().command {
        cli::Command::Serve(args) => serve(*args),
        cli::Command::Demo(args) => demo::run(&args),
        cli::Command::Explain(args) => explain::run(&args),
        cli::Command::Lb(args) => commands::lb(&args),
        cli::Command::Pool(args) => commands::object(&args),
        cli::Command::Monitor(args) => commands::object(&args),
        cli::Command::Group(args) => commands::object(&args),
        cli::Command::Zone(args) => commands::zone(&args),
        cli::Command::Certificate(args) => commands::certificate(&args),
        cli::Command::Dns(args) => commands::dns(&args),
        cli::Command::Health(args) => commands::health(&args),
        cli::Command::Probe(args) => commands::probe(&args),
        cli::Command::Token(args) => commands::token(&args),
        cli::Command::Export(args) => transfer::export(&args),
        cli::Command::Import(args) => transfer::import(&args),
        cli::Command::Check(args) => transfer::check(&args),
        cli::Command::CheckConfig(args) => check_config::run(*args),
        cli::Command::Completions { shell } => completions::run(shell),
        cli::Command::Ready(args) => ready::run(&args),
        cli::Command::Manual => manual::run(),
    };
    exit::code(outcome)
}

fn serve(args: cli::ServeArgs) -> Result<(), Failure> {
    // SAFETY: nothing was opened yet, and there is no other thread.
    let heritage = unsafe { serve::Heritage::claim() }?;
    serve::run(args, heritage)
}
