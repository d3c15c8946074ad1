//! That what Cloudflare's API does not have is what `openapi/explain.json` promises.

use std::collections::BTreeSet;

use super::*;

/// The description as it is served.
pub(super) async fn describe(api: &Api) -> Value {
    let request = Request::get("/evenkeel/v1/openapi.json").body(Body::empty()).unwrap();
    let answer = api.send(request).await;
    assert_eq!(answer.status, 200);
    answer.body
}

/// What of a value breaks a schema, as far as our description uses JSON Schema.
pub(super) fn breaches(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return breaches(document, schema, value, at);
    }
    let mut found = Vec::new();
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allows = |allowed: &Value| allowed == kind || (allowed == "number" && kind == "integer");
    match &schema["type"] {
        Value::Null => {}
        Value::Array(kinds) if kinds.iter().any(allows) => {}
        one if allows(one) => {}
        other => found.push(format!("{at}: {kind} instead of {other}")),
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} instead of {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{at}: {value} is not listed"));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(breaches(document, &schema["items"], item, &format!("{at}/{n}")));
    }
    let members = value.as_object().cloned().unwrap_or_default();
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in &members {
        match schema["properties"].get(name) {
            Some(schema) => {
                found.extend(breaches(document, schema, member, &format!("{at}/{name}")));
            }
            None if schema["additionalProperties"] == false => {
                found.push(format!("{at}/{name} is not described"));
            }
            None => {}
        }
    }
    found
}

#[tokio::test]
async fn every_route_is_described_and_every_description_has_a_route() {
    let api = Api::start().await;
    let document = describe(&api).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
            assert!(operation["summary"].is_string(), "{name}");
            described.insert(name);
        }
    }
    let (_, served) = super::super::own(Arc::clone(&api.app)).finish();
    let served = served.iter().map(|(method, path)| format!("{method} {path}"));
    assert_eq!(served.collect::<BTreeSet<_>>(), described);
    let text = document.to_string();
    for part in text.split("\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
}

#[tokio::test]
async fn only_the_description_needs_no_token() {
    let api = Api::start().await;
    let document = describe(&api).await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let is_open = operation["security"] == json!([]);
            let method = method.to_uppercase();
            let request =
                Request::builder().method(&*method).uri(path).body(Body::empty()).unwrap();
            let status = api.send(request).await.status;
            assert_eq!(status, if is_open { 200 } else { 401 }, "{method} {path}");
        }
    }
}
