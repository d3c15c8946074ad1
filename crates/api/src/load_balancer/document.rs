//! The load balancer as stored and answered. Members are in the order of the recorded answers; which
//! of them are left out while unset is the "null against absent" list of api.md 7.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::affinity::{SessionAffinity, SessionAffinityAttributes};
use super::pool_sets::PoolSet;
use super::rules::Rule;
use crate::words::words;
use crate::{Map, Number};

/// A load balancer (api.md 3.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancer {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// Host name in lower case without a final dot, `*.` in front for a wildcard. Empty, and absent
    /// on the wire, only for an account's load balancer that was given none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Free text, at most 1024 characters.
    pub description: String,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// Whether it owns its host name.
    pub enabled: bool,
    /// Whether traffic passes through the proxy.
    pub proxied: bool,
    /// Lifetime of DNS answers in seconds.
    pub ttl: u32,
    /// Networks it serves; stored for the client, without meaning here.
    pub networks: Vec<String>,
    /// The zone's name; absent for an account's load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub zone_name: Option<String>,
    /// Candidates in failover order.
    pub default_pools: Vec<String>,
    /// The last resort.
    pub fallback_pool: String,
    /// Candidates by region.
    pub region_pools: Map<Vec<String>>,
    /// Candidates by point of presence.
    pub pop_pools: Map<Vec<String>>,
    /// Candidates by country. Unlike its sisters absent while unset; an empty one that was sent
    /// comes back empty (api.md 9 item 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_pools: Option<Map<Vec<String>>>,
    /// How a pool is chosen; never [`SteeringPolicy::Unset`].
    pub steering_policy: SteeringPolicy,
    /// Weights for the policies that draw.
    pub random_steering: RandomSteering,
    /// What ties a client to an origin; never [`SessionAffinity::Unset`].
    pub session_affinity: SessionAffinity,
    /// How long, in seconds; absent only without affinity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity_ttl: Option<u32>,
    /// How, in detail; kept even without affinity.
    pub session_affinity_attributes: SessionAffinityAttributes,
    /// Whether the retry may leave the pool.
    pub adaptive_routing: AdaptiveRouting,
    /// Where a DNS client is taken to be.
    pub location_strategy: LocationStrategy,
    /// Rules in the order sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Pool sets in the order sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool_sets: Vec<PoolSet>,
}

words! {
    /// `steering_policy` (api.md 3.1).
    SteeringPolicy {
        /// To be resolved: to `Geo` when a geo map has an entry, else to `Off`.
        Unset = "",
        /// Ordered failover.
        Off = "off",
        /// By the geo maps.
        Geo = "geo",
        /// A draw by weight.
        Random = "random",
        /// Lowest measured round-trip time.
        DynamicLatency = "dynamic_latency",
        /// Nearest by coordinates.
        Proximity = "proximity",
        /// Fewest requests in flight, scaled by weight.
        LeastOutstandingRequests = "least_outstanding_requests",
        /// Fewest connections, scaled by weight.
        LeastConnections = "least_connections",
    }

    /// `location_strategy.mode`.
    LocationMode {
        /// The point of presence that answers.
        Pop = "pop",
        /// The resolver's address.
        ResolverIp = "resolver_ip",
    }

    /// `location_strategy.prefer_ecs`: when the client subnet of a DNS query is believed.
    EcsPreference {
        /// Whenever sent.
        Always = "always",
        /// Never.
        Never = "never",
        /// For proximity steering.
        Proximity = "proximity",
        /// For geo steering.
        Geo = "geo",
    }
}

/// Weights for the policies that draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RandomSteering {
    /// Weight of pools without one of their own, 0 to 1.
    pub default_weight: Number,
    /// Weights by pool identifier, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_weights: Option<Map<Number>>,
}

impl Default for RandomSteering {
    fn default() -> Self {
        Self { default_weight: Number::ONE, pool_weights: None }
    }
}

/// `adaptive_routing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AdaptiveRouting {
    /// Whether the one retry may go to another pool.
    pub failover_across_pools: bool,
}

/// `location_strategy`; counts only while not proxied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocationStrategy {
    /// Whose place counts.
    pub mode: LocationMode,
    /// When the client subnet is believed instead.
    pub prefer_ecs: EcsPreference,
}

impl Default for LocationStrategy {
    fn default() -> Self {
        Self { mode: LocationMode::Pop, prefer_ecs: EcsPreference::Proximity }
    }
}
