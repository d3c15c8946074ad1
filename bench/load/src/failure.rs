//! What ends the program before it has measured anything: an option, a name, a file, a port.

use std::fmt;

/// A sentence for the person who started this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

/// With a [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Says what is wrong and what to do about it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Says what was being done when an error came up.
pub trait Context<T> {
    /// Turns the error into a failure of `doing`.
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure(format!("{doing}: {error}")))
    }
}
