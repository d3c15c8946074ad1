//! The flags of `evenkeel serve` about traces.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct TraceArgs {
    /// Collector of traces that speaks OTLP/HTTP; /v1/traces is added [default: none]
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Field sent to it with each request, an API key for example; repeatable [default: none]
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) otlp_header: Vec<String>,
    /// Share of the traces that begin here which are recorded, 0 to 1; others as their callers say
    /// [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub(crate) trace_sample: Option<String>,
}
