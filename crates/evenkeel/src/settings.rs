//! Settings of `serve`: each is a flag, an environment variable and a key of the configuration
//! file, in that order of precedence. Everything is read and judged before anything is opened, and
//! every problem is reported at once.

mod api;
mod clients;
mod dns;
mod file;
mod health;
mod listeners;
mod logs;
mod near;
mod passive;
mod places;
mod shown;
mod tls;
mod traces;

use std::ffi::OsString;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_model::{Coordinates, Region};
use evenkeel_telemetry::AccessLogOptions;

pub(crate) use self::api::ApiSettings;
pub(crate) use self::clients::ClientSettings;
pub(crate) use self::dns::DnsSettings;
use self::file::{ConfigFile, Entry};
pub(crate) use self::health::HealthSettings;
pub(crate) use self::places::judge_places;
pub(crate) use self::shown::{Source, Taken, render};
pub(crate) use self::tls::{AcmeWishes, TlsSettings};
pub(crate) use self::traces::TraceSettings;
use crate::cli::{IntervalMin, ServeArgs};

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
    /// `None` while there is none.
    pub(crate) access_log: Option<AccessLogOptions>,
    /// `None` while nobody collects them.
    pub(crate) traces: Option<TraceSettings>,
    pub(crate) api_token: Option<String>,
    pub(crate) account_id: Option<String>,
}

/// What came out of reading all settings.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// As far as they could be read; `None` without a file that was named.
    pub(crate) settings: Option<Settings>,
    /// What was given, and by whom.
    pub(crate) taken: Vec<Taken>,
    /// Each names its key, and the line of the file where it stands there.
    pub(crate) problems: Vec<String>,
    /// The file, if one was named.
    pub(crate) path: Option<String>,
    file: ConfigFile,
}

impl Reading {
    /// Adds a problem that begins with its key, and the line of the file if the value is from there.
    pub(crate) fn add(&mut self, problem: String) {
        let key = problem.split(':').next().unwrap_or_default();
        let of_key = self.taken.iter().find(|taken| taken.key == key);
        let is_from_file = of_key.is_none_or(|taken| matches!(taken.source, Source::File(_)));
        match self.file.place(key).filter(|_| is_from_file) {
            Some(place) => self.problems.push(format!("{place}: {problem}")),
            // What seems to be missing may stand where the text could not be read.
            None if self.file.is_broken => {}
            None => self.problems.push(problem),
        }
    }
}

/// Reads all settings, and tells what they are made of.
pub(crate) fn read(args: &ServeArgs) -> Reading {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let path = args.config.clone().or_else(|| environment("EVENKEEL_CONFIG"));
    let (file, of_file) = match path.as_deref().map(ConfigFile::read) {
        None => Default::default(),
        Some(Ok(read)) => read,
        Some(Err(problem)) => {
            return Reading { problems: vec![problem], path, ..Reading::default() };
        }
    };
    let mut problems = unreadable_variables(std::env::vars_os());
    let mut layers = Layers::new(&environment, file, &mut problems);
    let settings = Some(layers.resolve(args));
    let Layers { taken, file, .. } = layers;
    let mut reading = Reading { settings, taken, problems: of_file, path, file };
    problems.into_iter().for_each(|problem| reading.add(problem));
    reading
}

/// Variables that look as if they were meant for a setting, and the one that was probably meant.
/// Others are none of our business: an orchestrator adds its own to every program.
pub(crate) fn stray_variables() -> Vec<(String, String)> {
    let apart = ["CONFIG", "API_TOKEN", "ACCOUNT_ID", "SERVER"].map(str::to_owned);
    let names = crate::cli::setting_names();
    let known = names.iter().map(|name| variable_part(name)).chain(apart);
    let known: Vec<_> = known.collect();
    let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let stray = given.filter_map(|name| {
        let own = name.strip_prefix("EVENKEEL_").filter(|own| known.iter().all(|n| n != own))?;
        let meant = near::nearest(own, known.iter().map(String::as_str))?;
        let meant = format!("EVENKEEL_{meant}");
        Some((name, meant))
    });
    stray.collect()
}

/// Variables of ours that cannot be read as text: they would be taken for absent.
fn unreadable_variables(given: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    given
        .filter(|(_, value)| value.to_str().is_none())
        .filter_map(|(name, _)| {
            name.into_string().ok().filter(|name| name.starts_with("EVENKEEL_"))
        })
        .map(|name| format!("{name}: its value is not UTF-8"))
        .collect()
}

fn variable_part(key: &str) -> String {
    key.replace('-', "_").to_ascii_uppercase()
}

/// Where values come from, the first that has one.
struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    file: ConfigFile,
    /// What was asked for and given, in the order of asking.
    taken: Vec<Taken>,
    problems: &'a mut Vec<String>,
}

/// Values of one setting as text, and where they came from.
struct Given {
    source: String,
    values: Vec<String>,
}

impl<'a> Layers<'a> {
    fn new(
        environment: &'a dyn Fn(&str) -> Option<String>,
        file: ConfigFile,
        problems: &'a mut Vec<String>,
    ) -> Self {
        Self { environment, file, taken: Vec::new(), problems }
    }

