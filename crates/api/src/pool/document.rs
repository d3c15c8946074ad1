//! The pool as stored and answered. Which members are left out while unset is the "null against
//! absent" list of api.md 7.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::origin::Origin;
use crate::Number;
use crate::words::{CheckRegion, words};

/// A pool (api.md 3.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// Letters, digits, `-` and `_`; unique in its account.
    pub name: String,
    /// Free text, at most 1024 characters.
    pub description: String,
    /// The user's wish.
    pub enabled: bool,
    /// When it was disabled, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub disabled_at: Option<String>,
    /// Fewer healthy origins than this make the pool critical.
    pub minimum_origins: u32,
    /// The monitor that judges the origins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// The monitor group that does instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_group: Option<String>,
    /// Where probes come from. Null, out as such, and empty mean every data centre.
    pub check_regions: Option<Vec<CheckRegion>>,
    /// Null, out as such, or `["regional", "global"]`.
    #[serde(default)]
    pub health_sources: Option<Vec<String>>,
    /// Degrees north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<Number>,
    /// Degrees east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<Number>,
    /// Share of the traffic sent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_shedding: Option<LoadShedding>,
    /// How an origin is picked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_steering: Option<OriginSteering>,
    /// Which health changes are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_filter: Option<NotificationFilter>,
    /// Whom to tell, a comma list; deprecated and kept as sent.
    pub notification_email: String,
    /// Networks it serves.
    #[schemars(extend("readOnly" = true))]
    pub networks: Vec<String>,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// Whether it is healthy now. Filled in by whoever answers and knows; never in a stored document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub healthy: Option<bool>,
    /// In the order sent.
    pub origins: Vec<Origin>,
}

words! {
    /// `origin_steering.policy`.
    OriginSteeringPolicy {
        /// The same as `Random`.
        Unset = "",
        /// A draw by weight.
        Random = "random",
        /// By client address.
        Hash = "hash",
        /// Fewest requests in flight.
        LeastOutstandingRequests = "least_outstanding_requests",
        /// Fewest connections.
        LeastConnections = "least_connections",
        /// An addition of ours: fewest requests in flight on those that answer fast.
        LeastLatency = "least_latency",
    }

    /// `load_shedding.default_policy`.
    SheddingPolicy {
        /// The same as `Random`.
        Unset = "",
        /// Each request draws.
        Random = "random",
        /// By client address.
        Hash = "hash",
    }

    /// `load_shedding.session_policy`.
    SheddingSessionPolicy {
        /// The same as `Hash`.
        Unset = "",
        /// By client address.
        Hash = "hash",
    }
}

/// `origin_steering`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OriginSteering {
    /// How an origin is picked.
    pub policy: OriginSteeringPolicy,
}

/// `load_shedding`; all four members are out once one was sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadShedding {
    /// Share of new traffic shed, 0 to 100.
    pub default_percent: Number,
    /// Which part of it.
    pub default_policy: SheddingPolicy,
    /// Share of sessions shed, 0 to 100.
    pub session_percent: Number,
    /// Which part of them.
    pub session_policy: SheddingSessionPolicy,
}

/// `notification_filter`. The outer option is whether the member was sent, the inner whether it was
/// null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NotificationFilter {
    /// Which changes of origins are told.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    pub origin: Option<Option<FilterOptions>>,
    /// Which changes of the pool are told.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    pub pool: Option<Option<FilterOptions>>,
}

/// One half of a notification filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FilterOptions {
    /// Tell nothing.
    pub disable: bool,
    /// Tell only of changes to healthy, or only to unhealthy; null, out as sent, is both.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    pub healthy: Option<Option<bool>>,
}

/// A member that was sent, be it as null.
fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
