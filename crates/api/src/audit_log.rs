//! One line of the audit log: who changed what, when, from what to what, in the published shape.

use alloc::string::{String, ToString};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::words;

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLog {
    /// 32 lower-case hexadecimal digits.
    pub id: String,
    /// What was done.
    pub action: AuditAction,
    /// By whom.
    pub actor: AuditActor,
    /// By which way: `API`, or `System` for what the server does by itself.
    pub interface: String,
    /// The request it came with.
    pub metadata: AuditMetadata,
    /// The object afterwards, as text; empty when it is gone. Secrets are left out.
    #[serde(default)]
    pub new_value: String,
    /// The object afterwards; null when it is gone.
    pub new_value_json: Value,
    /// The object before, as text; empty when it is new.
    #[serde(default)]
    pub old_value: String,
    /// The object before; null when it is new.
    pub old_value_json: Value,
    /// The account it was done in, or the user it was done for.
    pub owner: AuditOwner,
    /// To which object.
    pub resource: AuditResource,
    /// When: RFC 3339 in UTC.
    pub when: String,
}

impl AuditLog {
    /// The line with its values as text beside the values.
    #[must_use]
    pub fn answered(mut self) -> Self {
        let text = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
        self.new_value = text(&self.new_value_json);
        self.old_value = text(&self.old_value_json);
        self
    }
}

/// `action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditAction {
    /// Whether it was done. Always true: what is refused changes nothing.
    pub result: bool,
    /// What it was: `create`, `update`, `delete`, or `roll` for a token's secret.
    pub r#type: String,
}

/// `actor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditActor {
    /// The user's mail address.
    pub email: String,
    /// The user's identifier.
    pub id: String,
    /// Where the request came from; empty when nobody asked.
    pub ip: String,
    /// Who is meant by it.
    pub r#type: ActorType,
}

words! {
    /// `type` of an actor.
    ActorType {
        /// Whoever holds a token.
        User = "user",
        /// Whoever started the server.
        Admin = "admin",
    }
}

/// `metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AuditMetadata {
    /// The request's method.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The request's path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The token that it was allowed by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_id: String,
    /// What that token is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_name: String,
    /// The zone that the object belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone_name: String,
    /// Whether the values were too long to be kept.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub values_omitted: bool,
}

/// `owner`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditOwner {
    /// The account's or the user's identifier.
    pub id: String,
}

/// `resource`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditResource {
    /// The object's identifier.
    pub id: String,
    /// Its kind, `pool` for example.
    pub r#type: String,
}
