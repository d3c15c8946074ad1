//! How the program ends: its exit codes, in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | the command line is wrong (clap's own code as well) |
//! | 78 | the configuration was refused, each problem on a line of its own |

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What clap ends with, and so do we where only the server's objects show that a flag is wrong.
const USAGE: u8 = 2;
/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION_REFUSED: u8 = 78;

/// Why the program did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Settings that cannot be used; each names its key and the way out.
    Configuration(Vec<String>),
    /// The command line asks for something that cannot be; the sentence names the flag.
    Usage(String),
    /// Something went wrong while doing it.
    Failed {
        /// What was being done.
        doing: String,
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Failure {
    /// Tells what was being done when an error came.
    pub(crate) fn doing<E: Into<Box<dyn Error + Send + Sync>>>(
        doing: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        move |error| Self::Failed { doing: doing.into(), source: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(problems) => f.write_str(&problems.join("\n")),
            Self::Usage(problem) => write!(f, "error: {problem}"),
            Self::Failed { doing, source } => {
                write!(f, "error: {doing}: {source}")?;
                let mut cause = source.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

/// Prints a failure and finds its exit code.
pub(crate) fn code(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            match failure {
                Failure::Configuration(_) => ExitCode::from(CONFIGURATION_REFUSED),
                Failure::Usage(_) => ExitCode::from(USAGE),
                Failure::Failed { .. } => ExitCode::FAILURE,
            }
        }
    }
}
