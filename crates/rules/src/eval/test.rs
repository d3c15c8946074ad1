//! True or false.

use alloc::boxed::Box;

use super::{Evaluation, Predicate, Source, Value};

/// Something true or false of the facts.
#[derive(Debug)]
pub(crate) enum Test {
    Constant(bool),
    Not(Box<Self>),
    And(Box<[Self]>),
    Or(Box<[Self]>),
    Xor(Box<[Self]>),
    /// A boolean by itself. Missing is false.
    Bare(Source),
    /// A value that a predicate holds of. Missing is false, whatever the predicate.
    Holds(Source, Predicate),
}

impl Test {
    pub(crate) fn holds<'a>(&'a self, e: &Evaluation<'a>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Not(test) => !test.holds(e),
            Self::And(tests) => tests.iter().all(|test| test.holds(e)),
            Self::Or(tests) => tests.iter().any(|test| test.holds(e)),
            Self::Xor(tests) => tests.iter().fold(false, |odd, test| odd ^ test.holds(e)),
            Self::Bare(source) => source.value(e) == Some(Value::Boolean(true)),
            Self::Holds(source, predicate) => {
                source.value(e).is_some_and(|value| predicate.holds(&value))
            }
        }
    }
}
