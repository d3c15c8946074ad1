//! What differs between two documents, field by field.
//!
//! Items of a list are told apart by their names where they all have different ones, so that an
//! endpoint that joins at the front is one addition and not a change of all that follow.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::{Value, json};

/// Members that say when and in what state a document was read, not what it is.
const UNWRITTEN: [&str; 14] = [
    "created",
    "created_on",
    "modified",
    "modified_on",
    "last_success",
    "last_failure",
    "created_at",
    "updated_at",
    "activated_on",
    "disabled_at",
    "healthy",
    "failure_reason",
    "name_servers",
    "owner",
];

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The way to it by member names and places, or names, of items: `origins.web-1.weight`.
    pub path: String,
    /// Its value before; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent when it is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every field that differs, in the order of the documents.
pub(super) fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            for key in after.keys().chain(gone) {
                if !UNWRITTEN.contains(&key.as_str()) {
                    compare(&below(path, key), before.get(key), after.get(key), changes);
                }
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if is_structured(old, new) => {
            items(path, old, new, changes);
        }
        (before, after) => changes.push(FieldChange {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// Whether items are objects, whose own fields are compared; a list of words is one value.
fn is_structured(old: &[Value], new: &[Value]) -> bool {
    old.iter().chain(new).all(Value::is_object)
}

fn items(path: &str, old: &[Value], new: &[Value], changes: &mut Vec<FieldChange>) {
    let (Some(old_names), Some(new_names)) = (names(old), names(new)) else {
        for place in 0..old.len().max(new.len()) {
            compare(&below(path, &place.to_string()), old.get(place), new.get(place), changes);
        }
        return;
    };
    let find = |names: &BTreeMap<&str, usize>, items: &'_ [Value], name: &str| {
        names.get(name).and_then(|place| items.get(*place).cloned())
    };
    let listed = |items: &[Value]| -> Vec<Value> {
        items.iter().map(|item| item[key(item)].clone()).collect()
    };
    for item in new {
        let name = item[key(item)].as_str().unwrap_or_default();
        compare(&below(path, name), find(&old_names, old, name).as_ref(), Some(item), changes);
    }
    for item in old {
        let name = item[key(item)].as_str().unwrap_or_default();
        if !new_names.contains_key(name) {
            compare(&below(path, name), Some(item), None, changes);
        }
    }
    let kept = |items: &[Value], others: &BTreeMap<&str, usize>| -> Vec<Value> {
        let is_kept = |name: &Value| name.as_str().is_some_and(|name| others.contains_key(name));
        listed(items).into_iter().filter(is_kept).collect()
    };
    let (was, is) = (kept(old, &new_names), kept(new, &old_names));
    if was != is {
        changes.push(FieldChange {
            path: format!("{path} (order)"),
            before: Some(json!(was)),
            after: Some(json!(is)),
        });
    }
}

/// Places by name, when every item has one of its own.
fn names(items: &[Value]) -> Option<BTreeMap<&str, usize>> {
    let mut names = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let name = item[key(item)].as_str().filter(|name| !name.is_empty())?;
        if names.insert(name, place).is_some() {
            return None;
        }
    }
    Some(names)
}

/// The member that items go by.
fn key(item: &Value) -> &'static str {
    if item.get("monitor_id").is_some() { "monitor_id" } else { "name" }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn lines(before: &Value, after: &Value) -> Vec<String> {
        let shown = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let line = |change: &FieldChange| {
            format!("{} {} {}", change.path, shown(&change.before), shown(&change.after))
        };
        fields(before, after).iter().map(line).collect()
    }

    #[test]
    fn fields_differ_one_by_one() {
        let before = json!({"name": "a", "ttl": 30, "modified_on": "x", "deep": {"a": 1, "b": 2}, "gone": null});
        let after = json!({"name": "a", "ttl": 60, "modified_on": "y", "deep": {"a": 1, "b": 3}, "new": []});
        assert_eq!(lines(&before, &after), ["ttl 30 60", "deep.b 2 3", "new - []", "gone null -"]);
        assert_eq!(lines(&before, &before), [""; 0]);
    }

    #[test]
    fn named_items_are_told_apart_by_their_names() {
        let before = json!({"origins": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]});
        let after = json!({"origins": [
            {"name": "c", "weight": 1}, {"name": "b", "weight": 0.5}, {"name": "a", "weight": 1},
        ]});
        assert_eq!(
            lines(&before, &after),
            [
                r#"origins.c - {"name":"c","weight":1}"#,
                "origins.b.weight 1 0.5",
                r#"origins (order) ["a","b"] ["b","a"]"#,
            ]
        );
        let unnamed = json!({"origins": [{"weight": 1}, {"weight": 2}]});
        let fewer = json!({"origins": [{"weight": 2}]});
        assert_eq!(
            lines(&unnamed, &fewer),
            ["origins.0.weight 1 2", r#"origins.1 {"weight":2} -"#]
        );
    }

    #[test]
    fn lists_of_words_are_one_value() {
        let (before, after) = (json!({"pools": ["a", "b"]}), json!({"pools": ["b"]}));
        assert_eq!(lines(&before, &after), [r#"pools ["a","b"] ["b"]"#]);
    }
}
