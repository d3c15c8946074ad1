//! Fuzz targets, briefly: they build, their seeds hold, and what lies near the surface shows.

use std::fs;

use crate::process::{BUILD_LIMIT, RUN_LIMIT, cargo, run};
use crate::suite::Stop;
use crate::tools;
use crate::workspace::Workspace;

/// Time for each target. Longer runs are for the night, and for whoever touches a codec.
const SECONDS: u32 = 6;

/// Each target of `fuzz/` on its seeds and what grows from them.
///
/// The random seed is fixed, so that a run finds what the same commit found before: a submission
/// should not fail over a bug that it did not bring. Nightly runs draw their own.
pub(crate) fn smoke(workspace: &Workspace) -> Result<(), Stop> {
    tools::program("c++", "g++")?;
    let folder = workspace.root.join("fuzz");
    // The flags of fuzz/.cargo/config.toml give way to those of the environment.
    let fuzz = || {
        let mut command = cargo(&folder);
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command
    };
    run(fuzz().args(["build", "--release", "--locked"]), BUILD_LIMIT)?;

    let mut failed = Vec::new();
    let findings = workspace.target.join("fuzz").join("findings");
    for target in targets(workspace) {
        let grown = workspace.target.join("fuzz").join("grown").join(&target);
        for folder in [&grown, &findings] {
            fs::create_dir_all(folder)
                .map_err(|error| Stop::failed(format!("{}: {error}", folder.display())))?;
        }
        let mut command = fuzz();
        command.args(["run", "--quiet", "--release", "--locked", "--bin", &target, "--"]);
        command.args(["-seed=1", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        command.args(["-verbosity=0", "-dict=http.dict"]);
        command.arg(format!("-max_total_time={SECONDS}"));
        command.arg(format!("-artifact_prefix={}/{target}-", findings.display()));
        command.arg(&grown).arg(format!("seeds/{target}"));
        if run(&mut command, RUN_LIMIT).is_err() {
            failed.push(target);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let targets = failed.join(", ");
    Err(Stop::failed(format!("{targets}: the inputs are in {}", findings.display())))
}

/// Names of the targets, sorted.
fn targets(workspace: &Workspace) -> Vec<String> {
    let Ok(entries) = fs::read_dir(workspace.root.join("fuzz/fuzz_targets")) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    names
}
