//! From the bytes of a request to the whole document meant by it: parsing, and the reduction of
//! PATCH to PUT.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Parses a body. Of equal keys the last one counts; nesting beyond serde_json's 128 levels is
/// malformed. The caller bounds the size.
///
/// # Errors
/// One problem without a pointer when the body is no JSON object.
pub(crate) fn parse(body: &[u8]) -> Result<Map<String, Value>, Vec<Problem>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
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
    fn of_equal_keys_the_last_counts() {
        assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap().get("a"), Some(&json!(2)));
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