    fn resolve(&mut self, args: &ServeArgs) -> Settings {
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
            access_log: self.access_log(&args.of_logs),
            traces: self.traces(&args.of_traces),
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
        if settings.api_token.as_deref().is_some_and(|token| !evenkeel_control::is_token(token)) {
            self.problems.push(
                "EVENKEEL_API_TOKEN: has other characters than letters, digits and -._~+/"
                    .to_owned(),
            );
        }
        self.refuse_conflicts(&settings);
        self.refuse_unknown();
        settings
    }

    /// Names what of the file is no setting, with the one that was probably meant.
    fn refuse_unknown(&mut self) {
        let names = crate::cli::setting_names();
        for key in self.file.unknown() {
            let way_out = match near::nearest(key, names.iter().map(String::as_str)) {
                Some(name) => format!("; did you mean {name}?"),
                None if key == "config" => "; a file cannot name another".to_owned(),
                None => String::new(),
            };
            self.problems.push(format!("{key}: no such setting{way_out}"));
        }
    }

    /// The layer that has values for a key, and takes the key out of the file.
    fn given(&mut self, key: &str, flag: &[String]) -> Option<Given> {
        let in_file = self.file.take(key);
        let variable = format!("EVENKEEL_{}", variable_part(key));
        let (source, name, values) = if !flag.is_empty() {
            (Source::Flag, format!("--{key}"), flag.to_vec())
        } else if let Some(value) = (self.environment)(&variable) {
            (Source::Variable(variable.clone()), variable, vec![value])
        } else {
            let values = match in_file? {
                Entry::Texts(texts) => texts,
                Entry::Switch(_) => {
                    self.problems.push(format!("{key}: a boolean cannot be used here"));
                    Vec::new()
                }
                Entry::Unusable(what) => {
                    self.problems.push(format!("{key}: a {what} cannot be used here"));
                    Vec::new()
                }
            };
            let place = self.file.place(key).unwrap_or_default();
            (Source::File(place), key.to_owned(), values)
        };
        self.taken.push(Taken { key: key.to_owned(), source, values: values.clone() });
        Some(Given { source: name, values })
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
        let mut values = self.many(key, flag.as_slice())?;
        if values.len() > 1 {
            self.problems.push(format!("{key}: takes one value, and {} are given", values.len()));
        }
        values.pop()
    }

    /// A value of two words, which the file may also give as `false` and `true`.
    fn switch<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        words: [&str; 2],
    ) -> Option<T> {
        self.file.word(key, words);
        self.one(key, flag)
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
    use std::os::unix::ffi::OsStringExt;

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
        let (file, of_file) = ConfigFile::parse("evenkeel.toml", file);
        assert_eq!(of_file, Vec::<String>::new());
        let mut layers = Layers::new(&find, file, &mut problems);
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
    fn one_value_is_not_the_last_of_several() {
        for (environment, file) in [
            (&[][..], "connect-timeout = '1,5'"),
            (&[], "connect-timeout = [1, 5]"),
            (&[("EVENKEEL_CONNECT_TIMEOUT", "1,5")], ""),
        ] {
            let problems = check(&[], environment, file).1;
            assert_eq!(problems, ["connect-timeout: takes one value, and 2 are given"], "{file}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_and_a_variable_that_is_no_text_are_named() {
        let problems = check(&[], &[("EVENKEEL_API_TOKEN", "a token")], "").1;
        assert!(matches!(&problems[..], [one] if one.starts_with("EVENKEEL_API_TOKEN: ")));
        let given = ["EVENKEEL_POP", "OTHER"]
            .map(|name| (OsString::from(name), OsString::from_vec(vec![0xff])));
        let unreadable = unreadable_variables(given.into_iter());
        assert_eq!(unreadable, ["EVENKEEL_POP: its value is not UTF-8"]);
    }

    /// Walks the command line's own definition, so that no flag can be without the other two.
    #[test]
    fn every_flag_is_a_variable_and_a_key() {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            args: ServeArgs,
        }
        let asked = |flags: &[&str], variable: &str, file: &str| {
            let flags = Flags::parse_from([&["serve"], flags].concat());
            let find = |name: &str| (name == variable).then(|| "?".to_owned());
            let mut problems = Vec::new();
            let file = ConfigFile::parse("evenkeel.toml", file).0;
            let mut layers = Layers::new(&find, file, &mut problems);
            layers.resolve(&flags.args);
            layers.taken
        };
        let names = crate::cli::setting_names();
        assert!(names.len() > 60, "{names:?}");
        for name in names {
            let variable = format!("EVENKEEL_{}", name.replace('-', "_").to_ascii_uppercase());
            let of_file = Source::File("evenkeel.toml:1".to_owned());
            for (taken, source) in [
                (asked(&[&format!("--{name}=?")], "", ""), Source::Flag),
                (asked(&[], &variable, ""), Source::Variable(variable.clone())),
                (asked(&[], "", &format!("{name} = '?'")), of_file),
            ] {
                let values = vec!["?".to_owned()];
                assert_eq!(taken, [Taken { key: name.clone(), source, values }], "{name}");
            }
        }
        for arg in crate::cli::settings() {
            let is_plain = arg.get_env().is_none() && arg.get_default_values().is_empty();
            assert!(is_plain, "{arg}: clap would hide whether it was given");
        }
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
        let ApiSettings { server, limits, retentions, .. } = settings.of_api;
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
