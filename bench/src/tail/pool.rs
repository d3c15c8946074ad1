//! Proxies with one pool of four endpoints, which choose among them as told and can be changed
//! while they run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::endpoints::COUNT;
use crate::api::{ACCOUNT_ID, Api, TOKEN};
use crate::args::Args;
use crate::cores::Cores;
use crate::cpu;
use crate::failure::{Context, Failure, Result};
use crate::http;
use crate::machine;
use crate::process::{self, Process};
use crate::request;
use crate::rundir;
use crate::setup::{self, Tool};
use crate::template::{self, Values};

/// From start to the first answer.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// From a signal to a successor that serves.
const UPGRADE_LIMIT: Duration = Duration::from_secs(60);

/// Between two looks for it.
const UPGRADE_POLL: Duration = Duration::from_millis(20);

/// Connections of an overloaded pool: those who wait keep theirs, on both sides.
const FILES_MAX: u32 = 32_768;

/// Ids are made up.
const POOL_ID: &str = "b0000000000000000000000000000001";

/// Who balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// A build of ours.
    Evenkeel,
    /// HAProxy, with a master process.
    Haproxy,
    /// nginx.
    Nginx,
}

impl Product {
    /// The word of `--only`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evenkeel => "ours",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }

    /// What it needs installed from Debian.
    pub fn tool(self) -> Option<Tool> {
        match self {
            Self::Evenkeel => None,
            Self::Haproxy => Some(setup::HAPROXY),
            Self::Nginx => Some(setup::NGINX),
        }
    }

