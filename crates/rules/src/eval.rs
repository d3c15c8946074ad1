//! What an expression is compiled to, and its evaluation. On the request path.
//!
//! A tree whose types are settled: a [`Test`] is true or false, a [`Source`] has one value or is
//! missing, a [`List`] has many. Lists are visited, never collected, and values are borrowed from
//! the facts, so that nothing is allocated unless a function has to make a new string or the truth
//! values of arrays are combined.

mod arguments;
mod decode;
mod function;
mod json;
mod list;
mod pattern;
mod predicate;
mod ranges;
mod replace;
mod source;
mod test;
mod wildcard;

use alloc::borrow::Cow;
use core::net::IpAddr;

use crate::facts::Facts;

pub(crate) use self::function::Function;
pub(crate) use self::json::{JsonKey, JsonKind};
pub(crate) use self::list::{List, Map};
pub(crate) use self::pattern::Pattern;
pub(crate) use self::predicate::{IpPredicate, Predicate, TextPredicate};
pub(crate) use self::ranges::{IpRanges, Ranges};
pub(crate) use self::replace::Replacement;
pub(crate) use self::source::{Quantifier, Source};
pub(crate) use self::test::Test;
pub(crate) use self::wildcard::{Wildcard, WildcardError};

/// What evaluation goes by: the facts, and their mode, asked for once.
pub(crate) struct Evaluation<'a> {
    pub(crate) facts: &'a dyn Facts,
    pub(crate) proxied: bool,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(facts: &'a dyn Facts) -> Self {
        Self { facts, proxied: facts.is_proxied() }
    }
}

/// A value, as a rule borrowed from the facts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, [u8]>),
    Integer(i64),
    Boolean(bool),
    Ip(IpAddr),
}

impl<'a> Value<'a> {
    pub(crate) const fn text(bytes: &'a [u8]) -> Self {
        Self::Text(Cow::Borrowed(bytes))
    }

    /// Its bytes if it is a string. What is checked to be one is never anything else.
    pub(crate) fn into_text(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Itself if it is an integer.
    pub(crate) fn into_integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            _ => None,
        }
    }
}
