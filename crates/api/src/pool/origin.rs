//! Origins, which everything outside of the API calls endpoints (api.md 3.5).

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address;
use crate::Number;
use crate::context::Context;
use crate::read::{Clipped, Node, Object};

/// Longest name of an origin, in characters.
const NAME_CHARS_MAX: usize = 255;

/// An origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// A label, unique in its pool.
    pub name: String,
    /// IPv4, IPv6 or host name, as sent.
    pub address: String,
    /// The user's wish.
    pub enabled: bool,
    /// When it was disabled, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub disabled_at: Option<String>,
    /// Share of the pool's traffic, 0 to 1 in steps of 0.01.
    pub weight: Number,
    /// TCP port; absent and 0 are the protocol's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether DNS answers show the addresses behind a host name instead of the name.
    pub flatten_cname: bool,
    /// Request headers the origin gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<OriginHeader>,
    /// The network it is reached through, a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_network_id: Option<String>,
    /// Whether it is healthy now. Filled in by whoever answers and knows; never in a stored document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub healthy: Option<bool>,
    /// Why it is not, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub failure_reason: Option<String>,
}

/// `header`: the one request header that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OriginHeader {
    /// At most one host name or address.
    #[serde(rename = "Host", skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<String>>,
}

/// What makes two origins of a pool the same: the address in the form that compares equal, the port
/// and the virtual network.
type Place = (String, u16, Option<String>);

impl Origin {
    fn place(&self) -> Place {
        let address = address::meant(&self.address)
            .map_or_else(|| self.address.clone(), |address| address.to_string());
        let network = self.virtual_network_id.as_ref().map(|id| id.to_ascii_lowercase());
        (address, self.port.unwrap_or(0), network)
    }

    fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        for name in ["name", "address"] {
            object.require(name);
        }
        let virtual_network_id = object.get("virtual_network_id").and_then(|node| uuid(&node));
        let address = object.get("address").and_then(|node| {
            let text = node.text()?;
            address::check(&node, text, virtual_network_id.is_some(), cx.limits);
            Some(text.to_owned())
        });
        let address = address.unwrap_or_default();
        let header = object.object("header").map(|header| OriginHeader {
            host: header.items("Host", "Host", 0..=1).map(|items| {
                let hosts = items.iter().filter_map(|item| host(item, &address));
                hosts.collect()
            }),
        });
        Self {
            name: object.text_within("name", 1..=NAME_CHARS_MAX).unwrap_or_default(),
            address,
            enabled: object.boolean("enabled").unwrap_or(true),
            disabled_at: None,
            weight: object.weight("weight").unwrap_or(Number::ONE),
            port: object.integer("port", 0..=65_535).and_then(|port| u16::try_from(port).ok()),
            flatten_cname: object.boolean("flatten_cname").unwrap_or(true),
            header,
            virtual_network_id,
            healthy: None,
            failure_reason: None,
        }
    }
}

fn uuid(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid {
        node.problem(format_args!("virtual_network_id must be a UUID"));
    }
    Some(text.to_owned())
}

/// The Host header: a host name, or the address itself.
fn host(node: &Node<'_>, address: &str) -> Option<String> {
    let host = node.text()?;
    if address::meant(host).is_none() {
        let (host, address) = (Clipped(host), Clipped(address));
        node.problem(format_args!(
            "Host header \"{host}\" not allowed for origin domain \"{address}\""
        ));
    }
    Some(host.to_owned())
}

/// Reads all origins. Each is matched with its previous self, by place or else by name, to know
/// since when it is disabled.
pub(super) fn read(object: &Object<'_>, previous: &[Origin], cx: &Context<'_>) -> Vec<Origin> {
    let Some(items) = object.items("origins", "origin", 1..=cx.limits.origins_max) else {
        return Vec::new();
    };
    let (mut names, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut origins = Vec::with_capacity(items.len());
    for object in items.iter().filter_map(Node::object) {
        let origin = Origin::read(&object, cx);
        if !origin.name.is_empty() && !names.insert(origin.name.clone()) {
            object.not_unique_at("name");
        }
        if !origin.address.is_empty() && !places.insert(origin.place()) {
            object.not_unique_at("address");
        }
        origins.push(origin);
    }
    let by_place: BTreeMap<_, _> = previous.iter().map(|origin| (origin.place(), origin)).collect();
    let by_name: BTreeMap<_, _> = previous.iter().map(|origin| (&origin.name, origin)).collect();
    for origin in origins.iter_mut().filter(|origin| !origin.enabled) {
        let same = by_place.get(&origin.place()).or_else(|| by_name.get(&origin.name));
        let since = same.and_then(|previous| previous.disabled_at.as_deref());
        origin.disabled_at = Some(since.unwrap_or(cx.now).to_owned());
    }
    origins
}
