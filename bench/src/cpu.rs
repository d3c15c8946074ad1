//! CPU time, read from outside: of a tree of processes, of the harness's own ended children, and
//! of whole cores.
//!
//! The scheduler's run time in `/proc/PID/task/TID/schedstat` counts nanoseconds but is lost with
//! the thread; `/proc/PID/stat` keeps what ended threads used but counts ticks of 10 ms. The first
//! is used while no thread of a process ended between two readings, else the second.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::failure::{Context, Failure, Result};

/// Length of a tick in `/proc/*/stat`: USER_HZ is 100 on every Linux of today.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of one process at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ProcessTime {
    /// Run time by thread.
    threads: BTreeMap<u32, Duration>,
    /// User and system time of all threads, ended ones too, in ticks.
    user: u64,
    system: u64,
}

/// CPU time of a tree of processes at one moment.
#[derive(Debug, Clone)]
pub struct TreeTime(BTreeMap<u32, ProcessTime>);

/// CPU time a tree used between two moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeUse {
    /// User and system time.
    pub total: Duration,
    /// The kernel's part of it, 0 to 1; sampled at ticks, so good to a percent or two.
    pub kernel_share: f64,
}

/// `root` and everything it started, directly or not.
pub fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, Stat::read(pid).ok()?.parent)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| pid));
        next += 1;
    }
    found
}

/// Processes that have the path `argument` among their arguments.
pub fn with_argument(argument: &Path) -> Vec<u32> {
    use std::os::unix::ffi::OsStrExt;
    let wanted = argument.as_os_str().as_bytes();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == wanted)
        })
        .collect()
}

impl TreeTime {
    /// Reads the tree of `root` now.
    pub fn read(root: u32) -> Result<Self> {
        let mut processes = BTreeMap::new();
        for pid in tree(root) {
            let stat = Stat::read(pid)?;
            let mut threads = BTreeMap::new();
            let tasks = format!("/proc/{pid}/task");
            for entry in fs::read_dir(&tasks).context(tasks)?.flatten() {
                let Some(tid) = entry.file_name().to_str().and_then(|name| name.parse().ok())
                else {
                    continue;
                };
                // A thread that ended since the listing is one that ended: its absence says so.
                if let Some(run) = schedstat(&entry.path().join("schedstat")) {
                    threads.insert(tid, run);
                }
            }
            processes.insert(pid, ProcessTime { threads, user: stat.user, system: stat.system });
        }
        Ok(Self(processes))
    }

    /// Another tree with it.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// What the tree used since `before`. Fails when a process of it ended: what that used is
    /// nowhere to be read.
    pub fn since(&self, before: &Self) -> Result<TreeUse> {
        if let Some(pid) = before.0.keys().find(|pid| !self.0.contains_key(pid)) {
            return Err(Failure::new(format!("process {pid} of the tree ended while measured")));
        }
        let mut total = Duration::ZERO;
        let (mut user, mut system) = (0, 0);
        let none = ProcessTime::default();
        for (pid, now) in &self.0 {
            let then = before.0.get(pid).unwrap_or(&none);
            total += now.since(then);
            user += now.user - then.user;
            system += now.system - then.system;
        }
        let kernel_share = system as f64 / (user + system).max(1) as f64;
        Ok(TreeUse { total, kernel_share })
    }
}

impl ProcessTime {
    fn since(&self, before: &Self) -> Duration {
        let precise = !self.threads.is_empty()
            && before.threads.keys().all(|tid| self.threads.contains_key(tid));
        if precise {
            let sum = |time: &Self| time.threads.values().sum::<Duration>();
            sum(self).saturating_sub(sum(before))
        } else {
            ticks((self.user + self.system).saturating_sub(before.user + before.system))
        }
    }
}

/// First field of a schedstat file: time on the CPU, in nanoseconds.
fn schedstat(path: &Path) -> Option<Duration> {
    let text = fs::read_to_string(path).ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap_or(u32::MAX)
}

/// CPU time of the harness's own children that ended and were waited for.
pub fn ended_children() -> Result<Duration> {
    Ok(ticks(Stat::read(std::process::id())?.children))
}

/// The fields of `/proc/PID/stat` that matter here; times in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    user: u64,
    system: u64,
    /// User and system time of children waited for.
    children: u64,
}

impl Stat {
    fn read(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path).context(path.as_str())?;
        Self::parse(&text).ok_or_else(|| Failure::new(format!("{path} is not understood")))
    }

    fn parse(text: &str) -> Option<Self> {
        // The name in parentheses may hold spaces and parentheses: what follows the last one is
        // fields 3 (state), 4 (parent) and on.
        let (_, rest) = text.rsplit_once(')')?;
        let field = |n: usize| rest.split_whitespace().nth(n - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(field(4)?).ok()?,
            user: field(14)?,
            system: field(15)?,
            children: field(16)? + field(17)?,
        })
    }
}

