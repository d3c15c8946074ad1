//! Previews: monitor settings tried on pools before anybody relies on them (api.md 2.6).

use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;
use crate::pool_health::HealthReport;

/// `result` of asking for a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewCreated {
    /// What the outcome is asked for by. Opaque; begins with `p`.
    pub preview_id: String,
    /// Names of the pools that are tried, by identifier.
    pub pools: Map<String>,
}

/// `result` of a preview: the pools that are done, by identifier. Empty at first.
pub type PreviewResult = Map<HealthReport>;
