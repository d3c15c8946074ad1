//! From the bytes of a request to the whole document meant by it: parsing, and the reduction of
//! PATCH to PUT.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The longest part of a member's name that is repeated in a problem, in characters. A message is
/// for people; the sender knows what it sent.
const NAME_ECHO_MAX: usize = 64;

/// Parses a body. Equal keys in one object are malformed: which of the two was meant nobody knows,
/// and whoever checked the request before us may have read the other. So is nesting beyond
/// serde_json's 128 levels. The caller bounds the size.
///
/// # Errors
/// One problem without a pointer when the body is no JSON object.
pub(crate) fn parse(body: &[u8]) -> Result<Map<String, Value>, Vec<Problem>> {
    match serde_json::from_slice(body) {
        Ok(Unambiguous(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Problem::invalid("", format_args!("the body must be a JSON object")).into()),
        Err(error) => Err(Problem::invalid("", format_args!("malformed JSON: {error}")).into()),
    }
}

/// The body of the PUT that means the same as this PATCH: the document as it is answered, with the
/// members sent replaced whole and those sent as null left out, hence back at their default
/// (api.md 1.8). For `null_keeps`, null changes nothing.
pub(crate) fn overlaid<D: Serialize>(
    current: &D,
    sent: Map<String, Value>,
    null_keeps: &[&str],
) -> Map<String, Value> {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(current) else {
        unreachable!("a document is an object with text keys and finite numbers")
    };
    for (name, value) in sent {
        if !value.is_null() {
            whole.insert(name, value);
        } else if !null_keeps.contains(&name.as_str()) {
            whole.shift_remove(&name);
        }
    }
    whole
}

/// JSON without equal keys.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor).map(Self)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unambiguous(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if members.contains_key(&name) {
                let name: String = name.chars().take(NAME_ECHO_MAX).collect();
                return Err(A::Error::custom(format_args!("the member {name:?} comes twice")));
            }
            let Unambiguous(value) = object.next_value()?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use serde_json::json;

    #[test]
    fn malformed_bodies_are_one_problem_and_never_a_crash() {
        let deep = "[".repeat(100_000);
        let deep_object = r#"{"a":"#.repeat(100_000);
        for body in [
            b"".as_slice(),
            b"{",
            b"{\"a\":NaN}",
            b"{\"a\":1e400}",
            b"{\"a\":1}x",
            b"\xff\xfe",
            b"{\"a\":\"\xff\"}",
            b"[]",
            b"null",
            b"7",
            deep.as_bytes(),
            deep_object.as_bytes(),
        ] {
            let problems = parse(body).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert_eq!((problems[0].code, problems[0].pointer.as_str()), (1002, ""));
            assert!(problems[0].message.ends_with(": validation failed"), "{}", problems[0]);
        }
    }

    #[test]
    fn equal_keys_are_refused_wherever_they_are() {
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"list":[{"a":1,"b":2,"a":3}]}"#,
            r#"{"unknown":{"a":null,"a":null}}"#,
        ] {
            let problems = parse(body.as_bytes()).unwrap_err();
            let message = problems[0].to_string();
            assert!(message.contains("the member \"a\" comes twice at line 1"), "{message}");
        }
        let long = "é".repeat(10_000);
        let problems = parse(alloc::format!(r#"{{"{long}":1,"{long}":1}}"#).as_bytes());
        assert!(problems.unwrap_err()[0].message.chars().count() < 200);
    }

    #[test]
    fn a_body_is_read_as_it_was_sent() {
        let text = r#"{"b":[true,null,-1,18446744073709551615,0.56,"\u0000é"],"a":{"b":{}}}"#;
        let sent: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(parse(text.as_bytes()).unwrap()), sent);
        let names: Vec<_> = parse(text.as_bytes()).unwrap().into_iter().map(|m| m.0).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_patch_overlays_whole_members_and_null_resets() {
        let current = json!({"keep": 1, "nested": {"a": 1, "b": 2}, "reset": 3, "sets": [4]});
        let sent = json!({"nested": {"a": 9}, "reset": null, "sets": null, "unknown": null});
        let Value::Object(sent) = sent else { panic!("an object") };
        let whole = Value::Object(overlaid(&current, sent, &["sets"]));
        assert_eq!(whole.to_string(), r#"{"keep":1,"nested":{"a":9},"sets":[4]}"#.to_string());
    }
}
