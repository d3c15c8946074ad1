//! The command line of the endpoints.

use std::net::SocketAddr;
use std::time::Duration;

use crate::args::{Parsed, Words};
use crate::failure::{Failure, Result};

/// Printed by `serve --help`.
pub const HELP: &str = "\
Endpoints whose capacity is known: each has so many servers, and a request takes one of them for a
time drawn from a distribution. What finds them taken waits its turn. Time passes by timers: it
costs no CPU.

usage: evenkeel-load serve [OPTION…]

  --endpoints N         listeners on free ports of 127.0.0.1 (default 4)
  --listen A,B,…        or these addresses
  --status ADDR         counts as JSON (default: a free port)
  --service KIND        exponential (default), fixed, or none: answers at once
  --mean-ms T           mean of the service time (default 10)
  --concurrency N       servers of each endpoint (default 8): capacity is N / T
  --slow F              one endpoint is F times slower; 10x and 10 are the same
  --slow-endpoint N     which, from 1 (default the last)
  --body-bytes N        body of the response (default 1024)
  --seconds S           ends after that long (default 3600), or by SIGINT or SIGTERM
  --seed N              of the service times (default 1)

The first line it prints is JSON with the addresses and the capacity, the last one the counts.
/health is answered at once and not counted. A WebSocket gets its messages back.
";

/// Listeners of one process.
const ENDPOINTS_MAX: usize = 256;

/// Servers of one endpoint.
const CONCURRENCY_MAX: usize = 65_536;

/// Largest body: it is held in memory.
const BODY_BYTES_MAX: usize = 64 << 20;

/// How long requests take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Drawn anew for each; most are short, some long.
    Exponential,
    /// All the same.
    Fixed,
    /// No time, and no limit.
    None,
}

/// What to serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Serve {
    /// Where; port 0 is a free one.
    pub listen: Vec<SocketAddr>,
    /// Where counts are told.
    pub status: SocketAddr,
    /// Distribution of the service times.
    pub service: Service,
    /// Their mean.
    pub mean: Duration,
    /// Requests served at once by each endpoint.
    pub concurrency: usize,
    /// Index and factor of the slow one.
    pub slow: Option<(usize, f64)>,
    /// Of the response.
    pub body_bytes: usize,
    /// When it ends by itself.
    pub duration: Duration,
    /// Of the service times.
    pub seed: u64,
}

impl Serve {
    /// Mean service time of the endpoint of that index.
    pub fn mean_of(&self, index: usize) -> Duration {
        match self.slow {
            Some((slow, factor)) if slow == index => self.mean.mul_f64(factor),
            _ => self.mean,
        }
    }

    /// Requests per second that all of them can serve; nothing when there is no limit.
    pub fn capacity(&self) -> Option<f64> {
        let each = |index| self.concurrency as f64 / self.mean_of(index).as_secs_f64();
        match self.service {
            Service::None => None,
            _ => Some((0..self.listen.len()).map(each).sum()),
        }
    }
}

/// Understands the words after `serve`.
///
/// # Errors
///
/// A sentence that names the option and the way out.
pub fn parse(mut words: Words) -> Result<Parsed> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let (mut endpoints, mut listen) = (4_usize, Vec::new());
    let (mut slow, mut slow_endpoint) = (None, None);
    let mut serve = Serve {
        listen: Vec::new(),
        status: free,
        service: Service::Exponential,
        mean: Duration::from_millis(10),
        concurrency: 8,
        slow: None,
        body_bytes: 1_024,
        duration: Duration::from_secs(3_600),
        seed: 1,
    };
    while let Some(flag) = words.next_word() {
        let flag = flag.as_str();
        match flag {
            "--help" | "-h" => return Ok(Parsed::Help(HELP)),
            "--endpoints" => endpoints = words.number(flag, 1, ENDPOINTS_MAX)?,
            "--listen" => {
                for text in words.value(flag)?.split(',') {
                    listen.push(address(flag, text)?);
                }
            }
            "--status" => serve.status = address(flag, &words.value(flag)?)?,
            "--service" => {
                let choices = [
                    ("exponential", Service::Exponential),
                    ("fixed", Service::Fixed),
                    ("none", Service::None),
                ];
                serve.service = words.choice(flag, &choices)?;
            }
            "--mean-ms" => {
                serve.mean = Duration::from_secs_f64(words.number(flag, 0.001, 1e6)? / 1e3);
            }
            "--concurrency" => serve.concurrency = words.number(flag, 1, CONCURRENCY_MAX)?,
            "--slow" => {
                let value = words.value(flag)?;
                slow = match value.trim_end_matches('x').parse::<f64>() {
                    Ok(factor) if factor > 0.0 && factor <= 1e6 => Some(factor),
                    _ => {
                        return Err(Failure::new(format!(
                            "--slow wants a factor like 10x, not {value:?}"
                        )));
                    }
                };
            }
            "--slow-endpoint" => slow_endpoint = Some(words.number(flag, 1, ENDPOINTS_MAX)?),
            "--body-bytes" => serve.body_bytes = words.number(flag, 0, BODY_BYTES_MAX)?,
            "--seconds" => {
                serve.duration = Duration::from_secs_f64(words.number(flag, 0.001, 86_400.0)?);
            }
            "--seed" => serve.seed = words.number(flag, 0, u64::MAX)?,
            _ => {
                return Err(Failure::new(format!(
                    "unknown option {flag}; serve --help lists them"
                )));
            }
        }
        words.nothing_left_over(flag)?;
    }
    serve.listen = if listen.is_empty() { vec![free; endpoints] } else { listen };
    let count = serve.listen.len();
    serve.slow = match (slow, slow_endpoint) {
        (None, Some(_)) => return Err(Failure::new("--slow-endpoint needs --slow F")),
        (Some(_), Some(n)) if n > count => {
            return Err(Failure::new(format!("--slow-endpoint {n} of {count} endpoints")));
        }
        (factor, n) => factor.map(|factor| (n.unwrap_or(count) - 1, factor)),
    };
    Ok(Parsed::Serve(serve))
}

fn address(flag: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        Failure::new(format!("{flag} wants addresses like 127.0.0.1:8080, not {text:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(line: &str) -> Result<Serve> {
        let words = std::iter::once("serve").chain(line.split_whitespace()).map(str::to_owned);
        match crate::args::parse(words)? {
            Parsed::Serve(serve) => Ok(serve),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn capacity_is_servers_by_time() {
        for (line, capacity) in [
            ("", Some(3_200.0)),
            ("--endpoints 2 --concurrency 1 --mean-ms 5", Some(400.0)),
            ("--slow 10x", Some(2_480.0)),
            ("--slow=4 --slow-endpoint 1 --listen 127.0.0.1:0,127.0.0.2:0", Some(1_000.0)),
            ("--service none", None),
        ] {
            assert_eq!(serve(line).expect(line).capacity(), capacity, "{line}");
        }
        assert_eq!(serve("--slow 10x").expect("valid").slow, Some((3, 10.0)));
    }

    #[test]
    fn mistakes_name_the_way_out() {
        for (line, message) in [
            ("--slow fast", "--slow wants a factor like 10x, not \"fast\""),
            ("--slow-endpoint 2", "--slow-endpoint needs --slow F"),
            ("--slow 2 --slow-endpoint 9", "--slow-endpoint 9 of 4 endpoints"),
            ("--listen here", "--listen wants addresses like 127.0.0.1:8080, not \"here\""),
            ("--rate 1", "unknown option --rate; serve --help lists them"),
        ] {
            assert_eq!(serve(line).expect_err(line).to_string(), message);
        }
    }
}
