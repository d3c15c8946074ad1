//! The flags of `evenkeel serve` about the access log.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct LogArgs {
    /// Access log, one line for each request, `-` for standard output [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) access_log: Option<String>,
    /// How its lines look: json or combined [default: json]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) access_log_format: Option<String>,
    /// Share of requests written to it, 0 to 1, drawn by chance [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub(crate) access_log_sample: Option<String>,
    /// Whether errors are written to it in any case: always or sampled [default: always]
    #[arg(long, value_name = "WHICH")]
    pub(crate) access_log_errors: Option<String>,
}
