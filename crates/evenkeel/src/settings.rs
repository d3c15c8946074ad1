//! Settings of `serve`: each is a flag, an environment variable and a key of the configuration
//! file, in that order of precedence. Everything is read and judged before anything is opened, and
//! every problem is reported at once.

mod api;
mod clients;
mod dns;
mod health;
mod passive;
mod tls;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_model::{Coordinates, Region};
use toml::{Table, Value};

pub(crate) use self::api::ApiSettings;
pub(crate) use self::clients::ClientSettings;
pub(crate) use self::dns::DnsSettings;
pub(crate) use self::health::HealthSettings;
pub(crate) use self::tls::{AcmeWishes, TlsSettings};
use crate::cli::{IntervalMin, ServeArgs};
use crate::exit::Failure;

/// Data-plane threads that can be asked for. More than any machine has; a typing error ends here.
const WORKERS_MAX: usize = 1024;
/// Longest PoP code; Cloudflare's have three letters.
const POP_CHARS_MAX: usize = 8;

/// Settings as meant.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) api: SocketAddr,
    pub(crate) of_api: ApiSettings,
    pub(crate) of_health: HealthSettings,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) of_tls: TlsSettings,
    pub(crate) of_clients: ClientSettings,
    pub(crate) of_dns: DnsSettings,
    pub(crate) workers: usize,
    pub(crate) pop: String,
    pub(crate) region: Region,
    pub(crate) coordinates: Option<Coordinates>,
    /// Files, in the order they were named.
    pub(crate) geoip: Vec<PathBuf>,
    pub(crate) monitor_interval_min: IntervalMin,
    /// `None` while it is off.
    pub(crate) passive_health: Option<PassiveSettings>,
    pub(crate) api_token: Option<String>,
    pub(crate) account_id: Option<String>,
}

/// Reads all settings.
///
/// # Errors
/// With every problem found, each naming its key.
pub(crate) fn load(args: &ServeArgs) -> Result<Settings, Failure> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut problems = Vec::new();
    let file = args.config.clone().or_else(|| environment("EVENKEEL_CONFIG"));
    let table = match file.as_deref().map(read_file) {
        None => Table::new(),
        Some(Ok(table)) => table,
        Some(Err(problem)) => return Err(Failure::Configuration(vec![problem])),
    };
    let mut layers = Layers { environment: &environment, table, problems: &mut problems };
    let settings = layers.resolve(args);
    if problems.is_empty() { Ok(settings) } else { Err(Failure::Configuration(problems)) }
}

fn read_file(path: &str) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("config: cannot read {path}: {error}"))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        format!("config: {path} is not TOML: {}", error.to_string().trim_end().replace('\n', " "))
    })?;
    // Keys may be written as the flag or as the variable is.
    Ok(table.into_iter().map(|(key, value)| (key.replace('_', "-"), value)).collect())
}

/// Where values come from, the first that has one.
struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    /// What of the file was not asked for yet.
    table: Table,
    problems: &'a mut Vec<String>,
}

/// Values of one setting as text, and where they came from.
struct Given {
    source: String,
    values: Vec<String>,
}

