//! The architecture as a table, held against what the crates really use.
//!
//! Layer 1 is pure: no sockets, no async, no clock, no randomness, no environment. `#![no_std]` and
//! clippy's lists in each of its crates say so about our code; here the same is asked of all that
//! the crate pulls in.

use crate::process::{cargo, output};
use crate::workspace::Workspace;

use super::Finding;

/// What one crate is and which of ours it may use, itself or in its build script. Tests are free.
struct Rule {
    name: &'static str,
    kind: Kind,
    may_use: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Layer 1: given time and chance, and no other door to the world.
    Pure,
    /// Everything above.
    Shell,
}

/// The packages of the architecture, those still to come included. A crate that is not here does
/// not build past CI: it gets its row, and the row gets its reason in ARCHITECTURE.md.
const RULES: &[Rule] = &[
    Rule { name: "rules", kind: Kind::Pure, may_use: &[] },
    Rule { name: "model", kind: Kind::Pure, may_use: &["rules"] },
    Rule { name: "decision", kind: Kind::Pure, may_use: &["model", "rules"] },
    Rule { name: "api", kind: Kind::Pure, may_use: &["model", "rules"] },
    Rule { name: "h1", kind: Kind::Pure, may_use: &[] },
    Rule { name: "net", kind: Kind::Shell, may_use: &[] },
    Rule { name: "telemetry", kind: Kind::Shell, may_use: &[] },
    Rule { name: "store", kind: Kind::Shell, may_use: &[] },
    Rule {
        name: "proxy",
        kind: Kind::Shell,
        may_use: &["decision", "model", "h1", "net", "telemetry"],
    },
    Rule { name: "dns", kind: Kind::Shell, may_use: &["decision", "model", "net", "telemetry"] },
    Rule {
        name: "monitor",
        kind: Kind::Shell,
        may_use: &["decision", "model", "net", "telemetry"],
    },
    Rule { name: "notify", kind: Kind::Shell, may_use: &["net"] },
    Rule { name: "otlp", kind: Kind::Shell, may_use: &["net", "telemetry"] },
    Rule { name: "certificate", kind: Kind::Shell, may_use: &["model", "net", "store"] },
    Rule {
        name: "control",
        kind: Kind::Shell,
        may_use: &["api", "decision", "model", "net", "store", "telemetry"],
    },
    Rule {
        name: "evenkeel",
        kind: Kind::Shell,
        may_use: &[
            "api",
            "certificate",
            "control",
            "decision",
            "dns",
            "h1",
            "model",
            "monitor",
            "net",
            "notify",
            "otlp",
            "proxy",
            "rules",
            "store",
            "telemetry",
        ],
    },
    Rule {
        name: "sim",
        kind: Kind::Shell,
        may_use: &["api", "decision", "h1", "model", "rules", "store"],
    },
    Rule { name: "xtask", kind: Kind::Shell, may_use: &[] },
];

/// Packages that open a door to the world: I/O, time, chance, or a runtime around them.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "fastrand",
    "getrandom",
    "hyper",
    "jiff",
    "mio",
    "quinn",
    "rand",
    "rand_chacha",
    "rand_core",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-rustls",
    "uuid",
];

/// Every crate's row, its manifest, and for the pure ones their sources and all they pull in.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in workspace.crates() {
        let place = format!("crates/{name}");
        let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
            findings.push(Finding::new(place, "no row in the layer table of xtask"));
            continue;
        };
        let manifest = workspace.read(&format!("{place}/Cargo.toml")).unwrap_or_default();
        findings.extend(manifest_findings(rule, &manifest));
        let package = package_name(&manifest).unwrap_or_default();
        let Some(closure) = closure(workspace, package) else {
            findings.push(Finding::new(place, "cargo tree does not know it"));
            continue;
        };
        findings.extend(arrow_findings(rule, &closure));
        if rule.kind == Kind::Pure {
            findings.extend(purity_findings(rule, &closure));
            let library = workspace.read(&format!("{place}/src/lib.rs")).unwrap_or_default();
            findings.extend(no_std_findings(rule, &library));
            if workspace.read(&format!("{place}/clippy.toml")) != workspace.read(PURE_LINTS) {
                let what = format!("clippy.toml is not the one of every pure crate ({PURE_LINTS})");
                findings.push(Finding::new(&place, what));
            }
        }
    }
    findings
}

/// The pure crates share one list of what clippy points out.
const PURE_LINTS: &str = "crates/model/clippy.toml";

/// Names of all that a package pulls in, itself first, tests and their helpers left out.
///
/// Features are those that the package asks for alone: what another member of the workspace turns
/// on in a shared dependency is not this one's doing.
fn closure(workspace: &Workspace, package: &str) -> Option<Vec<String>> {
    let arguments = ["tree", "--package", package, "--edges", "normal,build", "--locked"];
    let format = ["--prefix", "none", "--format", "{p}", "--no-dedupe"];
    let output = output(cargo(&workspace.root).args(arguments).args(format))?;
    let text = String::from_utf8(output.stdout).ok()?;
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    Some(names.map(str::to_owned).collect())
}

