//! The flags of `evenkeel serve`.

mod api;
mod clients;
mod dns;
mod health;
mod logs;
mod passive;
mod tls;
mod traces;

use clap::{Arg, Args, Command};

pub(crate) use self::api::ApiArgs;
pub(crate) use self::clients::ClientArgs;
pub(crate) use self::dns::NameServerArgs;
pub(crate) use self::health::HealthArgs;
pub(crate) use self::logs::LogArgs;
pub(crate) use self::passive::PassiveArgs;
pub(crate) use self::tls::TlsArgs;
pub(crate) use self::traces::TraceArgs;

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
    #[command(flatten)]
    pub(crate) of_api: ApiArgs,
    #[command(flatten)]
    pub(crate) of_health: HealthArgs,
    /// Address of a plain HTTP listener; repeatable [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Vec<String>,
    #[command(flatten)]
    pub(crate) of_tls: TlsArgs,
    #[command(flatten)]
    pub(crate) of_dns: NameServerArgs,
    #[command(flatten)]
    pub(crate) of_clients: ClientArgs,
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
    /// Smallest monitor interval the API accepts, in seconds; below 1 it also accepts fractions
    /// [default: 10]
    #[arg(long, value_name = "S")]
    pub(crate) monitor_interval_min: Option<String>,
    #[command(flatten)]
    pub(crate) of_passive: PassiveArgs,
    #[command(flatten)]
    pub(crate) of_logs: LogArgs,
    #[command(flatten)]
    pub(crate) of_traces: TraceArgs,
}

/// Every setting by the name of its flag, in the order of the help text: all flags but `--config`,
/// which says where settings are.
pub(crate) fn setting_names() -> Vec<String> {
    settings().iter().filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

/// What the settings are as flags: their names and what they are for.
pub(crate) fn settings() -> Vec<Arg> {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let is_setting = |arg: &&Arg| arg.get_long().is_some_and(|name| name != "config");
    command.get_arguments().filter(is_setting).cloned().collect()
}
