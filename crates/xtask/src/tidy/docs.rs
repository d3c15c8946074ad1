//! Documents that say what is so: links lead somewhere, named files exist, the README stays short
//! and holds the two commands that a newcomer needs.

use std::path::Path;

use crate::workspace::{SourceFile, Workspace};

use super::Finding;

/// Whoever reads more than this wanted ARCHITECTURE.md.
const README_LINES_MAX: usize = 129;

/// What the root of the repository has to offer.
const REQUIRED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "Cargo.lock",
    "deny.toml",
    ".ci/run",
];

/// The two commands of a newcomer.
const COMMANDS: &[&str] = &["cargo run --release -- demo", "cargo xtask test"];

/// Every Markdown file, and the README above all.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in REQUIRED {
        if !workspace.root.join(path).is_file() {
            findings.push(Finding::new(*path, "is missing"));
        }
    }
    if let Some(readme) = workspace.read("README.md") {
        findings.extend(readme_findings(&readme));
    }
    for file in workspace.files(&["md"]) {
        for named in links(&file.text) {
            let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
            if !workspace.root.join(folder).join(named).exists() {
                findings.push(Finding::new(&file.path, format!("links to {named}: not there")));
            }
        }
        for named in paths(&file) {
            let first = named.split('/').next().unwrap_or_default();
            let is_ours = workspace.root.join(first).exists() && first != "target";
            let beside = Path::new(&file.path).parent().unwrap_or(Path::new("")).join(named);
            let exists = [Path::new(named), &beside].map(|path| workspace.root.join(path).exists());
            if is_ours && exists == [false, false] {
                findings.push(Finding::new(&file.path, format!("names {named}: not there")));
            }
        }
    }
    findings
}

fn readme_findings(readme: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = readme.lines().count();
    if lines > README_LINES_MAX {
        let what = format!("{lines} lines, more than {README_LINES_MAX}");
        findings.push(Finding::new("README.md", what));
    }
    for command in COMMANDS {
        if !readme.contains(command) {
            findings.push(Finding::new("README.md", format!("does not say `{command}`")));
        }
    }
    findings
}

/// Relative targets of `[text](target)`, without their fragment.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ', '\n']).next()?;
        let target = target.split('#').next()?;
        let is_elsewhere = target.contains(':') || target.starts_with('/');
        (!target.is_empty() && !is_elsewhere).then_some(target)
    })
}

/// Code spans that read like a path of this repository: plain characters and a slash inside.
fn paths(file: &SourceFile) -> impl Iterator<Item = &str> {
    let outside_blocks = file.text.split("```").step_by(2);
    let spans = outside_blocks.flat_map(|text| text.split('`').skip(1).step_by(2));
    spans.filter(|span| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        span.chars().all(plain) && span.contains('/') && !span.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_leave_the_repository_are_let_be() {
        let text =
            "[a](docs/a.md) [b](https://b.example/) [c](#here) [d](../d.md#part) ![e](e.png)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["docs/a.md", "../d.md", "e.png"]);
    }

    #[test]
    fn code_spans_that_are_paths() {
        let text = "`crates/h1` and `a b/c`, `/client/v4`, `cargo`, `proxy::relay`\n\
                    ```\n`not/this`\n```\n`docs/guide/`";
        let file = SourceFile { path: "README.md".to_owned(), text: text.to_owned() };
        assert_eq!(paths(&file).collect::<Vec<_>>(), ["crates/h1", "docs/guide/"]);
    }

    #[test]
    fn the_readme_is_short_and_names_both_commands() {
        let good = "cargo run --release -- demo\ncargo xtask test\n";
        assert_eq!(readme_findings(good), []);
        assert_eq!(readme_findings(&format!("{good}{}", "\n".repeat(130))).len(), 1);
        assert_eq!(readme_findings("make\n").len(), 2);
    }
}
