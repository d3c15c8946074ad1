//! The flags of `evenkeel health` and `evenkeel probe`.

use clap::{Args, Subcommand};

use super::remote::Remote;
use super::values::Span;

/// Health, of everything or of one pool.
#[derive(Debug, Args)]
pub(crate) struct HealthCommand {
    #[command(flatten)]
    pub(crate) remote: Remote,
    #[command(subcommand)]
    pub(crate) subject: Option<HealthSubject>,
}

/// What of health is shown; all pools as they are now when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum HealthSubject {
    /// Show how a pool and each of its endpoints fare, and what became of them when and why
    Pool {
        /// Its name or id
        #[arg(value_name = "NAME|ID")]
        name: String,
        /// How far back, as 30m, 1h or 2d
        #[arg(long, value_name = "TIME", default_value = "24h")]
        since: Span,
    },
}

/// One probe.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Monitor, by description or id
    #[arg(value_name = "MONITOR")]
    pub(crate) monitor: String,
    /// POOL/NAME, the name alone where only one pool has it, or any ADDRESS or ADDRESS:PORT
    #[arg(value_name = "ENDPOINT")]
    pub(crate) endpoint: String,
}
