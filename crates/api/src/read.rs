//! Reads the members of a request body one by one and notes everything that is wrong with them, so
//! that one answer can name it all.
//!
//! A reader gives `None` both for what was not sent and for what was sent wrong; in the second case
//! the problem is noted and the document under construction will be thrown away, whatever default
//! stands in. Null counts as not sent (api.md 1.8) unless a caller asks for it.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::ops::RangeInclusive;

use evenkeel_model::Weight;
use serde_json::{Map, Value};

use crate::Number;
use crate::problem::{Problem, Problems};
use crate::words::Word;

/// A JSON object and where it stands in the body.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    problems: &'a Problems,
}

/// A value that is not an object yet, and where it stands.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    /// The member's name, for messages; an item goes by the name of its list.
    label: &'a str,
    pointer: String,
    problems: &'a Problems,
}

impl<'a> Object<'a> {
    /// The body itself.
    pub(crate) const fn root(members: &'a Map<String, Value>, problems: &'a Problems) -> Self {
        Self { members, pointer: String::new(), problems }
    }

    /// An object that stands somewhere in a body.
    pub(crate) const fn at(
        members: &'a Map<String, Value>,
        pointer: String,
        problems: &'a Problems,
    ) -> Self {
        Self { members, pointer, problems }
    }

    /// A member that was sent and is not null.
    pub(crate) fn get(&self, name: &'a str) -> Option<Node<'a>> {
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, label: name, pointer: self.pointer_to(name), problems: self.problems })
    }

    /// Whether the member was sent and is not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether the member was sent as null.
    pub(crate) fn has_null(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(Value::is_null)
    }

    /// Every member, nulls included.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a String, Node<'a>)> {
        self.members.iter().map(|(name, value)| {
            let pointer = self.pointer_to(name);
            (name, Node { value, label: name, pointer, problems: self.problems })
        })
    }

    /// Notes a problem of the object itself.
    pub(crate) fn problem(&self, reason: fmt::Arguments<'_>) {
        self.problems.invalid(&self.pointer, reason);
    }

    /// Notes a problem of one member.
    pub(crate) fn problem_at(&self, name: &str, reason: fmt::Arguments<'_>) {
        self.problems.invalid(&self.pointer_to(name), reason);
    }

    /// Notes a problem of a member of a member, whether or not either was sent.
    pub(crate) fn problem_in(&self, parent: &str, name: &str, reason: fmt::Arguments<'_>) {
        let pointer = format!("{}/{name}", self.pointer_to(parent));
        self.problems.invalid(&pointer, reason);
    }

    /// Notes a problem of one member that clients know by a code and a sentence of its own.
    pub(crate) fn coded_at(&self, name: &str, code: u32, message: fmt::Arguments<'_>) {
        self.problems.add(|| Problem {
            code,
            pointer: self.pointer_to(name),
            message: format!("{message}"),
        });
    }

    /// Notes that a member's value is taken.
    pub(crate) fn not_unique_at(&self, name: &str) {
        self.problems.not_unique(&self.pointer_to(name));
    }

    /// Notes a problem unless the member was sent.
    pub(crate) fn require(&self, name: &str) {
        if !self.has(name) {
            self.problem_at(name, format_args!("{name} is required"));
        }
    }

    pub(crate) fn boolean(&self, name: &'a str) -> Option<bool> {
        self.get(name)?.boolean()
    }

    pub(crate) fn text(&self, name: &'a str) -> Option<&'a str> {
        self.get(name)?.text()
    }

    /// A text of so many characters.
    pub(crate) fn text_within(
        &self,
        name: &'a str,
        lengths: RangeInclusive<usize>,
    ) -> Option<String> {
        self.get(name)?.text_within(lengths)
    }

    /// A whole number, `30.0` being one.
    pub(crate) fn integer(&self, name: &'a str, range: RangeInclusive<u32>) -> Option<u32> {
        self.get(name)?.integer(range)
    }

    /// A whole number where 0 counts as not sent.
    pub(crate) fn nonzero(&self, name: &'a str, range: RangeInclusive<u32>) -> Option<u32> {
        let node = self.get(name)?;
        let zero = node.value.as_f64() == Some(0.0);
        if zero { None } else { node.integer(range) }
    }

    pub(crate) fn number(&self, name: &'a str, range: RangeInclusive<f64>) -> Option<Number> {
        self.get(name)?.number(range)
    }

    /// A number from 0 to 1 in steps of 0.01.
    pub(crate) fn weight(&self, name: &'a str) -> Option<Number> {
        self.get(name)?.weight()
    }

    pub(crate) fn word<W: Word>(&self, name: &'a str) -> Option<W> {
        self.get(name)?.word()
    }

    /// A list of distinct words.
    pub(crate) fn words<W: Word>(&self, name: &'a str) -> Option<Vec<W>> {
        let items = self.items(name, name, 0..=W::ALL.len())?;
        Some(unique(items, |item| Some((item.text()?, item.word()?))))
    }

    pub(crate) fn object(&self, name: &'a str) -> Option<Object<'a>> {
        self.get(name)?.object()
    }

    /// The items of a list of so many; `what` names it in the message.
    pub(crate) fn items(
        &self,
        name: &'a str,
        what: &str,
        lengths: RangeInclusive<usize>,
    ) -> Option<Vec<Node<'a>>> {
        self.get(name)?.items(what, lengths)
    }

    fn pointer_to(&self, name: &str) -> String {
        // RFC 6901 section 3.
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }
}

