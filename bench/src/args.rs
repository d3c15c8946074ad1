//! The command line: scenarios by name, and options that every scenario understands alike.

use std::path::PathBuf;

use crate::cores::Cores;
use crate::failure::{Failure, Result};
use crate::scenario;

/// Printed by `--help`; the list of scenarios follows it.
pub const HELP: &str = "\
Measures Evenkeel beside its peers, interleaved, on this machine.

usage: cargo xtask bench [SCENARIO…] [OPTION…]

  --rounds N           rounds, each of every proxy once in turn (default 5)
  --seconds S          measured seconds per proxy and round (default 5)
  --warm-up S          seconds of load before measuring (default 2)
  --connections N      client connections (default: the scenario's own)
  --cores WHICH        one (default): the proxy has one thread and a core to itself;
                       all: every core for the proxy, shared with load and endpoints
  --only A,B           only these of: ours, haproxy, nginx, caddy, a scenario's own rows
                       (haproxy-splice …), and the names given by --also
  --baseline NAME      the proxy that ratios compare with (default haproxy)
  --binary PATH        our binary (default target/release/evenkeel)
  --also NAME=PATH     another build of ours in the same interleave; repeatable
  --affinity KIND      none (default); cookie: no request has one, every answer sets one;
                       cookie-held: every request has one
  --monitors           health monitors on, where the proxy has them
  --access-log         every request is logged to a file
  --headline           the scenarios of the README's table, which is printed at the end and drawn
                       in docs/performance; 3 rounds of 3 s after 1 s unless said otherwise
  --strace             count system calls per request instead of measuring time
  --json FILE          results file (default target/bench/SCENARIO-TIME.json)
  --help

Without a scenario, all of them run:
";

/// Rounds, and seconds of each turn, unless said otherwise.
const TURNS: u32 = 5;

/// The same for the headline, whose many rows are to be done in ten minutes.
const HEADLINE_TURNS: u32 = 3;

/// What the command line asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args {
    /// Scenarios by name; empty means all.
    pub scenarios: Vec<String>,
    /// Rounds of the interleave, at least 1.
    pub rounds: u32,
    /// Measured seconds per proxy and round, at least 1.
    pub seconds: u32,
    /// Seconds of load before each measurement, at least 1.
    pub warm_up: u32,
    /// Client connections, at least 1, when not the scenario's own number.
    pub connections: Option<u32>,
    /// What the proxy may use of the machine.
    pub cores: Cores,
    /// Proxies by name; empty means all.
    pub only: Vec<String>,
    /// The proxy that ratios compare with, when not the scenario's own.
    pub baseline: Option<String>,
    /// Our binary, when not the release build of this tree.
    pub binary: Option<PathBuf>,
    /// More builds of ours: name and path.
    pub also: Vec<(String, PathBuf)>,
    /// Session affinity at the proxy and in the load, when not the scenario's own.
    pub affinity: Option<Affinity>,
    /// Active health checks, also where the scenario has none.
    pub monitors: bool,
    /// Access logs, also where the scenario has none.
    pub access_log: bool,
    /// The README's table.
    pub headline: bool,
    /// Count system calls instead of measuring time.
    pub strace: bool,
    /// Where the results go, when not the default.
    pub json: Option<PathBuf>,
}

/// Cookie affinity, as the client meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// Off.
    None,
    /// On; no request carries a cookie, so that every answer sets one.
    Cookie,
    /// On; every request carries the cookie of one session.
    CookieHeld,
}

impl Affinity {
    /// The word of the command line and the results file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cookie => "cookie",
            Self::CookieHeld => "cookie-held",
        }
    }

    /// Whether the proxies are to keep sessions.
    pub fn is_on(self) -> bool {
        self != Self::None
    }
}

/// The command line, understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Measure.
    Run(Args),
    /// Explain.
    Help,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            scenarios: Vec::new(),
            rounds: TURNS,
            seconds: TURNS,
            warm_up: 2,
            connections: None,
            cores: Cores::One,
            only: Vec::new(),
            baseline: None,
            binary: None,
            also: Vec::new(),
            affinity: None,
            monitors: false,
            access_log: false,
            headline: false,
            strace: false,
            json: None,
        }
    }
}

