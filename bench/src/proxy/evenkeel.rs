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
    let (api, http, https) = (free_address()?, free_address()?, free_address()?);
    let mut command = job.command(binary);
    command.arg("serve").arg("--data-dir").arg(dir.join("data"));
    command.args(["--api", &api.to_string(), "--http", &http.to_string()]);
    command.args(["--workers", &job.cores.proxy_threads().to_string()]);
    command.env("EVENKEEL_API_TOKEN", TOKEN).env("EVENKEEL_ACCOUNT_ID", ACCOUNT_ID);
    if let Some(certificate) = &job.tls {
        command.args(["--https", &https.to_string()]);
        command.arg("--tls-cert").arg(&certificate.chain).arg("--tls-key").arg(&certificate.key);
    }
    if let Some(clients) = job.clients_max {
        command.args(["--connections-max", &clients.to_string()]);
    }
    if job.monitors {
        command.args(["--monitor-interval-min", &MONITOR_INTERVAL_S.to_string()]);
    }
    let access_log = job.access_log.at(dir.join("access.log"))?;
    if let Some(log) = &access_log {
        command.arg("--access-log").arg(&log.path);
    }
    let mut process = Process::start(name, command, dir)?;
    let control = Api { address: api };
    process.wait_ready(API_LIMIT, || control.ready())?;
    control.call("PUT", "/evenkeel/v1/documents", Some(&documents(job)))?;
    if job.monitors {
        process.wait_ready(VERDICT_LIMIT, || healthy(&control))?;
    }
    let https = job.tls.is_some().then_some(https);
    Ok(Running { process, http, https, metrics: Some(api), access_log })
}

/// Ids are made up: a letter for the kind, and a number.
fn id(kind: char, n: usize) -> String {
    format!("{kind}{n:031x}")
}

/// A zone, a monitor where wanted, two pools, and a load balancer over them for every host.
fn documents(job: &Job) -> Value {
    let pool = |n: usize, name: &str, endpoints: [SocketAddr; 2]| {
        let origins: Vec<Value> = endpoints
            .iter()
            .zip(["1", "2"])
            .map(|(endpoint, n)| {
                json!({"name": format!("{name}{n}"), "address": endpoint.ip(), "port": endpoint.port()})
            })
            .collect();
        let mut pool =
            json!({"id": id('b', n), "name": format!("pool-{name}"), "origins": origins});
        if job.monitors {
            pool["monitor"] = json!(id('a', 0));
        }
        pool
    };
    let pools = vec![
        pool(0, "a", [job.endpoints.a1, job.endpoints.a2]),
        pool(1, "b", [job.endpoints.b1, job.endpoints.b2]),
    ];
    let monitors = if job.monitors {
        vec![json!({
            "id": id('a', 0), "type": "http", "method": "GET", "path": "/health",
            "expected_codes": "200", "header": {"Host": [request::HOST]},
            "interval": MONITOR_INTERVAL_S, "timeout": 2,
        })]
    } else {
        Vec::new()
    };
    let affinity = if job.affinity { "cookie" } else { "none" };
    let load_balancer = |n: usize| {
        json!({
            "id": id('c', n), "name": request::host(n), "proxied": true,
            "default_pools": [id('b', 0), id('b', 1)], "fallback_pool": id('b', 1),
            "steering_policy": "off", "session_affinity": affinity,
        })
    };
    let zone = json!({
        "zone": {"id": id('d', 0), "name": "example.com"},
        "load_balancers": (0..job.hosts).map(load_balancer).collect::<Vec<_>>(),
    });
    json!({"format": 1, "accounts": [{
        "account": {"id": ACCOUNT_ID, "name": "bench"},
        "monitors": monitors, "pools": pools, "zones": [zone],
    }]})
}

/// Until the monitors have spoken, every endpoint is unfit and the fallback pool serves.
fn healthy(api: &Api) -> Result<()> {
    for n in 0..2 {
        let id = id('b', n);
        let path = format!("/accounts/{ACCOUNT_ID}/load_balancers/pools/{id}");
        if api.call("GET", &path, None)?["healthy"] != json!(true) {
            return Err(Failure::new(format!("pool {id} is not healthy")));
        }
    }
    Ok(())
}