impl<'a> Node<'a> {
    /// The member's name, for messages.
    pub(crate) const fn label(&self) -> &'a str {
        self.label
    }

    /// Notes a problem of this value.
    pub(crate) fn problem(&self, reason: fmt::Arguments<'_>) {
        self.problems.invalid(&self.pointer, reason);
    }

    /// Notes that this value is taken.
    pub(crate) fn not_unique(&self) {
        self.problems.not_unique(&self.pointer);
    }

    fn wrong<T>(&self, reason: fmt::Arguments<'_>) -> Option<T> {
        self.problem(reason);
        None
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.value.is_string()
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        let label = self.label;
        self.value.as_bool().or_else(|| self.wrong(format_args!("{label} must be true or false")))
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        let label = self.label;
        self.value.as_str().or_else(|| self.wrong(format_args!("{label} must be a string")))
    }

    pub(crate) fn text_within(&self, lengths: RangeInclusive<usize>) -> Option<String> {
        let text = self.text()?;
        if lengths.contains(&text.chars().count()) {
            return Some(text.to_owned());
        }
        let (label, min, max) = (self.label, lengths.start(), lengths.end());
        self.wrong(format_args!("the {label} length must be in range [{min}, {max}]"))
    }

    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Option<Number> {
        let label = self.label;
        let Some(number) = self.value.as_f64().and_then(Number::new) else {
            return self.wrong(format_args!("{label} must be a number"));
        };
        if range.contains(&number.get()) {
            return Some(number);
        }
        let (min, max) = (range.start(), range.end());
        self.wrong(format_args!("{label} is not in range [{min}, {max}]"))
    }

    pub(crate) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = self.number(f64::from(*range.start())..=f64::from(*range.end()))?;
        let label = self.label;
        number
            .whole()
            .and_then(|whole| u32::try_from(whole).ok())
            .or_else(|| self.wrong(format_args!("{label} must be a whole number")))
    }

    pub(crate) fn weight(&self) -> Option<Number> {
        let number = self.number(0.0..=1.0)?;
        let label = self.label;
        Weight::from_fraction(number.get())
            .map(|_| number)
            .or_else(|| self.wrong(format_args!("{label} must be a multiple of 0.01")))
    }

    pub(crate) fn word<W: Word>(&self) -> Option<W> {
        let text = self.text()?;
        let label = self.label;
        W::parse(text)
            .or_else(|| self.wrong(format_args!("{label} must be one of {}", Listed(W::ALL))))
    }

    pub(crate) fn object(&self) -> Option<Object<'a>> {
        let label = self.label;
        match self.value {
            Value::Object(members) => {
                Some(Object { members, pointer: self.pointer.clone(), problems: self.problems })
            }
            _ => self.wrong(format_args!("{label} must be an object")),
        }
    }

    pub(crate) fn items(
        &self,
        what: &str,
        lengths: RangeInclusive<usize>,
    ) -> Option<Vec<Node<'a>>> {
        let label = self.label;
        let Value::Array(items) = self.value else {
            return self.wrong(format_args!("{label} must be a list"));
        };
        if !lengths.contains(&items.len()) {
            let (min, max) = (lengths.start(), lengths.end());
            return self
                .wrong(format_args!("the {what} list length must be in range [{min}, {max}]"));
        }
        let node = |(index, value)| {
            let pointer = format!("{}/{index}", self.pointer);
            Node { value, label, pointer, problems: self.problems }
        };
        Some(items.iter().enumerate().map(node).collect())
    }
}

/// Reads the items of a list whose keys must differ: the later of two equal ones is noted. Items
/// that cannot be read are left out; their problem is noted by `read`.
pub(crate) fn unique<'a, K: Ord, T>(
    items: Vec<Node<'a>>,
    mut read: impl FnMut(&Node<'a>) -> Option<(K, T)>,
) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        if let Some((key, value)) = read(&item) {
            if !seen.insert(key) {
                item.not_unique();
            }
            values.push(value);
        }
    }
    values
}

