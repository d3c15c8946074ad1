//! Custom rules: a condition and what changes when it holds (api.md 3.2). Of a rule only what was
//! sent comes back; no defaults are filled into its overrides.
//!
//! A condition must be readable by `rules`, whatever the mode its fields belong to, and is kept as
//! the text it came as.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_rules::{EXPRESSION_BYTES_MAX, Expression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::affinity::{
    self, InForce, SameSite, Secure, SessionAffinity, SessionAffinityAttributes,
    ZeroDowntimeFailover,
};
use super::document::{EcsPreference, LocationMode, SteeringPolicy};
use super::pools::{self, Place};
use crate::context::Context;
use crate::read::{Node, Object};
use crate::{Map, Number};

/// Longest name of a rule or pool set, in characters.
pub(super) const NAME_CHARS_MAX: usize = 200;
/// Largest priority: what a signed 32-bit number holds, as clients' integers are.
const PRIORITY_MAX: u32 = 2_147_483_647;
/// Distance between the priorities the server gives (api.md 3.2).
const PRIORITY_STEP: u32 = 10;

fn is_false(value: &bool) -> bool {
    !*value
}

/// A custom rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// A label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the rule applies; absent and empty mean always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Whether it is skipped.
    pub disabled: bool,
    /// Lower ones apply first.
    pub priority: u32,
    /// Whether no rule after this one applies; true with a fixed response. Out only when true.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminates: bool,
    /// The answer given instead of an origin's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
    /// What changes; `{}` when nothing does.
    pub overrides: Overrides,
}

/// An answer that needs no origin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FixedResponse {
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
    /// HTTP status, 200 to 599; absent means 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u32>,
    /// The `Content-Type` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The `Location` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Members of a load balancer that a rule replaces. Each means what it means there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "the members of a load balancer, documented there")]
pub struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive_routing: Option<AdaptiveRoutingOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_pools: Option<Map<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_pools: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_strategy: Option<LocationStrategyOverride>,
    /// Weight of pools not in `pool_weights`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_default_weight: Option<Number>,
    /// Weights by pool identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_weights: Option<Map<Number>>,
    /// Candidates that replace every list of the load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pop_pools: Option<Map<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_steering: Option<RandomSteeringOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_pools: Option<Map<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity: Option<SessionAffinity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_attributes: Option<AttributesOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steering_policy: Option<SteeringPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// `overrides.adaptive_routing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "as in the load balancer")]
pub struct AdaptiveRoutingOverride {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_across_pools: Option<bool>,
}

/// `overrides.location_strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "as in the load balancer")]
pub struct LocationStrategyOverride {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<LocationMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer_ecs: Option<EcsPreference>,
}

/// `overrides.random_steering`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "as in the load balancer")]
pub struct RandomSteeringOverride {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_weight: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_weights: Option<Map<Number>>,
}

/// `overrides.session_affinity_attributes`. Draining cannot be overridden.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(missing_docs, reason = "as in the load balancer")]
pub struct AttributesOverride {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samesite: Option<SameSite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure: Option<Secure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_downtime_failover: Option<ZeroDowntimeFailover>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_all_headers: Option<bool>,
}

/// The affinity that rules are laid over.
pub(super) struct Base<'a> {
    pub(super) affinity: SessionAffinity,
    pub(super) attributes: &'a SessionAffinityAttributes,
}

/// Reads all rules. When none has a priority, the array order becomes one: 0, 10, 20 …
pub(super) fn read(object: &Object<'_>, base: &Base<'_>, cx: &Context<'_>) -> Vec<Rule> {
    let items = object.items("rules", "rules", 0..=cx.limits.rules_max).unwrap_or_default();
    let objects = items.iter().filter_map(Node::object);
    let mut rules: Vec<_> = objects.map(|object| Rule::read(&object, base, cx)).collect();
    if rules.iter().all(|rule| rule.priority == 0) {
        for (rule, priority) in rules.iter_mut().zip((0..).step_by(PRIORITY_STEP as usize)) {
            rule.priority = priority;
        }
    }
    rules
}

impl Rule {
    fn read(object: &Object<'_>, base: &Base<'_>, cx: &Context<'_>) -> Self {
        let fixed_response =
            object.object("fixed_response").map(|object| FixedResponse::read(&object));
        let overrides = object
            .object("overrides")
            .map_or_else(Overrides::default, |object| Overrides::read(&object, base, cx));
        if overrides.pools.is_some() && fixed_response.is_some() {
            let reason = format_args!("pools is not allowed with fixed_response");
            object.problem_in("overrides", "pools", reason);
        }
        Self {
            name: object.text_within("name", 1..=NAME_CHARS_MAX),
            condition: condition(object),
            disabled: object.boolean("disabled").unwrap_or(false),
            priority: object.integer("priority", 0..=PRIORITY_MAX).unwrap_or(0),
            terminates: object.boolean("terminates").unwrap_or(false) || fixed_response.is_some(),
            fixed_response,
            overrides,
        }
    }
}

