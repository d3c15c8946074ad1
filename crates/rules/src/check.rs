//! From syntax to what is evaluated: settles every type, or says where one does not fit.

mod call;
mod predicate;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use crate::error::ParseError;
use crate::eval::{List, Map, Source, Test};
use crate::field::Field;
use crate::kind::{Kind, Shape};
use crate::syntax::{At, Base, Expr, Index, Logic, Operand};

type Checked<T> = Result<T, ParseError>;

/// Compiles an expression, which has to have one truth value.
pub(crate) fn compile(expr: &Expr) -> Checked<Test> {
    match truth(expr)? {
        Truth::One(test) => Ok(test),
        Truth::Each(_) => {
            let message = "`[*]` gives one truth value for each value of the array: \
                           put it into `any(…)` or `all(…)`";
            Err(ParseError::new(start(expr), message))
        }
    }
}

/// A truth value, or one for each value of an array.
enum Truth {
    One(Test),
    Each(List),
}

/// An operand with its type.
enum Typed {
    One(Kind, Source),
    Array(Kind, List),
    Each(Kind, List),
    Map(Map),
    EachArray(Map),
}

impl Typed {
    const fn shape(&self) -> Shape {
        match self {
            Self::One(kind, _) => Shape::One(*kind),
            Self::Array(kind, _) => Shape::Array(*kind),
            Self::Each(kind, _) => Shape::Each(*kind),
            Self::Map(_) => Shape::Map,
            Self::EachArray(_) => Shape::EachArray,
        }
    }
}

fn truth(expr: &Expr) -> Checked<Truth> {
    Ok(match expr {
        Expr::Constant(value) => Truth::One(Test::Constant(*value)),
        Expr::Not(inner) => match truth(inner)? {
            Truth::One(test) => Truth::One(Test::Not(Box::new(test))),
            Truth::Each(list) => Truth::Each(List::Not(Box::new(list))),
        },
        Expr::Logic(op, items) => logic(*op, items)?,
        Expr::Comparison(comparison) => match operand(&comparison.subject)? {
            Typed::One(kind, source) => {
                Truth::One(Test::Holds(source, predicate::compile(kind, comparison)?))
            }
            Typed::Each(kind, list) => {
                let predicate = predicate::compile(kind, comparison)?;
                Truth::Each(List::Compared(Box::new((list, predicate))))
            }
            other => return Err(not_comparable(&comparison.subject, other.shape())),
        },
        Expr::Bare(subject) => match operand(subject)? {
            Typed::One(Kind::Boolean, source) => Truth::One(Test::Bare(source)),
            Typed::Each(Kind::Boolean, list) | Typed::Array(Kind::Boolean, list) => {
                Truth::Each(list)
            }
            Typed::One(kind, _) | Typed::Each(kind, _) => {
                let message = format!("{} is {kind}: expected an operator after it", name(subject));
                return Err(ParseError::new(subject.at.0, message));
            }
            other => return Err(not_comparable(subject, other.shape())),
        },
    })
}

fn logic(op: Logic, items: &[Expr]) -> Checked<Truth> {
    let (mut tests, mut lists) = (Vec::new(), Vec::new());
    for item in items {
        match truth(item)? {
            Truth::One(test) => tests.push(test),
            Truth::Each(list) => lists.push(list),
        }
        if !tests.is_empty() && !lists.is_empty() {
            let message = format!(
                "`{op}` joins either single truth values or, within `any(…)` and `all(…)`, those of \
                 arrays; not one with the other"
            );
            return Err(ParseError::new(start(item), message));
        }
    }
    Ok(if tests.is_empty() {
        Truth::Each(List::Logic(op, lists.into()))
    } else {
        let tests = tests.into();
        Truth::One(match op {
            Logic::And => Test::And(tests),
            Logic::Or => Test::Or(tests),
            Logic::Xor => Test::Xor(tests),
        })
    })
}

