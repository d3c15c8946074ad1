//! Children: started with the command echoed, bounded in time, and ended with all they started.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::suite::Stop;

/// A build from nothing on two slow cores, C libraries included, is well below this.
pub(crate) const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Suites that run things end far sooner; at this point something hangs.
pub(crate) const RUN_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Cargo, as a command in `directory`.
///
/// It is the one that runs us. The variables that it set for us alone are taken away again: build
/// scripts that watch them would otherwise run anew each time xtask and a plain `cargo` alternate.
pub(crate) fn cargo(directory: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(directory);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if ours.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command with its output shown.
///
/// # Errors
/// Failed when it ends with anything but 0 or outlives `limit`; left out when its program is not
/// there.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<(), Stop> {
    let line = echo(command);
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| Stop::left_out(format!("cannot start {name}: {error}")))?;
    match wait(child, limit) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Stop::failed(format!("{}: {status}", opening(&line)))),
        None => {
            let why = format!("{}: still running after {} s", opening(&line), limit.as_secs());
            Err(Stop::failed(why))
        }
    }
}

/// Runs a short command silently; `None` unless it starts and ends with 0.
pub(crate) fn output(command: &mut Command) -> Option<Output> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then_some(output)
}

/// Whether `program --version` works.
pub(crate) fn is_there(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_some()
}

/// The status that the child ended with, or `None` once it has been ended for being late.
fn wait(mut child: Child, limit: Duration) -> Option<ExitStatus> {
    let id = child.id();
    let (ended, end) = mpsc::channel();
    // Ends with the child, which does not outlive this function.
    let waiter = thread::spawn(move || {
        let _ = ended.send(child.wait());
    });
    let status = end.recv_timeout(limit);
    if status.is_err() {
        kill_tree(id);
    }
    let _ = waiter.join();
    status.ok().and_then(Result::ok)
}

/// Ends a process and all below it, parents first so that none of them starts another.
fn kill_tree(root: u32) {
    let mut doomed = vec![root];
    let parents = parents();
    let mut next = 0;
    while next < doomed.len() {
        let parent = doomed[next];
        doomed.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    let _ = Command::new("sh")
        .args(["-c", "kill -KILL \"$@\" 2>/dev/null", "sh"])
        .args(doomed.iter().map(u32::to_string))
        .status();
}

/// (process, parent) of every process there is; empty where there is no `/proc`.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            parent_in(&fs::read_to_string(entry.path().join("stat")).ok()?).map(|of| (id, of))
        })
        .collect()
}

/// The parent in a line of `/proc/ID/stat`. The program's name stands in parentheses and may
/// itself hold any of the separators.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// Enough of a command to know it by; the whole of it stands where it was run.
fn opening(line: &str) -> &str {
    const BYTES: usize = 48;
    let cut = line.char_indices().map(|(at, _)| at).find(|at| *at >= BYTES);
    line[..cut.unwrap_or(line.len())].trim_end()
}

/// Prints the command as one would type it.
fn echo(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    println!("$ {line}");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_past_any_program_name() {
        assert_eq!(parent_in("4711 (cat) S 4242 4711 4711 0"), Some(4242));
        assert_eq!(parent_in("4711 (a) b) (c) R 12 0"), Some(12));
        assert_eq!(parent_in(""), None);
    }

    #[test]
    fn a_late_command_is_ended_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        let stop = run(&mut command, Duration::from_millis(200));
        let Err(Stop::Failed(why)) = stop else { panic!("{stop:?}") };
        assert!(why.contains("still running"), "{why}");
    }

    #[test]
    fn what_a_command_ends_with_becomes_an_outcome() {
        let shell = |script: &str| run(Command::new("sh").args(["-c", script]), RUN_LIMIT);
        assert_eq!(shell("exit 0"), Ok(()));
        assert!(
            matches!(shell("exit 3"), Err(Stop::Failed(why)) if why.contains("exit status: 3"))
        );
        let absent = run(&mut Command::new("evenkeel-no-such-program"), RUN_LIMIT);
        assert!(matches!(absent, Err(Stop::LeftOut(_))));
    }
}
