//! The flags of `evenkeel serve` about the name server: where it listens, what it says of this node,
//! what it grants to whom.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct NameServerArgs {
    /// Address of the authoritative name server, UDP and TCP; repeatable [default: none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Vec<String>,
    /// Public address of this node, which proxied names are answered with; repeatable [default: those
    /// of --http and --https that others reach]
    #[arg(long, value_name = "IP")]
    pub(crate) advertise: Vec<String>,
    /// Name server of zones that name none themselves; repeatable [default: none]
    #[arg(long, value_name = "HOST")]
    pub(crate) name_server: Vec<String>,
    /// What the name server calls itself when it is asked, NSID [default: nothing]
    #[arg(long, value_name = "TEXT")]
    pub(crate) dns_nsid: Option<String>,
    /// Secret of DNS cookies, 32 hexadecimal digits, the same on all nodes that share an address;
    /// older ones behind it are still believed [default: made once]
    #[arg(long, value_name = "HEX")]
    pub(crate) dns_cookie_secret: Vec<String>,
    /// Answers of each kind per second that a network (/24 or /56) gets by UDP; 0 for no limit
    /// [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) dns_rate_limit: Option<String>,
    /// Network without that limit; repeatable [default: 127.0.0.0/8 and ::1/128]
    #[arg(long, value_name = "NETWORK")]
    pub(crate) dns_rate_limit_exempt: Vec<String>,
    /// Resolver that host names of endpoints are asked of; repeatable [default: the machine's]
    #[arg(long, value_name = "IP")]
    pub(crate) dns_resolvers: Vec<String>,
    /// Log of DNS queries as JSON lines, `-` for standard output [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) dns_log: Option<String>,
    /// One of so many queries is written to it [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) dns_log_sample: Option<String>,
}
