//! A build of ours: started like any user would, configured through its REST API.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Job, MONITOR_INTERVAL_S, Running, free_address};
use crate::api::{ACCOUNT_ID, Api, TOKEN};
use crate::failure::{Failure, Result};
use crate::process::{self, Process};
use crate::request;

/// An empty store and two listeners are ready in well under a second.
const API_LIMIT: Duration = Duration::from_secs(10);

/// Every monitored endpoint has its first verdict after one interval and its jitter.
const VERDICT_LIMIT: Duration = Duration::from_secs(3 * MONITOR_INTERVAL_S as u64);

pub(super) fn version(binary: &Path) -> Option<String> {
    process::output_of(binary, &["--version"])
}

pub(super) fn start(name: &str, binary: &Path, job: &Job, dir: &Path) -> Result<Running> {
    let (api, http) = (free_address()?, free_address()?);
    let mut command = process::pinned(job.core, binary);
    command.arg("serve").arg("--data-dir").arg(dir.join("data"));
    command.args(["--api", &api.to_string(), "--http", &http.to_string(), "--workers", "1"]);
    command.env("EVENKEEL_API_TOKEN", TOKEN).env("EVENKEEL_ACCOUNT_ID", ACCOUNT_ID);
    if job.monitors {
        command.args(["--monitor-interval-min", &MONITOR_INTERVAL_S.to_string()]);
    }
    let mut process = Process::start(name, command, dir)?;
    process.wait_ready(API_LIMIT, || Api { address: api }.ready())?;
    let pools = configure(&Api { address: api }, job)?;
    if job.monitors {
        process.wait_ready(VERDICT_LIMIT, || healthy(&Api { address: api }, &pools))?;
    }
    Ok(Running { process, http, metrics: Some(api) })
}

/// Zone, pools and load balancer, and a monitor where wanted. Gives the ids of the pools.
fn configure(api: &Api, job: &Job) -> Result<[String; 2]> {
    let zone = json!({"name": "example.com", "account": {"id": ACCOUNT_ID}});
    let zone = api.create("/zones", &zone)?;
    let account = format!("/accounts/{ACCOUNT_ID}/load_balancers");

    let monitor = if job.monitors {
        let monitor = json!({
            "type": "http", "method": "GET", "path": "/health", "expected_codes": "200",
            "header": {"Host": [request::HOST]}, "interval": MONITOR_INTERVAL_S, "timeout": 2,
        });
        Some(api.create(&format!("{account}/monitors"), &monitor)?)
    } else {
        None
    };
    let pool = |name: &str, endpoints: [SocketAddr; 2]| {
        let origins: Vec<Value> = endpoints
            .iter()
            .zip(["1", "2"])
            .map(|(endpoint, n)| {
                json!({"name": format!("{name}{n}"), "address": endpoint.ip(), "port": endpoint.port()})
            })
            .collect();
        let mut body = json!({"name": format!("pool-{name}"), "origins": origins});
        if let Some(monitor) = &monitor {
            body["monitor"] = json!(monitor);
        }
        api.create(&format!("{account}/pools"), &body)
    };
    let a = pool("a", [job.endpoints.a1, job.endpoints.a2])?;
    let b = pool("b", [job.endpoints.b1, job.endpoints.b2])?;

    let affinity = if job.affinity { "cookie" } else { "none" };
    let load_balancer = json!({
        "name": request::HOST, "default_pools": [a, b], "fallback_pool": b, "proxied": true,
        "steering_policy": "off", "session_affinity": affinity,
    });
    api.create(&format!("/zones/{zone}/load_balancers"), &load_balancer)?;
    Ok([a, b])
}

/// Until the monitors have spoken, every endpoint is unfit and the fallback pool serves.
fn healthy(api: &Api, pools: &[String; 2]) -> Result<()> {
    for id in pools {
        let path = format!("/accounts/{ACCOUNT_ID}/load_balancers/pools/{id}");
        if api.call("GET", &path, None)?["healthy"] != json!(true) {
            return Err(Failure::new(format!("pool {id} is not healthy")));
        }
    }
    Ok(())
}