/// Understands the words after the program's name.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Parsed> {
    let mut args = Args::default();
    let (mut rounds, mut seconds, mut warm_up) = (None, None, None);
    let mut words = words;
    while let Some(word) = words.next() {
        // `--name value` and `--name=value` are the same.
        let (flag, inline) = match word.split_once('=') {
            Some((flag, value)) if word.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = || {
            inline
                .clone()
                .or_else(|| words.next())
                .ok_or_else(|| Failure::new(format!("{flag} needs a value")))
        };
        match flag {
            "--help" | "-h" => return Ok(Parsed::Help),
            "--monitors" => args.monitors = true,
            "--strace" => args.strace = true,
            "--access-log" => args.access_log = true,
            "--headline" => args.headline = true,
            "--rounds" => rounds = Some(positive(flag, &value()?)?),
            "--seconds" => seconds = Some(positive(flag, &value()?)?),
            "--warm-up" => warm_up = Some(positive(flag, &value()?)?),
            "--connections" => args.connections = Some(positive(flag, &value()?)?),
            "--cores" => {
                args.cores = match value()?.as_str() {
                    "one" => Cores::One,
                    "all" => Cores::All,
                    other => {
                        return Err(Failure::new(format!("--cores is one or all, not {other:?}")));
                    }
                };
            }
            "--only" => args.only = value()?.split(',').map(str::to_owned).collect(),
            "--baseline" => args.baseline = Some(value()?),
            "--binary" => args.binary = Some(value()?.into()),
            "--json" => args.json = Some(value()?.into()),
            "--also" => {
                let pair = value()?;
                let Some((name, path)) = pair.split_once('=') else {
                    return Err(Failure::new(format!("--also wants NAME=PATH, not {pair:?}")));
                };
                args.also.push((name.to_owned(), path.into()));
            }
            "--affinity" => {
                args.affinity = match value()?.as_str() {
                    "none" => Some(Affinity::None),
                    "cookie" => Some(Affinity::Cookie),
                    "cookie-held" => Some(Affinity::CookieHeld),
                    other => {
                        return Err(Failure::new(format!(
                            "--affinity is none, cookie or cookie-held, not {other:?}"
                        )));
                    }
                };
            }
            name if name.starts_with('-') => {
                return Err(Failure::new(format!("unknown option {name}; --help lists them")));
            }
            name if scenario::ALL.iter().any(|known| known.name == name) => {
                args.scenarios.push(name.to_owned());
            }
            name => {
                return Err(Failure::new(format!("unknown scenario {name:?}; --help lists them")));
            }
        }
    }
    if args.headline && !args.scenarios.is_empty() {
        return Err(Failure::new("--headline has scenarios of its own: name none"));
    }
    let usual = if args.headline { HEADLINE_TURNS } else { TURNS };
    args.rounds = rounds.unwrap_or(usual);
    args.seconds = seconds.unwrap_or(usual);
    args.warm_up = warm_up.unwrap_or(if args.headline { 1 } else { args.warm_up });
    Ok(Parsed::Run(args))
}

fn positive(flag: &str, value: &str) -> Result<u32> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Failure::new(format!("{flag} wants a whole number above 0, not {value:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Parsed> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_understood_in_both_spellings() {
        let expected = Args {
            scenarios: vec!["http1-keepalive".to_owned()],
            rounds: 3,
            seconds: 2,
            only: vec!["ours".to_owned(), "haproxy".to_owned()],
            also: vec![("before".to_owned(), "/tmp/a=b".into())],
            affinity: Some(Affinity::CookieHeld),
            monitors: true,
            ..Args::default()
        };
        for line in [
            "http1-keepalive --rounds 3 --seconds 2 --only ours,haproxy --also before=/tmp/a=b --affinity cookie-held --monitors",
            "--monitors --affinity=cookie-held --also=before=/tmp/a=b --only=ours,haproxy --seconds=2 --rounds=3 http1-keepalive",
        ] {
            assert_eq!(parsed(line).expect(line), Parsed::Run(expected.clone()), "{line}");
        }
    }

    #[test]
    fn mistakes_name_the_way_out() {
        for (line, message) in [
            ("--rounds 0", "--rounds wants a whole number above 0, not \"0\""),
            ("--seconds", "--seconds needs a value"),
            ("--also path", "--also wants NAME=PATH, not \"path\""),
            ("--affinity ip", "--affinity is none, cookie or cookie-held, not \"ip\""),
            ("--cores 2", "--cores is one or all, not \"2\""),
            ("--headline http1-keepalive", "--headline has scenarios of its own: name none"),
            ("--fast", "unknown option --fast; --help lists them"),
            ("http9", "unknown scenario \"http9\"; --help lists them"),
        ] {
            assert_eq!(parsed(line).expect_err(line).to_string(), message);
        }
    }
}
