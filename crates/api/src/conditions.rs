//! What the conditions of rules mean, kept from one configuration to the next. Every change of any
//! document makes a new configuration; reading ten thousand conditions anew each time would cost
//! more than everything else of it.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::mem;

use evenkeel_rules::{Expression, ParseError};

/// Conditions by their text. Holds those of the last configuration and no others, so it is as large
/// as the documents are.
#[derive(Debug, Default)]
pub struct Conditions {
    before: BTreeMap<String, Expression>,
    now: BTreeMap<String, Expression>,
}

impl Conditions {
    /// What a condition means; equal texts share one expression.
    ///
    /// # Errors
    /// When it is none. That is not kept: such a rule is not in force and soon corrected.
    pub(crate) fn read(&mut self, text: &str) -> Result<Expression, ParseError> {
        if let Some(expression) = self.now.get(text) {
            return Ok(expression.clone());
        }
        let (text, expression) = match self.before.remove_entry(text) {
            Some(kept) => kept,
            None => (text.to_owned(), Expression::parse(text)?),
        };
        self.now.insert(text, expression.clone());
        Ok(expression)
    }

    /// Ends a configuration: forgets what it did not ask for.
    pub(crate) fn turn(&mut self) {
        self.before = mem::take(&mut self.now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_kept_for_the_next_and_forgotten_after_that() {
        let mut conditions = Conditions::default();
        assert!(conditions.read("x").is_err());
        for text in ["true", "ip.src.asnum eq 1", "true"] {
            assert_eq!(conditions.read(text), Expression::parse(text));
        }
        conditions.turn();
        assert_eq!((conditions.before.len(), conditions.now.len()), (2, 0));

        // Something else in its place shows that the text is not read again.
        let planted = Expression::parse("false").unwrap();
        conditions.before.insert("true".to_owned(), planted.clone());
        assert_eq!(conditions.read("true"), Ok(planted.clone()));
        assert_eq!(conditions.read("true"), Ok(planted));
        conditions.turn();
        assert_eq!(conditions.before.len(), 1, "the other one was not asked for");
    }
}
