//! API tokens: who may do what, where, from when to when and from which addresses (api.md 1.4), as
//! the published API writes it.
//!
//! A token's secret is no part of its document, nor is what its permission groups allow: making and
//! recognising secrets, and judging requests, are `control`'s.

mod condition;
mod resource;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::condition::{Condition, Network, RequestIp};
pub use self::resource::{Grant, Resource, Resources};
use crate::body;
use crate::context::Verb;
use crate::problem::{Problem, Problems};
use crate::read::{Clipped, Node, Object, unique};
use crate::time;
use crate::words::words;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 120;
/// Most policies of one token. Every request walks them.
const POLICIES_MAX: usize = 100;
/// Most permission groups of one policy; more than there are.
const GROUPS_MAX: usize = 100;

/// A token. What holds it is told its secret once, when it is made or rolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is let in. A disabled one can be enabled again, an expired one cannot unless its
    /// time is changed.
    #[serde(default)]
    pub status: TokenStatus,
    /// When it was made; constant.
    #[schemars(extend("readOnly" = true))]
    pub issued_on: String,
    /// When it was last changed.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// When it last let somebody in; absent when it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub last_used_on: Option<String>,
    /// It is not let in before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// It is not let in from this time on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<String>,
    /// What it may do. What no policy allows is forbidden; what one denies is, whatever another
    /// allows.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// From where it is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

words! {
    /// `status` of a token.
    #[derive(Default)]
    TokenStatus {
        /// Let in.
        #[default]
        Active = "active",
        /// Turned away until it is enabled.
        Disabled = "disabled",
        /// Turned away, for its time is over.
        Expired = "expired",
    }

    /// `effect` of a policy.
    Effect {
        /// The groups' permissions are given.
        Allow = "allow",
        /// They are refused, whatever other policies give.
        Deny = "deny",
    }
}

/// What a token may, or may not, do with some resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// 32 lower-case hexadecimal digits: the token's and the policy's place in it.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// Whether it gives or refuses.
    pub effect: Effect,
    /// To do what.
    pub permission_groups: Vec<PolicyGroup>,
    /// With what.
    pub resources: Resources,
}

/// A permission group as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyGroup {
    /// The group's identifier.
    pub id: String,
    /// The group's name.
    #[schemars(extend("readOnly" = true))]
    pub name: String,
}

/// A permission group: some operations on some kinds of objects, under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PermissionGroup {
    /// 32 lower-case hexadecimal digits, the same in every installation.
    pub id: String,
    /// The published name.
    pub name: String,
    /// The kinds of resources that it can be given for.
    pub scopes: Vec<String>,
    /// What it belongs to.
    pub category: String,
    /// Whether the caller may put it into a token.
    pub is_selectable: bool,
}

/// What making a token takes from its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// RFC 3339 in UTC with six fraction digits and `Z`.
    pub now: &'a str,
    /// The identifier a new token gets.
    pub id: &'a str,
    /// The permission groups there are.
    pub groups: &'a [PermissionGroup],
}

impl Token {
    /// Whether the token is let in at a time, as far as its status and its times go.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> TokenStatus {
        match self.status {
            TokenStatus::Disabled => TokenStatus::Disabled,
            _ if self.expires().is_some_and(|end| now >= end) => TokenStatus::Expired,
            _ => TokenStatus::Active,
        }
    }

    /// Whether its time has not come yet.
    #[must_use]
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.not_before.as_deref().and_then(time::parse).is_some_and(|start| now < start)
    }

    /// When its time is over.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires_on.as_deref().and_then(time::parse)
    }
}

/// The document a request leaves behind: for POST a new one, for PUT one with the identifier, the
/// date and the last use of `current`.
///
/// # Errors
/// Everything wrong with the body.
pub fn apply(
    verb: Verb,
    sent: &[u8],
    current: Option<&Token>,
    scope: &Scope<'_>,
) -> Result<Token, Vec<Problem>> {
    let whole = body::parse(sent)?;
    let current = current.filter(|_| verb != Verb::Create);
    let problems = Problems::default();
    let object = Object::root(&whole, &problems);
    object.require("name");
    object.require("policies");
    let id = current.map_or(scope.id, |current| &current.id);
    let (not_before, expires_on) = (moment(&object, "not_before"), moment(&object, "expires_on"));
    if let (Some((_, start)), Some((_, end))) = (&not_before, &expires_on)
        && start >= end
    {
        object.problem_at("expires_on", format_args!("expires_on is not after not_before"));
    }
    // An expired token that is sent back is not to be disabled by that.
    let status = match object.word("status") {
        Some(TokenStatus::Disabled) => TokenStatus::Disabled,
        _ => TokenStatus::Active,
    };
    let token = Token {
        id: id.to_owned(),
        name: object.text_within("name", 1..=NAME_CHARS_MAX).unwrap_or_default(),
        status,
        issued_on: current.map_or(scope.now, |current| &current.issued_on).to_owned(),
        modified_on: scope.now.to_owned(),
        last_used_on: current.and_then(|current| current.last_used_on.clone()),
        not_before: not_before.map(|(text, _)| text),
        expires_on: expires_on.map(|(text, _)| text),
        policies: policies(&object, id, scope.groups),
        condition: object.object("condition").and_then(|object| condition::read(&object)),
    };
    problems.unless_any(token)
}

/// A point in time as sent, and as meant.
fn moment(object: &Object<'_>, name: &str) -> Option<(String, Timestamp)> {
    // The name outlives the object's own only in its members.
    let (_, node) = object.members().find(|(member, _)| *member == name)?;
    if node.is_null() {
        return None;
    }
    let text = node.text()?;
    let time = time::parse(text);
    if time.is_none() {
        let text = Clipped(text);
        node.problem(format_args!("{name} \"{text}\" is not a time like 2030-01-31T00:00:00Z"));
    }
    Some((text.to_owned(), time?))
}

fn policies(object: &Object<'_>, id: &str, groups: &[PermissionGroup]) -> Vec<Policy> {
    let items = object.items("policies", "policies", 1..=POLICIES_MAX).unwrap_or_default();
    let policies = items.iter().enumerate().filter_map(|(place, item)| {
        let policy = item.object()?;
        for member in ["effect", "permission_groups", "resources"] {
            policy.require(member);
        }
        let items = policy.items("permission_groups", "permission_groups", 1..=GROUPS_MAX);
        let group = |item: &Node<'_>| {
            let group = policy_group(item, groups)?;
            Some((group.id.clone(), group))
        };
        Some(Policy {
            id: policy_id(id, place),
            effect: policy.word("effect")?,
            permission_groups: unique(items?, group),
            resources: resource::read(&policy.object("resources")?)?,
        })
    });
    policies.collect()
}

fn policy_group(item: &Node<'_>, groups: &[PermissionGroup]) -> Option<PolicyGroup> {
    let sent = item.object()?;
    sent.require("id");
    let id = sent.text("id")?;
    let Some(group) = groups.iter().find(|group| group.id == id) else {
        let id = Clipped(id);
        sent.problem_at("id", format_args!("permission group \"{id}\" does not exist"));
        return None;
    };
    Some(PolicyGroup { id: group.id.clone(), name: group.name.clone() })
}

/// The token's identifier with its tail replaced by the place, from 1.
fn policy_id(token: &str, place: usize) -> String {
    let head = token.get(..24).unwrap_or_default();
    format!("{head}{:08x}", place + 1)
}

#[cfg(test)]
mod tests;
