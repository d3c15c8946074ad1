//! Operators and constants against the kind of value they are held against.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use memchr::memmem::Finder;

use super::Checked;
use crate::error::ParseError;
use crate::eval::{
    IpPredicate, IpRanges, Pattern, Predicate, Ranges, TextPredicate, Wildcard, WildcardError,
};
use crate::kind::Kind;
use crate::network::last;
use crate::syntax::{Comparison, Constant, Item, ItemValue, Literal, Order, Test};

/// Compiles an operator and its constants for values of a kind.
pub(super) fn compile(kind: Kind, comparison: &Comparison) -> Checked<Predicate> {
    let refuse = |operator: &str| {
        let message =
            format!("`{operator}` does not apply to {kind}: expected {}", operators(kind));
        Err(ParseError::new(comparison.at.0, message))
    };
    let predicate = match (kind, &comparison.test) {
        (Kind::Boolean | Kind::Ip, Test::Order(order, _)) if order.is_ordering() => {
            return refuse(&order.to_string());
        }
        (_, Test::Order(order, literal)) => against(kind, *order, literal)?,
        (Kind::Text, Test::Contains(literal)) => {
            let finder = Finder::new(text(literal)?).into_owned();
            Predicate::Text(TextPredicate::Contains(Box::new(finder)))
        }
        (Kind::Text, Test::Matches { at, pattern }) => {
            let pattern = Pattern::matching(pattern).map_err(|why| ParseError::new(at.0, why))?;
            Predicate::Text(TextPredicate::Matches(pattern))
        }
        (Kind::Text, Test::Wildcard { strict, pattern }) => {
            let wildcard = Wildcard::new(text(pattern)?, *strict).map_err(|error| {
                let message = match error {
                    WildcardError::DoubleStar => "`**` is not allowed in a wildcard pattern",
                    WildcardError::Escape => {
                        "in a wildcard pattern `\\` must be followed by `*` or `\\`"
                    }
                };
                ParseError::new(pattern.at.0, message)
            })?;
            Predicate::Text(TextPredicate::Wildcard(wildcard))
        }
        (Kind::Boolean, Test::In(_)) => return refuse("in"),
        (_, Test::In(items)) => among(kind, items)?,
        (_, Test::Contains(_)) => return refuse("contains"),
        (_, Test::Matches { .. }) => return refuse("matches"),
        (_, Test::Wildcard { strict: false, .. }) => return refuse("wildcard"),
        (_, Test::Wildcard { strict: true, .. }) => return refuse("strict wildcard"),
    };
    Ok(predicate)
}

/// What applies to a kind, for messages.
const fn operators(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => {
            "`eq`, `ne`, `lt`, `le`, `gt`, `ge`, `contains`, `matches`, `wildcard` or `in`"
        }
        Kind::Integer => "`eq`, `ne`, `lt`, `le`, `gt`, `ge` or `in`",
        Kind::Boolean => "`eq` or `ne`",
        Kind::Ip => "`eq`, `ne` or `in`",
    }
}

impl Order {
    const fn is_ordering(self) -> bool {
        matches!(self, Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }
}

/// One constant to compare with.
fn against(kind: Kind, order: Order, literal: &Literal) -> Checked<Predicate> {
    Ok(match (kind, &literal.value) {
        (Kind::Text, Constant::Text(text)) => {
            Predicate::Text(TextPredicate::Order(order, text.as_slice().into()))
        }
        (Kind::Integer, Constant::Integer(value)) => Predicate::Integer(order, *value),
        (Kind::Boolean, Constant::Boolean(value)) => {
            Predicate::Boolean(if order == Order::Eq { *value } else { !*value })
        }
        (Kind::Ip, Constant::Ip(address)) => {
            let address = address.to_canonical();
            Predicate::Ip(if order == Order::Eq {
                IpPredicate::Is(address)
            } else {
                IpPredicate::IsNot(address)
            })
        }
        _ => return Err(mismatch(literal.at.0, kind, literal.value.kind())),
    })
}

/// A list to be in.
fn among(kind: Kind, items: &[Item]) -> Checked<Predicate> {
    Ok(match kind {
        Kind::Text => {
            let mut texts = Vec::with_capacity(items.len());
            for item in items {
                match &item.value {
                    ItemValue::One(Constant::Text(text)) => texts.push(text.as_slice().into()),
                    other => return Err(mismatch(item.at.0, kind, other.kind())),
                }
            }
            texts.sort_unstable();
            texts.dedup();
            Predicate::Text(TextPredicate::In(texts.into()))
        }
        Kind::Integer => {
            let mut ranges = Vec::with_capacity(items.len());
            for item in items {
                match item.value {
                    ItemValue::One(Constant::Integer(value)) => ranges.push((value, value)),
                    ItemValue::Integers(first, last) => ranges.push((first, last)),
                    ref other => return Err(mismatch(item.at.0, kind, other.kind())),
                }
            }
            Predicate::Integers(Ranges::new(ranges))
        }
        Kind::Ip => {
            let mut ranges = Vec::with_capacity(items.len());
            for item in items {
                match item.value {
                    ItemValue::One(Constant::Ip(address)) => ranges.push((address, address)),
                    ItemValue::Ips(first, last) => ranges.push((first, last)),
                    ItemValue::Cidr(network, bits) => ranges.push((network, last(network, bits))),
                    ref other => return Err(mismatch(item.at.0, kind, other.kind())),
                }
            }
            Predicate::Ip(IpPredicate::In(IpRanges::new(ranges.into_iter())))
        }
        Kind::Boolean => Predicate::Boolean(false),
    })
}

fn text(literal: &Literal) -> Checked<&[u8]> {
    match &literal.value {
        Constant::Text(text) => Ok(text),
        other => Err(mismatch(literal.at.0, Kind::Text, other.kind())),
    }
}

fn mismatch(at: usize, expected: Kind, found: Kind) -> ParseError {
    ParseError::new(at, format!("expected {expected}, found {found}"))
}

impl Constant {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Boolean(_) => Kind::Boolean,
            Self::Ip(_) => Kind::Ip,
        }
    }
}

impl ItemValue {
    const fn kind(&self) -> Kind {
        match self {
            Self::One(value) => value.kind(),
            Self::Integers(..) => Kind::Integer,
            Self::Ips(..) | Self::Cidr(..) => Kind::Ip,
        }
    }
}