/// An operand's type, field or call first, then index by index.
fn operand(operand: &Operand) -> Checked<Typed> {
    let mut typed = match &operand.base {
        Base::Field(field) => of_field(*field),
        Base::Call(function, arguments) => call::compile(operand.at.0, *function, arguments)?,
    };
    for (at, index) in &operand.indexes {
        typed = indexed(typed, *at, index)?;
    }
    Ok(typed)
}

fn of_field(field: Field) -> Typed {
    match field {
        Field::Text(field) => Typed::One(Kind::Text, Source::Text(field)),
        Field::Integer(field) => Typed::One(Kind::Integer, Source::Integer(field)),
        Field::Boolean(field) => Typed::One(Kind::Boolean, Source::Boolean(field)),
        Field::Ip(field) => Typed::One(Kind::Ip, Source::Ip(field)),
        Field::Headers => Typed::Map(Map::Headers),
        Field::Arguments => Typed::Map(Map::Arguments),
        Field::ArgumentNames => Typed::Array(Kind::Text, List::ArgumentNames),
        Field::ArgumentValues => Typed::Array(Kind::Text, List::All(Map::Arguments)),
    }
}

fn indexed(typed: Typed, at: At, index: &Index) -> Checked<Typed> {
    Ok(match (typed, index) {
        (Typed::Array(kind, list), Index::Nth(nth)) => {
            Typed::One(kind, Source::Nth(Box::new(list), *nth))
        }
        (Typed::Array(kind, list), Index::Each) => Typed::Each(kind, list),
        (Typed::Map(map), Index::Key(key)) => {
            Typed::Array(Kind::Text, List::Key(map, key.as_slice().into()))
        }
        (Typed::Map(map), Index::Each) => Typed::EachArray(map),
        (Typed::EachArray(map), Index::Nth(nth)) => {
            Typed::Each(Kind::Text, List::NthOfEach(map, *nth))
        }
        (Typed::EachArray(map), Index::Each) => Typed::Each(Kind::Text, List::All(map)),
        (Typed::Array(..) | Typed::EachArray(_), Index::Key(_)) => {
            return Err(ParseError::new(at.0, "an array is indexed by a number or `*`"));
        }
        (Typed::Map(_), Index::Nth(_)) => {
            return Err(ParseError::new(at.0, "a map is indexed by a string or `*`"));
        }
        (Typed::One(kind, _) | Typed::Each(kind, _), _) => {
            return Err(ParseError::new(at.0, format!("{kind} cannot be indexed")));
        }
    })
}

/// An array or a map where one value is needed.
fn not_comparable(operand: &Operand, shape: Shape) -> ParseError {
    let name = name(operand);
    let message = match shape {
        Shape::Map => format!(
            "{name} is {shape}: index it by a string, as in `{}[\"name\"][0]`",
            name.trim_matches('`')
        ),
        Shape::EachArray => format!("{name} is {shape}: index each by a number or `*`"),
        _ => format!(
            "{name} is {shape}: take one value with `[0]`, or each with `[*]` within `any(…)` or \
             `all(…)`"
        ),
    };
    ParseError::new(operand.at.0, message)
}

/// What an operand is called in messages.
fn name(operand: &Operand) -> alloc::string::String {
    match &operand.base {
        Base::Field(field) if operand.indexes.is_empty() => format!("`{}`", field.name()),
        Base::Field(field) => format!("`{}[…]`", field.name()),
        Base::Call(function, _) => format!("`{}(…)`", function.name()),
    }
}

/// Where an expression's first operand stands.
fn start(expr: &Expr) -> usize {
    match expr {
        Expr::Constant(_) => 0,
        Expr::Not(inner) => start(inner),
        Expr::Logic(_, items) => items.first().map_or(0, start),
        Expr::Comparison(comparison) => comparison.subject.at.0,
        Expr::Bare(operand) => operand.at.0,
    }
}
