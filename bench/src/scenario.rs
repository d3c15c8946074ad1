//! The scenarios. Each is a file that says what is loaded with what; how proxies take turns is
//! `interleave`'s, what one turn measures is `measure`'s, what is printed `report`'s.

use crate::args::Args;
use crate::failure::Result;

mod dns;
mod http1_keepalive;

/// One scenario.
#[derive(Debug)]
pub struct Scenario {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Runs it and prints its table; false when a row is void.
    pub run: fn(&Args) -> Result<bool>,
}

/// Every scenario, in the order in which all of them run.
pub const ALL: &[Scenario] =
    &[http1_keepalive::SCENARIO, dns::WEIGHTED, dns::WEIGHTED_10000, dns::GEO];
