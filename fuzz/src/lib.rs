//! What must hold for every input: the checks behind the fuzz targets.
//!
//! Each check reads the input a second time, by other means than the codec does: byte by byte, by
//! a plain reading of the RFC, or as a careless endpoint would. A target is one call of one check,
//! so that a finding can be replayed in a debugger or turned into a test of the crate it is in.

#[cfg(not(fuzzing))]
compile_error!(
    "without coverage counters the fuzzer is blind: build from within fuzz/, see README.md"
);

pub mod bodies;
pub mod dns;
pub mod heads;
pub mod relay;
pub mod rules;
