//! The name servers under test, all given the same zone `example.com` and one thread on one core.
//!
//! Ours and gdnsd choose one of three weighted endpoints for each answer, or the endpoint of the
//! client's country, among those that their HTTP checks find healthy. Knot and NSD know neither:
//! they answer the same names from fixed records, as the price of DNS itself.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::Args;
use crate::failure::{Context, Failure, Result};
use crate::process::{self, Process};
use crate::rundir;
use crate::setup::{self, Tool};

mod evenkeel;
mod gdnsd;
mod knot;
mod nsd;

/// Seconds between two checks of an endpoint.
pub const MONITOR_INTERVAL_S: u32 = 10;

/// How long a server may take until it answers rightly: first verdicts included.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The endpoints that names lead to; all answer HTTP at one port.
pub const ENDPOINTS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];

/// Their weights, in percent.
pub const WEIGHTS: [u32; 3] = [50, 30, 20];

/// A network in Germany, as a client's subnet (RFC 7871), and as dnsperf's option wants it.
pub const SUBNET: &str = "78.46.0.0/16";
/// See [`SUBNET`].
pub const SUBNET_OPTION: &str = "8:000118004e2e00";

/// How names lead to endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// One of three by weight.
    Weighted,
    /// The one of the client's country.
    Geo,
}

/// What every server is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Names `lb-N.example.com`, from 0 on.
    pub names: usize,
    /// How they are answered.
    pub steering: Steering,
    /// Where the endpoints answer health checks.
    pub health_port: u16,
    /// The core to run on.
    pub core: usize,
}

/// A server that can be started.
#[derive(Debug, Clone)]
pub struct NameServer {
    /// Its name in the table and in `--only`.
    pub name: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Evenkeel { binary: PathBuf },
    Gdnsd,
    Knot,
    Nsd,
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    /// Its process; ended when this is dropped.
    pub process: Process,
    /// Where it takes queries.
    pub address: SocketAddr,
}

/// The servers that `args` ask for.
pub fn selected(args: &Args, steering: Steering) -> Result<Vec<NameServer>> {
    let binary =
        args.binary.clone().unwrap_or_else(|| rundir::repository().join("target/release/evenkeel"));
    let server = |name: &str, kind| NameServer { name: name.to_owned(), kind };
    let mut servers = vec![server("ours", Kind::Evenkeel { binary })];
    for (name, binary) in &args.also {
        servers.push(server(name, Kind::Evenkeel { binary: binary.clone() }));
    }
    servers.push(server("gdnsd", Kind::Gdnsd));
    if steering == Steering::Weighted {
        servers.extend([server("knot", Kind::Knot), server("nsd", Kind::Nsd)]);
    }
    servers.retain(|server| args.only.is_empty() || args.only.contains(&server.name));
    if servers.is_empty() {
        return Err(Failure::new("--only: no name server of this name takes part"));
    }
    for server in &servers {
        if let Kind::Evenkeel { binary } = &server.kind
            && !binary.is_file()
        {
            let binary = binary.display();
            return Err(Failure::new(format!("{binary} is not there: cargo build --release")));
        }
    }
    Ok(servers)
}

impl NameServer {
    /// What it needs installed.
    pub fn tool(&self) -> Option<Tool> {
        match self.kind {
            Kind::Evenkeel { .. } => None,
            Kind::Gdnsd => Some(setup::GDNSD),
            Kind::Knot => Some(setup::KNOT),
            Kind::Nsd => Some(setup::NSD),
        }
    }

    /// Name and version as it prints them, on one line.
    pub fn version(&self) -> String {
        let text = match &self.kind {
            Kind::Evenkeel { binary } => process::output_of(binary, &["--version"]),
            Kind::Gdnsd => process::output_of("/usr/sbin/gdnsd", &["--help"]),
            Kind::Knot => process::output_of("/usr/sbin/knotd", &["--version"]),
            Kind::Nsd => process::output_of("/usr/sbin/nsd", &["-v"]),
        };
        let line = |text: String| {
            text.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).map(str::to_owned)
        };
        text.and_then(line).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Makes ready what later starts have in common.
    pub fn prepare(&self, job: &Job, dir: &Path) -> Result<()> {
        match &self.kind {
            Kind::Evenkeel { binary } => evenkeel::prepare(binary, job, dir),
            Kind::Gdnsd => gdnsd::prepare(job, dir),
            Kind::Knot => knot::prepare(job, dir),
            Kind::Nsd => nsd::prepare(job, dir),
        }
    }

    /// Starts it in the folder where it was prepared, and waits until it answers rightly.
    pub fn start(&self, job: &Job, dir: &Path) -> Result<Running> {
        let mut running = match &self.kind {
            Kind::Evenkeel { binary } => evenkeel::start(binary, job, dir)?,
            Kind::Gdnsd => gdnsd::start(job, dir)?,
            Kind::Knot => knot::start(job, dir)?,
            Kind::Nsd => nsd::start(job, dir)?,
        };
        let address = running.address;
        let expected = match self.kind {
            Kind::Evenkeel { .. } | Kind::Gdnsd => 1,
            Kind::Knot | Kind::Nsd => 3,
        };
        let last = job.names - 1;
        running.process.wait_ready(READY_LIMIT, || {
            let answers = ask(address, last)?;
            if answers == expected {
                return Ok(());
            }
            Err(Failure::new(format!("answers with {answers} addresses, not {expected}")))
        })?;
        Ok(running)
    }
}

/// Asks for the addresses of a name and counts them.
fn ask(address: SocketAddr, name: usize) -> Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("binding a socket")?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).context("setting a time limit")?;
    let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in host(name).split('.') {
        query.push(u8::try_from(label.len()).unwrap_or(0));
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    socket.send_to(&query, address).context("asking")?;
    let mut answer = [0; 512];
    let bytes = socket.recv(&mut answer).context("waiting for an answer")?;
    if bytes < 12 || answer[3] & 15 != 0 {
        return Err(Failure::new(format!("answered with code {}", answer[3] & 15)));
    }
    Ok(u16::from_be_bytes([answer[6], answer[7]]))
}

/// The name at a place.
pub fn host(name: usize) -> String {
    format!("lb-{name}.example.com")
}

/// A loopback address that is free now, for UDP and TCP alike.
fn free_address() -> Result<SocketAddr> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, crate::http::free_port()?));
    UdpSocket::bind(address).context("looking for a free port")?;
    Ok(address)
}

/// A zone file with the records that every server has, and what is added.
fn zone_file(records: impl Iterator<Item = String>) -> String {
    let mut zone = "$TTL 30\n@ SOA ns1.example.com. dns.example.com. 1 10000 2400 604800 1800\n\
         @ NS ns1.example.com.\nns1 A 127.0.0.1\n"
        .to_owned();
    for record in records {
        zone.push_str(&record);
        zone.push('\n');
    }
    zone
}

/// The three addresses of every name, as fixed records.
fn fixed_records(job: &Job) -> impl Iterator<Item = String> {
    (0..job.names)
        .flat_map(|n| ENDPOINTS.iter().map(move |endpoint| format!("lb-{n} 30 A {endpoint}")))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).context(format!("writing {}", path.display()))
}
