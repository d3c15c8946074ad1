//! The answer to "who names whom" (api.md 2.7).

use schemars::JsonSchema;
use serde::Serialize;

/// One end of a reference, seen from the other.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reference {
    reference_type: Direction,
    resource_type: Resource,
    resource_id: String,
    resource_name: String,
}

/// Which way a reference points.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// It names the object asked about.
    Referrer,
    /// The object asked about names it.
    Referral,
}

/// What is at the other end.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Resource {
    LoadBalancer,
    Pool,
    Monitor,
}

impl Reference {
    /// Something that names the object asked about.
    pub(super) fn referrer(resource: Resource, id: &str, name: &str) -> Self {
        Self::new(Direction::Referrer, resource, id, name)
    }

    /// Something that the object asked about names.
    pub(super) fn referral(resource: Resource, id: &str, name: &str) -> Self {
        Self::new(Direction::Referral, resource, id, name)
    }

    fn new(direction: Direction, resource: Resource, id: &str, name: &str) -> Self {
        Self {
            reference_type: direction,
            resource_type: resource,
            resource_id: id.to_owned(),
            resource_name: name.to_owned(),
        }
    }
}