/// The words of a set, for a message; the empty word, where there is one, needs no mention.
struct Listed<W: 'static>(&'static [(&'static str, W)]);

impl<W> fmt::Display for Listed<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().map(|(word, _)| *word).filter(|word| !word.is_empty());
        for (place, word) in named.enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{word}")?;
        }
        Ok(())
    }
}

/// A text from the body, cut to what a message can carry, and unable to break a line of a log.
pub(crate) struct Clipped<'a>(pub(crate) &'a str);

impl fmt::Display for Clipped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// As many characters as the longest host name.
        const CHARS_MAX: usize = 253;
        for (place, char) in self.0.chars().enumerate() {
            match char {
                _ if place == CHARS_MAX => return f.write_char('…'),
                char if char.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use serde_json::json;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Colour {
        Unset,
        Red,
        Blue,
    }

    impl Word for Colour {
        const ALL: &'static [(&'static str, Self)] =
            &[("", Self::Unset), ("red", Self::Red), ("blue", Self::Blue)];
    }

    fn read<T>(body: &Value, read: impl Fn(&Object<'_>) -> T) -> (T, Vec<String>) {
        let problems = Problems::default();
        let value = read(&Object::root(body.as_object().unwrap(), &problems));
        let found = problems.unless_any(()).err().unwrap_or_default();
        (value, found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn integers_may_be_written_with_a_fraction_of_zero() {
        for (sent, value, problem) in [
            (json!(30), Some(30), None),
            (json!(30.0), Some(30), None),
            (json!(null), None, None),
            (json!(30.5), None, Some("/n: n must be a whole number: validation failed")),
            (json!(61), None, Some("/n: n is not in range [0, 60]: validation failed")),
            (json!(-1), None, Some("/n: n is not in range [0, 60]: validation failed")),
            (json!(u64::MAX), None, Some("/n: n is not in range [0, 60]: validation failed")),
            (json!("30"), None, Some("/n: n must be a number: validation failed")),
            (json!(true), None, Some("/n: n must be a number: validation failed")),
        ] {
            let (got, problems) = read(&json!({ "n": sent }), |object| object.integer("n", 0..=60));
            assert_eq!(got, value, "{sent}");
            assert_eq!(problems.first().map(String::as_str), problem, "{sent}");
        }
    }

    #[test]
    fn weights_stand_on_the_grid_after_rounding() {
        for (sent, on_grid) in [(json!(0.56), true), (json!(0.57), true), (json!(0.555), false)] {
            let (_, problems) = read(&json!({ "w": sent }), |object| object.weight("w"));
            assert_eq!(problems.is_empty(), on_grid, "{sent}");
        }
    }

    #[test]
    fn words_are_exact_and_the_message_lists_them() {
        let (got, problems) = read(&json!({"c": "Red", "d": "", "e": "blue"}), |object| {
            (object.word::<Colour>("c"), object.word::<Colour>("d"), object.word::<Colour>("e"))
        });
        assert_eq!(got, (None, Some(Colour::Unset), Some(Colour::Blue)));
        assert_eq!(problems, ["/c: c must be one of red, blue: validation failed"]);
    }

    #[test]
    fn pointers_are_escaped() {
        let (_, problems) = read(&json!({"a/b": {"c~d": 1}}), |object| {
            let inner = object.object("a/b").unwrap();
            inner.boolean("c~d")
        });
        assert_eq!(problems, ["/a~1b/c~0d: c~d must be true or false: validation failed"]);
    }

    #[test]
    fn a_repeated_item_is_named_by_its_place() {
        let (got, problems) =
            read(&json!({"c": ["red", "blue", "red", 7]}), |object| object.words::<Colour>("c"));
        assert_eq!(got, None, "more items than words");
        assert_eq!(problems, ["/c: the c list length must be in range [0, 3]: validation failed"]);
        let (_, problems) =
            read(&json!({"c": ["red", "red", 7]}), |object| object.words::<Colour>("c"));
        assert_eq!(
            problems,
            ["/c/1: value not unique", "/c/2: c must be a string: validation failed"]
        );
    }

    #[test]
    fn texts_are_clipped_on_a_character_and_stay_on_their_line() {
        let long = "ü".repeat(300);
        assert_eq!(Clipped(&long).to_string().chars().count(), 254);
        assert_eq!(Clipped("short\r\n").to_string(), "short\u{fffd}\u{fffd}");
    }
}
