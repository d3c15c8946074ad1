//! Instructions of one repetition, counted by valgrind: they do not depend on how busy the machine is.

use std::env;
use std::process::Command;

/// Repetitions of the shorter run; the longer has twice as many.
const TIMES: u32 = 2_000;

/// Instructions of one repetition: two runs differ by [`TIMES`] of them and nothing else. `None`
/// where valgrind is not to be had.
pub(crate) fn of_one(case: &str) -> Option<f64> {
    let (shorter, longer) = (count(case, TIMES)?, count(case, 2 * TIMES)?);
    Some((longer - shorter) / f64::from(TIMES))
}

fn count(case: &str, times: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["count", case, &times.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    let (_, rest) = text.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}
