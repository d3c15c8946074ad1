//! `lookup_json_string` and `lookup_json_integer`: a value of a JSON document, by its path.
//!
//! The document is read once and nothing of it is kept; what lies beside the path is skipped. Where
//! an object repeats a name, its last value counts. What is not JSON has no values.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step of a path.
#[derive(Debug)]
pub(crate) enum JsonKey {
    /// Member of an object.
    Name(Box<[u8]>),
    /// Element of an array, from 0.
    Index(usize),
}

/// What kind of value is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonKind {
    String,
    Integer,
}

/// A string or an integer of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found<'t> {
    String(Cow<'t, str>),
    Integer(i64),
}

/// The value at a path, if there is one and it is a string or an integer.
pub(super) fn lookup<'t>(text: &'t [u8], path: &[JsonKey]) -> Option<Found<'t>> {
    let mut document = serde_json::Deserializer::from_slice(text);
    let found = Lookup(path).deserialize(&mut document).ok()?;
    document.end().ok()?;
    found
}

/// The rest of a path, to be followed from here.
struct Lookup<'p>(&'p [JsonKey]);

impl<'t> DeserializeSeed<'t> for Lookup<'_> {
    type Value = Option<Found<'t>>;

    fn deserialize<D: Deserializer<'t>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'t> Lookup<'_> {
    /// The value here, if the path ends here.
    fn here<E>(&self, found: Found<'t>) -> Result<Option<Found<'t>>, E> {
        Ok(self.0.is_empty().then_some(found))
    }
}

impl<'t> Visitor<'t> for Lookup<'_> {
    type Value = Option<Found<'t>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.here(Found::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.here(Found::Integer(value)),
            Err(_) => Ok(None),
        }
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> Result<Self::Value, E> {
        self.here(Found::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        self.here(Found::String(Cow::Owned(String::from(value))))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let [JsonKey::Index(index), path @ ..] = self.0 {
            let mut before = *index;
            while before > 0 && elements.next_element::<IgnoredAny>()?.is_some() {
                before -= 1;
            }
            if before == 0 {
                found = elements.next_element_seed(Lookup(path))?.flatten();
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let [JsonKey::Name(name), path @ ..] = self.0 {
            while let Some(is_named) = members.next_key_seed(IsNamed(name))? {
                if is_named {
                    found = members.next_value_seed(Lookup(path))?;
                } else {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        } else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        Ok(found)
    }
}

/// Whether a member has this name.
struct IsNamed<'p>(&'p [u8]);

impl<'t> DeserializeSeed<'t> for IsNamed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'t>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for IsNamed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name.as_bytes() == self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn path(keys: &[&str]) -> Vec<JsonKey> {
        let key = |key: &&str| match key.parse() {
            Ok(index) => JsonKey::Index(index),
            Err(_) => JsonKey::Name(key.as_bytes().into()),
        };
        keys.iter().map(key).collect()
    }

    #[test]
    fn follows_paths() {
        let integer = |value| Some(Found::Integer(value));
        let string = |value: &str| Some(Found::String(Cow::Owned(value.into())));
        let rows: [(&str, &[&str], _); 22] = [
            (r#"{"record_id": "aed53a", "version": 2}"#, &["version"], integer(2)),
            (r#"{"record_id": "aed53a", "version": 2}"#, &["record_id"], string("aed53a")),
            (r#"{"product": {"id": 356}}"#, &["product", "id"], integer(356)),
            (r#"["first_item", -234]"#, &["1"], integer(-234)),
            (r#"["first_item", -234]"#, &["2"], None),
            (r#"{"network_ids": [123, 456]}"#, &["network_ids", "0"], integer(123)),
            (r#"[{"product_id": 123}, {"product_id": 456}]"#, &["1", "product_id"], integer(456)),
            (r#"{"a": 42.0}"#, &["a"], None),
            (r#"{"a": 9223372036854775807}"#, &["a"], integer(i64::MAX)),
            (r#"{"a": 9223372036854775808}"#, &["a"], None),
            (r#"{"a": null, "b": true}"#, &["a"], None),
            (r#"{"a": null, "b": true}"#, &["b"], None),
            (r#"{"a": {"b": 1}}"#, &["a"], None),
            (r#"{"a": 1}"#, &["a", "b"], None),
            (r#"{"a": [1]}"#, &["a", "b"], None),
            (r#"{"0": 1}"#, &["0"], None),
            (r#"{"a": 1, "a": 2}"#, &["a"], integer(2)),
            (r#"{"a\u0062": "c\nd"}"#, &["ab"], string("c\nd")),
            (r#"{"a": 1}, "#, &["a"], None),
            (r#"{"a": 1"#, &["a"], None),
            ("", &["a"], None),
            ("a=1", &["a"], None),
        ];
        for (text, keys, expected) in rows {
            assert_eq!(lookup(text.as_bytes(), &path(keys)), expected, "{text} {keys:?}");
        }
    }

    #[test]
    fn deep_documents_do_not_overflow() {
        let deep = "[".repeat(100_000);
        assert_eq!(lookup(deep.as_bytes(), &path(&["1"])), None);
        assert_eq!(lookup(deep.as_bytes(), &path(&["0"; 1000])), None);
        assert_eq!(lookup(b"[[\"\xff\"]]", &path(&["0", "0"])), None);
    }
}
