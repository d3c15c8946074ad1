//! Child processes that never outlive the harness: pinned to a core, bounded in time, ended by
//! their own id however the harness ends. Everything goes through the small tools of util-linux
//! (`setpriv`, `taskset`), which exec what they are given, so that the id stays the child's.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::cpu;
use crate::failure::{Context, Failure, Result};
use crate::machine;

/// How long a child may take to end after SIGTERM before it is killed: drains of idle connections
/// take milliseconds.
const END_GRACE: Duration = Duration::from_secs(5);

/// Between two looks at something only polling can tell (a port that answers, a child that ended).
const POLL: Duration = Duration::from_millis(10);

/// Lines of a child's log worth showing when it failed.
const LOG_TAIL_LINES: usize = 15;

/// Characters of such a line worth showing.
const LOG_LINE_CHARS: usize = 200;

/// A command to be pinned to one core and ended with the harness.
pub fn pinned(core: usize, program: impl AsRef<OsStr>) -> Command {
    on(&core.to_string(), program)
}

/// The same on a list of cores, as `taskset -c` takes it: `0`, `0-3`.
pub fn on(cores: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    // TERM, not KILL: a master process then takes its workers along.
    command.args(["--pdeathsig", "TERM", "--"]);
    // A thousand connections need more files than a shell's usual 1,024.
    let (soft, hard) = machine::open_files();
    if soft < hard {
        command.args(["prlimit", &format!("--nofile={hard}:{hard}"), "--"]);
    }
    command.args(["taskset", "-c", cores]).arg(program);
    command
}

/// A running child with its log.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `dir/NAME.log`.
    pub fn start(name: &str, mut command: Command, dir: &Path) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let out = File::create(&log).context(format!("creating {}", log.display()))?;
        let err = out.try_clone().context("sharing a log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .context(format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` holds. Fails when the child ends first or `limit` passes; the failure
    /// carries the last lines of its log.
    pub fn wait_ready(&mut self, limit: Duration, ready: impl Fn() -> Result<()>) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let Err(reason) = ready() else { return Ok(()) };
            if let Some(status) = self.child.try_wait().context("waiting for a child")? {
                return Err(self.failure(&format!("ended early ({status})")));
            }
            if Instant::now() >= deadline {
                return Err(self.failure(&format!("was not ready after {limit:?} ({reason})")));
            }
            std::thread::sleep(POLL);
        }
    }

    /// What it has written so far.
    pub fn output(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).context(format!("reading {}", self.name))
    }

    /// Waits for the child to end by itself and gives its output; kills it when `limit` passes.
    pub fn wait_end(mut self, limit: Duration) -> Result<String> {
        match self.ended_within(limit)? {
            Some(status) if status.success() => self.output(),
            Some(status) => Err(self.failure(&format!("failed ({status})"))),
            None => Err(self.failure(&format!("did not end within {limit:?}"))),
        }
    }

    /// Sends a signal, by the name `kill` knows, to this child alone.
    pub fn signal(&self, signal: &str) {
        send(signal, self.id());
    }

    /// Polls until the child ends or `limit` passes.
    pub fn ended_within(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for a child")? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    fn failure(&self, what: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let skipped = log.lines().count().saturating_sub(LOG_TAIL_LINES);
        let mut text = format!("{} {what}", self.name);
        for line in log.lines().skip(skipped) {
            text.push_str("\n  ");
            text.extend(line.chars().take(LOG_LINE_CHARS));
        }
        Failure::new(text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Read before the parent is gone: orphans have another parent.
        let descendants: Vec<u32> =
            cpu::tree(self.id()).into_iter().filter(|&pid| pid != self.id()).collect();
        self.signal("TERM");
        if !matches!(self.ended_within(END_GRACE), Ok(Some(_))) {
            eprintln!("note: {} ignored SIGTERM for {END_GRACE:?}; killed", self.name);
            // Both fail only when it has ended meanwhile.
            let _ = self.child.kill();
            let _ = self.child.wait();
            for pid in descendants {
                send("KILL", pid);
            }
        }
    }
}

/// Sends `signal` to `pid` through the shell's own `kill`, as the standard library has only KILL.
pub fn send(signal: &str, pid: u32) {
    // Fails when the process has just ended, which is what was wanted.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// Output of a short command (`haproxy -v`), whatever its exit status: some tools fail on `-v`.
pub fn output_of(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = pinned(0, "sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_gives_its_output_or_its_last_words() {
        let dir = std::env::temp_dir();
        let done = Process::start("bench-test-done", shell("echo fine"), &dir).expect("starts");
        assert_eq!(done.wait_end(END_GRACE).expect("ends"), "fine\n");

        let failed = Process::start("bench-test-failed", shell("echo no such thing; exit 3"), &dir)
            .expect("starts");
        let failure = failed.wait_end(END_GRACE).expect_err("status 3").to_string();
        assert!(failure.contains("status: 3") && failure.contains("no such thing"), "{failure}");
        for name in ["done", "failed"] {
            std::fs::remove_file(dir.join(format!("bench-test-{name}.log"))).expect("was made");
        }
    }

    #[test]
    fn dropping_ends_the_child() {
        let dir = std::env::temp_dir();
        let child =
            Process::start("bench-test-drop", shell("exec sleep 60"), &dir).expect("starts");
        let pid = child.id();
        drop(child);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        std::fs::remove_file(dir.join("bench-test-drop.log")).expect("was made");
    }
}
