//! What every source file has in common: a length one can read, a header that says what it is for,
//! nothing left to do.

use crate::workspace::{SourceFile, Workspace};

use super::Finding;

/// A longer file holds more than one idea.
const LINES_MAX: usize = 700;

/// Words that say the work is not done, or that a warning was silenced instead of heeded. Written
/// in halves so that this file may name them.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("allow(dead", "_code"),
    concat!("allow(un", "used)"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];

/// Every Rust, Python and shell file.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.files(&["py", "rs", "sh"]).iter().flat_map(findings).collect()
}

fn findings(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        let what = format!("{lines} lines, more than {LINES_MAX}: split it by idea");
        findings.push(Finding::new(&file.path, what));
    }
    if !introduces_itself(file) {
        findings.push(Finding::new(&file.path, "no header that says what it is for"));
    }
    for word in UNFINISHED {
        if let Some(line) = file.text.lines().position(|line| line.contains(word)) {
            findings.push(Finding::new(format!("{}:{}", file.path, line + 1), *word));
        }
    }
    findings
}

/// A Rust module below `src` opens with `//!`, a Python module with a docstring. Tests that were
/// moved out of a module are covered by its header.
fn introduces_itself(file: &SourceFile) -> bool {
    let path = file.path.as_str();
    if path.ends_with(".rs") {
        let is_module = path.contains("/src/") && !path.ends_with("/tests.rs");
        let moved_tests = path.contains("/tests/");
        return !is_module || moved_tests || file.text.starts_with("//!");
    }
    if path.ends_with(".py") {
        let code = file.text.lines().find(|line| !line.starts_with('#') && !line.is_empty());
        return code.is_none_or(|line| line.starts_with("\"\"\""));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        findings(&SourceFile { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_file_is_short_and_says_what_it_is_for() {
        for (path, text, expected) in [
            ("crates/h1/src/head.rs", "//! Heads.\n", 0),
            ("crates/h1/src/head.rs", "use core::str;\n", 1),
            ("crates/h1/src/head/tests.rs", "use super::*;\n", 0),
            ("crates/h1/build.rs", "fn main() {}\n", 0),
            ("conformance/harness/a.py", "#!/usr/bin/env python3\n\"\"\"An endpoint.\"\"\"\n", 0),
            ("conformance/harness/a.py", "import sys\n", 1),
            ("conformance/harness/__init__.py", "", 0),
            (".ci/run.sh", "exec cargo xtask test\n", 0),
        ] {
            assert_eq!(count(path, text), expected, "{path} {text:?}");
        }
        let long = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(count("crates/h1/src/head.rs", &long), 1);
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            assert_eq!(count("crates/h1/src/a.rs", &format!("//! A.\n// {word}\n")), 1, "{word}");
        }
    }
}
