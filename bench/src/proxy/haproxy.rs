//! HAProxy, configured by `peers/haproxy.cfg`.

use std::path::Path;

use super::{Job, MONITOR_INTERVAL_S, Running, free_address};
use crate::failure::{Context, Result};
use crate::process::{self, Process};
use crate::template::{self, Values};

pub(super) fn version() -> Option<String> {
    process::output_of("haproxy", &["-v"])
}

pub(super) fn start(job: &Job, dir: &Path) -> Result<Running> {
    let http = free_address()?;
    let mut texts = job.endpoints.values();
    texts.extend([
        ("listen", http.to_string()),
        ("monitor_interval_s", MONITOR_INTERVAL_S.to_string()),
    ]);
    let flags = vec![("affinity", job.affinity), ("monitors", job.monitors)];
    let config = template::fill(include_str!("../../peers/haproxy.cfg"), &Values { texts, flags })?;
    let path = dir.join("haproxy.cfg");
    std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

    let mut command = process::pinned(job.core, "haproxy");
    command.arg("-db").arg("-f").arg(&path);
    Ok(Running { process: Process::start("haproxy", command, dir)?, http, metrics: None })
}