/// Time of one core, or of all together, at one moment, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreTime {
    total: u64,
    idle: u64,
    steal: u64,
}

/// How one core, or all, spent the time between two moments, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreUse {
    /// Not idle, not stolen.
    pub busy: f64,
    /// Taken by the hypervisor for others.
    pub steal: f64,
}

impl CoreTime {
    /// Reads `/proc/stat` for one core.
    pub fn read(core: usize) -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
        Self::parse(&text, core)
            .ok_or_else(|| Failure::new(format!("this machine has no core {core}")))
    }

    /// Reads `/proc/stat` for all cores together.
    pub fn read_all() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
        Self::parse_line(&text, "cpu").ok_or_else(|| Failure::new("/proc/stat is not understood"))
    }

    fn parse(text: &str, core: usize) -> Option<Self> {
        Self::parse_line(text, &format!("cpu{core}"))
    }

    fn parse_line(text: &str, name: &str) -> Option<Self> {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        // user nice system idle iowait irq softirq steal; guest time is already in user.
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).take(8).map_while(|f| f.parse().ok()).collect();
        match fields[..] {
            [_, _, _, idle, iowait, _, _, steal] => {
                Some(Self { total: fields.iter().sum(), idle: idle + iowait, steal })
            }
            _ => None,
        }
    }

    /// How the core spent its time since `before`.
    pub fn since(self, before: Self) -> CoreUse {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        // The idle count of a sleeping core may step back by a tick.
        let idle = self.idle.saturating_sub(before.idle) as f64;
        let steal = self.steal.saturating_sub(before.steal) as f64;
        CoreUse { busy: ((total - idle - steal) / total).max(0.0), steal: steal / total }
    }
}

impl CoreUse {
    /// What others and the hypervisor took beside a share that is accounted for.
    pub fn taken_beside(self, known: f64) -> f64 {
        (self.busy + self.steal - known).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_survives_names_with_parentheses() {
        let text = "42 (a) (b c) S 7 1 1 0 -1 0 0 0 0 0 100 50 30 20 20 0 4 0 1";
        let expected = Stat { parent: 7, user: 100, system: 50, children: 50 };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("42 (x"), None);
    }

    #[test]
    fn cores_are_told_apart() {
        let text =
            "cpu 1 1 1 1 1 1 1 1 0 0\ncpu1 10 0 10 70 10 0 0 0 0 0\ncpu11 9 9 9 9 9 9 9 9 0 0\n";
        let before = CoreTime::parse(text, 1).expect("there");
        assert_eq!(before, CoreTime { total: 100, idle: 80, steal: 0 });
        assert_eq!(CoreTime::parse(text, 2), None);
        let now = CoreTime { total: 200, idle: 100, steal: 5 };
        assert_eq!(now.since(before), CoreUse { busy: 0.75, steal: 0.05 });
    }

    fn process(threads: &[(u32, u64)], user: u64, system: u64) -> ProcessTime {
        let threads = threads.iter().map(|&(tid, ms)| (tid, Duration::from_millis(ms))).collect();
        ProcessTime { threads, user, system }
    }

    #[test]
    fn precise_while_every_thread_lives_else_ticks() {
        let before = process(&[(1, 5), (2, 7)], 1, 0);
        let grown = process(&[(1, 6), (2, 9), (3, 4)], 9, 9);
        assert_eq!(grown.since(&before), Duration::from_millis(7));
        let ended = process(&[(1, 6)], 3, 2);
        assert_eq!(ended.since(&before), Duration::from_millis(40));
    }

    #[test]
    fn a_lost_process_is_a_failure_a_new_one_counts_whole() {
        let before = TreeTime([(1, process(&[(1, 5)], 10, 0))].into());
        let now = TreeTime([(1, process(&[(1, 15)], 13, 0)), (2, process(&[(2, 3)], 0, 1))].into());
        let used = now.since(&before).expect("nothing ended");
        assert_eq!(used, TreeUse { total: Duration::from_millis(13), kernel_share: 0.25 });
        assert!(before.since(&now).is_err());
    }

    #[test]
    fn reads_this_process() {
        let me = std::process::id();
        assert!(tree(me).contains(&me));
        let before = TreeTime::read(me).expect("readable");
        let deadline = std::time::Instant::now() + Duration::from_millis(20);
        while std::time::Instant::now() < deadline {}
        let used = TreeTime::read(me).expect("readable").since(&before);
        // Other tests of this binary may start and end children meanwhile.
        if let Ok(used) = used {
            assert!(used.total > Duration::ZERO);
        }
    }
}