    /// Name and version on one line.
    pub fn version(self, args: &Args) -> String {
        let text = match self {
            Self::Evenkeel => process::output_of(binary(args), &["--version"]),
            Self::Haproxy => process::output_of("haproxy", &["-v"]),
            Self::Nginx => process::output_of("nginx", &["-v"]),
        };
        text.and_then(|text| Some(text.lines().next()?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    }
}

/// Our binary.
pub fn binary(args: &Args) -> PathBuf {
    args.binary.clone().unwrap_or_else(|| rundir::repository().join("target/release/evenkeel"))
}

/// Installs what the products of a scenario need, and makes sure that ours is built.
pub fn prepare(args: &Args, products: impl Iterator<Item = Product>) -> Result<()> {
    let mut tools: Vec<Tool> = setup::UTIL_LINUX.into();
    for product in products {
        tools.extend(product.tool());
        if product == Product::Evenkeel && !binary(args).is_file() {
            return Err(Failure::new(format!(
                "{} is not there; build it with `cargo build --release`, or leave it out with \
                 --only haproxy,nginx",
                binary(args).display()
            )));
        }
    }
    setup::ensure(&tools)
}

/// A running proxy with its pool.
#[derive(Debug)]
pub struct Pool {
    product: Product,
    /// Its first process.
    pub process: Process,
    /// The one that serves now.
    current: u32,
    /// Where it takes requests.
    pub http: SocketAddr,
    api: Api,
    endpoints: [SocketAddr; COUNT],
    policy: &'static str,
    cores: Cores,
    dir: PathBuf,
}

impl Pool {
    /// Starts it in `dir`, an empty folder of its own. `policy` is the product's own word.
    pub fn start(
        product: Product,
        policy: &'static str,
        endpoints: [SocketAddr; COUNT],
        args: &Args,
        dir: &Path,
    ) -> Result<Self> {
        let free = || Ok::<_, Failure>(SocketAddr::from((Ipv4Addr::LOCALHOST, http::free_port()?)));
        let (http, api) = (free()?, Api { address: free()? });
        let cores = args.cores;
        let command = match product {
            Product::Evenkeel => {
                let mut command = process::on(&cores.proxy(), binary(args));
                command.arg("serve").arg("--data-dir").arg(dir.join("data"));
                command.args(["--api", &api.address.to_string(), "--http", &http.to_string()]);
                command.args(["--workers", &cores.proxy_threads().to_string()]);
                command.env("EVENKEEL_API_TOKEN", TOKEN).env("EVENKEEL_ACCOUNT_ID", ACCOUNT_ID);
                command
            }
            Product::Haproxy => {
                let mut command = process::on(&cores.proxy(), "haproxy");
                command.args(["-W", "-db", "-f"]).arg(dir.join("haproxy.cfg"));
                command
            }
            Product::Nginx => {
                let mut command = process::on(&cores.proxy(), "nginx");
                let config = dir.join("nginx.cfg");
                command.arg("-p").arg(dir).arg("-c").arg(config).args(["-e", "stderr"]);
                command
            }
        };
        // Before the process: a peer's file has to be there when it starts.
        configure(product, policy, endpoints, cores, http, dir, false)?;
        let process = Process::start(product.as_str(), command, dir)?;
        let (dir, current) = (dir.to_path_buf(), process.id());
        let mut pool = Self { product, process, current, http, api, endpoints, policy, cores, dir };
        pool.wait_ready()?;
        Ok(pool)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let (api, http) = (self.api, self.http);
        if self.product == Product::Evenkeel {
            self.process.wait_ready(READY_LIMIT, || api.ready())?;
            let documents = documents(self.policy, self.endpoints);
            api.call("PUT", "/evenkeel/v1/documents", Some(&documents))?;
        }
        self.process.wait_ready(READY_LIMIT, || serves(http))
    }

    /// Switches the last endpoint off, or on again, in the way that the product has for it: a call
    /// of the API, or a new file and a reload.
    pub fn change(&self, without_last: bool) -> Result<()> {
        let Self { product, policy, endpoints, cores, http, ref dir, .. } = *self;
        match product {
            Product::Evenkeel => {
                let path = format!("/accounts/{ACCOUNT_ID}/load_balancers/pools/{POOL_ID}");
                let mut list = origins(endpoints);
                list[COUNT - 1]["enabled"] = json!(!without_last);
                self.api.call("PATCH", &path, Some(&json!({"origins": list}))).map(drop)
            }
            Product::Haproxy | Product::Nginx => {
                configure(product, policy, endpoints, cores, http, dir, without_last)?;
                let signal = if product == Product::Haproxy { "USR2" } else { "HUP" };
                self.process.signal(signal);
                Ok(())
            }
        }
    }

    /// Lets another process take over, and waits until it has. For a build of ours.
    pub fn upgrade(&mut self) -> Result<()> {
        let before = self.processes();
        process::send("USR2", self.current);
        let deadline = Instant::now() + UPGRADE_LIMIT;
        loop {
            let successor = self.processes().into_iter().find(|pid| !before.contains(pid));
            match successor {
                Some(pid) if self.api.ready().is_ok() => {
                    self.current = pid;
                    return Ok(());
                }
                _ if Instant::now() > deadline => {
                    return Err(Failure::new("no successor serves"));
                }
                _ => std::thread::sleep(UPGRADE_POLL),
            }
        }
    }

    /// Processes of a build of ours, successors included: those that were told this folder.
    fn processes(&self) -> Vec<u32> {
        match self.product {
            Product::Evenkeel => cpu::with_argument(&self.dir.join("data")),
            Product::Haproxy | Product::Nginx => vec![self.process.id()],
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // The first process is ended by its own handle; successors are nobody's children, and have
        // no clients any more. A second signal ends a drain.
        for pid in self.processes().into_iter().filter(|pid| *pid != self.process.id()) {
            process::send("TERM", pid);
            process::send("TERM", pid);
        }
    }
}

fn serves(http: SocketAddr) -> Result<()> {
    match http::get(http, request::HOST, "/health")?.status {
        200 => Ok(()),
        status => Err(Failure::new(format!("/health answers {status}"))),
    }
}

/// Writes the file of a peer; ours has none.
fn configure(
    product: Product,
    policy: &str,
    endpoints: [SocketAddr; COUNT],
    cores: Cores,
    listen: SocketAddr,
    dir: &Path,
    without_last: bool,
) -> Result<()> {
    let (template, name) = match product {
        Product::Evenkeel => return Ok(()),
        Product::Haproxy => (include_str!("../../peers/pool-haproxy.cfg"), "haproxy.cfg"),
        Product::Nginx => (include_str!("../../peers/pool-nginx.cfg"), "nginx.cfg"),
    };
    let [e1, e2, e3, e4] = endpoints.map(|endpoint| endpoint.to_string());
    let values = Values {
        texts: vec![
            ("policy", policy.to_owned()),
            ("listen", listen.to_string()),
            ("threads", cores.proxy_threads().to_string()),
            ("files_max", FILES_MAX.min(machine::open_files().1).to_string()),
            ("dir", dir.display().to_string()),
            ("user", machine::user_and_group()),
            ("e1", e1),
            ("e2", e2),
            ("e3", e3),
            ("e4", e4),
        ],
        flags: vec![("without_last", without_last)],
    };
    let path = dir.join(name);
    std::fs::write(&path, template::fill(template, &values)?)
        .context(format!("writing {}", path.display()))
}

fn origins(endpoints: [SocketAddr; COUNT]) -> Vec<Value> {
    let origin = |(n, endpoint): (usize, SocketAddr)| json!({"name": format!("e{}", n + 1), "address": endpoint.ip(), "port": endpoint.port()});
    endpoints.into_iter().enumerate().map(origin).collect()
}

/// One pool and one load balancer over it.
fn documents(policy: &str, endpoints: [SocketAddr; COUNT]) -> Value {
    let pool = json!({
        "id": POOL_ID, "name": "pool", "origins": origins(endpoints),
        "origin_steering": {"policy": policy},
    });
    let load_balancer = json!({
        "id": "c0000000000000000000000000000001", "name": request::HOST, "proxied": true,
        "default_pools": [POOL_ID], "fallback_pool": POOL_ID, "steering_policy": "off",
    });
    json!({"format": 1, "accounts": [{
        "account": {"id": ACCOUNT_ID, "name": "bench"},
        "pools": [pool],
        "zones": [{
            "zone": {"id": "d0000000000000000000000000000001", "name": "example.com"},
            "load_balancers": [load_balancer],
        }],
    }]})
}