/// A condition that can be read (api.md 4).
fn condition(object: &Object<'_>) -> Option<String> {
    let text = object.text("condition")?;
    if text.len() > EXPRESSION_BYTES_MAX {
        let reason =
            format_args!("the condition length must be in range [0, {EXPRESSION_BYTES_MAX}]");
        object.problem_at("condition", reason);
    } else if let Err(error) = Expression::parse(text) {
        object.problem_at("condition", format_args!("condition {error}"));
    }
    Some(text.to_owned())
}

impl FixedResponse {
    pub(super) fn read(object: &Object<'_>) -> Self {
        Self {
            message_body: object.text_within("message_body", 0..=1024),
            status_code: object.integer("status_code", 200..=599),
            content_type: header_value(object, "content_type", 32),
            location: header_value(object, "location", 2048),
        }
    }
}

/// A text that becomes the value of a response header: it must not be able to start another.
fn header_value<'a>(object: &Object<'a>, name: &'a str, chars_max: usize) -> Option<String> {
    let value = object.text_within(name, 0..=chars_max)?;
    if value.chars().any(char::is_control) {
        object.problem_at(name, format_args!("{name} must not contain control characters"));
    }
    Some(value)
}

impl Overrides {
    fn read(object: &Object<'_>, base: &Base<'_>, cx: &Context<'_>) -> Self {
        let affinity = object.word::<SessionAffinity>("session_affinity");
        let kind = affinity.unwrap_or(base.affinity);
        let ttl_zero = object.has("ttl").then_some(0);
        let affinity_ttl_zero = object.has("session_affinity_ttl").then_some(0);
        let overrides = Self {
            adaptive_routing: object
                .object("adaptive_routing")
                .map(|object| AdaptiveRoutingOverride::read(&object)),
            country_pools: pools::by_place(object, "country_pools", Place::Country, cx),
            default_pools: pools::list(object, "default_pools", 0, cx),
            fallback_pool: pools::id(object, "fallback_pool", cx),
            location_strategy: object
                .object("location_strategy")
                .map(|object| LocationStrategyOverride::read(&object)),
            pool_default_weight: object.weight("pool_default_weight"),
            pool_weights: pools::weights(object, "pool_weights", cx),
            pools: pools::list(object, "pools", 0, cx),
            pop_pools: pools::by_place(object, "pop_pools", Place::Pop, cx),
            random_steering: object
                .object("random_steering")
                .map(|object| RandomSteeringOverride::read(&object, cx)),
            region_pools: pools::by_place(object, "region_pools", Place::Region, cx),
            session_affinity: affinity,
            session_affinity_attributes: object
                .object("session_affinity_attributes")
                .map(|object| AttributesOverride::read(&object, cx)),
            session_affinity_ttl: object
                .nonzero("session_affinity_ttl", kind.ttl_range())
                .or(affinity_ttl_zero),
            steering_policy: object.word("steering_policy"),
            ttl: object.nonzero("ttl", 1..=cx.limits.ttl_max).or(ttl_zero),
        };
        overrides.check(object, base);
        overrides
    }

    fn check(&self, object: &Object<'_>, base: &Base<'_>) {
        if self.random_steering.is_some() {
            for name in ["pool_weights", "pool_default_weight"] {
                if object.has(name) {
                    let reason = format_args!("{name} is not allowed with random_steering");
                    object.problem_at(name, reason);
                }
            }
        }
        if self.session_affinity.is_none() && self.session_affinity_attributes.is_none() {
            return;
        }
        let mut in_force =
            InForce::of(self.session_affinity.unwrap_or(base.affinity), base.attributes);
        if let Some(sent) = &self.session_affinity_attributes {
            in_force.samesite = sent.samesite.unwrap_or(in_force.samesite);
            in_force.secure = sent.secure.unwrap_or(in_force.secure);
            in_force.failover = sent.zero_downtime_failover.unwrap_or(in_force.failover);
            in_force.headers = sent.headers.as_deref().or(in_force.headers);
        }
        in_force.check(object);
    }
}

impl AdaptiveRoutingOverride {
    pub(super) fn read(object: &Object<'_>) -> Self {
        Self { failover_across_pools: object.boolean("failover_across_pools") }
    }
}

impl LocationStrategyOverride {
    pub(super) fn read(object: &Object<'_>) -> Self {
        Self { mode: object.word("mode"), prefer_ecs: object.word("prefer_ecs") }
    }
}

impl RandomSteeringOverride {
    pub(super) fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        Self {
            default_weight: object.weight("default_weight"),
            pool_weights: pools::weights(object, "pool_weights", cx),
        }
    }
}

impl AttributesOverride {
    pub(super) fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        Self {
            samesite: object.word("samesite"),
            secure: object.word("secure"),
            zero_downtime_failover: object.word("zero_downtime_failover"),
            headers: affinity::headers(object, cx),
            require_all_headers: object.boolean("require_all_headers"),
        }
    }
}
