//! The proxies under test, all given the same job: two pools of two endpoints, keep-alive on both
//! sides, forwarding headers, one thread on one core.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::Args;
use crate::endpoint::{Addresses, Endpoints};
use crate::failure::{Failure, Result};
use crate::http::{self, Answer};
use crate::process::Process;
use crate::request;
use crate::rundir;
use crate::setup::{self, Tool};

mod evenkeel;
mod haproxy;
mod nginx;

/// Seconds between two checks of an endpoint where health monitors are on.
pub const MONITOR_INTERVAL_S: u32 = 5;

/// How long a proxy may take from start to its first right answer: a monitor's first verdict
/// included.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A proxy that can be started.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its name in the table and in `--only`.
    pub name: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Evenkeel { binary: PathBuf },
    Haproxy,
    Nginx,
}

/// What every proxy is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The endpoints.
    pub endpoints: Addresses,
    /// Cookie affinity on.
    pub affinity: bool,
    /// Active health checks on, where the proxy has them.
    pub monitors: bool,
    /// The core to run on.
    pub core: usize,
}

/// A running proxy.
#[derive(Debug)]
pub struct Running {
    /// Its process; ended when this is dropped.
    pub process: Process,
    /// Where it takes requests.
    pub http: SocketAddr,
    /// Where it publishes metrics.
    pub metrics: Option<SocketAddr>,
}

/// The proxies that `args` ask for, in the order of the interleave.
pub fn selected(args: &Args) -> Result<Vec<Proxy>> {
    let own =
        args.binary.clone().unwrap_or_else(|| rundir::repository().join("target/release/evenkeel"));
    let mut proxies = vec![
        Proxy { name: "ours".to_owned(), kind: Kind::Evenkeel { binary: own } },
        Proxy { name: "haproxy".to_owned(), kind: Kind::Haproxy },
        Proxy { name: "nginx".to_owned(), kind: Kind::Nginx },
    ];
    for (name, binary) in &args.also {
        if proxies.iter().any(|proxy| proxy.name == *name) {
            return Err(Failure::new(format!("--also: the name {name:?} is taken")));
        }
        let kind = Kind::Evenkeel { binary: binary.clone() };
        proxies.push(Proxy { name: name.clone(), kind });
    }
    if let Some(unknown) = args.only.iter().find(|name| proxies.iter().all(|p| p.name != **name)) {
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
    /// What it needs installed.
    pub fn tool(&self) -> Option<Tool> {
        match self.kind {
            Kind::Evenkeel { .. } => None,
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
        };
        text.and_then(|text| Some(text.lines().next()?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// The binary measured, when it is a build of ours.
    pub fn binary(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Evenkeel { binary } => Some(binary),
            Kind::Haproxy | Kind::Nginx => None,
        }
    }

    /// Starts it in `dir`, an empty folder of its own, and waits until it does the job right.
    pub fn start(&self, job: &Job, dir: &Path, endpoints: &Endpoints) -> Result<Running> {
        let mut running = match &self.kind {
            Kind::Evenkeel { binary } => evenkeel::start(&self.name, binary, job, dir)?,
            Kind::Haproxy => haproxy::start(job, dir)?,
            Kind::Nginx => nginx::start(job, dir)?,
        };
        let address = running.http;
        running.process.wait_ready(READY_LIMIT, || check(address, job, endpoints).map(drop))?;
        Ok(running)
    }
}

impl Running {
    /// One answer, checked as at the start; its size and cookie are what the load will meet.
    pub fn probe(&self, job: &Job, endpoints: &Endpoints) -> Result<Answer> {
        check(self.http, job, endpoints)
    }
}

/// Asks once for the page and once for what the endpoint saw of a request.
fn check(address: SocketAddr, job: &Job, endpoints: &Endpoints) -> Result<Answer> {
    let page = http::exchange(address, request::get("/", None).as_bytes())?;
    if page.status != 200 || page.body != endpoints.body.as_bytes() {
        let (status, bytes) = (page.status, page.body.len());
        return Err(Failure::new(format!("answered {status} with a body of {bytes} bytes")));
    }
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

/// A loopback address that is free now.
fn free_address() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, http::free_port()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: &Args) -> Result<Vec<String>> {
        Ok(selected(args)?.into_iter().map(|proxy| proxy.name).collect())
    }

    #[test]
    fn proxies_are_chosen_by_name() {
        let this = std::env::current_exe().expect("tests have a path");
        let args = Args {
            binary: Some(this.clone()),
            also: vec![("before".to_owned(), this.clone())],
            ..Args::default()
        };
        assert_eq!(names(&args).expect("all there"), ["ours", "haproxy", "nginx", "before"]);
        let only = Args { only: vec!["nginx".to_owned(), "ours".to_owned()], ..args.clone() };
        assert_eq!(names(&only).expect("both there"), ["ours", "nginx"]);
        let unknown = Args { only: vec!["caddy".to_owned()], ..args.clone() };
        let taken = Args { also: vec![("nginx".to_owned(), this)], ..args.clone() };
        let unbuilt = Args { binary: Some("/nowhere".into()), ..args };
        for (args, message) in [
            (unknown, "--only: no proxy is called \"caddy\""),
            (taken, "--also: the name \"nginx\" is taken"),
            (unbuilt, "/nowhere is not there"),
        ] {
            let failure = names(&args).expect_err(message).to_string();
            assert!(failure.starts_with(message), "{failure}");
        }
    }
}
