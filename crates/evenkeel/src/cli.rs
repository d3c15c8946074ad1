//! The command line: which commands there are. The flags of each are in a file of their own.

mod demo;
mod explain;
mod serve;

pub(crate) use demo::DemoArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use serve::ServeArgs;

use clap::{Parser, Subcommand};

/// Self-hosted load balancer that speaks the Cloudflare Load Balancing API.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the load balancer: proxy, health monitors and REST API
    Serve(Box<ServeArgs>),
    /// Run it with sample endpoints and a configured load balancer, to look around
    Demo(DemoArgs),
    /// Ask a running server why a request, or a DNS query, goes where it goes
    Explain(ExplainArgs),
}
