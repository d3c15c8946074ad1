//! The proxies under test, all given the same job: two pools of two endpoints, keep-alive on both
//! sides, forwarding headers, as many threads as the job has cores.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::access_log::{AccessLog, Log};
use crate::args::Args;
use crate::cores::Cores;
use crate::endpoint::{Addresses, Endpoints};
use crate::failure::{Failure, Result};
use crate::http::{self, Answer};
use crate::machine;
use crate::process::{self, Process};
use crate::request;
use crate::rundir;
use crate::setup::{self, Tool};
use crate::shape::Variation;
use crate::tls::{self, Certificate};

mod caddy;
mod evenkeel;
mod haproxy;
mod nginx;

/// Seconds between two checks of an endpoint where health monitors are on.
pub const MONITOR_INTERVAL_S: u32 = 5;

/// How long a proxy may take from start to its first right answer: a monitor's first verdict
/// included.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Files that a proxy may have open, where the machine allows as many: the load has a thousand
/// connections at most. Tables that peers make of this size should not be the larger for nothing.
const FILES_MAX: u32 = 16_384;

/// A proxy that can be started.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its name in the table and in `--only`.
    pub name: String,
    kind: Kind,
    change: Option<fn(&mut Job)>,
}

#[derive(Debug, Clone)]
enum Kind {
    Evenkeel { binary: PathBuf },
    Haproxy,
    Nginx,
    Caddy,
}

/// What every proxy is asked to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// The endpoints.
    pub endpoints: Addresses,
    /// Cookie affinity on.
    pub affinity: bool,
    /// Active health checks on, where the proxy has them.
    pub monitors: bool,
    /// Metrics, where they are not always counted.
    pub metrics: bool,
    /// Whether requests are logged.
    pub access_log: AccessLog,
    /// A TLS listener beside the plain one, with this certificate.
    pub tls: Option<Certificate>,
    /// Hosts served, at least 1: [`request::host`] names them.
    pub hosts: usize,
    /// Bodies of many buffers are to be expected.
    pub large_bodies: bool,
    /// Bodies moved within the kernel, where that is a choice.
    pub splice: bool,
    /// Files that may be open at once.
    pub files_max: u32,
    /// Clients let in at once, where the usual number is too small.
    pub clients_max: Option<u32>,
    /// Where to run.
    pub cores: Cores,
}

/// A running proxy.
#[derive(Debug)]
pub struct Running {
    /// Its process; ended when this is dropped.
    pub process: Process,
    /// Where it takes requests.
    pub http: SocketAddr,
    /// Where it takes them over TLS.
    pub https: Option<SocketAddr>,
    /// Where it publishes metrics.
    pub metrics: Option<SocketAddr>,
    /// Where it logs requests.
    pub access_log: Option<Log>,
}

impl Job {
    /// Nothing but to forward, plain.
    pub fn plain(endpoints: Addresses, cores: Cores) -> Self {
        Self {
            endpoints,
            affinity: false,
            monitors: false,
            metrics: false,
            access_log: AccessLog::Off,
            tls: None,
            hosts: 1,
            large_bodies: false,
            splice: false,
            files_max: FILES_MAX.min(machine::open_files().1),
            clients_max: None,
            cores,
        }
    }

    /// The program on the cores of the job.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        process::on(&self.cores.proxy(), program)
    }
}

