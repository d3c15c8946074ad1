//! The body of a change, put together from a file, flags and assignments, in that order.
//!
//! A PATCH replaces its top-level members whole (api.md 1.8). So a part of a member is changed by
//! sending the whole member, taken from the object as it is.

use std::io::Read as _;

use serde_json::{Map, Value};

use crate::cli::BodyArgs;
use crate::exit::Failure;

/// A body under construction.
#[derive(Debug)]
pub(crate) struct Body {
    /// The object that is changed; null when one is made.
    current: Value,
    sent: Map<String, Value>,
}

/// One step of a path: a member's name or an item's place. What it is depends on what stands there.
type Path<'a> = Vec<std::borrow::Cow<'a, str>>;

impl Body {
    /// What `--body` begins with; `current` is the object that is changed, or null.
    ///
    /// # Errors
    /// When the file cannot be read or holds no JSON object.
    pub(crate) fn begin(args: &BodyArgs, current: Value) -> Result<Self, Failure> {
        let sent = match &args.body {
            None => Map::new(),
            Some(file) => read(file)?,
        };
        Ok(Self { current, sent })
    }

    /// A member's value as it is going to be, if it is known.
    pub(crate) fn get(&self, member: &str) -> Option<&Value> {
        self.sent.get(member).or_else(|| self.current.get(member))
    }

    /// Whether the member is sent.
    pub(crate) fn sends(&self, member: &str) -> bool {
        self.sent.contains_key(member)
    }

    /// Sets a member whose name is fixed, when there is a value for it.
    pub(crate) fn put(&mut self, member: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.sent.insert(member.to_owned(), value.into());
        }
    }

    /// Sets a member of a member, keeping the others of it.
    pub(crate) fn put_in(&mut self, member: &str, key: &str, value: impl Into<Value>) {
        let place = self.object(member);
        place.insert(key.to_owned(), value.into());
    }

    /// Takes a member of a member away.
    pub(crate) fn remove_in(&mut self, member: &str, key: &str) {
        self.object(member).shift_remove(key);
    }

    /// Sets the assignments of `--set`.
    ///
    /// # Errors
    /// When a path leads nowhere.
    pub(crate) fn assign(&mut self, assignments: &[(String, Value)]) -> Result<(), Failure> {
        for (path, value) in assignments {
            self.assign_one(path, value)
                .map_err(|problem| Failure::Usage(format!("--set {path}: {problem}")))?;
        }
        Ok(())
    }

    /// What is sent.
    pub(crate) fn finish(self) -> Value {
        Value::Object(self.sent)
    }

    fn assign_one(&mut self, path: &str, value: &Value) -> Result<(), String> {
        let steps = steps(path);
        let Some((member, below)) = steps.split_first() else {
            return Err("names no field".to_owned());
        };
        if below.is_empty() {
            self.sent.insert(member.to_string(), value.clone());
            return Ok(());
        }
        let mut place = self.member(member);
        for step in below {
            // What is not there yet, or is null, becomes an object.
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(members) => members.entry(step.to_string()).or_insert(Value::Null),
                Value::Array(items) => {
                    let count = items.len();
                    let at: usize = step
                        .parse()
                        .ok()
                        .filter(|at| *at <= count)
                        .ok_or_else(|| format!("{step} is no place in a list of {count}"))?;
                    if at == count {
                        items.push(Value::Null);
                    }
                    &mut items[at]
                }
                value => return Err(format!("nothing is below {value}, so not {step} either")),
            };
        }
        *place = value.clone();
        Ok(())
    }

    /// A member to be changed in part: as sent so far, or as it is.
    fn member(&mut self, name: &str) -> &mut Value {
        let current = self.current.get(name).cloned().unwrap_or(Value::Null);
        self.sent.entry(name).or_insert(current)
    }

    fn object(&mut self, name: &str) -> &mut Map<String, Value> {
        let member = self.member(name);
        if !member.is_object() {
            *member = Value::Object(Map::new());
        }
        member.as_object_mut().expect("it was made one")
    }
}

/// `origins.0.weight`, or a JSON pointer where a name has a dot in it.
fn steps(path: &str) -> Path<'_> {
    match path.strip_prefix('/') {
        Some(pointer) => {
            let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~").into();
            pointer.split('/').map(unescape).collect()
        }
        None => path.split('.').map(Into::into).collect(),
    }
}

fn read(file: &std::path::Path) -> Result<Map<String, Value>, Failure> {
    let name = file.display();
    let text = if file == std::path::Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(Failure::doing(format!("reading {name}")))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::Usage(format!("--body: {name} is no JSON object"))),
        Err(error) => Err(Failure::Usage(format!("--body: {name} is no JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(current: Value, assignments: &[(&str, Value)]) -> Result<Value, Failure> {
        let mut body = Body::begin(&BodyArgs::default(), current)?;
        let owned: Vec<_> =
            assignments.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        body.assign(&owned)?;
        Ok(body.finish())
    }

    #[test]
    fn a_part_of_a_member_keeps_the_rest_of_it() {
        let pool = json!({ "name": "a", "origins": [{ "address": "x", "weight": 1 }] });
        for (path, value, sent) in [
            ("name", json!("b"), json!({ "name": "b" })),
            ("origins.0.weight", json!(0), json!({ "origins": [{ "address": "x", "weight": 0 }] })),
            (
                "/origins/0/weight",
                json!(0),
                json!({ "origins": [{ "address": "x", "weight": 0 }] }),
            ),
            (
                "load_shedding.default_percent",
                json!(5),
                json!({ "load_shedding": { "default_percent": 5 } }),
            ),
            ("monitor", json!(null), json!({ "monitor": null })),
        ] {
            assert_eq!(body(pool.clone(), &[(path, value)]).unwrap(), sent, "{path}");
        }
        let sent = body(pool, &[("origins.1.address", json!("y"))]).unwrap();
        assert_eq!(sent["origins"][1], json!({ "address": "y" }));
        assert_eq!(sent["origins"][0]["address"], "x");
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        let pool = json!({ "name": "a", "origins": [] });
        for path in ["origins.1.weight", "origins.first", "name.first"] {
            let Err(Failure::Usage(problem)) = body(pool.clone(), &[(path, json!(1))]) else {
                panic!("{path} was taken");
            };
            assert!(problem.contains(path), "{problem}");
        }
    }
}
