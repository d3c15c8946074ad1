//! Health events: that the health of a pool or of some of its origins changed (api.md 2.9).

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of health, with the pool as it was right after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthEvent {
    /// Counts up. Filled in by whoever answers, from the event's place in the journal.
    #[serde(default)]
    pub id: u64,
    /// When, in RFC 3339.
    pub timestamp: String,
    /// The pool.
    pub pool: EventPool,
    /// Its origins, in document order.
    pub origins: Vec<EventOrigin>,
}

/// The pool of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPool {
    /// Its identifier.
    pub id: String,
    /// Its name at that time.
    pub name: String,
    /// Whether enough origins are healthy.
    pub healthy: bool,
    /// Whether that is news.
    pub changed: bool,
    /// How many are enough.
    pub minimum_origins: u32,
}

/// An origin of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventOrigin {
    /// Its label.
    pub name: String,
    /// Its address as in the pool.
    pub address: String,
    /// The IP address that was probed. Absent when a name did not resolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The user's wish.
    pub enabled: bool,
    /// Whether it is healthy.
    pub healthy: bool,
    /// Whether that is news.
    pub changed: bool,
    /// Why not, or `No failures`.
    pub failure_reason: String,
    /// Status of the last HTTP response, 0 without one.
    pub response_code: u16,
    /// What each monitor of a group says. Absent without a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<EventMonitor>,
}

/// What a member of a monitor group says of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventMonitor {
    /// The monitor's identifier.
    pub id: String,
    /// Whether it finds the origin healthy.
    pub healthy: bool,
    /// Why not, or `No failures`.
    pub failure_reason: String,
    /// Status of the last HTTP response, 0 without one.
    pub response_code: u16,
    /// Whether its failure alone makes the origin unhealthy.
    pub must_be_healthy: bool,
    /// Whether it has no vote.
    pub monitoring_only: bool,
}

/// Which events are asked for; all, unless told otherwise. A time range is the journal's to apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthEventFilter {
    /// Only this pool.
    pub pool_id: Option<String>,
    /// Only pools that had this name.
    pub pool_name: Option<String>,
    /// Only where the pool is, or is not, healthy afterwards.
    pub pool_healthy: Option<bool>,
    /// Only where an origin has this name.
    pub origin_name: Option<String>,
    /// Only where an origin is, or is not, healthy afterwards: the one of that name, if one is
    /// asked for.
    pub origin_healthy: Option<bool>,
}

impl HealthEventFilter {
    /// Whether an event is asked for.
    #[must_use]
    pub fn passes(&self, event: &HealthEvent) -> bool {
        is_wanted(self.pool_id.as_ref(), &event.pool.id)
            && is_wanted(self.pool_name.as_ref(), &event.pool.name)
            && is_wanted(self.pool_healthy.as_ref(), &event.pool.healthy)
            && (self.is_for_all_origins() || event.origins.iter().any(|origin| self.wants(origin)))
    }

    const fn is_for_all_origins(&self) -> bool {
        self.origin_name.is_none() && self.origin_healthy.is_none()
    }

    fn wants(&self, origin: &EventOrigin) -> bool {
        is_wanted(self.origin_name.as_ref(), &origin.name)
            && is_wanted(self.origin_healthy.as_ref(), &origin.healthy)
    }
}

fn is_wanted<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
