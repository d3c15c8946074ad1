//! Memory of a tree of processes: what of the machine's it holds, shared pages split among those
//! who share them. The kernel's own memory for sockets is not in it; it is everybody's alike.

use std::fs;

use crate::cpu;
use crate::failure::{Context, Failure, Result};

/// Proportional set size of `root` and everything it started, in bytes.
pub fn of_tree(root: u32) -> Result<u64> {
    cpu::tree(root).into_iter().map(of_process).sum()
}

fn of_process(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).context(path.as_str())?;
    parse(&text).ok_or_else(|| Failure::new(format!("{path} is not understood")))
}

fn parse(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_has_one_sum() {
        let text = "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1500 kB\n\
                    Pss_Dirty:   900 kB\n";
        assert_eq!(parse(text), Some(1_536_000));
        assert_eq!(parse("Rss: 1 kB\n"), None);
        assert!(of_tree(std::process::id()).is_ok_and(|bytes| bytes > 100_000));
    }
}
