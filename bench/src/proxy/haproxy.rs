//! HAProxy, configured by `peers/haproxy.cfg`.

use std::fmt::Write as _;
use std::path::Path;

use super::{Job, MONITOR_INTERVAL_S, Running, free_address};
use crate::failure::{Context, Result};
use crate::process::{self, Process};
use crate::request;
use crate::template::{self, Values};

pub(super) fn version() -> Option<String> {
    process::output_of("haproxy", &["-v"])
}

pub(super) fn start(name: &str, job: &Job, dir: &Path) -> Result<Running> {
    let (http, https) = (free_address()?, free_address()?);
    let map = dir.join("hosts.map");
    let hosts = (0..job.hosts).fold(String::new(), |mut lines, n| {
        let _ = writeln!(lines, "{} pools", request::host(n));
        lines
    });
    std::fs::write(&map, hosts).context(format!("writing {}", map.display()))?;

    let both = job.tls.as_ref().map(|certificate| certificate.both.display().to_string());
    let mut texts = job.endpoints.values();
    texts.extend([
        ("listen", http.to_string()),
        ("listen_tls", https.to_string()),
        ("certificate", both.unwrap_or_default()),
        ("hosts_map", map.display().to_string()),
        ("threads", job.cores.proxy_threads().to_string()),
        ("files_max", job.files_max.to_string()),
        ("monitor_interval_s", MONITOR_INTERVAL_S.to_string()),
    ]);
    let flags = vec![
        ("affinity", job.affinity),
        ("monitors", job.monitors),
        ("access_log", job.access_log.is_on()),
        ("splice", job.splice),
        ("hosts", job.hosts > 1),
        ("tls", job.tls.is_some()),
    ];
    let config = template::fill(include_str!("../../peers/haproxy.cfg"), &Values { texts, flags })?;
    let path = dir.join("haproxy.cfg");
    std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

    let mut command = job.command("haproxy");
    command.arg("-db").arg("-f").arg(&path);
    let process = Process::start(name, command, dir)?;
    Ok(Running {
        process,
        http,
        https: job.tls.is_some().then_some(https),
        metrics: None,
        access_log: job.access_log.at(dir.join(format!("{name}.log")))?,
    })
}
