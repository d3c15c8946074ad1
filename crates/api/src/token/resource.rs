//! What a policy is about: accounts, zones, users, by the published resource names.
//!
//! ```text
//! com.cloudflare.api.account.*                  every account, with its zones
//! com.cloudflare.api.account.ID                 one account, with its zones
//! com.cloudflare.api.account.ID → zone.*, zone.ID   only zones of that account
//! com.cloudflare.api.account.zone.*             every zone
//! com.cloudflare.api.account.zone.ID            one zone
//! com.cloudflare.api.user.ID                    one user, with the user's own tokens
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;
use crate::read::{Clipped, Node, Object};

const ACCOUNT: &str = "com.cloudflare.api.account.";
const ZONE: &str = "com.cloudflare.api.account.zone.";
const USER: &str = "com.cloudflare.api.user.";
/// Every resource of a kind, and everything of one resource.
const ALL: &str = "*";

/// Most resources of one policy. Every request of the token walks them.
const RESOURCES_MAX: usize = 1000;

/// `resources` of a policy, in the order sent.
pub type Resources = Map<Grant>;

/// How much of a resource is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Grant {
    /// `*`: all of it.
    Whole(String),
    /// These parts of it, each `*`.
    Parts(Map<String>),
}

/// A resource name as meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource<'a> {
    /// Every account with its zones.
    AllAccounts,
    /// An account with its zones.
    Account(&'a str),
    /// Every zone.
    AllZones,
    /// A zone.
    Zone(&'a str),
    /// Every zone of an account, but not the account.
    ZonesOf(&'a str),
    /// A zone, as long as it belongs to the account.
    ZoneOf {
        /// The account.
        account: &'a str,
        /// The zone.
        zone: &'a str,
    },
    /// A user.
    User(&'a str),
}

impl<'a> Resource<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        if let Some(zone) = name.strip_prefix(ZONE) {
            return if zone == ALL { Some(Self::AllZones) } else { id(zone).map(Self::Zone) };
        }
        if let Some(account) = name.strip_prefix(ACCOUNT) {
            return match account {
                ALL => Some(Self::AllAccounts),
                account => id(account).map(Self::Account),
            };
        }
        name.strip_prefix(USER).and_then(id).map(Self::User)
    }

    /// A part of this resource.
    fn part(self, name: &'a str) -> Option<Self> {
        match (self, Self::parse(name)?) {
            (Self::AllAccounts, zone @ (Self::AllZones | Self::Zone(_))) => Some(zone),
            (Self::Account(account), Self::AllZones) => Some(Self::ZonesOf(account)),
            (Self::Account(account), Self::Zone(zone)) => Some(Self::ZoneOf { account, zone }),
            _ => None,
        }
    }
}

fn id(text: &str) -> Option<&str> {
    let is_id = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some(text)
}

impl super::Policy {
    /// The resources as meant.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.resources.iter().flat_map(|(name, grant)| {
            let whole = Resource::parse(name);
            let parts = match grant {
                Grant::Whole(_) => None,
                Grant::Parts(parts) => Some(parts),
            };
            let all = whole.filter(|_| parts.is_none());
            let parts = parts.into_iter().flat_map(Map::keys);
            all.into_iter().chain(parts.filter_map(move |name| whole?.part(name)))
        })
    }
}

/// Reads `resources`.
pub(super) fn read(sent: &Object<'_>) -> Option<Resources> {
    let mut resources = Vec::new();
    for (name, node) in sent.members() {
        let Some(resource) = Resource::parse(name) else {
            unknown(&node, name);
            continue;
        };
        if node.is_text() {
            resources.push((name.clone(), Grant::Whole(whole(&node)?)));
            continue;
        }
        let mut parts = Vec::new();
        for (name, node) in node.object()?.members() {
            if resource.part(name).is_none() {
                unknown(&node, name);
            }
            parts.push((name.clone(), whole(&node)?));
        }
        if parts.is_empty() {
            node.problem(format_args!("{name} names no part of it"));
        }
        resources.push((name.clone(), Grant::Parts(parts.into_iter().collect())));
    }
    if !(1..=RESOURCES_MAX).contains(&resources.len()) {
        sent.problem(format_args!("the resources length must be in range [1, {RESOURCES_MAX}]"));
    }
    Some(resources.into_iter().collect())
}

fn unknown(node: &Node<'_>, name: &str) {
    let name = Clipped(name);
    node.problem(format_args!("resource \"{name}\" does not exist"));
}

fn whole(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text != ALL {
        node.problem(format_args!("a resource is given as \"*\""));
    }
    Some(text.to_owned())
}
