//! Instructions of one decision, counted by valgrind: they do not depend on how busy the machine is.

use std::env;
use std::process::Command;

use crate::case::Case;
use crate::scene::Scale;

/// Decisions of the shorter run; the longer has twice as many.
const TIMES: u32 = 2_000;

/// Instructions of one decision: two runs differ by [`TIMES`] decisions and nothing else. `None`
/// where valgrind is not to be had.
pub(crate) fn of_one(case: &Case, scale: Scale) -> Option<f64> {
    let shorter = count(case, scale, TIMES)?;
    let longer = count(case, scale, 2 * TIMES)?;
    Some((longer - shorter) / f64::from(TIMES))
}

fn count(case: &Case, scale: Scale, times: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["count", case.name, scale.word(), &times.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    output.status.success().then(|| collected(&text)).flatten()
}

/// The number in `==123== Collected : 4567`.
fn collected(text: &str) -> Option<f64> {
    let (_, rest) = text.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found() {
        let text = "==7== Events    : Ir\n==7== Collected : 4567\n==7==\n";
        assert_eq!(collected(text), Some(4567.0));
        assert_eq!(collected("valgrind: no such file"), None);
    }
}
