//! Lists of attributes, and the values that want some care.

use crate::wire::{AnyValue, KeyValue, Value};

/// Attributes of a span or a resource, in the order they were added.
#[derive(Debug, Default)]
pub(crate) struct Attributes(pub(crate) Vec<KeyValue>);

impl Attributes {
    pub(crate) fn text(&mut self, key: &str, text: impl Into<String>) {
        self.add(key, Value::Text(text.into()));
    }

    pub(crate) fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(crate) fn number(&mut self, key: &str, number: u64) {
        self.add(key, Value::Number(i64::try_from(number).unwrap_or(i64::MAX)));
    }

    pub(crate) fn flag(&mut self, key: &str, flag: bool) {
        self.add(key, Value::Bool(flag));
    }

    fn add(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) });
    }
}

/// Methods that attributes may name; others are `_OTHER`, because everybody can invent them.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The method as `http.request.method` has it, if it is a known one.
pub(crate) fn known_method(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method)
}

/// Parts of a query that are signatures of who may see something: attributes never carry them
/// (semantic conventions, `url.query`).
const SECRET_KEYS: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];

/// A target's path and query, the query without its secrets.
pub(crate) fn path_and_query(target: &str) -> (&str, Option<String>) {
    // Absolute form: the host is told elsewhere.
    let target = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => target,
    };
    match target.split_once('?') {
        Some((path, query)) => {
            (path, Some(query.split('&').map(redacted).collect::<Vec<_>>().join("&")))
        }
        None => (target, None),
    }
}

fn redacted(part: &str) -> String {
    match part.split_once('=') {
        Some((key, _)) if SECRET_KEYS.contains(&key) => format!("{key}=REDACTED"),
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_come_apart() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a/b?c=d&e", "/a/b", Some("c=d&e")),
            ("/a?", "/a", Some("")),
            ("http://host.example/a?b", "/a", Some("b")),
            ("http://host.example", "/", None),
            ("/go?to=http://x/y", "/go", Some("to=http://x/y")),
            ("/go/http://x", "/go/http://x", None),
            ("*", "*", None),
            ("/f?sig=abc&x=1&Signature=d=e", "/f", Some("sig=REDACTED&x=1&Signature=REDACTED")),
        ] {
            let (have, rest) = path_and_query(target);
            assert_eq!((have, rest.as_deref()), (path, query), "{target}");
        }
    }
}
