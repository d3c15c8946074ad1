//! Answers of the search over what an account has (api.md 2.8).

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::references::{Reference, Resource};

/// `result` of a search. The list is not called `items`, whatever the generated pagers look for:
/// they find nothing in the published service either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// What was found.
    pub resources: Vec<SearchResource>,
}

/// A load balancer, pool or monitor that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResource {
    /// What it is.
    pub resource_type: Resource,
    /// Which one.
    pub resource_id: String,
    /// Its name; a monitor's is its description.
    pub resource_name: String,
    /// Who names it and whom it names. Absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<Reference>>,
}
