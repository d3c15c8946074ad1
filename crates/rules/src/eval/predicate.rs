//! What can hold of a value: an operator and its constants, prepared.

use alloc::boxed::Box;
use core::cmp::Ordering;
use core::net::IpAddr;

use memchr::memmem::Finder;

use super::{IpRanges, Pattern, Ranges, Value, Wildcard};
use crate::syntax::Order;

/// What can hold of a value of one kind. It holds of no other.
#[derive(Debug)]
pub(crate) enum Predicate {
    Text(TextPredicate),
    Integer(Order, i64),
    Integers(Ranges<i64>),
    Boolean(bool),
    Ip(IpPredicate),
}

/// What can hold of a string.
#[derive(Debug)]
pub(crate) enum TextPredicate {
    /// Byte by byte.
    Order(Order, Box<[u8]>),
    Contains(Box<Finder<'static>>),
    Matches(Pattern),
    Wildcard(Wildcard),
    /// Sorted, so that a search halves what is left.
    In(Box<[Box<[u8]>]>),
}

/// What can hold of an address.
#[derive(Debug)]
pub(crate) enum IpPredicate {
    Is(IpAddr),
    IsNot(IpAddr),
    In(IpRanges),
}

impl Predicate {
    pub(crate) fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(predicate), Value::Text(text)) => predicate.holds(text),
            (Self::Integer(order, constant), Value::Integer(value)) => {
                order.holds(value.cmp(constant))
            }
            (Self::Integers(ranges), Value::Integer(value)) => ranges.contain(*value),
            (Self::Boolean(constant), Value::Boolean(value)) => value == constant,
            (Self::Ip(predicate), Value::Ip(address)) => match predicate {
                IpPredicate::Is(constant) => address == constant,
                IpPredicate::IsNot(constant) => address != constant,
                IpPredicate::In(ranges) => ranges.contain(*address),
            },
            _ => false,
        }
    }
}

impl TextPredicate {
    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Order(Order::Eq, constant) => *text == **constant,
            Self::Order(order, constant) => order.holds(text.cmp(constant)),
            Self::Contains(finder) => finder.find(text).is_some(),
            Self::Matches(pattern) => pattern.matches(text),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::In(texts) => texts.binary_search_by(|item| (**item).cmp(text)).is_ok(),
        }
    }
}

impl Order {
    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}