fn manifest_findings(rule: &Rule, manifest: &str) -> Vec<Finding> {
    let place = format!("crates/{}/Cargo.toml", rule.name);
    let mut findings = Vec::new();
    if !manifest.contains("[lints]\nworkspace = true") {
        findings.push(Finding::new(&place, "does not take the workspace's lints"));
    }
    let mut in_dependencies = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            let what = format!("version chosen outside the workspace: {line}");
            findings.push(Finding::new(&place, what));
        }
    }
    findings
}

/// Of our own packages, those in the closure that the table does not allow. What an allowed one
/// uses is checked in its own row.
fn arrow_findings(rule: &Rule, closure: &[String]) -> Vec<Finding> {
    let allowed = reachable(rule);
    let mut findings: Vec<Finding> = Vec::new();
    for used in closure.iter().skip(1).filter_map(|name| name.strip_prefix("evenkeel-")) {
        if used != rule.name && !allowed.contains(&used) {
            let finding = Finding::new(format!("crates/{}", rule.name), format!("uses {used}"));
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// What a crate may use and what those may use in turn.
fn reachable(rule: &Rule) -> Vec<&'static str> {
    let mut names = rule.may_use.to_vec();
    let mut next = 0;
    while next < names.len() {
        let deeper = RULES.iter().find(|other| other.name == names[next]);
        for name in deeper.map_or(&[] as &[&str], |other| other.may_use) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        next += 1;
    }
    names
}

fn purity_findings(rule: &Rule, closure: &[String]) -> Vec<Finding> {
    let impure = IMPURE.iter().filter(|impure| closure.iter().any(|name| name == **impure));
    impure
        .map(|name| {
            let what = format!("pulls in {name}: time, chance and I/O come in as arguments");
            Finding::new(format!("crates/{}", rule.name), what)
        })
        .collect()
}

fn no_std_findings(rule: &Rule, library: &str) -> Vec<Finding> {
    let place = format!("crates/{}/src/lib.rs", rule.name);
    let mut findings = Vec::new();
    if !library.lines().any(|line| line.trim() == "#![no_std]") {
        findings.push(Finding::new(&place, "lacks #![no_std]"));
    }
    let mut before = "";
    for line in library.lines().map(str::trim) {
        if line.starts_with("extern crate std") && before != "#[cfg(test)]" {
            findings.push(Finding::new(&place, "brings std back outside of tests"));
        }
        before = line;
    }
    findings
}

/// `name = "…"` of the `[package]` section, which comes first in ours.
fn package_name(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    line.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> &'static Rule {
        RULES.iter().find(|rule| rule.name == name).unwrap()
    }

    fn names(closure: &[&str]) -> Vec<String> {
        closure.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_plane_that_uses_another_plane_is_found() {
        let closure = names(&["evenkeel-proxy", "evenkeel-model", "evenkeel-monitor", "tokio"]);
        let findings = arrow_findings(rule("proxy"), &closure);
        assert_eq!(findings, [Finding::new("crates/proxy", "uses monitor")]);
    }

    #[test]
    fn what_an_allowed_crate_uses_is_allowed() {
        let closure = names(&["evenkeel-proxy", "evenkeel-decision", "evenkeel-rules"]);
        assert_eq!(arrow_findings(rule("proxy"), &closure), []);
    }

    #[test]
    fn the_table_has_no_cycle_and_only_known_names() {
        for rule in RULES {
            assert!(!reachable(rule).contains(&rule.name), "{} uses itself", rule.name);
            for name in rule.may_use {
                let used = RULES.iter().find(|other| other.name == *name);
                let used = used.unwrap_or_else(|| panic!("{} uses unknown {name}", rule.name));
                assert!(rule.kind == Kind::Shell || used.kind == Kind::Pure, "{name}");
            }
        }
    }

    #[test]
    fn a_pure_crate_has_no_door_to_the_world() {
        let closure = names(&["evenkeel-h1", "httparse", "tokio"]);
        assert_eq!(purity_findings(rule("h1"), &closure).len(), 1);
        assert_eq!(no_std_findings(rule("h1"), "//! Codec.\n#![no_std]\n"), []);
        let tests_only = "#![no_std]\n#[cfg(test)]\nextern crate std;\n";
        assert_eq!(no_std_findings(rule("h1"), tests_only), []);
        assert_eq!(no_std_findings(rule("h1"), "#![no_std]\nextern crate std;\n").len(), 1);
        assert_eq!(no_std_findings(rule("h1"), "extern crate alloc;\n").len(), 1);
    }

    #[test]
    fn versions_are_chosen_in_the_workspace() {
        let good = "[lints]\nworkspace = true\n[dependencies]\nhttp.workspace = true\n\
                    bytes = { workspace = true, features = [] }\n";
        assert_eq!(manifest_findings(rule("h1"), good), []);
        let bad = "[lints]\nworkspace = true\n[dev-dependencies]\nhttp = \"1\"\n";
        assert_eq!(manifest_findings(rule("h1"), bad).len(), 1);
    }
}