impl Layers<'_> {
    fn resolve(&mut self, args: &ServeArgs) -> Settings {
        self.refuse_unavailable("access-log", args.access_log.as_slice());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let settings = Settings {
            data_dir: self
                .one("data-dir", &args.data_dir)
                .unwrap_or_else(|| "./evenkeel-data".into()),
            api: self.one("api", &args.api).unwrap_or_else(|| local(8787)),
            of_api: self.api(&args.of_api),
            of_health: self.health(&args.of_health),
            http: self.many("http", &args.http).unwrap_or_else(|| vec![local(8080)]),
            of_tls: self.tls_of_clients(&args.of_tls),
            of_clients: self.clients(&args.of_clients),
            of_dns: self.dns(&args.of_dns),
            workers: self
                .checked(
                    "workers",
                    &args.workers,
                    |n| (1..=WORKERS_MAX).contains(n),
                    "a number from 1 to 1024",
                )
                .unwrap_or(cores),
            pop: self
                .checked(
                    "pop",
                    &args.pop,
                    |pop: &String| is_pop(pop),
                    "up to 8 letters and digits, LIS for example",
                )
                .unwrap_or_else(|| "LOC".to_owned()),
            monitor_interval_min: self
                .one("monitor-interval-min", &args.monitor_interval_min)
                .unwrap_or_default(),
            passive_health: self.passive(&args.of_passive),
            region: self.one("region", &args.region).unwrap_or(RegionName(Region::Weu)).0,
            coordinates: self.one("coordinates", &args.coordinates).map(|PointName(point)| point),
            geoip: self.many("geoip", &args.geoip).unwrap_or_default(),
            api_token: (self.environment)("EVENKEEL_API_TOKEN"),
            account_id: (self.environment)("EVENKEEL_ACCOUNT_ID"),
        };
        if let Some(id) = settings.account_id.as_ref().filter(|id| !is_id(id)) {
            self.problems.push(format!(
                "EVENKEEL_ACCOUNT_ID: {id:?} is not 32 lower-case hexadecimal digits"
            ));
        }
        let unknown: Vec<_> =
            self.table.keys().map(|key| format!("{key}: no such setting")).collect();
        self.problems.extend(unknown);
        settings
    }

    /// The layer that has values for a key, and takes the key out of the file.
    fn given(&mut self, key: &str, flag: &[String]) -> Option<Given> {
        let in_file = self.table.remove(key);
        let variable = format!("EVENKEEL_{}", key.replace('-', "_").to_ascii_uppercase());
        let (source, values) = if !flag.is_empty() {
            (format!("--{key}"), flag.to_vec())
        } else if let Some(value) = (self.environment)(&variable) {
            (variable, vec![value])
        } else {
            (key.to_owned(), in_file.map(|value| texts(key, value, self.problems))?)
        };
        Some(Given { source, values })
    }

    /// A value in which commas separate nothing.
    fn whole(&mut self, key: &str, flag: &Option<String>) -> Option<String> {
        self.given(key, flag.as_slice())?.values.pop()
    }

    fn many<T: FromStr<Err: Display>>(&mut self, key: &str, flag: &[String]) -> Option<Vec<T>> {
        let given = self.given(key, flag)?;
        let texts = given.values.iter().flat_map(|value| value.split(',')).map(str::trim);
        let parsed: Vec<_> = texts.map(|value| (value, value.parse::<T>())).collect();
        let mut values = Vec::new();
        for (value, outcome) in parsed {
            match outcome {
                Ok(value) => values.push(value),
                Err(error) => self.problems.push(format!("{}: {value:?}: {error}", given.source)),
            }
        }
        (!values.is_empty()).then_some(values)
    }

    fn one<T: FromStr<Err: Display>>(&mut self, key: &str, flag: &Option<String>) -> Option<T> {
        self.many(key, flag.as_slice())?.pop()
    }

    fn checked<T: FromStr<Err: Display> + std::fmt::Debug>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        is_good: impl FnOnce(&T) -> bool,
        expected: &str,
    ) -> Option<T> {
        let value = self.one(key, flag)?;
        if is_good(&value) {
            return Some(value);
        }
        self.problems.push(format!("{key}: {value:?} is not {expected}"));
        None
    }

    fn refuse_unavailable(&mut self, key: &str, flag: &[String]) {
        if let Some(given) = self.given(key, flag) {
            self.problems
                .push(format!("{}: not available in this version; leave it out", given.source));
        }
    }
}

/// A file's value as the texts a flag would have had.
fn texts(key: &str, value: Value, problems: &mut Vec<String>) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Integer(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Array(items) => {
            items.into_iter().flat_map(|item| texts(key, item, problems)).collect()
        }
        other => {
            problems.push(format!("{key}: a {} cannot be used here", other.type_str()));
            Vec::new()
        }
    }
}

/// A region as typed.
#[derive(Debug)]
struct RegionName(Region);

impl FromStr for RegionName {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        let codes = || Region::ALL.map(Region::code).join(" ");
        Region::parse(code).map(Self).ok_or_else(|| format!("is not one of {}", codes()))
    }
}

/// Coordinates as typed: a comma would part two values of a list.
#[derive(Debug)]
struct PointName(Coordinates);

