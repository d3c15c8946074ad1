//! The expression as everybody else sees it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::fmt;
use core::hash::{Hash, Hasher};

use crate::check;
use crate::error::ParseError;
use crate::eval::{Evaluation, Test};
use crate::facts::Facts;
use crate::parse;

/// Longest text of an expression, in bytes. The published limit of the language; it also bounds
/// what checking and evaluating one expression cost.
pub const EXPRESSION_BYTES_MAX: usize = 4096;

/// Regular expressions in one expression. Each may take 64 KiB and most of a millisecond to
/// compile; this bounds what a body full of conditions costs.
pub const REGEXES_MAX: usize = 16;

/// A condition on a request or a query: parsed, checked and compiled.
///
/// Cloning is cheap. [`Display`](fmt::Display) prints the canonical text, which parses to an equal
/// expression unless words for symbols made it longer than [`EXPRESSION_BYTES_MAX`]; two
/// expressions are equal if their canonical texts are.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

struct Inner {
    /// Canonical.
    text: Box<str>,
    test: Test,
}

impl Expression {
    /// Parses a text. A blank one always holds.
    ///
    /// # Errors
    /// What is wrong and where: the text is too long or malformed, names something unknown, or
    /// compares what cannot be compared.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            let mut at = EXPRESSION_BYTES_MAX;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let message = format!(
                "the expression is too long: {} bytes, at most {EXPRESSION_BYTES_MAX}",
                text.len()
            );
            return Err(ParseError::new(at, message));
        }
        let Some(expr) = parse::parse(text)? else {
            return Ok(Self::always());
        };
        let regexes = expr.regexes();
        if regexes > REGEXES_MAX {
            let message = format!("too many regular expressions: {regexes}, at most {REGEXES_MAX}");
            return Err(ParseError::new(0, message));
        }
        let test = check::compile(&expr)?;
        Ok(Self(Arc::new(Inner { text: expr.to_string().into(), test })))
    }

    /// The expression that always holds, which is an empty text.
    #[must_use]
    pub fn always() -> Self {
        Self(Arc::new(Inner { text: "".into(), test: Test::Constant(true) }))
    }

    /// Whether it holds whatever the facts are, because it is empty or `true`.
    #[must_use]
    pub fn is_always(&self) -> bool {
        matches!(self.0.test, Test::Constant(true))
    }

    /// Whether it holds.
    ///
    /// Allocates nothing as long as it only compares fields, headers and arguments with constants.
    #[must_use]
    pub fn matches(&self, facts: &dyn Facts) -> bool {
        match &self.0.test {
            Test::Constant(value) => *value,
            test => test.holds(&Evaluation::new(facts)),
        }
    }
}

impl Default for Expression {
    fn default() -> Self {
        Self::always()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.text).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Expression {}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}
