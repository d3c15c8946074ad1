//! The command line: which commands there are. The flags of each are in a file of their own.

mod certificate;
mod check_config;
mod demo;
mod explain;
mod health;
mod objects;
mod ready;
mod remote;
mod serve;
mod token;
mod transfer;
mod values;
mod zone;

pub(crate) use certificate::{CertificateArgs, CertificateVerb};
pub(crate) use check_config::CheckConfigArgs;
pub(crate) use demo::DemoArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use health::{HealthCommand, HealthSubject, ProbeArgs};
pub(crate) use objects::{
    DnsArgs, DnsVerb, GroupFields, LbArgs, LbFields, MonitorFields, PoolFields, RecordFields,
    RecordName, ZoneFields,
};
pub(crate) use ready::ReadyArgs;
pub(crate) use remote::{BodyArgs, Change, ObjectArgs, Remote, Verb};
pub(crate) use serve::{
    ApiArgs, ClientArgs, HealthArgs, LogArgs, NameServerArgs, PassiveArgs, ServeArgs, TlsArgs,
    TraceArgs, setting_names, settings,
};
pub(crate) use token::{TokenArgs, TokenChange, TokenVerb};
pub(crate) use transfer::{CheckArgs, ExportArgs, ImportArgs};
pub(crate) use values::{IntervalMin, Span, address};
pub(crate) use zone::{ZoneArgs, ZoneVerb};

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
    /// Load balancers of a running server
    Lb(Box<LbArgs>),
    /// Pools of endpoints
    Pool(Box<ObjectArgs<PoolFields>>),
    /// Monitors, which probe endpoints
    Monitor(Box<ObjectArgs<MonitorFields>>),
    /// Monitor groups
    Group(Box<ObjectArgs<GroupFields>>),
    /// DNS zones, and what they are set to
    Zone(Box<ZoneArgs>),
    /// Certificates that clients are shown
    Certificate(Box<CertificateArgs>),
    /// DNS records
    Dns(Box<DnsArgs>),
    /// How pools and endpoints fare, and what became of them when and why
    Health(HealthCommand),
    /// Have the server probe one endpoint now, and tell every step
    Probe(ProbeArgs),
    /// API tokens
    Token(Box<TokenArgs>),
    /// Write everything that a server has into a file, as the API's own JSON or as Terraform
    Export(ExportArgs),
    /// Bring a server to what a file says, or a live Cloudflare account; ids are kept
    Import(Box<ImportArgs>),
    /// Say everything that is wrong with such a file, without a server
    Check(CheckArgs),
    /// Say everything that is wrong with settings of serve, without starting anything
    CheckConfig(Box<CheckConfigArgs>),
    /// End with 0 when a server serves, as its /readyz says
    Ready(ReadyArgs),
    /// Print what a shell needs to complete these commands: evenkeel completions bash
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: evenkeel manual | man -l -
    Manual,
}
