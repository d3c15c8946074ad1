//! Pool sets: pools by where the client is, tried in array order before any rule (api.md 3.3). Of a
//! set only what was sent comes back.
//!
//! Their errors have words instead of numbers; the envelope needs a number, so the word leads the
//! message (api.md 1.3).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::SteeringPolicy;
use super::pools::{self, Place};
use super::rules::{FixedResponse, NAME_CHARS_MAX};
use crate::context::Context;
use crate::read::{Node, Object, unique};
use crate::{Map, Number};

/// Most entries of one topology list (api.md 3.3).
const TOPOLOGY_MAX: usize = 1000;

/// A pool set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PoolSet {
    /// A label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Whom it is for; absent means everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#match: Option<PoolSetMatch>,
    /// What replaces the load balancer's own steering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<PoolSetOverrides>,
    /// The answer given instead of an origin's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
}

/// Whom a pool set is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PoolSetMatch {
    /// Everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Clients of certain places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<PoolSetTopology>,
}

/// Places: any entry of a list suffices, but every list that was sent must have one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PoolSetTopology {
    /// Three-letter codes of points of presence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pops: Option<Vec<String>>,
    /// Two-letter country codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<String>>,
    /// Region codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
}

/// What replaces the load balancer's own steering.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PoolSetOverrides {
    /// Candidates in failover order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
    /// Weights by pool identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_weights: Option<Map<Number>>,
    /// Weight of the other pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_default_weight: Option<Number>,
    /// The last resort; absent means the load balancer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_pool: Option<String>,
    /// How a pool is chosen; absent means failover order. Never `geo`: the set is the geography.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steering_policy: Option<SteeringPolicy>,
}

/// Reads all pool sets.
pub(super) fn read(object: &Object<'_>, cx: &Context<'_>) -> Vec<PoolSet> {
    let Some(sent) = object.get("pool_sets") else { return Vec::new() };
    let items = sent.items("pool_sets", 0..=usize::MAX).unwrap_or_default();
    let max = cx.limits.pool_sets_max;
    if items.len() > max {
        sent.problem(format_args!("POOL_SETS_TOO_LARGE: at most {max} pool sets"));
        return Vec::new();
    }
    let objects = items.iter().filter_map(Node::object);
    objects.map(|object| PoolSet::read(&object, cx)).collect()
}

impl PoolSet {
    fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        let set = Self {
            name: object.text_within("name", 0..=NAME_CHARS_MAX),
            disabled: object.boolean("disabled"),
            r#match: object.object("match").map(|object| PoolSetMatch::read(&object)),
            overrides: object.object("overrides").map(|object| PoolSetOverrides::read(&object, cx)),
            fixed_response: object
                .object("fixed_response")
                .map(|object| FixedResponse::read(&object)),
        };
        let pools = set.overrides.as_ref().and_then(|overrides| overrides.pools.as_ref());
        match (pools.is_some_and(|pools| !pools.is_empty()), set.fixed_response.is_some()) {
            (false, false) => object.problem(format_args!(
                "POOL_SET_NO_INTENT: a pool set needs overrides.pools or fixed_response"
            )),
            (true, true) => {
                let reason = format_args!("pools is not allowed with fixed_response");
                object.problem_in("overrides", "pools", reason);
            }
            _ => {}
        }
        set
    }
}

impl PoolSetMatch {
    fn read(object: &Object<'_>) -> Self {
        let read = Self {
            default: object.boolean("default"),
            topology: object.object("topology").map(|object| PoolSetTopology::read(&object)),
        };
        match (read.default == Some(true), object.has("topology")) {
            (true, true) => object.problem(format_args!(
                "POOL_SET_DEFAULT_WITH_MATCH: default is not allowed with topology"
            )),
            (false, false) => object
                .problem(format_args!("POOL_SET_EMPTY_MATCH: match needs default or topology")),
            _ => {}
        }
        read
    }
}

impl PoolSetTopology {
    fn read(object: &Object<'_>) -> Self {
        let topology = Self {
            pops: places(object, "pops", Place::Pop),
            countries: places(object, "countries", Place::Country),
            regions: places(object, "regions", Place::Region),
        };
        if !["pops", "countries", "regions"].into_iter().any(|name| object.has(name)) {
            object.problem(format_args!(
                "POOL_SET_EMPTY_TOPOLOGY: topology needs pops, countries or regions"
            ));
        }
        topology
    }
}

fn places<'a>(object: &Object<'a>, name: &'a str, place: Place) -> Option<Vec<String>> {
    let items = object.items(name, name, 0..=usize::MAX)?;
    if items.is_empty() {
        object.problem_at(name, format_args!("POOL_SET_EMPTY_TOPOLOGY: {name} is empty"));
    }
    if items.len() > TOPOLOGY_MAX {
        let reason = format_args!("POOL_SET_TOPOLOGY_TOO_LARGE: at most {TOPOLOGY_MAX} {name}");
        object.problem_at(name, reason);
        return None;
    }
    Some(unique(items, |item| {
        let code = item.text()?;
        place.check(item, code);
        Some((code.to_owned(), code.to_owned()))
    }))
}

impl PoolSetOverrides {
    fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        let steering_policy = object.word("steering_policy");
        if steering_policy == Some(SteeringPolicy::Geo) {
            let reason = format_args!("steering_policy geo is not supported in a pool set");
            object.problem_at("steering_policy", reason);
        }
        Self {
            pools: pools::list(object, "pools", 0, cx),
            pool_weights: pools::weights(object, "pool_weights", cx),
            pool_default_weight: object.weight("pool_default_weight"),
            fallback_pool: pools::id(object, "fallback_pool", cx),
            steering_policy,
        }
    }
}
