//! The places of a load balancer that name pools.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::{Country, Pop, Region};

use crate::context::Context;
use crate::read::{Clipped, Node, Object, unique};
use crate::{Map, Number};

/// The maps that steer by place.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Region,
    Pop,
    Country,
}

impl Place {
    /// Whether a text is a code of this kind: one of the thirteen regions, a country of ISO 3166-1,
    /// or any three letters for a PoP. In capitals, as codes come back the way they were sent.
    fn has(self, code: &str) -> bool {
        let known = match self {
            Self::Region => Region::parse(code).is_some(),
            Self::Pop => Pop::parse(code).is_some(),
            Self::Country => Country::parse(code).is_some_and(|c| Region::of(c, None).is_some()),
        };
        known && code.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Pop => "PoP",
            Self::Country => "country",
        }
    }

    /// Notes a code that is none of its kind.
    pub(super) fn check(self, node: &Node<'_>, code: &str) {
        if !self.has(code) {
            let noun = self.noun();
            node.problem(format_args!("\"{}\" is not a {noun} code", Clipped(code)));
        }
    }
}

fn existing(node: &Node<'_>, id: &str, cx: &Context<'_>) -> String {
    if !cx.lookup.pool_exists(id) {
        node.problem(format_args!("pool \"{}\" does not exist", Clipped(id)));
    }
    id.to_owned()
}

fn ids(node: &Node<'_>, name: &str, min: usize, cx: &Context<'_>) -> Option<Vec<String>> {
    let items = node.items(name, min..=cx.limits.pools_max)?;
    Some(unique(items, |item| {
        let id = existing(item, item.text()?, cx);
        Some((id.clone(), id))
    }))
}

/// One pool.
pub(super) fn id<'a>(object: &Object<'a>, name: &'a str, cx: &Context<'_>) -> Option<String> {
    let node = object.get(name)?;
    Some(existing(&node, node.text()?, cx))
}

/// A list of at least `min` pools.
pub(super) fn list<'a>(
    object: &Object<'a>,
    name: &'a str,
    min: usize,
    cx: &Context<'_>,
) -> Option<Vec<String>> {
    ids(&object.get(name)?, name, min, cx)
}

/// Lists of pools by place. An empty list is a list; steering treats its entry as absent.
pub(super) fn by_place<'a>(
    object: &Object<'a>,
    name: &'a str,
    place: Place,
    cx: &Context<'_>,
) -> Option<Map<Vec<String>>> {
    let entries = object.object(name)?;
    let entry = |(code, node): (&String, Node<'_>)| {
        place.check(&node, code);
        Some((code.clone(), ids(&node, name, 0, cx)?))
    };
    Some(entries.members().filter_map(entry).collect())
}

/// Weights by pool.
pub(super) fn weights<'a>(
    object: &Object<'a>,
    name: &'a str,
    cx: &Context<'_>,
) -> Option<Map<Number>> {
    let entries = object.object(name)?;
    let entry = |(id, node): (&String, Node<'_>)| Some((existing(&node, id, cx), node.weight()?));
    Some(entries.members().filter_map(entry).collect())
}
