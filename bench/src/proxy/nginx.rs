//! nginx as a proxy, configured by `peers/nginx.cfg`.

use std::path::Path;

use super::{Job, Running, free_address};
use crate::failure::{Context, Result};
use crate::machine;
use crate::process::{self, Process};
use crate::request;
use crate::template::{self, Values};

/// Idle connections kept per upstream: more than the load ever has in flight, so that none is
/// closed for want of room.
const UPSTREAM_IDLE_MAX: u32 = 2048;

pub(super) fn version() -> Option<String> {
    process::output_of("nginx", &["-v"])
}

pub(super) fn start(job: &Job, dir: &Path) -> Result<Running> {
    let http = free_address()?;
    let mut texts = job.endpoints.values();
    texts.extend([
        ("listen", http.to_string()),
        ("host", request::HOST.to_owned()),
        ("dir", dir.display().to_string()),
        ("user", machine::user_and_group()),
        ("upstream_idle_max", UPSTREAM_IDLE_MAX.to_string()),
    ]);
    let values = Values { texts, flags: vec![("affinity", job.affinity)] };
    let config = template::fill(include_str!("../../peers/nginx.cfg"), &values)?;
    let path = dir.join("nginx.cfg");
    std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

    let mut command = process::pinned(job.core, "nginx");
    command.arg("-p").arg(dir).arg("-c").arg(&path).args(["-e", "stderr"]);
    Ok(Running { process: Process::start("nginx", command, dir)?, http, metrics: None })
}
