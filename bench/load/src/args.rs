//! The command line of the load: what to send to whom, how often, for how long.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::failure::{Failure, Result};
use crate::serve::args::Serve;
use crate::target::{BODY_BYTES_MAX, Framing, Request, Url};
use crate::transport::{Handshakes, Trust};

/// Printed by `--help`.
pub const HELP: &str = "\
Sends requests and says how long they took, from the moment each was meant to be sent.

usage: evenkeel-load URL (--rate R | --closed) (--seconds S | --requests N) [OPTION…]
       evenkeel-load serve --help

  --rate R              open loop: R requests per second, however late answers are
  --arrivals KIND       poisson (default) or uniform
  --closed              closed loop: the next request follows the answer
  --seconds S           how long requests are sent (default 10, or without end with --requests)
  --requests N          how many are sent
  --warm-up S           seconds of the same load before, not counted (default 0)
  --connections N       at most this many (default 64; with h2 1)
  --spread              open that many before any is used again, and use them in turn
  --new-connections     one for every request
  --protocol P          h1 (default) or h2 (ALPN with https, prior knowledge with http)
  --streams N           of h2, on one connection at once (default 100)
  --tls KIND            resumed (default): with tickets of earlier handshakes; full: without
  --insecure            believe any certificate
  --ca FILE             believe those signed by one of these (PEM)
  --host NAME           for Host, :authority and SNI, when not the URL's
  --method M            default GET, or POST with a body
  --header 'NAME: V'    one more; repeatable
  --body-bytes N        body of the request
  --chunked             send it in chunks
  --websocket           messages of --body-bytes (default 64) and their echoes, one WebSocket per
                        connection
  --retry-stale         send again, as browsers do, what met an idle connection being closed
  --timeout S           of each request (default 10)
  --seed N              of the arrivals (default 1)
  --json                one JSON object instead of a table

Ends with status 1 after any error: no response, or a status of 400 or above.
";

/// Requests in one run, so that it always ends.
const REQUESTS_MAX: u64 = 1_000_000_000;

/// Seconds of one run, for the same reason.
const SECONDS_MAX: f64 = 86_400.0;

/// Connections and streams at once: more than the ports of one address cannot be.
const CONNECTIONS_MAX: usize = 60_000;

/// Requests per second that one core could ever send.
const RATE_MAX: f64 = 1_000_000.0;

/// The command line, understood.
#[derive(Debug, PartialEq)]
pub enum Parsed {
    /// Send.
    Load(Box<Load>),
    /// Be the endpoints.
    Serve(Serve),
    /// Print this.
    Help(&'static str),
}

/// Protocol of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What decides when a request is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loop {
    /// The clock.
    Open {
        /// Requests per second.
        rate: f64,
        /// How far apart they are.
        arrivals: Arrivals,
    },
    /// The answer to the one before.
    Closed,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Whom to ask.
    pub url: Url,
    /// What to send.
    pub request: Request,
    /// When.
    pub kind: Loop,
    /// Requests of the measured part, at most.
    pub requests: u64,
    /// How long it goes on sending, at most.
    pub duration: Duration,
    /// How long it sends before what counts.
    pub warm_up: Duration,
    /// Connections at once.
    pub connections: usize,
    /// All of them are opened before one is used again.
    pub spread: bool,
    /// One connection per request.
    pub new_connections: bool,
    /// Of the requests.
    pub protocol: Protocol,
    /// Of HTTP/2, on one connection.
    pub streams: usize,
    /// With or without tickets.
    pub handshakes: Handshakes,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Messages and echoes instead of requests and responses.
    pub websocket: bool,
    /// Send stale requests again.
    pub retry_stale: bool,
    /// From the moment a request was meant to be sent.
    pub timeout: Duration,
    /// Of the arrivals.
    pub seed: u64,
    /// Print JSON.
    pub json: bool,
}

