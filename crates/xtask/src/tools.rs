//! What suites need from the machine beyond Rust and a C compiler, and how it is had: Debian
//! packages as root, Python's and Node's packages below the target folder. Nothing is installed
//! elsewhere.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{is_there, output, run};
use crate::suite::Stop;
use crate::workspace::Workspace;

/// Package archives answer in seconds; a mirror that takes longer is not coming back.
const INSTALL_LIMIT: Duration = Duration::from_secs(8 * 60);

/// The oldest Python that the pinned packages run on.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// Where Go installs itself, for those who have not put it on their path.
const USUAL_GO: &str = "/usr/local/go/bin/go";

/// What Debian asks before it starts a service; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// The name of the file that says what a virtual environment, or a folder of packages, was made of.
const STAMP: &str = "made-from.txt";

/// A Python that has the packages of `requirements`, in a virtual environment below the target
/// folder. Made once; made anew when the requirements or the interpreter change.
///
/// # Errors
/// Left out when there is no fitting Python and none can be installed, or the packages cannot be
/// fetched.
pub(crate) fn python(workspace: &Workspace, requirements: &str) -> Result<PathBuf, Stop> {
    let wanted = workspace.read(requirements);
    let wanted = wanted.ok_or_else(|| Stop::failed(format!("{requirements} is missing")))?;
    let version = match python_version() {
        Some(version) => version,
        None => {
            apt(&["python3", "python3-venv"])?;
            python_version().ok_or_else(|| Stop::left_out("python3 is not installed"))?
        }
    };
    if version < PYTHON_MIN {
        let (major, minor) = PYTHON_MIN;
        return Err(Stop::left_out(format!("python3 is older than {major}.{minor}")));
    }

    let venv = workspace.target.join("venv");
    let python = venv.join("bin").join("python");
    let stamp = format!("python {}.{}\n{wanted}", version.0, version.1);
    let is_current = fs::read_to_string(venv.join(STAMP)).is_ok_and(|made| made == stamp);
    if is_current && output(Command::new(&python).arg("--version")).is_some() {
        return Ok(python);
    }

    make_venv(&venv)?;
    let mut pip = Command::new(&python);
    pip.current_dir(&workspace.root);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(["--requirement", requirements]), INSTALL_LIMIT)
        .map_err(|_| Stop::left_out(format!("pip cannot install {requirements}")))?;
    fs::write(venv.join(STAMP), stamp)
        .map_err(|error| Stop::failed(format!("{}: {error}", venv.display())))?;
    Ok(python)
}

/// A folder with Node's packages that the lock file in `source` names, below the target folder: one
/// for each `source`. Made once; made anew when the lock file or Node changes.
///
/// # Errors
/// Left out when Node or npm is missing and cannot be installed, or the packages cannot be fetched.
pub(crate) fn node_modules(workspace: &Workspace, source: &str) -> Result<PathBuf, Stop> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    program("node", "nodejs")?;
    program("npm", "npm")?;
    let node = output(Command::new("node").arg("--version"));
    let node = node.ok_or_else(|| Stop::left_out("node does not say its version"))?;
    let mut stamp = String::from_utf8_lossy(&node.stdout).into_owned();

    let folder = workspace.target.join("node").join(source);
    let failed = |error| Stop::failed(format!("{}: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(failed)?;
    for file in FILES {
        let path = format!("{source}/{file}");
        let text = workspace.read(&path);
        let text = text.ok_or_else(|| Stop::failed(format!("{path} is missing")))?;
        fs::write(folder.join(file), &text).map_err(failed)?;
        stamp.push_str(&text);
    }
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|made| made == stamp) {
        return Ok(folder);
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(&mut npm, INSTALL_LIMIT)
        .map_err(|_| Stop::left_out(format!("npm cannot install {source}/package-lock.json")))?;
    fs::write(folder.join(STAMP), stamp).map_err(failed)?;
    Ok(folder)
}

/// A program, installed from a Debian package when it is missing.
///
/// # Errors
/// Left out when it is missing and cannot be installed here.
pub(crate) fn program(name: &str, package: &str) -> Result<(), Stop> {
    if is_there(name) { Ok(()) } else { apt(&[package]) }
}

/// The Go command.
///
/// # Errors
/// Left out when it is not installed. Debian's package is older than what the suites build.
pub(crate) fn go() -> Result<PathBuf, Stop> {
    let there = |go: &PathBuf| output(Command::new(go).arg("version")).is_some();
    ["go", USUAL_GO].map(PathBuf::from).into_iter().find(there).ok_or_else(|| {
        Stop::left_out("go 1.26 or later is not installed: see https://go.dev/doc/install")
    })
}

fn make_venv(venv: &Path) -> Result<(), Stop> {
    let make = || {
        let mut command = Command::new("python3");
        run(command.args(["-m", "venv", "--clear"]).arg(venv), INSTALL_LIMIT)
    };
    // Debian ships the module apart from Python, and says so only when it is used.
    make().or_else(|_| {
        apt(&["python3-venv"])?;
        make().map_err(|_| Stop::left_out("python3 cannot make a virtual environment"))
    })
}

/// Installs Debian packages, as root only.
fn apt(packages: &[&str]) -> Result<(), Stop> {
    let list = packages.join(" ");
    if !is_root() || !is_there("apt-get") {
        return Err(Stop::left_out(format!("{list} missing: install it, e.g. apt install {list}")));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet").args(arguments);
        run(&mut command, INSTALL_LIMIT)
            .map_err(|_| Stop::left_out(format!("apt-get cannot install {list}")))
    };
    let _quiet = NoServices::forbid();
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

/// While it lives, packages start no service of their own: suites bring theirs up themselves, on
/// ports of their own. A policy that is there already stays.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    fn forbid() -> Self {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        // Without it a service may start, which is a nuisance and no failure.
        let is_ours = file.is_ok_and(|mut file| file.write_all(b"#!/bin/sh\nexit 101\n").is_ok());
        Self { is_ours }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// Whether we may install packages and make systems.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id.stdout.trim_ascii() == b"0")
}

fn python_version() -> Option<(u32, u32)> {
    let script = "import sys; print(*sys.version_info[:2])";
    let output = output(Command::new("python3").args(["-c", script]))?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
