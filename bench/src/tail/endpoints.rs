//! Four endpoints of `evenkeel-load serve`: so many servers each, first come, first served.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::cores::Cores;
use crate::failure::{Context, Failure, Result};
use crate::generator;
use crate::http;
use crate::process::{self, Process};

/// Endpoints of the pool.
pub const COUNT: usize = 4;

/// It listens in some milliseconds.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// The running endpoints.
#[derive(Debug)]
pub struct Endpoints {
    /// One for all four; ended when this is dropped.
    _process: Process,
    /// Where they listen; a slow one is the last.
    pub addresses: [SocketAddr; COUNT],
    /// Requests per second that all of them can serve, where that has a limit.
    pub capacity: Option<f64>,
    status: SocketAddr,
}

impl Endpoints {
    /// Starts them as `options` say.
    pub fn start(options: &[String], cores: Cores, dir: &Path) -> Result<Self> {
        let mut command = process::on(&cores.load(), generator::binary()?);
        command.arg("serve").args(["--endpoints", &COUNT.to_string()]).args(options);
        let mut process = Process::start("endpoints", command, dir)?;
        let log = dir.join("endpoints.log");
        let hello = || -> Result<Value> {
            let text = std::fs::read_to_string(&log).context("reading the endpoints' greeting")?;
            let (line, _) = text.split_once('\n').ok_or_else(|| Failure::new("no greeting yet"))?;
            serde_json::from_str(line).context("the endpoints' greeting")
        };
        process.wait_ready(READY_LIMIT, || hello().map(drop))?;
        let hello = hello()?;
        let address = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            text.parse::<SocketAddr>().context(format!("the endpoints' address {text:?}"))
        };
        let list = hello["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
        let addresses = list.iter().map(address).collect::<Result<Vec<_>>>()?;
        let addresses = addresses.try_into();
        let addresses = addresses.map_err(|_| Failure::new("there are not four endpoints"))?;
        let status = address(&hello["status"])?;
        let capacity = hello["capacity_per_second"].as_f64();
        Ok(Self { _process: process, addresses, capacity, status })
    }

    /// Requests that have come to each so far, served or still waiting.
    pub fn arrived(&self) -> Result<[u64; COUNT]> {
        let text = http::get(self.status, "localhost", "/")?.text();
        let counts: Value = serde_json::from_str(&text).context("the endpoints' counts")?;
        let mut arrived = [0; COUNT];
        for (n, count) in arrived.iter_mut().enumerate() {
            *count = counts["endpoints"][n]["arrived"]
                .as_u64()
                .ok_or_else(|| Failure::new(format!("endpoint {n} has no count: {text}")))?;
        }
        Ok(arrived)
    }
}
