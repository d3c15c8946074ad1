//! The flags of `evenkeel explain`.

use clap::Args;

use super::remote::Remote;

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Method and URL of the request, or the URL alone for a GET; with --dns the name asked for
    #[arg(required = true, num_args = 1..=2, value_name = "METHOD URL")]
    pub(crate) asked: Vec<String>,
    /// Address that the request, or the resolver's query, comes from [default: 127.0.0.1]
    #[arg(long, visible_alias = "resolver", value_name = "ADDR")]
    pub(crate) from: Option<std::net::IpAddr>,
    /// Header field of the request; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Explain a DNS query for records of this type instead
    #[arg(long, value_name = "TYPE")]
    pub(crate) dns: Option<String>,
    /// Client subnet that the resolver sends along, as 198.51.100.0/24
    #[arg(long, value_name = "NET", requires = "dns")]
    pub(crate) ecs: Option<String>,
    /// Decide so many times and show how the outcomes are distributed, up to 10,000
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) repeat: u32,
    #[command(flatten)]
    pub(crate) remote: Remote,
}
