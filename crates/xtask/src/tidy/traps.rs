//! The traps of the behaviour specification (section 13) that the product claims to pass: each has
//! at least one test, whose name begins with `trap_tNN_`.

use crate::workspace::Workspace;

use super::Finding;

/// Traps whose behaviour is built. The list grows with the product; it does not shrink.
const CLAIMED: &[u32] = &[1, 2, 3, 5, 7, 8, 12, 13, 14, 15, 16, 17, 20, 34, 42, 43, 44, 52, 53];

/// Looks for the tests of every claimed trap, wherever they are.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let files = workspace.files(&["py", "rs"]);
    let tested: Vec<u32> = files.iter().flat_map(|file| tested(&file.text)).collect();
    let untested = CLAIMED.iter().filter(|trap| !tested.contains(trap));
    untested.map(|trap| Finding::new(format!("trap T{trap}"), "has no test of its name")).collect()
}

/// Numbers of the traps that functions of this text are named after.
fn tested(text: &str) -> impl Iterator<Item = u32> {
    let functions = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let name =
            ["fn ", "async fn ", "def test_"].iter().find_map(|word| line.strip_prefix(word));
        name?.strip_prefix("trap_t")
    });
    functions.filter_map(|rest| rest.split('_').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_name_in_both_languages() {
        let text = "#[test]\n    fn trap_t01_each_request_by_its_cookie() {\n\
                    async fn trap_t42_stale() {\ndef test_trap_t2_hundred():\n// trap_t03_no\n";
        assert_eq!(tested(text).collect::<Vec<_>>(), [1, 42, 2]);
    }
}
