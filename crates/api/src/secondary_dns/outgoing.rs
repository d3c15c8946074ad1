//! Which name servers elsewhere copy a zone.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::{Node, Object, unique};
use crate::{body, hosts};

/// Most servers that copy one zone: each is told of every change.
pub const PEERS_MAX: usize = 30;

/// How a zone is copied. A new one is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outgoing {
    /// The zone's identifier.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// The zone's name.
    pub name: String,
    /// Identifiers of the servers.
    pub peers: Vec<String>,
    /// Whether anybody may copy it: changed by its own requests.
    #[schemars(extend("readOnly" = true))]
    pub enabled: bool,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_time: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub checked_time: String,
    /// When a server last copied it; null where that is not known.
    #[schemars(extend("readOnly" = true))]
    pub last_transferred_time: Option<String>,
    /// The serial that is served. Filled in by whoever answers and knows.
    #[schemars(extend("readOnly" = true))]
    pub soa_serial: u32,
}

impl Outgoing {
    /// The document a request leaves behind for the zone of this name.
    ///
    /// # Errors
    /// Everything wrong with the body, or with the document it would result in.
    pub fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        zone: &str,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let sent = body::parse(body)?;
        let current = current.filter(|_| verb != Verb::Create);
        let problems = Problems::default();
        let object = Object::root(&sent, &problems);
        object.require("name");
        object.require("peers");
        let name = object.text("name");
        if name.is_some_and(|name| hosts::name(name).as_deref() != Some(zone)) {
            object.problem_at("name", format_args!("name must be the zone's, {zone}"));
        }
        let peers = object.items("peers", "peers", 0..=PEERS_MAX).unwrap_or_default();
        let peers = unique(peers, |item: &Node<'_>| {
            let id = item.text()?;
            if !cx.lookup.dns_peer_exists(id) {
                item.problem(format_args!("peer does not exist"));
            }
            Some((id.to_owned(), id.to_owned()))
        });
        let outgoing = Self {
            id: current.map_or(cx.id, |current| &current.id).to_owned(),
            name: zone.to_owned(),
            peers,
            enabled: current.is_none_or(|current| current.enabled),
            created_time: current.map_or(cx.now, |current| &current.created_time).to_owned(),
            checked_time: cx.now.to_owned(),
            last_transferred_time: None,
            soa_serial: 0,
        };
        problems.unless_any(outgoing)
    }
}
