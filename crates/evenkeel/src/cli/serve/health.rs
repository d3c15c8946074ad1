//! The flags of `evenkeel serve` about health: who decides on it, what is remembered, who is told.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct HealthArgs {
    /// How many checkers must find an endpoint healthy: majority, any [default: majority]
    #[arg(long, value_name = "WORD")]
    pub(crate) quorum: Option<String>,
    /// Changes of health that the event log keeps [default: 100000]
    #[arg(long, value_name = "N")]
    pub(crate) health_events_max: Option<String>,
    /// Days for which the event log keeps them [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) health_days_max: Option<String>,
    /// Mail server for notifications, smtp://HOST:25, smtps://USER:PASSWORD@HOST or
    /// smtp://USER:PASSWORD@HOST:587?tls=required [default: none]
    #[arg(long, value_name = "URL")]
    pub(crate) smtp_relay: Option<String>,
    /// Sender of notifications by e-mail
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) smtp_from: Option<String>,
}
