//! A build of ours: configured through its API once, and started on that data each time.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ENDPOINTS, Job, MONITOR_INTERVAL_S, Running, Steering, WEIGHTS, free_address, host};
use crate::api::{ACCOUNT_ID, Api, TOKEN};
use crate::failure::Result;
use crate::process::{self, Process};

/// Ten thousand load balancers are read in well under a second.
const API_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn prepare(binary: &Path, job: &Job, dir: &Path) -> Result<()> {
    let (_process, _, api) = run(binary, job, dir)?;
    let documents = documents(job);
    api.call("PUT", "/evenkeel/v1/documents", Some(&documents))?;
    Ok(())
}

pub(super) fn start(binary: &Path, job: &Job, dir: &Path) -> Result<Running> {
    let (process, address, _) = run(binary, job, dir)?;
    Ok(Running { process, address })
}

fn run(binary: &Path, job: &Job, dir: &Path) -> Result<(Process, std::net::SocketAddr, Api)> {
    let (api, http, dns) = (free_address()?, free_address()?, free_address()?);
    let mut command = process::pinned(job.core, binary);
    command.arg("serve").arg("--data-dir").arg(dir.join("data"));
    command.args(["--api", &api.to_string(), "--http", &http.to_string(), "--workers", "1"]);
    command.args(["--dns", &dns.to_string(), "--name-server", "ns1.example.com"]);
    // The load comes from one network, as no real load does.
    command.args(["--dns-rate-limit", "0"]);
    command.env("EVENKEEL_API_TOKEN", TOKEN).env("EVENKEEL_ACCOUNT_ID", ACCOUNT_ID);
    let mut process = Process::start("evenkeel", command, dir)?;
    let api = Api { address: api };
    process.wait_ready(API_LIMIT, || api.ready())?;
    Ok((process, dns, api))
}

fn id(kind: u32, n: usize) -> String {
    format!("{kind:08x}{n:024x}")
}

/// One monitor, the pools, and as many load balancers over them as are asked for.
fn documents(job: &Job) -> Value {
    let monitor = json!({
        "id": id(1, 0), "type": "http", "method": "GET", "path": "/health",
        "expected_codes": "200", "interval": MONITOR_INTERVAL_S, "timeout": 2,
        "port": job.health_port,
    });
    let origin = |n: usize, weight: f64| json!({"name": format!("e{n}"), "address": ENDPOINTS[n].to_string(), "weight": weight});
    let pool = |n: usize, origins: Vec<Value>| json!({"id": id(2, n), "name": format!("pool-{n}"), "monitor": id(1, 0), "origins": origins});
    let pools = match job.steering {
        Steering::Weighted => {
            let origins = (0..3).map(|n| origin(n, f64::from(WEIGHTS[n]) / 100.0)).collect();
            vec![pool(0, origins)]
        }
        Steering::Geo => (0..2).map(|n| pool(n, vec![origin(n, 1.0)])).collect(),
    };
    let load_balancer = |n: usize| {
        let mut document = json!({
            "id": id(3, n), "name": host(n), "proxied": false, "ttl": 30,
            "default_pools": [id(2, 0)], "fallback_pool": id(2, 0), "steering_policy": "off",
        });
        if job.steering == Steering::Geo {
            document["steering_policy"] = json!("geo");
            document["default_pools"] = json!([id(2, 1)]);
            document["country_pools"] = json!({"DE": [id(2, 0), id(2, 1)]});
            document["location_strategy"] = json!({"mode": "resolver_ip", "prefer_ecs": "always"});
        }
        document
    };
    let zone = json!({
        "zone": {"id": id(4, 0), "name": "example.com"},
        "load_balancers": (0..job.names).map(load_balancer).collect::<Vec<_>>(),
    });
    json!({"format": 1, "accounts": [{
        "account": {"id": ACCOUNT_ID, "name": "bench"},
        "monitors": [monitor], "pools": pools, "zones": [zone],
    }]})
}
