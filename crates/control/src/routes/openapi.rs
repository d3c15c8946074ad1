//! The description of the API in OpenAPI 3.1, made from the operations that serve it and from the
//! types that they take and answer.
//!
//! A request body is described by the document it becomes: without what only the server writes,
//! with everything else optional and nullable (api.md 1.8), except what a new one must be given.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::response::IntoResponse;
use evenkeel_api::envelope::{ApiMessage, ResultInfo};
use http::header;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::BASE;
use super::operation::{AnswerOf, BodyOf, Operation, SchemaOf, id};
use crate::permission::{Access, Group, Needs};

/// Where schemas are kept.
const COMPONENTS: &str = "/components/schemas";
/// What a reference to one begins with.
const REFERENCE: &str = "#/components/schemas/";
/// Ends the name of a schema for bodies.
const BODY: &str = "Body";

/// The whole description.
pub(super) fn describe(operations: &[Operation]) -> Bytes {
    let mut describer = Describer::new();
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = describer.operation(operation);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Evenkeel",
            "description": "The control plane of Evenkeel, in the shape of the Cloudflare API.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "security": [{ "api_token": [] }, { "api_email": [], "api_key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "api_token": { "type": "http", "scheme": "bearer" },
                "api_email": { "type": "apiKey", "in": "header", "name": "X-Auth-Email" },
                "api_key": { "type": "apiKey", "in": "header", "name": "X-Auth-Key" },
            },
            "responses": { "Failure": failure() },
            "schemas": describer.schemas(),
        },
    });
    for_readers(&mut document);
    let mut text = serde_json::to_vec_pretty(&document).expect("values have text keys");
    text.push(b'\n');
    text.into()
}

/// Serves it. Needs no credentials.
pub(super) fn answer(description: &Bytes) -> impl IntoResponse + use<> {
    let media_type = "application/vnd.oai.openapi+json;version=3.1";
    ([(header::CONTENT_TYPE, media_type)], description.clone())
}

/// How every refusal looks (api.md 1.1).
fn failure() -> Value {
    let body = json!({
        "type": "object",
        "required": ["success", "errors", "messages", "result"],
        "properties": {
            "success": { "const": false },
            "errors": { "type": "array", "minItems": 1, "items": reference("ApiMessage") },
            "messages": { "type": "array", "items": reference("ApiMessage") },
            "result": { "type": "null" },
        },
    });
    json!({
        "description": "The request was refused; `errors` says why and, by `source.pointer`, where.",
        "content": { "application/json": { "schema": body } },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{REFERENCE}{name}") })
}

struct Describer {
    answers: SchemaGenerator,
    bodies: BTreeSet<String>,
}

impl Describer {
    fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = COMPONENTS.into();
        settings.meta_schema = None;
        let mut answers = settings.for_serialize().into_generator();
        answers.subschema_for::<ApiMessage>();
        answers.subschema_for::<ResultInfo>();
        Self { answers, bodies: BTreeSet::new() }
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        let mut described = json!({
            "operationId": id(operation),
            "summary": operation.summary,
            "tags": [operation.needs.group.name()],
            "x-permission": permission(operation.needs),
            "parameters": self.parameters(operation),
            "responses": {
                "200": self.success(operation.answer),
                "default": { "$ref": "#/components/responses/Failure" },
            },
        });
        if let Some(body) = operation.body {
            described["requestBody"] = self.body(body);
        }
        described
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let names = operation.path.split(['{', '}']).skip(1).step_by(2);
        let mut parameters: Vec<_> = names.map(path_parameter).collect();
        if let Some(query) = operation.query {
            parameters.extend(self.query_parameters(query));
        }
        parameters
    }

    fn query_parameters(&mut self, query: SchemaOf) -> Vec<Value> {
        let schema = query(&mut self.answers);
        let members = schema.get("properties").and_then(Value::as_object);
        let describe = |(name, schema): (&String, &Value)| {
            let mut schema = schema.clone();
            let description =
                schema.as_object_mut().and_then(|members| members.remove("description"));
            without_null(&mut schema);
            let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        };
        members.into_iter().flatten().map(describe).collect()
    }

    fn success(&mut self, answer: AnswerOf) -> Value {
        let (result, is_page) = match answer {
            AnswerOf::One(schema) => (Value::from(schema(&mut self.answers)), false),
            AnswerOf::Page(schema) => {
                let items = schema(&mut self.answers);
                (json!({ "type": "array", "items": items }), true)
            }
            AnswerOf::Text => {
                return json!({
                    "description": "Done.",
                    "content": { "text/plain": { "schema": { "type": "string" } } },
                });
            }
        };
        let messages = json!({ "type": "array", "items": reference("ApiMessage") });
        let mut schema = json!({
            "type": "object",
            "required": ["success", "errors", "messages", "result"],
            "properties": {
                "success": { "const": true },
                "errors": { "type": "array", "maxItems": 0 },
                "messages": messages,
                "result": result,
            },
        });
        if is_page {
            schema["properties"]["result_info"] = reference("ResultInfo");
        }
        json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } })
    }

    fn body(&mut self, body: BodyOf) -> Value {
        let (media_type, schema) = match body {
            BodyOf::Text(media_type) => (media_type, json!({ "type": "string" })),
            BodyOf::Value(schema) => ("application/json", schema(&mut self.answers).into()),
            BodyOf::Document(schema, required) => {
                let mut schema = Value::from(schema(&mut self.answers));
                self.point_at_bodies(&mut schema);
                let schema = if required.is_empty() {
                    schema
                } else {
                    json!({ "allOf": [schema, { "required": required }] })
                };
                ("application/json", schema)
            }
        };
        json!({ "required": true, "content": { media_type: { "schema": schema } } })
    }

    /// Points references to objects at their form for bodies, which is made later.
    fn point_at_bodies(&mut self, schema: &mut Value) {
        match schema {
            Value::Array(items) => {
                for item in items {
                    self.point_at_bodies(item);
                }
            }
            Value::Object(members) => {
                let target = members.get("$ref").and_then(Value::as_str);
                let name = target.and_then(|target| target.strip_prefix(REFERENCE));
                if let Some(name) = name.filter(|name| self.is_object(name)).map(str::to_owned) {
                    members.insert("$ref".to_owned(), json!(format!("{REFERENCE}{name}{BODY}")));
                    self.bodies.insert(name);
                }
                for member in members.values_mut() {
                    self.point_at_bodies(member);
                }
            }
            _ => {}
        }
    }

    fn is_object(&self, name: &str) -> bool {
        self.answers.definitions().get(name).is_some_and(|schema| schema["properties"].is_object())
    }

    /// Every schema, those of bodies included.
    fn schemas(mut self) -> Value {
        let mut made = Map::new();
        // Bodies refer to further bodies.
        while let Some(name) = self.bodies.iter().find(|name| !made.contains_key(*name)).cloned() {
            let mut schema = self.answers.definitions()[&name].clone();
            as_sent(&mut schema);
            self.point_at_bodies(&mut schema);
            made.insert(name, schema);
        }
        let mut schemas = self.answers.take_definitions(true);
        schemas.extend(made.into_iter().map(|(name, schema)| (format!("{name}{BODY}"), schema)));
        schemas.sort_keys();
        Value::Object(schemas)
    }
}

