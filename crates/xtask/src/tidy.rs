//! The rules of the code base that no other tool knows: which crate may use which, what a pure
//! crate may not touch, how long a file may be, which documents and tests must be there.
//!
//! Each rule reads the repository and returns what it found wrong, one line per [`Finding`]; none
//! stops at the first.

mod docs;
mod layers;
mod sources;
mod traps;

use std::fmt;

use crate::suite::Stop;
use crate::workspace::Workspace;

/// One thing that is not as it has to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, or the crate, that has to change.
    place: String,
    /// What is wrong, and where it helps what to do instead.
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// One rule: reads the repository, returns what is wrong.
type Rule = fn(&Workspace) -> Vec<Finding>;

/// Applies every rule and prints all that was found.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Stop> {
    let rules: [(&str, Rule); 4] = [
        ("layers and purity", layers::check),
        ("sources", sources::check),
        ("documents", docs::check),
        ("traps of the specification", traps::check),
    ];
    let mut total = 0;
    for (name, rule) in rules {
        let findings = rule(workspace);
        println!("{name}: {}", if findings.is_empty() { "fine" } else { "not fine" });
        for finding in &findings {
            println!("  {finding}");
        }
        total += findings.len();
    }
    match total {
        0 => Ok(()),
        1 => Err(Stop::failed("1 finding")),
        more => Err(Stop::failed(format!("{more} findings"))),
    }
}
