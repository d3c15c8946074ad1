//! Many values.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::{Evaluation, Function, Predicate, Value, arguments};
use crate::syntax::Logic;

/// Where many values come from.
#[derive(Debug)]
pub(crate) enum List {
    /// Values of the headers or arguments of a name. Missing if there is none.
    Key(Map, Box<[u8]>),
    /// Values of every name.
    All(Map),
    /// The nth value of every name that has so many.
    NthOfEach(Map, u32),
    /// Names of the arguments.
    ArgumentNames,
    /// What becomes of each value.
    Mapped(Box<(Self, Function)>),
    /// Whether a predicate holds, of each value.
    Compared(Box<(Self, Predicate)>),
    /// Each boolean's opposite.
    Not(Box<Self>),
    /// Booleans combined one by one, as many as the shortest list has. At least one list.
    Logic(Logic, Box<[Self]>),
    /// One list after the other.
    Joined(Box<[Self]>),
}

/// Which map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Map {
    Headers,
    Arguments,
}

/// What a list's values are passed to, until it breaks, which is no failure of the list's. A single
/// value can be missing.
type Visitor<'a, 'v> = dyn FnMut(Option<Value<'a>>) -> ControlFlow<()> + 'v;

impl List {
    /// Visits the values in order. `None` if the list is missing; nothing was visited then.
    pub(crate) fn visit<'a>(
        &'a self,
        e: &Evaluation<'a>,
        each: &mut Visitor<'a, '_>,
    ) -> Option<()> {
        match self {
            Self::Key(map, key) => {
                let mut found = None;
                map.visit(e, Some(key), &mut |_, value| {
                    found = Some(());
                    each(Some(Value::Text(value)))
                })?;
                found
            }
            Self::All(map) => map.visit(e, None, &mut |_, value| each(Some(Value::Text(value)))),
            Self::NthOfEach(map, nth) => {
                let mut seen = BTreeMap::new();
                map.visit(e, None, &mut |name, value| {
                    let before = seen.entry(map.key(name)).or_insert(0);
                    *before += 1;
                    if *before == u64::from(*nth) + 1 {
                        each(Some(Value::Text(value)))
                    } else {
                        ControlFlow::Continue(())
                    }
                })
            }
            Self::ArgumentNames => {
                arguments::visit(e, &mut |name, _| each(Some(Value::Text(name))))
            }
            Self::Mapped(mapped) => {
                let (list, function) = &**mapped;
                // Once, not per value: nested calls would multiply.
                let bound = function.bind(e)?;
                list.visit(e, &mut |value| each(value.and_then(|value| bound.apply(value))))
            }
            Self::Compared(compared) => {
                let (list, predicate) = &**compared;
                list.visit(e, &mut |value| {
                    let holds = value.is_some_and(|value| predicate.holds(&value));
                    each(Some(Value::Boolean(holds)))
                })
            }
            Self::Not(list) => list.visit(e, &mut |value| {
                each(Some(Value::Boolean(value != Some(Value::Boolean(true)))))
            }),
            Self::Logic(op, lists) => {
                let _: ControlFlow<()> = combine(*op, lists, e)?
                    .into_iter()
                    .try_for_each(|value| each(Some(Value::Boolean(value))));
                Some(())
            }
            Self::Joined(lists) => {
                // All or nothing, so the last has to be known before the first is passed on.
                let mut values = Vec::new();
                for list in lists {
                    list.visit(e, &mut |value| {
                        values.push(value);
                        ControlFlow::Continue(())
                    })?;
                }
                let _: ControlFlow<()> = values.into_iter().try_for_each(each);
                Some(())
            }
        }
    }

    /// The nth value, from 0, or `None` where there is none.
    pub(crate) fn nth<'a>(&'a self, e: &Evaluation<'a>, nth: u32) -> Option<Value<'a>> {
        let (mut left, mut found) = (nth, None);
        self.visit(e, &mut |value| {
            if left == 0 {
                found = value;
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        })?;
        found
    }

    /// The values of a list of booleans.
    fn booleans(&self, e: &Evaluation<'_>) -> Option<Vec<bool>> {
        let mut values = Vec::new();
        self.visit(e, &mut |value| {
            values.push(value == Some(Value::Boolean(true)));
            ControlFlow::Continue(())
        })?;
        Some(values)
    }
}

fn combine(op: Logic, lists: &[List], e: &Evaluation<'_>) -> Option<Vec<bool>> {
    let (first, others) = lists.split_first()?;
    let mut combined = first.booleans(e)?;
    for list in others {
        let values = list.booleans(e)?;
        combined.truncate(values.len());
        for (left, right) in combined.iter_mut().zip(values) {
            *left = match op {
                Logic::And => *left && right,
                Logic::Or => *left || right,
                Logic::Xor => *left ^ right,
            };
        }
    }
    Some(combined)
}

impl Map {
    /// Visits names and values, of one name or of all. `None` if there is no such map.
    fn visit<'a>(
        self,
        e: &Evaluation<'a>,
        key: Option<&[u8]>,
        each: &mut arguments::Visitor<'a, '_>,
    ) -> Option<()> {
        match self {
            Self::Headers if !e.proxied => None,
            // Keys are lower-case. Asking for another would find what is not there.
            Self::Headers if key.is_some_and(|key| key.iter().any(u8::is_ascii_uppercase)) => {
                Some(())
            }
            Self::Headers => {
                e.facts.each_header(key, &mut |name, value| {
                    each(Cow::Borrowed(name), Cow::Borrowed(value))
                });
                Some(())
            }
            Self::Arguments => arguments::visit(e, &mut |name, value| {
                if key.is_none_or(|key| *name == *key) {
                    each(name, value)
                } else {
                    ControlFlow::Continue(())
                }
            }),
        }
    }

    /// What tells names apart.
    fn key<'a>(self, name: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        match self {
            Self::Headers if name.iter().any(u8::is_ascii_uppercase) => {
                Cow::Owned(name.to_ascii_lowercase())
            }
            Self::Headers | Self::Arguments => name,
        }
    }
}
