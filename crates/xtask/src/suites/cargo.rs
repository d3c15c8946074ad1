//! Suites that cargo itself runs.

use std::path::Path;

use crate::process::{BUILD_LIMIT, RUN_LIMIT, cargo, output, run};
use crate::suite::Stop;
use crate::workspace::Workspace;

/// Workspaces of their own beside the main one: other profiles, other flags, same formatting.
const SIDE_WORKSPACES: &[&str] =
    &["bench", "bench/decision", "bench/load", "bench/monitor", "fuzz"];

/// Formatting of the workspace and of those beside it.
pub(crate) fn fmt(workspace: &Workspace) -> Result<(), Stop> {
    component(workspace, "fmt", "rustfmt")?;
    run(cargo(&workspace.root).args(["fmt", "--all", "--check"]), RUN_LIMIT)?;
    for side in SIDE_WORKSPACES {
        let folder = workspace.root.join(side);
        if folder.join("Cargo.toml").is_file() {
            run(cargo(&folder).args(["fmt", "--all", "--check"]), RUN_LIMIT)?;
        }
    }
    Ok(())
}

/// The workspace's lint list, every warning an error.
pub(crate) fn clippy(workspace: &Workspace) -> Result<(), Stop> {
    component(workspace, "clippy", "clippy")?;
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(cargo(&workspace.root).args(arguments), BUILD_LIMIT)
}

/// Unit, integration and documentation tests.
pub(crate) fn unit(workspace: &Workspace) -> Result<(), Stop> {
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let mut command = cargo(&workspace.root);
    // Property tests draw the same cases in every run of this command, so that a red run is about
    // the change. `cargo test` by itself explores; so does another seed.
    if std::env::var_os(PROPERTY_SEED).is_none() {
        command.env(PROPERTY_SEED, "20261122");
    }
    run(command.args(arguments), BUILD_LIMIT)
}

/// proptest's own variable.
const PROPERTY_SEED: &str = "PROPTEST_RNG_SEED";

/// Documentation of our own crates, private items included: it is read by those who work on them.
pub(crate) fn docs(workspace: &Workspace) -> Result<(), Stop> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    let mut command = cargo(&workspace.root);
    run(command.args(arguments).env("RUSTDOCFLAGS", "-D warnings"), BUILD_LIMIT)
}

/// `deny.toml`, where cargo-deny is installed.
pub(crate) fn deny(workspace: &Workspace) -> Result<(), Stop> {
    if output(cargo(&workspace.root).args(["deny", "--version"])).is_none() {
        let how = "opt-in, cargo-deny is not installed: cargo install --locked cargo-deny";
        return Err(Stop::left_out(how));
    }
    // Advisories come from the network and change without us: they must not fail an old commit.
    let arguments = ["deny", "--locked", "check", "bans", "licenses", "sources"];
    run(cargo(&workspace.root).args(arguments), RUN_LIMIT)
}

/// A subcommand that rustup or the distribution ships apart from the compiler.
fn component(workspace: &Workspace, subcommand: &str, name: &str) -> Result<(), Stop> {
    let there = |root: &Path| output(cargo(root).args([subcommand, "--version"])).is_some();
    if there(&workspace.root) {
        return Ok(());
    }
    Err(Stop::left_out(format!("{name} is not installed: rustup component add {name}")))
}
