//! What a suite is, and the table of all of them in the order they run: the quick ones that catch
//! the most first, so that a mistake shows within seconds.

use crate::workspace::Workspace;
use crate::{suites, tidy};

/// One row of what `cargo xtask test` checks.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The word that selects it.
    pub(crate) name: &'static str,
    /// One line for the header and the help text.
    pub(crate) what: &'static str,
    /// Whether CI may go without it.
    pub(crate) need: Need,
    /// Runs it to its end.
    pub(crate) run: fn(&Workspace) -> Result<(), Stop>,
}

/// Whether a suite may be left out where leaving out is otherwise a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// CI fails without it.
    Required,
    /// Runs only where its tool is already installed; CONTRIBUTING.md lists these.
    OptIn,
    /// Runs only when it is named: it builds what takes longer than everything else together.
    Asked,
}

/// Why a suite did not pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It ran and found something; the text is one line.
    Failed(String),
    /// It could not run here; the text says what is missing and how to get it.
    LeftOut(String),
}

impl Stop {
    /// A failure in one line.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }

    /// An absence in one line.
    pub(crate) fn left_out(why: impl Into<String>) -> Self {
        Self::LeftOut(why.into())
    }
}

/// Every suite, in running order.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        what: "formatting of every Rust file",
        need: Need::Required,
        run: suites::cargo::fmt,
    },
    Suite {
        name: "tidy",
        what: "layers, purity, file sizes, documents that name what exists",
        need: Need::Required,
        run: tidy::run,
    },
    Suite {
        name: "clippy",
        what: "lints of the workspace, warnings denied",
        need: Need::Required,
        run: suites::cargo::clippy,
    },
    Suite {
        name: "unit",
        what: "tests of every crate, and the examples in their docs",
        need: Need::Required,
        run: suites::cargo::unit,
    },
    Suite {
        name: "docs",
        what: "rustdoc builds without a broken link",
        need: Need::Required,
        run: suites::cargo::docs,
    },
    Suite {
        name: "python",
        what: "formatting and lints of the Python tests",
        need: Need::Required,
        run: suites::conformance::python,
    },
    Suite {
        name: "acceptance",
        what: "the real binary, the official Python SDK, real HTTP clients",
        need: Need::Required,
        run: suites::conformance::acceptance,
    },
    Suite {
        name: "typescript",
        what: "the official TypeScript SDK against the real binary",
        need: Need::Required,
        run: suites::conformance::typescript,
    },
    Suite {
        name: "h2spec",
        what: "h2spec's 146 cases of HTTP/2, with TLS and without, built with Go",
        need: Need::Required,
        run: suites::conformance::h2spec,
    },
    Suite {
        name: "grpc",
        what: "gRPC's interoperability cases through the real binary, built with Go",
        need: Need::Required,
        run: suites::conformance::grpc,
    },
    Suite {
        name: "clients",
        what: "curl, httpx, grpcio, undici and Chromium through the real binary",
        need: Need::Required,
        run: suites::conformance::clients,
    },
    Suite {
        name: "schema",
        what: "the public OpenAPI document under schemathesis",
        need: Need::Required,
        run: suites::conformance::schema,
    },
    Suite {
        name: "demo",
        what: "`evenkeel demo` and every command it tells a newcomer to try",
        need: Need::Required,
        run: suites::conformance::demo,
    },
    Suite {
        name: "package",
        what: "the Debian package in a Debian of its own: install, upgrade, purge (opt-in)",
        need: Need::OptIn,
        run: suites::package::suite,
    },
    Suite {
        name: "fuzz",
        what: "each fuzz target for a few seconds",
        need: Need::Required,
        run: suites::fuzz::smoke,
    },
    Suite {
        name: "bench",
        what: "the benchmark harness still starts (nothing is timed)",
        need: Need::Required,
        run: suites::bench::smoke,
    },
    Suite {
        name: "deny",
        what: "licences, duplicates, sources and advisories of dependencies (opt-in)",
        need: Need::OptIn,
        run: suites::cargo::deny,
    },
    Suite {
        name: "go",
        what: "the official Go SDKs against the real binary (only when named)",
        need: Need::Asked,
        run: suites::conformance::go,
    },
    Suite {
        name: "terraform",
        what: "OpenTofu and the Cloudflare provider, built with Go (only when named)",
        need: Need::Asked,
        run: suites::terraform::terraform,
    },
];

/// The suites of these names in running order; when none is named, all but those to be asked for.
///
/// # Errors
/// The first name that is no suite.
pub(crate) fn select(names: &[&str]) -> Result<Vec<&'static Suite>, String> {
    let unknown = names.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name));
    if let Some(unknown) = unknown {
        return Err((*unknown).to_owned());
    }
    let wanted = |suite: &&Suite| match names {
        [] => suite.need != Need::Asked,
        _ => names.contains(&suite.name),
    };
    Ok(SUITES.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_selected_by_name_and_keep_their_order() {
        let names = |words: &[&str]| {
            select(words).map(|suites| suites.iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["clippy", "fmt"]), Ok(vec!["fmt", "clippy"]));
        assert_eq!(names(&["fmt", "speling"]), Err("speling".to_owned()));
        let asked = SUITES.iter().filter(|suite| suite.need == Need::Asked).count();
        assert_eq!(names(&[]).map(|all| all.len()), Ok(SUITES.len() - asked));
        assert_eq!(names(&["terraform"]), Ok(vec!["terraform"]));
    }

    #[test]
    fn names_are_unique() {
        for (position, suite) in SUITES.iter().enumerate() {
            assert!(SUITES[..position].iter().all(|other| other.name != suite.name));
        }
    }
}
