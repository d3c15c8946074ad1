//! Why a text is not an expression, and where.

use alloc::string::String;
use core::fmt;

use winnow::error::ParserError;
use winnow::stream::{Location, Stream};

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Where the fault begins: bytes from the start of the text, at most its length.
    pub at: usize,
    /// What was found and what was expected, on one line.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.message)
    }
}

impl core::error::Error for ParseError {}

impl<I: Stream + Location> ParserError<I> for ParseError {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        let found = if input.eof_offset() == 0 { "unexpected end" } else { "unexpected character" };
        Self::new(input.current_token_start(), found)
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}
