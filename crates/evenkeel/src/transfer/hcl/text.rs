//! The letters of HCL: names of resources, quoted texts, values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

/// Names given so far, which must differ within a kind.
#[derive(Default)]
pub(super) struct Names(BTreeSet<(&'static str, String)>);

impl Names {
    /// A name for a resource, as close to its label as HCL lets it be.
    pub(super) fn make(&mut self, kind: &'static str, label: &str) -> String {
        let letters = label.chars().map(|letter| match letter {
            'a'..='z' | '0'..='9' | '_' => letter,
            'A'..='Z' => letter.to_ascii_lowercase(),
            '*' => 'x',
            _ => '_',
        });
        let mut base: String = letters.collect();
        if !base.starts_with(|first: char| first.is_ascii_lowercase() || first == '_') {
            base.insert(0, '_');
        }
        let mut name = base.clone();
        let mut number = 1;
        while !self.0.insert((kind, name.clone())) {
            number += 1;
            name = format!("{base}_{number}");
        }
        name
    }
}

/// A value; ids that have a reference are written as one, as keys too.
pub(super) fn expression(
    value: &Value,
    depth: usize,
    references: &BTreeMap<String, String>,
) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::String(text) => references.get(text).cloned().unwrap_or_else(|| quoted(text)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().map(|item| expression(item, depth + 1, references));
            let lines: String = items.map(|item| format!("{inner}{item},\n")).collect();
            format!("[\n{lines}{outer}]")
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| expression(item, depth, references));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let pairs = members.iter().map(|(key, value)| {
                let key = match references.get(key) {
                    Some(reference) => format!("({reference})"),
                    None if is_identifier(key) => key.clone(),
                    None => quoted(key),
                };
                (key, expression(value, depth + 1, references))
            });
            format!("{{\n{}{outer}}}", attributes(&pairs.collect::<Vec<_>>(), &inner))
        }
        value => value.to_string(),
    }
}

/// Attributes on lines of their own, in the canonical style: neighbours that take one line each have
/// their signs below each other.
pub(super) fn attributes(pairs: &[(String, String)], indent: &str) -> String {
    let mut text = String::new();
    let is_flat = |value: &str| !value.contains('\n');
    for run in pairs.chunk_by(|(_, one), (_, next)| is_flat(one) && is_flat(next)) {
        let width = run.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
        for (key, value) in run {
            writeln!(text, "{indent}{key:width$} = {value}").expect("strings grow");
        }
    }
    text
}

/// A text in quotes. Templates are none.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if letters.peek() == Some(&'{') => quoted.extend([letter, letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A text that stays within its comment.
pub(super) fn commented(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_identifiers_and_differ() {
        let mut names = Names::default();
        for (label, name) in [
            ("eu-west", "eu_west"),
            ("EU.west", "eu_west_2"),
            ("*.example.com", "x_example_com"),
            ("", "_"),
            ("1", "_1"),
            ("Grün", "gr_n"),
        ] {
            assert_eq!(names.make("kind", label), name, "{label}");
        }
        assert_eq!(names.make("another", "eu-west"), "eu_west");
    }

    #[test]
    fn texts_are_no_templates() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            (r#"a "b" \c"#, r#""a \"b\" \\c""#),
            ("${x} %{y} $5 %", r#""$${x} %%{y} $5 %""#),
            ("a\nb\u{1}", r#""a\nb\u0001""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn ids_become_references() {
        let references = BTreeMap::from([("1".to_owned(), "kind.a.id".to_owned())]);
        let value = json!({ "pools": ["1", "2"], "weights": { "1": 0.5 }, "WEU": [], "x-y": [{ "a": true }] });
        let expected = "{
  pools = [kind.a.id, \"2\"]
  weights = {
    (kind.a.id) = 0.5
  }
  WEU = []
  \"x-y\" = [
    {
      a = true
    },
  ]
}";
        assert_eq!(expression(&value, 0, &references), expected);
    }
}
