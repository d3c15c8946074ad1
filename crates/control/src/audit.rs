//! The audit log: for every document that a request changes one entry in the journal, written with
//! the change itself, so that neither is ever there without the other.
//!
//! Requests that are refused change nothing and leave no entry. What is secret never gets here, see
//! [`without_secrets`].

use std::sync::Arc;

use evenkeel_api::AuditLog;
use evenkeel_api::audit_log::{
    ActorType, AuditAction, AuditActor, AuditMetadata, AuditOwner, AuditResource,
};
use evenkeel_store::{Batch, Key};
use serde_json::Value;

use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::ids::{new_id, now};
use crate::records::{encode, kind};

/// The store's stream of audit entries: what its retention is given for.
pub const STREAM: &str = "audit";

/// The longest value kept with an entry, in bytes. Longer ones than a pool of a few thousand
/// endpoints are noted as left out.
const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";

/// A change to a document, as it goes into the log.
#[derive(Debug)]
pub(crate) struct Audited {
    /// `create`, `update`, `delete`, or a word of its own.
    pub(crate) action: &'static str,
    /// Which document.
    pub(crate) key: Key,
    /// What was stored before.
    pub(crate) before: Option<Arc<[u8]>>,
    /// What is stored afterwards.
    pub(crate) after: Option<Arc<[u8]>>,
}

/// Who makes a change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Author<'a> {
    /// Whoever sent a request.
    Caller(&'a Caller),
    /// The server when it starts, by the wish of whoever starts it.
    Start,
}

/// Adds the entries of changes to the batch that makes them.
pub(crate) fn append(
    batch: Batch,
    author: Author<'_>,
    catalog: &Catalog,
    changes: &[Audited],
) -> Batch {
    let at_ms = evenkeel_net::unix_time_ms();
    let when = now();
    changes.iter().fold(batch, |batch, change| {
        batch.append(STREAM, at_ms, encode(&entry(author, catalog, change, &when)))
    })
}

fn entry(author: Author<'_>, catalog: &Catalog, change: &Audited, when: &str) -> AuditLog {
    let before = change.before.as_deref().map(parse);
    let after = change.after.as_deref().map(parse);
    let stored = after.as_ref().or(before.as_ref()).unwrap_or(&Value::Null);
    let (owner, zone_name) = whose(&change.key, stored, author, catalog);
    let is_long =
        |body: &Option<Arc<[u8]>>| body.as_ref().is_some_and(|body| body.len() > VALUE_BYTES_MAX);
    let values_omitted = is_long(&change.before) || is_long(&change.after);
    let told = |value: Option<Value>| match value {
        Some(value) if !values_omitted => without_secrets(document(value)),
        _ => Value::Null,
    };
    let (actor, interface, mut metadata) = who(author);
    metadata.zone_name = zone_name;
    metadata.values_omitted = values_omitted;
    AuditLog {
        id: new_id(),
        action: AuditAction { result: true, r#type: change.action.to_owned() },
        actor,
        interface: interface.to_owned(),
        metadata,
        new_value: String::new(),
        new_value_json: told(after),
        old_value: String::new(),
        old_value_json: told(before),
        owner: AuditOwner { id: owner },
        resource: AuditResource {
            id: change.key.id.to_string(),
            r#type: change.key.kind.to_string(),
        },
        when: when.to_owned(),
    }
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("stored documents are JSON")
}

fn who(author: Author<'_>) -> (AuditActor, &'static str, AuditMetadata) {
    let Author::Caller(caller) = author else {
        let nobody = AuditActor {
            email: String::new(),
            id: String::new(),
            ip: String::new(),
            r#type: ActorType::Admin,
        };
        return (nobody, "System", AuditMetadata::default());
    };
    let actor = AuditActor {
        email: caller.user.as_ref().map(|user| user.email.clone()).unwrap_or_default(),
        id: caller.token.user_id.clone(),
        ip: caller.origin.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        r#type: ActorType::User,
    };
    let metadata = AuditMetadata {
        method: caller.origin.method.to_string(),
        path: caller.origin.path.clone(),
        token_id: caller.token_id().to_owned(),
        token_name: caller.token.document.name.clone(),
        ..AuditMetadata::default()
    };
    (actor, "API", metadata)
}

/// The account, or else the user, that a document belongs to, and the name of its zone.
fn whose(key: &Key, stored: &Value, author: Author<'_>, catalog: &Catalog) -> (String, String) {
    let text = |pointer: &str| stored.pointer(pointer).and_then(Value::as_str);
    let of_zone = |id: &str| {
        let zone = catalog.zones.get(id);
        zone.map(|zone| (zone.account.id.clone(), zone.name.clone()))
    };
    let found = match &*key.kind {
        kind::ACCOUNT => Some((key.id.to_string(), String::new())),
        kind::ZONE => text("/account/id")
            .map(|id| (id.to_owned(), text("/name").unwrap_or_default().to_owned())),
        _ => text("/owner/zone").or_else(|| text("/zone_id")).and_then(of_zone).or_else(|| {
            let account = text("/owner/account").or_else(|| text("/account_id"));
            account.or_else(|| text("/user_id")).map(|id| (id.to_owned(), String::new()))
        }),
    };
    let of_caller = || match author {
        Author::Caller(caller) => caller.account.clone().unwrap_or_default(),
        Author::Start => String::new(),
    };
    found.unwrap_or_else(|| (of_caller(), String::new()))
}

/// The document inside of what is stored, as the API answers it.
fn document(stored: Value) -> Value {
    match stored {
        Value::Object(mut members) if members.contains_key("owner") => {
            match members.remove("document") {
                Some(document) => document,
                None => Value::Object(members),
            }
        }
        other => other,
    }
}

/// The value with everything blanked whose name says that it is secret: hashes of tokens, keys,
/// passwords, and the headers that carry such things to endpoints.
fn without_secrets(mut value: Value) -> Value {
    blank(&mut value);
    value
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) && !value.is_null() {
                    *value = Value::String(REDACTED.to_owned());
                } else {
                    blank(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "hash"
        || name.ends_with("key")
        || ["secret", "password", "token", "authorization", "cookie"]
            .iter()
            .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_blanked_wherever_they_stand() {
        let stored = json!({
            "name": "a", "hash": "00ff", "secret": null, "session_affinity": "cookie",
            "header": {"Host": ["example.com"], "Authorization": ["Bearer x"], "X-Api-Key": ["y"]},
            "destinations": [{"integration_key": "z", "password": "p", "url": "https://example.com"}],
        });
        assert_eq!(
            without_secrets(stored),
            json!({
                "name": "a", "hash": REDACTED, "secret": null, "session_affinity": "cookie",
                "header": {"Host": ["example.com"], "Authorization": REDACTED, "X-Api-Key": REDACTED},
                "destinations": [
                    {"integration_key": REDACTED, "password": REDACTED, "url": "https://example.com"}
                ],
            })
        );
    }
}