impl FromStr for PointName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').map(|(north, east)| (north.parse(), east.parse()));
        match numbers {
            Some((Ok(north), Ok(east))) => Coordinates::new(north, east),
            _ => None,
        }
        .map(Self)
        .ok_or("is not degrees north and east as 38.72/-9.14")
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn is_pop(pop: &str) -> bool {
    (1..=POP_CHARS_MAX).contains(&pop.len()) && pop.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_id(id: &str) -> bool {
    id.parse::<evenkeel_model::AccountId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use evenkeel_model::Percent;

    pub(super) fn check(
        flags: &[&str],
        environment: &[(&str, &str)],
        file: &str,
    ) -> (Settings, Vec<String>) {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            args: ServeArgs,
        }
        let flags = Flags::parse_from([&["serve"], flags].concat());
        let find = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut problems = Vec::new();
        let table: Table = file.parse().unwrap();
        let table = table.into_iter().map(|(key, value)| (key.replace('_', "-"), value)).collect();
        let mut layers = Layers { environment: &find, table, problems: &mut problems };
        let settings = layers.resolve(&flags.args);
        (settings, problems)
    }

    #[test]
    fn defaults_are_the_contracts() {
        let (settings, problems) = check(&[], &[], "");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.api.to_string(), "127.0.0.1:8787");
        assert_eq!(settings.http, ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!((settings.pop.as_str(), settings.monitor_interval_min.ms), ("LOC", 10_000));
        assert_eq!(settings.data_dir.to_str(), Some("./evenkeel-data"));
    }

    #[test]
    fn flag_beats_variable_beats_file() {
        let file =
            "pop = 'FIL'\nworkers = 3\nhttp = ['127.0.0.1:1', '127.0.0.1:2']\ndata_dir = '/x'";
        let environment = [("EVENKEEL_POP", "ENV"), ("EVENKEEL_WORKERS", "2")];
        let (settings, problems) = check(&["--pop", "FLA"], &environment, file);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((settings.pop.as_str(), settings.workers, settings.http.len()), ("FLA", 2, 2));
        assert_eq!(settings.data_dir.to_str(), Some("/x"));
    }

    #[test]
    fn the_shortest_interval_may_be_below_a_second() {
        for (flags, file, ms) in [
            (&["--monitor-interval-min", "0.2"][..], "", 200),
            (&[], "monitor_interval_min = 0.5", 500),
            (&[], "monitor_interval_min = 5", 5000),
        ] {
            let (settings, problems) = check(flags, &[], file);
            assert_eq!((settings.monitor_interval_min.ms, problems.len()), (ms, 0), "{flags:?}");
        }
    }

    #[test]
    fn every_problem_is_named_by_its_key_at_once() {
        let file = "workers = 0\nnonsense = 1\napi = 'here'\nregion = 'MARS'\nhttp = true";
        let (_, problems) = check(&["--dns", "127.0.0.1"], &[("EVENKEEL_ACCOUNT_ID", "x")], file);
        for key in ["workers", "nonsense", "api", "region", "http", "--dns", "EVENKEEL_ACCOUNT_ID"]
        {
            assert!(
                problems.iter().any(|line| line.starts_with(key)),
                "{key} missing in {problems:#?}"
            );
        }
    }

    #[test]
    fn geographic_files_keep_their_order_and_the_region_is_read() {
        let (settings, problems) =
            check(&["--geoip", "/a", "--geoip", "/b"], &[("EVENKEEL_REGION", "seas")], "");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.geoip, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(settings.region, Region::Seas);
        assert_eq!(check(&[], &[], "").0.region, Region::Weu);
        let (settings, _) = check(&["--coordinates", "38.72/-9.14"], &[], "");
        assert_eq!(settings.coordinates, Coordinates::new(38.72, -9.14));
        assert_eq!(check(&["--coordinates", "91/0"], &[], "").1.len(), 1);
    }

    #[test]
    fn settings_of_the_api_are_read() {
        let file = "api-body-max = 4096\nprivate-addresses = 'deny'\nquota-pools = 7";
        let flags = ["--api-rate-limit", "1200/300", "--link-local-addresses", "allow"];
        let environment = [
            ("EVENKEEL_API_CORS_ORIGIN", "https://a.example, http://b.example:81"),
            ("EVENKEEL_AUDIT_DAYS_MAX", "1"),
        ];
        let (settings, problems) = check(&flags, &environment, file);
        assert_eq!(problems, Vec::<String>::new());
        let ApiSettings { server, limits, retentions } = settings.of_api;
        assert_eq!(server.body_bytes_max, 4096);
        assert_eq!(server.cors_origins, ["https://a.example", "http://b.example:81"]);
        let rate = server.rate_limit.unwrap();
        assert_eq!((rate.requests, rate.seconds), (1200, 300));
        assert!(!limits.private_addresses_allowed && limits.link_local_allowed);
        assert_eq!((limits.pool_quota, limits.monitor_quota), (Some(7), None));
        assert_eq!(retentions.of("audit").age_max.as_secs(), 86_400);
        for (flag, value) in [
            ("--api-rate-limit", "0/1"),
            ("--api-rate-limit", "1200"),
            ("--api-body-max", "0"),
            ("--api-cors-origin", "https://a.example/path"),
            ("--private-addresses", "yes"),
            ("--quota-pools", "-1"),
            ("--audit-entries-max", "0"),
            ("--api-tls-key", "/nonexistent"),
        ] {
            let typed = format!("{flag}={value}");
            let problems = check(&[&typed], &[], "").1;
            assert_eq!(problems.len(), 1, "{typed}: {problems:?}");
        }
    }

    #[test]
    fn settings_of_the_name_server_are_read() {
        let usual = check(&[], &[], "").0.of_dns;
        assert!(usual.addresses.is_empty() && usual.cookies.is_none() && usual.log.is_none());
        assert_eq!((usual.rate.unwrap().per_second, usual.rate_exempt.len()), (1000, 2));
        let file = "dns = ['127.0.0.1:53', '[::1]:53']\ndns-rate-limit = 0\nname-server = 'NS1.a.'";
        let flags = ["--advertise", "192.0.2.1,2001:db8::1", "--dns-nsid", "one, of two"];
        let environment =
            [("EVENKEEL_DNS_RESOLVERS", "192.0.2.53"), ("EVENKEEL_DNS_LOG", "/tmp/log")];
        let (settings, problems) = check(&flags, &environment, file);
        assert_eq!(problems, Vec::<String>::new());
        let dns = settings.of_dns;
        assert_eq!((dns.addresses.len(), dns.advertise.len(), dns.resolvers.len()), (2, 2, 1));
        assert_eq!((dns.nsid.as_slice(), dns.rate), (&b"one, of two"[..], None));
        assert_eq!((dns.name_servers, dns.log.unwrap().sample), (vec!["ns1.a".to_owned()], 1));
        for (typed, key) in [
            ("--dns=localhost:53", "--dns:"),
            ("--advertise=0.0.0.0", "--advertise:"),
            ("--name-server=192.0.2.1", "--name-server:"),
            ("--dns-nsid=", ""),
            ("--dns-cookie-secret=5ec4e7", "--dns-cookie-secret:"),
            ("--dns-rate-limit=many", "--dns-rate-limit:"),
            ("--dns-rate-limit-exempt=10.0.0.0/33", "--dns-rate-limit-exempt:"),
            ("--dns-resolvers=dns.example", "--dns-resolvers:"),
            ("--dns-log-sample=2", "dns-log:"),
        ] {
            let problems = check(&[typed], &[], "").1;
            assert_eq!(problems.len(), usize::from(!key.is_empty()), "{typed}: {problems:?}");
            assert!(problems.iter().all(|line| line.starts_with(key)), "{problems:?}");
            assert!(problems.iter().all(|line| !line.contains("5ec4e7")), "{problems:?}");
        }
    }

    #[test]
    fn passive_health_is_off_until_it_is_asked_for() {
        let usual = PassiveSettings::default();
        let thresholds = "passive-health-failures = 3\npassive-health-time = '5'";
        assert_eq!(check(&[], &[], thresholds).0.passive_health, None);
        assert_eq!(check(&["--passive-health", "off"], &[], "").0.passive_health, None);
        let asked = [("EVENKEEL_PASSIVE_HEALTH", "on")];
        assert_eq!(check(&[], &asked, "").0.passive_health, Some(usual));
        let flags = ["--passive-health-errors-max=100", "--passive-health-ejected-max=12.5"];
        let (settings, problems) = check(&flags, &asked, thresholds);
        assert_eq!(problems, Vec::<String>::new());
        let expected = PassiveSettings {
            failures_max: 3,
            errors_max: Percent::ALL,
            ejected_max: Percent::from_number(12.5).unwrap(),
            ejection_ms: 5_000,
            ejection_ms_max: 50_000,
            ..usual
        };
        assert_eq!(settings.passive_health, Some(expected));
        for typed in [
            "--passive-health=yes",
            "--passive-health-failures=0",
            "--passive-health-errors-max=101",
            "--passive-health-ejected-max=half",
            "--passive-health-time=0",
        ] {
            let problems = check(&[typed], &[], "").1;
            assert_eq!(problems.len(), 1, "{typed}: {problems:?}");
        }
    }

    #[test]
    fn lists_are_comma_separated_in_the_variable() {
        let (settings, _) = check(&[], &[("EVENKEEL_HTTP", "127.0.0.1:1, [::1]:2")], "");
        assert_eq!(settings.http.len(), 2);
    }
}