/// What was typed, before it is put together.
#[derive(Default)]
struct Typed {
    url: Option<String>,
    rate: Option<f64>,
    arrivals: Option<Arrivals>,
    closed: bool,
    seconds: Option<f64>,
    requests: Option<u64>,
    warm_up: f64,
    connections: Option<usize>,
    spread: bool,
    new_connections: bool,
    protocol: Option<Protocol>,
    streams: Option<usize>,
    handshakes: Option<Handshakes>,
    insecure: bool,
    ca: Option<PathBuf>,
    host: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    body_bytes: Option<usize>,
    chunked: bool,
    websocket: bool,
    retry_stale: bool,
    timeout: Option<f64>,
    seed: Option<u64>,
    json: bool,
}

/// Understands the words after the program's name.
///
/// # Errors
///
/// A sentence that names the option and the way out.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Parsed> {
    let mut words = Words { rest: words.into_iter().collect::<Vec<_>>().into_iter(), inline: None };
    let mut typed = Typed::default();
    let mut first = true;
    while let Some(word) = words.next_word() {
        match word.as_str() {
            "serve" if first => return crate::serve::args::parse(words),
            "--help" | "-h" => return Ok(Parsed::Help(HELP)),
            flag if flag.starts_with('-') => typed.option(flag, &mut words)?,
            _ if typed.url.is_none() => typed.url = Some(word.clone()),
            _ => return Err(Failure::new(format!("one URL is enough: {word:?} is another"))),
        }
        words.nothing_left_over(&word)?;
        first = false;
    }
    typed.finish().map(|load| Parsed::Load(Box::new(load)))
}

