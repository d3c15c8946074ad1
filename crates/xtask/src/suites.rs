//! How each suite is run. One file per tool that does the work.

pub(crate) mod bench;
pub(crate) mod cargo;
pub(crate) mod conformance;
pub(crate) mod fuzz;
pub(crate) mod package;
pub(crate) mod terraform;
