//! The command line.

use clap::{Args, Parser, Subcommand};

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

/// Settings as typed. What is not given here is looked for in the environment (`EVENKEEL_…`), then
/// in the file of `--config`. Values are read and judged in `settings`, the same way for all three.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// TOML file with the same settings as keys [env: EVENKEEL_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// Where documents and all else that must survive is kept [default: ./evenkeel-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// Address of the REST API, /readyz, /healthz and /metrics [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR")]
    pub(crate) api: Option<String>,
    /// Address of a plain HTTP listener; repeatable [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Vec<String>,
    /// Address of a TLS listener; repeatable (not available yet)
    #[arg(long, value_name = "ADDR")]
    pub(crate) https: Vec<String>,
    /// Certificate chain of the TLS listeners (not available yet)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<String>,
    /// Private key of the TLS listeners (not available yet)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<String>,
    /// Address of the authoritative DNS server (not available yet)
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Vec<String>,
    /// Data-plane threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<String>,
    /// Code of the PoP where this node stands [default: LOC]
    #[arg(long, value_name = "CODE")]
    pub(crate) pop: Option<String>,
    /// Region where this node stands, WNAM to SEAS [default: WEU]
    #[arg(long, value_name = "CODE")]
    pub(crate) region: Option<String>,
    /// Where this node stands, in degrees north and east, for proximity steering: 38.72/-9.14
    #[arg(long, value_name = "LAT/LON", allow_hyphen_values = true)]
    pub(crate) coordinates: Option<String>,
    /// MaxMind-format database of countries, cities or ASNs; repeatable, later ones are asked first
    /// [default: built-in countries]
    #[arg(long, value_name = "FILE")]
    pub(crate) geoip: Vec<String>,
    /// Smallest monitor interval the API accepts, in seconds [default: 10]
    #[arg(long, value_name = "S")]
    pub(crate) monitor_interval_min: Option<String>,
    /// Access log as JSON lines, `-` for standard output (not available yet)
    #[arg(long, value_name = "FILE")]
    pub(crate) access_log: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Address of the REST API; another free port is taken when it is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) api: std::net::SocketAddr,
    /// Address where requests are served; another free port is taken when it is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) http: std::net::SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Method and URL of the request, or the URL alone for a GET; with --dns the name asked for
    #[arg(required = true, num_args = 1..=2, value_name = "METHOD URL")]
    pub(crate) asked: Vec<String>,
    /// Address that the request, or the resolver's query, comes from [default: 127.0.0.1]
    #[arg(long, value_name = "ADDR")]
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
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The server's API address; its token is taken from EVENKEEL_API_TOKEN
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8787")]
    pub(crate) server: String,
}
