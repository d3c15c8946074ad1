//! `evenkeel-load`, our own load generator and endpoints (bench/load): built when it is first
//! needed, into a folder of its own below target/bench.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::failure::{Context, Failure, Result};
use crate::rundir;

/// Where it is, up to date with the sources as they were when first asked for.
pub fn binary() -> Result<PathBuf> {
    // Asked for in every turn, whose CPU time is not to have a build in it.
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = BUILT.get() {
        return Ok(path.clone());
    }
    let path = build()?;
    Ok(BUILT.get_or_init(|| path).clone())
}

fn build() -> Result<PathBuf> {
    let target = rundir::results().join("load");
    let manifest = rundir::repository().join("bench/load/Cargo.toml");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status()
        .context("running cargo")?;
    if !status.success() {
        return Err(Failure::new("evenkeel-load does not build"));
    }
    Ok(target.join("release/evenkeel-load"))
}
