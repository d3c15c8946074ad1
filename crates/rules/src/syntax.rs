//! What a text says, before its types are checked.
//!
//! Words and symbols for the same operator, superfluous parentheses and ways to write a string are
//! gone; where things stood is kept for [`crate::check`]'s errors and ignored by comparison.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::field::Field;
use crate::function::FunctionName;

/// A byte offset in the text. Equal to any other: the same thing written elsewhere is the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) usize);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A truth value, or one for each value of an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// `true` or `false`.
    Constant(bool),
    Not(Box<Self>),
    /// At least two items, none of which is itself of the same operator: all three are associative.
    Logic(Logic, Vec<Self>),
    Comparison(Box<Comparison>),
    /// An operand by itself.
    Bare(Operand),
}

/// An operator between truth values, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Logic {
    Or,
    Xor,
    And,
}

/// An operand held against constants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) subject: Operand,
    pub(crate) at: At,
    pub(crate) test: Test,
}

/// An operator with its constants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Order(Order, Literal),
    Contains(Literal),
    Matches { at: At, pattern: String },
    Wildcard { strict: bool, pattern: Literal },
    In(Vec<Item>),
}

/// How two values of a kind stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Literal {
    pub(crate) at: At,
    pub(crate) value: Constant,
}

/// A constant's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Text(Vec<u8>),
    Integer(i64),
    Boolean(bool),
    Ip(IpAddr),
}

/// A member of an inline list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) at: At,
    pub(crate) value: ItemValue,
}

/// A member's value. Ranges include both ends, the first of which is not above the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ItemValue {
    One(Constant),
    Integers(i64, i64),
    Ips(IpAddr, IpAddr),
    /// Address with the bits behind the prefix cleared, and the prefix's length.
    Cidr(IpAddr, u8),
}

/// A field or a call, and what is taken of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    pub(crate) at: At,
    pub(crate) base: Base,
    pub(crate) indexes: Vec<(At, Index)>,
}

impl Operand {
    fn regexes(&self) -> usize {
        let Base::Call(function, arguments) = &self.base else { return 0 };
        let nested = arguments.iter().map(|argument| match &argument.value {
            ArgumentValue::Literal(_) => 0,
            ArgumentValue::Expr(expr) => expr.regexes(),
        });
        usize::from(*function == FunctionName::RegexReplace) + nested.sum::<usize>()
    }
}

/// Where an operand's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Base {
    Field(Field),
    Call(FunctionName, Vec<Argument>),
}

/// What stands in brackets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Index {
    Nth(u32),
    Key(Vec<u8>),
    Each,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    pub(crate) at: At,
    pub(crate) value: ArgumentValue,
}

/// An argument's value. An operand by itself is an expression, whatever its kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ArgumentValue {
    Literal(Constant),
    Expr(Expr),
}

impl Expr {
    /// How many regular expressions it has.
    pub(crate) fn regexes(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Not(inner) => inner.regexes(),
            Self::Logic(_, items) => items.iter().map(Self::regexes).sum(),
            Self::Comparison(comparison) => {
                let own = usize::from(matches!(comparison.test, Test::Matches { .. }));
                own + comparison.subject.regexes()
            }
            Self::Bare(operand) => operand.regexes(),
        }
    }

    /// Joins items, taking those of the same operator apart. One item stays what it is.
    pub(crate) fn join(op: Logic, items: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Self::Logic(inner, items) if inner == op => flat.extend(items),
                item => flat.push(item),
            }
        }
        match flat.pop() {
            Some(last) if flat.is_empty() => last,
            Some(last) => {
                flat.push(last);
                Self::Logic(op, flat)
            }
            None => Self::Constant(op == Logic::And),
        }
    }
}
