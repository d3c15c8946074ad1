//! The flags of `evenkeel serve` about the API: how it is served, what it takes, what it remembers.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct ApiArgs {
    /// Certificate chain of the API listener, which then speaks TLS instead of plain HTTP
    #[arg(long, value_name = "FILE")]
    pub(crate) api_tls_cert: Option<String>,
    /// Private key of the API listener
    #[arg(long, value_name = "FILE")]
    pub(crate) api_tls_key: Option<String>,
    /// Origin whose pages may use the API from browsers, `https://ui.example`; repeatable, * is every
    /// one [default: none]
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) api_cors_origin: Vec<String>,
    /// Longest request body, in bytes [default: 1048576]
    #[arg(long, value_name = "BYTES")]
    pub(crate) api_body_max: Option<String>,
    /// Requests that each caller may send in so many seconds, 1200/300 [default: unlimited]
    #[arg(long, value_name = "REQUESTS/SECONDS")]
    pub(crate) api_rate_limit: Option<String>,
    /// Whether endpoints may have private or loopback addresses: allow, deny [default: allow]
    #[arg(long, value_name = "WORD")]
    pub(crate) private_addresses: Option<String>,
    /// Whether endpoints may have link-local or unspecified addresses: allow, deny [default: deny]
    #[arg(long, value_name = "WORD")]
    pub(crate) link_local_addresses: Option<String>,
    /// Most load balancers of an account [default: unlimited]
    #[arg(long, value_name = "N")]
    pub(crate) quota_load_balancers: Option<String>,
    /// Most pools of an account [default: unlimited]
    #[arg(long, value_name = "N")]
    pub(crate) quota_pools: Option<String>,
    /// Most monitors of an account [default: unlimited]
    #[arg(long, value_name = "N")]
    pub(crate) quota_monitors: Option<String>,
    /// Most monitor groups of an account [default: unlimited]
    #[arg(long, value_name = "N")]
    pub(crate) quota_monitor_groups: Option<String>,
    /// Entries that the audit log keeps [default: 100000]
    #[arg(long, value_name = "N")]
    pub(crate) audit_entries_max: Option<String>,
    /// Days for which the audit log keeps them [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) audit_days_max: Option<String>,
}