/// The proxies that `args` ask for, in the order of the interleave: the products, then the
/// scenario's own variations of them, then more builds of ours.
pub fn selected(args: &Args, variations: &[Variation]) -> Result<Vec<Proxy>> {
    let own =
        args.binary.clone().unwrap_or_else(|| rundir::repository().join("target/release/evenkeel"));
    let product = |name: &str, kind| Proxy { name: name.to_owned(), kind, change: None };
    let mut proxies = vec![
        product("ours", Kind::Evenkeel { binary: own }),
        product("haproxy", Kind::Haproxy),
        product("nginx", Kind::Nginx),
        product("caddy", Kind::Caddy),
    ];
    for variation in variations {
        let Some(of) = proxies.iter().find(|proxy| proxy.name == variation.of) else {
            return Err(Failure::new(format!("{}: no product {}", variation.name, variation.of)));
        };
        let kind = of.kind.clone();
        proxies.push(Proxy {
            name: variation.name.to_owned(),
            kind,
            change: Some(variation.change),
        });
    }
    for (name, binary) in &args.also {
        if proxies.iter().any(|proxy| proxy.name == *name) {
            return Err(Failure::new(format!("--also: the name {name:?} is taken")));
        }
        proxies.push(product(name, Kind::Evenkeel { binary: binary.clone() }));
    }
    // A scenario of several may know a row that this one does not.
    let known =
        |name: &String| proxies.iter().any(|p| p.name == *name) || crate::scenario::has_row(name);
    if let Some(unknown) = args.only.iter().find(|name| !known(name)) {
        return Err(Failure::new(format!("--only: no proxy is called {unknown:?}")));
    }
    proxies.retain(|proxy| args.only.is_empty() || args.only.contains(&proxy.name));
    for proxy in &proxies {
        if let Kind::Evenkeel { binary } = &proxy.kind
            && !binary.is_file()
        {
            return Err(Failure::new(format!(
                "{} is not there; build it with `cargo build --release`, or leave it out with \
                 --only haproxy,nginx",
                binary.display()
            )));
        }
    }
    Ok(proxies)
}

impl Proxy {
    /// Gets what is not had from Debian.
    pub fn fetch(&self) -> Result<()> {
        match self.kind {
            Kind::Caddy => caddy::binary().map(drop),
            Kind::Evenkeel { .. } | Kind::Haproxy | Kind::Nginx => Ok(()),
        }
    }

    /// What it needs installed from Debian.
    pub fn tool(&self) -> Option<Tool> {
        match self.kind {
            Kind::Evenkeel { .. } | Kind::Caddy => None,
            Kind::Haproxy => Some(setup::HAPROXY),
            Kind::Nginx => Some(setup::NGINX),
        }
    }

