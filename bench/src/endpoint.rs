//! The endpoints behind every proxy: one nginx worker on the load's core, four addresses that make
//! two pools of two. Its own counters tell how many requests and connections really arrived.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::cores::Cores;
use crate::cpu::TreeTime;
use crate::failure::{Context, Failure, Result};
use crate::generator;
use crate::http;
use crate::machine;
use crate::process::{self, Process};
use crate::request;
use crate::template::{self, Values};

/// What the endpoints answer with.
const RESPONSE_HEADERS: usize = 14;

/// nginx takes no longer word in its configuration: larger bodies come from a file.
const CONFIGURED_BODY_MAX: usize = 2048;

/// nginx binds and answers in some tens of milliseconds.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// Where the endpoints listen: pool A's two, then pool B's.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// First endpoint of the first pool.
    pub a1: SocketAddr,
    /// Second endpoint of the first pool.
    pub a2: SocketAddr,
    /// First endpoint of the second pool.
    pub b1: SocketAddr,
    /// Second endpoint of the second pool.
    pub b2: SocketAddr,
}

impl Addresses {
    /// Addresses that nobody listens on.
    #[cfg(test)]
    pub fn unused() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        Self { a1: nowhere, a2: nowhere, b1: nowhere, b2: nowhere }
    }

    /// The addresses as values of a template.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        [("a1", self.a1), ("a2", self.a2), ("b1", self.b1), ("b2", self.b2)]
            .map(|(name, address)| (name, address.to_string()))
            .into()
    }
}

/// The running endpoints.
#[derive(Debug)]
pub struct Endpoints {
    process: Process,
    echo: Option<Process>,
    status: SocketAddr,
    /// Where they listen.
    pub addresses: Addresses,
    /// The body that every request gets.
    pub body: String,
}

/// What arrived at the endpoints since they started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Connections accepted.
    pub connections: u64,
    /// Requests served.
    pub requests: u64,
}

impl Endpoints {
    /// Starts them with a body of that size and makes sure that they answer as meant.
    pub fn start(dir: &Path, cores: Cores, body_bytes: usize) -> Result<Self> {
        Self::start_with(dir, cores, body_bytes, None)
    }

    /// The same, with WebSockets at `/echo` that answer with what they are sent.
    pub fn start_echo(dir: &Path, cores: Cores, body_bytes: usize) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, http::free_port()?));
        let mut command = process::on(&cores.load(), generator::binary()?);
        command.args(["serve", "--service=none", "--listen", &address.to_string()]);
        let mut echo = Process::start("echo", command, dir)?;
        echo.wait_ready(READY_LIMIT, || http::get(address, "localhost", "/health").map(drop))?;
        Self::start_with(dir, cores, body_bytes, Some((echo, address)))
    }

    fn start_with(
        dir: &Path,
        cores: Cores,
        body_bytes: usize,
        echo: Option<(Process, SocketAddr)>,
    ) -> Result<Self> {
        let body: String =
            "Evenkeel keeps an even keel. ".chars().cycle().take(body_bytes).collect();
        let is_file = body_bytes > CONFIGURED_BODY_MAX;
        let www = dir.join("www");
        std::fs::create_dir(&www).context(format!("creating {}", www.display()))?;
        std::fs::write(www.join("body"), &body).context("writing the body")?;
        let (first, second) = (http::free_port()?, http::free_port()?);
        let at = |last, port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port));
        let addresses =
            Addresses { a1: at(1, first), a2: at(2, first), b1: at(1, second), b2: at(2, second) };
        let status = at(1, http::free_port()?);

        let mut texts = addresses.values();
        texts.extend([
            // Only asked for its health: a name's third address.
            ("a3", at(3, first).to_string()),
            ("status", status.to_string()),
            ("dir", dir.display().to_string()),
            ("user", machine::user_and_group()),
            ("echo_server", echo.as_ref().map(|(_, at)| at.to_string()).unwrap_or_default()),
            ("workers", cores.load_threads().to_string()),
            ("body", if is_file { String::new() } else { body.clone() }),
        ]);
        let values = Values { texts, flags: vec![("file", is_file), ("echo", echo.is_some())] };
        let config = template::fill(include_str!("../load/endpoint.cfg"), &values)?;
        let path = dir.join("endpoint.cfg");
        std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

        let mut command = process::on(&cores.load(), "nginx");
        command.arg("-p").arg(dir).arg("-c").arg(&path).args(["-e", "stderr"]);
        let process = Process::start("endpoint", command, dir)?;
        let mut endpoints =
            Self { process, echo: echo.map(|(process, _)| process), status, addresses, body };
        endpoints.check()?;
        Ok(endpoints)
    }

    fn check(&mut self) -> Result<()> {
        let Addresses { a1, a2, b1, b2 } = self.addresses;
        let status = self.status;
        self.process.wait_ready(READY_LIMIT, || http::get(status, "localhost", "/").map(drop))?;
        for address in [a1, a2, b1, b2] {
            let answer = http::exchange(address, request::get("/", None).as_bytes())?;
            if answer.headers.len() != RESPONSE_HEADERS || answer.body != self.body.as_bytes() {
                let (headers, bytes) = (answer.headers.len(), answer.body.len());
                return Err(Failure::new(format!(
                    "endpoint {address} gave {headers} headers and a body of {bytes} bytes"
                )));
            }
        }
        Ok(())
    }

    /// CPU time of all that serves.
    pub fn time(&self) -> Result<TreeTime> {
        let time = TreeTime::read(self.process.id())?;
        match &self.echo {
            Some(echo) => Ok(time.and(TreeTime::read(echo.id())?)),
            None => Ok(time),
        }
    }

    /// What arrived so far, this question not counted.
    pub fn arrived(&self) -> Result<Arrived> {
        let text = http::get(self.status, "localhost", "/")?.text();
        parse_stub_status(&text)
            .ok_or_else(|| Failure::new(format!("nginx status is not understood: {text:?}")))
    }
}

impl Arrived {
    /// What arrived since `before`, the later of the two questions not counted.
    pub fn since(self, before: Self) -> Self {
        Self {
            connections: (self.connections - before.connections).saturating_sub(1),
            requests: (self.requests - before.requests).saturating_sub(1),
        }
    }
}

/// `stub_status` has three numbers on its third line: accepts, handled, requests.
fn parse_stub_status(text: &str) -> Option<Arrived> {
    let mut numbers = text.lines().nth(2)?.split_whitespace().map(str::parse);
    let connections = numbers.next()?.ok()?;
    let requests = numbers.nth(1)?.ok()?;
    Some(Arrived { connections, requests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stub_status_is_read() {
        let text =
            "Active connections: 2 \nserver accepts handled requests\n 12 12 345 \nReading: 0\n";
        let now = parse_stub_status(text).expect("well-formed");
        assert_eq!(now, Arrived { connections: 12, requests: 345 });
        let before = Arrived { connections: 10, requests: 300 };
        assert_eq!(now.since(before), Arrived { connections: 1, requests: 44 });
        assert_eq!(parse_stub_status("404 not found"), None);
    }
}