/// Turns the descriptions, which were written for whoever reads the code, to whoever reads the API:
/// lines become sentences, and references to documents of ours go.
fn for_readers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(for_readers),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "description" => *text = readable(text),
                    member => for_readers(member),
                }
            }
        }
        _ => {}
    }
}

fn readable(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("[`", "`");
    text = text.replace("`]", "`");
    for document in ["(api.md", "(behaviour.md"] {
        while let Some(start) = text.find(document) {
            let end = text[start..].find(')').map_or(text.len(), |length| start + length + 1);
            text.replace_range(start..end, "");
        }
    }
    text.replace(" .", ".").replace(" ,", ",").replace("  ", " ").trim().to_owned()
}

/// Query parameters are there or not; null is no value of theirs.
fn without_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|word| word != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let choices = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let null = json!({ "type": "null" });
    if let [choice, other] = choices.as_slice()
        && *other == null
    {
        *schema = choice.clone();
    }
}

/// What clients may send of an object: not what only the server writes, and nothing has to be there.
fn as_sent(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("required");
    let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties.retain(|_, property| property["readOnly"] != true);
    for property in properties.values_mut() {
        let description =
            property.as_object_mut().and_then(|members| members.remove("description"));
        let mut nullable = json!({ "anyOf": [property, { "type": "null" }] });
        if let Some(description) = description {
            nullable["description"] = description;
        }
        *property = nullable;
    }
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "region_id" => json!({ "type": "string" }),
        "preview_id" | "setting_id" => json!({ "type": "string" }),
        _ => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// The permission by its published name.
fn permission(needs: Needs) -> String {
    let access = match (needs.group, needs.access) {
        (Group::Caller, _) => return needs.group.name().to_owned(),
        (_, Access::Read) => "Read",
        (_, Access::Write) => "Write",
    };
    format!("{} {access}", needs.group.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rewrites the file instead of comparing with it.
    const WRITE: &str = "EVENKEEL_WRITE_OPENAPI";

    #[tokio::test]
    async fn the_file_is_what_is_served() {
        let served = super::super::tests::served_openapi().await;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/client-v4.json");
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(path, &served).unwrap();
        }
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(file == served, "openapi/client-v4.json is old: set {WRITE}=1 and run this again");
    }

    #[test]
    fn descriptions_are_for_readers() {
        for (written, read) in [
            ("A pool (api.md 3.4).", "A pool."),
            ("One\nand [`two`] (behaviour.md 1.2, U3), three", "One and `two`, three"),
            ("Plain (really).", "Plain (really)."),
        ] {
            assert_eq!(readable(written), read);
        }
    }

    #[tokio::test]
    async fn every_reference_leads_somewhere_and_names_are_unique() {
        let served = super::super::tests::served_openapi().await;
        let document: Value = serde_json::from_str(&served).unwrap();
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{method} {path}: {id} is taken");
            }
        }
        for part in served.split("\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
    }
}