impl Typed {
    fn option(&mut self, flag: &str, words: &mut Words) -> Result<()> {
        match flag {
            "--rate" => self.rate = Some(words.number(flag, f64::MIN_POSITIVE, RATE_MAX)?),
            "--arrivals" => {
                self.arrivals = Some(words.choice(
                    flag,
                    &[("poisson", Arrivals::Poisson), ("uniform", Arrivals::Uniform)],
                )?);
            }
            "--closed" => self.closed = true,
            "--seconds" => self.seconds = Some(words.number(flag, 0.001, SECONDS_MAX)?),
            "--requests" => self.requests = Some(words.number(flag, 1, REQUESTS_MAX)?),
            "--warm-up" => self.warm_up = words.number(flag, 0.0, SECONDS_MAX)?,
            "--connections" => self.connections = Some(words.number(flag, 1, CONNECTIONS_MAX)?),
            "--spread" => self.spread = true,
            "--new-connections" => self.new_connections = true,
            "--protocol" => {
                let choices = [("h1", Protocol::Http1), ("h2", Protocol::Http2)];
                self.protocol = Some(words.choice(flag, &choices)?);
            }
            "--streams" => self.streams = Some(words.number(flag, 1, CONNECTIONS_MAX)?),
            "--tls" => {
                let choices = [("resumed", Handshakes::Resumed), ("full", Handshakes::Full)];
                self.handshakes = Some(words.choice(flag, &choices)?);
            }
            "--insecure" => self.insecure = true,
            "--ca" => self.ca = Some(words.value(flag)?.into()),
            "--host" => self.host = Some(words.value(flag)?),
            "--method" => self.method = Some(words.value(flag)?),
            "--header" => {
                let line = words.value(flag)?;
                let Some((name, value)) = line.split_once(':') else {
                    return Err(Failure::new(format!("--header wants NAME: VALUE, not {line:?}")));
                };
                self.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            "--body-bytes" => self.body_bytes = Some(words.number(flag, 0, BODY_BYTES_MAX)?),
            "--chunked" => self.chunked = true,
            "--websocket" => self.websocket = true,
            "--retry-stale" => self.retry_stale = true,
            "--timeout" => self.timeout = Some(words.number(flag, 0.001, SECONDS_MAX)?),
            "--seed" => self.seed = Some(words.number(flag, 0, u64::MAX)?),
            "--json" => self.json = true,
            _ => return Err(Failure::new(format!("unknown option {flag}; --help lists them"))),
        }
        Ok(())
    }

    fn finish(self) -> Result<Load> {
        let fail = |text: &str| Err(Failure::new(text));
        let Some(url) = self.url else {
            return fail("whom to ask is missing: a URL like http://127.0.0.1:8080/");
        };
        let url = Url::parse(&url)?;
        let kind = match (self.rate, self.closed) {
            (Some(rate), false) => {
                Loop::Open { rate, arrivals: self.arrivals.unwrap_or(Arrivals::Poisson) }
            }
            (None, true) if self.arrivals.is_some() => {
                return fail("--arrivals are those of --rate; a closed loop has none");
            }
            (None, true) => Loop::Closed,
            _ => return fail("either --rate R (open loop) or --closed"),
        };
        let protocol = self.protocol.unwrap_or(Protocol::Http1);
        if protocol == Protocol::Http2 && self.websocket {
            return fail("--websocket goes over --protocol h1");
        }
        if protocol == Protocol::Http1 && self.streams.is_some() {
            return fail("--streams are those of --protocol h2");
        }
        if self.new_connections && self.spread {
            return fail("--spread keeps connections, --new-connections does not");
        }
        let trust = match (self.insecure, self.ca) {
            (true, None) => Trust::Anyone,
            (false, Some(path)) => Trust::File(path),
            (false, None) if !url.tls => Trust::Anyone,
            _ => return fail("https needs either --ca FILE or --insecure"),
        };
        let connections = self.connections.unwrap_or(match protocol {
            Protocol::Http1 => 64,
            Protocol::Http2 => 1,
        });
        let streams = self.streams.unwrap_or(100);
        if protocol == Protocol::Http2 && connections.saturating_mul(streams) > CONNECTIONS_MAX {
            return Err(Failure::new(format!(
                "--connections times --streams is above {CONNECTIONS_MAX}"
            )));
        }
        let body_bytes = self.body_bytes.unwrap_or(if self.websocket { 64 } else { 0 });
        let has_body = body_bytes > 0 && !self.websocket;
        let request = Request {
            method: self.method.unwrap_or(if has_body { "POST" } else { "GET" }.to_owned()),
            path: url.path.clone(),
            host: self.host.unwrap_or_else(|| url.authority.clone()),
            headers: self.headers,
            body_bytes,
            framing: if self.chunked { Framing::Chunked } else { Framing::Length },
        };
        let seconds =
            self.seconds.unwrap_or(if self.requests.is_some() { SECONDS_MAX } else { 10.0 });
        Ok(Load {
            url,
            request,
            kind,
            requests: self.requests.unwrap_or(REQUESTS_MAX),
            duration: Duration::from_secs_f64(seconds),
            warm_up: Duration::from_secs_f64(self.warm_up),
            connections,
            spread: self.spread,
            new_connections: self.new_connections,
            protocol,
            streams,
            handshakes: self.handshakes.unwrap_or(Handshakes::Resumed),
            trust,
            websocket: self.websocket,
            retry_stale: self.retry_stale,
            timeout: Duration::from_secs_f64(self.timeout.unwrap_or(10.0)),
            seed: self.seed.unwrap_or(1),
            json: self.json,
        })
    }
}

/// The words, with `--name=value` taken apart.
pub struct Words {
    rest: std::vec::IntoIter<String>,
    inline: Option<String>,
}

impl Words {
    /// The next word; what follows its `=` waits to be its value.
    pub fn next_word(&mut self) -> Option<String> {
        let word = self.rest.next()?;
        match word.split_once('=') {
            Some((flag, value)) if word.starts_with("--") => {
                self.inline = Some(value.to_owned());
                Some(flag.to_owned())
            }
            _ => Some(word),
        }
    }

    /// The value of `flag`.
    pub fn value(&mut self, flag: &str) -> Result<String> {
        let value = self.inline.take().or_else(|| self.rest.next());
        value.ok_or_else(|| Failure::new(format!("{flag} needs a value")))
    }

