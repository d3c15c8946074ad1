//! nginx as a proxy, configured by `peers/nginx.cfg`.

use std::fmt::Write as _;
use std::path::Path;

use super::{Job, Running, free_address};
use crate::cores::Cores;
use crate::failure::{Context, Result};
use crate::machine;
use crate::process::{self, Process};
use crate::request;
use crate::template::{self, Values};

/// Idle connections kept per upstream: more than the load ever has in flight, so that none is
/// closed for want of room.
const UPSTREAM_IDLE_MAX: u32 = 2048;

/// Names on one line of the configuration.
const NAMES_PER_LINE: usize = 50;

pub(super) fn version() -> Option<String> {
    process::output_of("nginx", &["-v"])
}

pub(super) fn start(name: &str, job: &Job, dir: &Path) -> Result<Running> {
    let (http, https) = (free_address()?, free_address()?);
    let file = |path: Option<&Path>| path.map(|p| p.display().to_string()).unwrap_or_default();
    let tls = job.tls.as_ref();
    let mut texts = job.endpoints.values();
    texts.extend([
        ("listen", http.to_string()),
        ("listen_tls", https.to_string()),
        ("reuseport", if job.cores == Cores::All { " reuseport" } else { "" }.to_owned()),
        ("chain", file(tls.map(|certificate| certificate.chain.as_path()))),
        ("key", file(tls.map(|certificate| certificate.key.as_path()))),
        ("websocket_pool", if job.affinity { "$pool" } else { "pools" }.to_owned()),
        ("server_names", server_names(job.hosts)),
        ("threads", job.cores.proxy_threads().to_string()),
        ("files_max", job.files_max.to_string()),
        ("dir", dir.display().to_string()),
        ("user", machine::user_and_group()),
        ("upstream_idle_max", UPSTREAM_IDLE_MAX.to_string()),
    ]);
    let flags = vec![
        ("affinity", job.affinity),
        ("access_log", job.access_log.is_on()),
        ("large_bodies", job.large_bodies),
        ("hosts", job.hosts > 1),
        ("tls", tls.is_some()),
    ];
    let config = template::fill(include_str!("../../peers/nginx.cfg"), &Values { texts, flags })?;
    let path = dir.join("nginx.cfg");
    std::fs::write(&path, config).context(format!("writing {}", path.display()))?;

    let mut command = job.command("nginx");
    command.arg("-p").arg(dir).arg("-c").arg(&path).args(["-e", "stderr"]);
    Ok(Running {
        process: Process::start(name, command, dir)?,
        http,
        https: tls.map(|_| https),
        metrics: None,
        access_log: job.access_log.at(dir.join("access.log"))?,
    })
}

fn server_names(hosts: usize) -> String {
    (0..hosts).fold(String::new(), |mut lines, n| {
        let _ = match n % NAMES_PER_LINE {
            0 if n > 0 => write!(lines, ";\nserver_name {}", request::host(n)),
            0 => write!(lines, "server_name {}", request::host(n)),
            _ => write!(lines, " {}", request::host(n)),
        };
        lines
    }) + ";"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_wrapped() {
        assert_eq!(server_names(1), "server_name bench.example.com;");
        let names = server_names(NAMES_PER_LINE + 1);
        assert_eq!(names.lines().count(), 2);
        assert!(names.lines().all(|line| line.starts_with("server_name ") && line.ends_with(';')));
    }
}