    /// Name and version as it prints them, on one line.
    pub fn version(&self) -> String {
        let text = match &self.kind {
            Kind::Evenkeel { binary } => evenkeel::version(binary),
            Kind::Haproxy => haproxy::version(),
            Kind::Nginx => nginx::version(),
            Kind::Caddy => caddy::version(),
        };
        text.and_then(|text| Some(text.lines().next()?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// The product's name as people write it.
    pub fn product(&self) -> &'static str {
        match self.kind {
            Kind::Evenkeel { .. } => "Evenkeel",
            Kind::Haproxy => "HAProxy",
            Kind::Nginx => "nginx",
            Kind::Caddy => "Caddy",
        }
    }

    /// The binary measured, when it is a build of ours.
    pub fn binary(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Evenkeel { binary } => Some(binary),
            Kind::Haproxy | Kind::Nginx | Kind::Caddy => None,
        }
    }

    /// The job as this row has it.
    pub fn job(&self, job: &Job) -> Job {
        let mut job = job.clone();
        if let Some(change) = self.change {
            change(&mut job);
        }
        job
    }

    /// Starts it in `dir`, an empty folder of its own, and waits until it does the job right. The
    /// job is the row's own, by [`Self::job`].
    pub fn start(&self, job: &Job, dir: &Path, endpoints: &Endpoints) -> Result<Running> {
        let mut running = self.launch(job, dir)?;
        let address = running.http;
        running.process.wait_ready(READY_LIMIT, || check(address, job, endpoints).map(drop))?;
        if let Some(https) = running.https {
            running.process.wait_ready(READY_LIMIT, || check_tls(https, endpoints))?;
        }
        Ok(running)
    }

    /// Starts it without waiting for it to forward anything.
    pub fn launch(&self, job: &Job, dir: &Path) -> Result<Running> {
        let name = &self.name;
        match &self.kind {
            Kind::Evenkeel { binary } => evenkeel::start(name, binary, job, dir),
            Kind::Haproxy => haproxy::start(name, job, dir),
            Kind::Nginx => nginx::start(name, job, dir),
            Kind::Caddy => caddy::start(name, job, dir),
        }
    }
}

impl Running {
    /// One answer, checked as at the start; its size and cookie are what the load will meet.
    pub fn probe(&self, job: &Job, endpoints: &Endpoints) -> Result<Answer> {
        check(self.http, job, endpoints)
    }
}

/// Asks for the page of the first host and of the last, and once for what the endpoint saw of a
/// request.
fn check(address: SocketAddr, job: &Job, endpoints: &Endpoints) -> Result<Answer> {
    let page = get_page(address, request::HOST, endpoints)?;
    get_page(address, &request::host(job.hosts - 1), endpoints)?;
    if page.header("set-cookie").is_some() != job.affinity {
        return Err(Failure::new(format!("Set-Cookie is {:?}", page.header("set-cookie"))));
    }
    let seen = http::exchange(address, request::get("/forwarded", None).as_bytes())?.text();
    let expected = format!("{}|127.0.0.1|http|", request::HOST);
    let served_by = seen.strip_prefix(&expected).unwrap_or_default();
    let Addresses { a1, a2, .. } = job.endpoints;
    if served_by != a1.to_string() && served_by != a2.to_string() {
        return Err(Failure::new(format!(
            "Host|X-Forwarded-For|X-Forwarded-Proto|endpoint is {seen:?}, not {expected}{a1} or {a2}"
        )));
    }
    Ok(page)
}

fn get_page(address: SocketAddr, host: &str, endpoints: &Endpoints) -> Result<Answer> {
    let request = request::get("/", None).replacen(request::HOST, host, 1);
    let page = http::exchange(address, request.as_bytes())?;
    if page.status != 200 || page.body != endpoints.body.as_bytes() {
        let (status, bytes) = (page.status, page.body.len());
        return Err(Failure::new(format!("{host} answered {status} with a body of {bytes} bytes")));
    }
    Ok(page)
}

/// The same over TLS 1.3: the page arrives whole, and the endpoint is told of the scheme.
fn check_tls(address: SocketAddr, endpoints: &Endpoints) -> Result<()> {
    let page = tls::exchange(address, &request::closing(&request::get("/", None)))?;
    let seen = request::closing(&request::get("/forwarded", None));
    let seen = tls::exchange(address, &seen)?.text();
    if page.status != 200 || page.body != endpoints.body.as_bytes() {
        return Err(Failure::new(format!("over TLS the answer is {}", page.status)));
    }
    if !seen.starts_with(&format!("{}|127.0.0.1|https|", request::HOST)) {
        return Err(Failure::new(format!("over TLS the endpoint saw {seen:?}")));
    }
    Ok(())
}

/// A loopback address that is free now.
fn free_address() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, http::free_port()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: &Args) -> Result<Vec<String>> {
        Ok(selected(args, &[])?.into_iter().map(|proxy| proxy.name).collect())
    }

    #[test]
    fn proxies_are_chosen_by_name() {
        let this = std::env::current_exe().expect("tests have a path");
        let args = Args {
            binary: Some(this.clone()),
            also: vec![("before".to_owned(), this.clone())],
            ..Args::default()
        };
        assert_eq!(
            names(&args).expect("all there"),
            ["ours", "haproxy", "nginx", "caddy", "before"]
        );
        let only = Args { only: vec!["nginx".to_owned(), "ours".to_owned()], ..args.clone() };
        assert_eq!(names(&only).expect("both there"), ["ours", "nginx"]);
        let unknown = Args { only: vec!["squid".to_owned()], ..args.clone() };
        let taken = Args { also: vec![("nginx".to_owned(), this)], ..args.clone() };
        let variation = Variation { name: "ours-1", of: "ours", change: |job| job.hosts = 1 };
        let all = selected(&args, &[variation]).expect("all there");
        assert_eq!(all[4].name, "ours-1");
        let mut job = Job::plain(Addresses::unused(), Cores::One);
        job.hosts = 7;
        assert_eq!((all[0].job(&job).hosts, all[4].job(&job).hosts), (7, 1));
        let unbuilt = Args { binary: Some("/nowhere".into()), ..args };
        for (args, message) in [
            (unknown, "--only: no proxy is called \"squid\""),
            (taken, "--also: the name \"nginx\" is taken"),
            (unbuilt, "/nowhere is not there"),
        ] {
            let failure = names(&args).expect_err(message).to_string();
            assert!(failure.starts_with(message), "{failure}");
        }
    }
}
