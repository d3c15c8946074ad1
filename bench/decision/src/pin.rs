//! One core for the whole measurement: a process that moves finds cold caches.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};

/// Starts this program again on the last of the cores it may use, and returns how that ended.
/// `None` when it is on one core already, or when `taskset` is not to be had.
pub(crate) fn again_on_one_core() -> Option<ExitCode> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let core = last_of_several(&status)?;
    let ended = Command::new("taskset")
        .args(["--cpu-list", core])
        .arg(env::current_exe().ok()?)
        .status()
        .ok()?;
    Some(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The last core of `Cpus_allowed_list: 0-3,5`; `None` when there is only one.
fn last_of_several(status: &str) -> Option<&str> {
    let (_, list) = status.split_once("Cpus_allowed_list:")?;
    let list = list.lines().next()?.trim();
    list.rsplit_once([',', '-']).map(|(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_core_of_several() {
        for (list, last) in
            [("0", None), ("0-3", Some("3")), ("0,2", Some("2")), ("0-1,4", Some("4"))]
        {
            let status = format!("Name:\tx\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\n");
            assert_eq!(last_of_several(&status), last, "{list}");
        }
    }
}
