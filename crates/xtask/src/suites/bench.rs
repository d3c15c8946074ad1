//! The benchmark harness: kept working by every run, used for numbers only when somebody asks.

use std::path::PathBuf;

use crate::process::{BUILD_LIMIT, RUN_LIMIT, cargo, run};
use crate::suite::Stop;
use crate::workspace::Workspace;

/// Lints and tests the harness and lets it parse its own help. Nothing is timed: a number from a
/// machine that also builds and tests means nothing.
pub(crate) fn smoke(workspace: &Workspace) -> Result<(), Stop> {
    let folder = workspace.root.join("bench");
    let lints = ["clippy", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(cargo(&folder).args(lints), BUILD_LIMIT)?;
    run(cargo(&folder).args(["test", "--locked"]), BUILD_LIMIT)?;
    run(cargo(&folder).args(["run", "--quiet", "--locked", "--", "--help"]), RUN_LIMIT)?;
    // The load generator and its endpoints: runs of it on loopback are among its tests.
    let (folder_of_load, target) = load(workspace);
    run(cargo(&folder_of_load).args(lints), BUILD_LIMIT)?;
    let mut tests = cargo(&folder_of_load);
    run(tests.args(["test", "--locked", "--target-dir"]).arg(target), BUILD_LIMIT)?;
    // Two benchmarks stand by themselves: they link the crates they measure and nothing else.
    run(cargo(&folder.join("decision")).args(lints), BUILD_LIMIT)?;
    run(cargo(&folder.join("monitor")).args(lints), BUILD_LIMIT)
}

/// Where the load generator is, and where it is built: tests of the product use it as well.
pub(crate) fn load(workspace: &Workspace) -> (PathBuf, PathBuf) {
    (workspace.root.join("bench/load"), workspace.target.join("bench-load"))
}

/// Builds the product as users get it and measures it, with the harness's own arguments.
pub(crate) fn measure(workspace: &Workspace, arguments: &[&str]) -> Result<(), Stop> {
    run(cargo(&workspace.root).args(["build", "--release", "--locked"]), BUILD_LIMIT)?;
    let folder = workspace.root.join("bench");
    run(cargo(&folder).args(["build", "--release", "--locked"]), BUILD_LIMIT)?;
    let manifest = ["--manifest-path", "bench/Cargo.toml", "--"];
    let mut command = cargo(&workspace.root);
    command.args(["run", "--quiet", "--release", "--locked"]).args(manifest).args(arguments);
    run(&mut command, MEASURE_LIMIT)
}

/// Every scenario with its default rounds is done well before; a night run asks for fewer at once.
const MEASURE_LIMIT: std::time::Duration = std::time::Duration::from_secs(6 * 60 * 60);
