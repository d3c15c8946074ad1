//! The flags of `evenkeel serve` about passive health: what real traffic says about endpoints.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct PassiveArgs {
    /// Whether endpoints that fail real traffic are left alone for a while: on, off [default: off]
    #[arg(long, value_name = "WORD")]
    pub(crate) passive_health: Option<String>,
    /// Connect failures in a row after which an endpoint is left alone [default: 5]
    #[arg(long, value_name = "N")]
    pub(crate) passive_health_failures: Option<String>,
    /// Share of responses with a server error that is tolerated, in percent [default: 50]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) passive_health_errors_max: Option<String>,
    /// Share of a pool's endpoints that may be left alone at once, in percent [default: 50]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) passive_health_ejected_max: Option<String>,
    /// How long an endpoint is left alone, in seconds; longer each time in a row [default: 30]
    #[arg(long, value_name = "S")]
    pub(crate) passive_health_time: Option<String>,
}