    /// The value of `flag`, a number within bounds.
    pub fn number<T>(&mut self, flag: &str, least: T, most: T) -> Result<T>
    where
        T: Copy + FromStr + PartialOrd + std::fmt::Display,
    {
        let value = self.value(flag)?;
        match value.parse() {
            Ok(number) if number >= least && number <= most => Ok(number),
            _ => Err(Failure::new(format!("{flag} wants a number up to {most}, not {value:?}"))),
        }
    }

    /// The value of `flag`, one of a few words.
    pub fn choice<T: Copy>(&mut self, flag: &str, choices: &[(&str, T)]) -> Result<T> {
        let value = self.value(flag)?;
        let found = choices.iter().find(|(word, _)| *word == value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            Failure::new(format!("{flag} is {}, not {value:?}", words.join(" or ")))
        })
    }

    /// An option without a value was not given one.
    pub fn nothing_left_over(&mut self, flag: &str) -> Result<()> {
        match self.inline.take() {
            None => Ok(()),
            Some(value) => Err(Failure::new(format!("{flag} takes no value, but has {value:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(line: &str) -> Result<Load> {
        match parse(line.split_whitespace().map(str::to_owned))? {
            Parsed::Load(load) => Ok(*load),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_are_understood_in_both_spellings() {
        for line in [
            "https://a:1/x --rate 50.5 --arrivals uniform --requests 7 --protocol h2 --insecure",
            "--insecure --protocol=h2 --requests=7 --arrivals=uniform --rate=50.5 https://a:1/x",
        ] {
            let load = load(line).expect(line);
            assert_eq!(load.kind, Loop::Open { rate: 50.5, arrivals: Arrivals::Uniform });
            assert_eq!((load.requests, load.protocol), (7, Protocol::Http2));
            assert_eq!((load.connections, load.streams), (1, 100));
            assert_eq!((load.url.host.as_str(), load.request.host.as_str()), ("a", "a:1"));
            assert_eq!(load.trust, Trust::Anyone);
            assert_eq!(load.duration.as_secs_f64(), SECONDS_MAX);
        }
    }

    #[test]
    fn bodies_and_messages() {
        let upload = load("http://a --closed --body-bytes 9 --chunked").expect("valid");
        assert_eq!((upload.request.method.as_str(), upload.kind), ("POST", Loop::Closed));
        assert_eq!(upload.request.framing, Framing::Chunked);
        assert_eq!(upload.duration, Duration::from_secs(10));
        let echo = load("ws://a --closed --websocket").expect("valid");
        assert_eq!((echo.request.method.as_str(), echo.request.body_bytes), ("GET", 64));
    }

    #[test]
    fn mistakes_name_the_way_out() {
        for (line, message) in [
            ("--closed", "whom to ask is missing: a URL like http://127.0.0.1:8080/"),
            ("http://a", "either --rate R (open loop) or --closed"),
            ("http://a --rate 1 --closed", "either --rate R (open loop) or --closed"),
            ("http://a --rate 0", "--rate wants a number up to 1000000, not \"0\""),
            ("http://a --rate NaN", "--rate wants a number up to 1000000, not \"NaN\""),
            ("http://a --rate", "--rate needs a value"),
            ("http://a --closed --json=1", "--json takes no value, but has \"1\""),
            ("http://a --closed --protocol h3", "--protocol is h1 or h2, not \"h3\""),
            ("http://a --closed --streams 3", "--streams are those of --protocol h2"),
            ("https://a --closed", "https needs either --ca FILE or --insecure"),
            ("http://a --closed --fast", "unknown option --fast; --help lists them"),
            ("http://a http://b --closed", "one URL is enough: \"http://b\" is another"),
            ("http://a --closed --header x", "--header wants NAME: VALUE, not \"x\""),
        ] {
            assert_eq!(load(line).expect_err(line).to_string(), message);
        }
    }
}
