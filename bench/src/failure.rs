//! The harness's one error: a sentence for whoever ran it, and what led to it.

use std::error::Error;
use std::fmt;

/// What went wrong, outermost first.
#[derive(Debug)]
pub struct Failure {
    what: String,
    source: Option<Box<dyn Error>>,
}

/// A result of the harness.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure without a cause below it.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }
}

impl fmt::Display for Failure {
    /// The whole chain on one line: this is the last place that prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

/// Adds what was being attempted to an error of any kind.
pub trait Context<T> {
    /// Wraps the error in a failure that says `what`.
    fn context(self, what: impl Into<String>) -> Result<T>;
}

impl<T, E: Error + 'static> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure { what: what.into(), source: Some(Box::new(error)) })
    }
}

impl Error for Failure {}
