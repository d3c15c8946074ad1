//! One value.

use alloc::boxed::Box;
use core::ops::ControlFlow;

use super::{Evaluation, Function, List, Test, Value};
use crate::field::{BooleanField, IntegerField, IpField, TextField};
use crate::syntax::Constant;

/// Where one value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Constant(Constant),
    Text(TextField),
    Integer(IntegerField),
    Boolean(BooleanField),
    Ip(IpField),
    /// The nth value of a list, from 0.
    Nth(Box<List>, u32),
    /// How many values a list has.
    Count(Box<List>),
    /// What becomes of a value.
    Call(Box<(Self, Function)>),
    /// Whether a test holds.
    Test(Box<Test>),
    /// Whether booleans are true.
    Quantified(Quantifier, Box<List>),
}

/// How many booleans of a list have to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

impl Source {
    /// The value, or `None` where it is missing.
    pub(crate) fn value<'a>(&'a self, e: &Evaluation<'a>) -> Option<Value<'a>> {
        match self {
            Self::Constant(constant) => Some(match constant {
                Constant::Text(text) => Value::text(text),
                Constant::Integer(value) => Value::Integer(*value),
                Constant::Boolean(value) => Value::Boolean(*value),
                Constant::Ip(address) => Value::Ip(*address),
            }),
            Self::Text(field) if field.mode().covers(e.proxied) => {
                e.facts.text(*field).map(Value::Text)
            }
            Self::Integer(field) if field.mode().covers(e.proxied) => {
                e.facts.integer(*field).map(Value::Integer)
            }
            Self::Boolean(field) if field.mode().covers(e.proxied) => {
                e.facts.boolean(*field).map(Value::Boolean)
            }
            Self::Text(_) | Self::Integer(_) | Self::Boolean(_) => None,
            Self::Ip(field) => e.facts.ip(*field).map(|address| Value::Ip(address.to_canonical())),
            Self::Nth(list, nth) => list.nth(e, *nth),
            Self::Count(list) => {
                let mut count = 0;
                list.visit(e, &mut |_| {
                    count += 1;
                    ControlFlow::Continue(())
                })?;
                Some(Value::Integer(count))
            }
            Self::Call(call) => {
                let (subject, function) = &**call;
                // The subject first: where it is missing, the arguments do not matter.
                let subject = subject.value(e)?;
                function.bind(e)?.apply(subject)
            }
            Self::Test(test) => Some(Value::Boolean(test.holds(e))),
            Self::Quantified(quantifier, list) => {
                let decisive = *quantifier == Quantifier::Any;
                let mut result = !decisive;
                list.visit(e, &mut |value| {
                    if (value == Some(Value::Boolean(true))) == decisive {
                        result = decisive;
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                })?;
                Some(Value::Boolean(result))
            }
        }
    }
}
