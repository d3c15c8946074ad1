//! A name server elsewhere.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_CHARS_MAX;
use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::Object;

/// Where name servers listen.
const PORT: u16 = 53;

/// A name server elsewhere, which may copy the zones that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its address: where it asks from, and where it is told of changes. Nothing happens without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Where it hears of changes.
    pub port: u16,
    /// Whether it may ask for what changed; otherwise it gets the whole zone each time.
    pub ixfr_enable: bool,
    /// The key that both sides sign with; without one the address suffices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tsig_id: Option<String>,
}

impl Peer {
    /// The document a request leaves behind.
    ///
    /// # Errors
    /// Everything wrong with the body, or with the document it would result in.
    pub fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let sent = body::parse(body)?;
        let current = current.filter(|_| verb != Verb::Create);
        let whole = match current {
            Some(current) if verb == Verb::Patch => body::overlaid(current, sent, &[]),
            _ => sent,
        };
        let problems = Problems::default();
        let object = Object::root(&whole, &problems);
        object.require("name");
        let ip = object.text("ip").filter(|ip| !ip.is_empty());
        if ip.is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
            object.problem_at("ip", format_args!("ip must be an IPv4 or IPv6 address"));
        }
        let tsig_id = object.text("tsig_id").filter(|id| !id.is_empty());
        if tsig_id.is_some_and(|id| !cx.lookup.tsig_exists(id)) {
            object.problem_at("tsig_id", format_args!("tsig does not exist"));
        }
        let port = object.integer("port", 1..=u32::from(u16::MAX));
        let peer = Self {
            id: current.map_or(cx.id, |current| &current.id).to_owned(),
            name: object.text_within("name", 1..=NAME_CHARS_MAX).unwrap_or_default(),
            ip: ip.map(ToOwned::to_owned),
            port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(PORT),
            ixfr_enable: object.boolean("ixfr_enable").unwrap_or(false),
            tsig_id: tsig_id.map(ToOwned::to_owned),
        };
        problems.unless_any(peer)
    }
}
