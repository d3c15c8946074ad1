//! Of what somebody can be told, and by which filters it can be narrowed.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;
use crate::words::words;

words! {
    /// `alert_type`. The published list is longer; only what happens in a load balancer is told
    /// here.
    AlertType {
        /// The health of a pool or of an endpoint changed.
        LoadBalancingHealthAlert = "load_balancing_health_alert",
        /// A pool was enabled or disabled.
        LoadBalancingPoolEnablementAlert = "load_balancing_pool_enablement_alert",
    }
}

/// One kind of alert, as told to whoever writes policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AvailableAlert {
    /// `alert_type` of a policy.
    pub r#type: AlertType,
    /// Its name for people.
    pub display_name: String,
    /// When it is told.
    pub description: String,
    /// The filters a policy may have.
    pub filter_options: Vec<FilterOption>,
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct FilterOption {
    /// The member of a policy's `filters`.
    pub key: String,
    /// How its values are compared.
    pub comparison_operator: String,
    /// How many values it takes.
    pub range: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// The values; null for identifiers.
    pub available_values: Option<Vec<String>>,
}

/// Product → its alerts.
pub type AvailableAlerts = Map<Vec<AvailableAlert>>;

impl AlertType {
    /// Every kind of alert there is, by product.
    #[must_use]
    pub fn available() -> AvailableAlerts {
        let alerts = vec![
            AvailableAlert {
                r#type: Self::LoadBalancingHealthAlert,
                display_name: "Load Balancing Health Alert".to_owned(),
                description: "Changes of the health of pools and of the endpoints in them."
                    .to_owned(),
                filter_options: Self::LoadBalancingHealthAlert.filter_options(),
            },
            AvailableAlert {
                r#type: Self::LoadBalancingPoolEnablementAlert,
                display_name: "Pool Enablement".to_owned(),
                description: "Pools that somebody enables or disables.".to_owned(),
                filter_options: Self::LoadBalancingPoolEnablementAlert.filter_options(),
            },
        ];
        [("Load Balancing".to_owned(), alerts)].into_iter().collect()
    }

    /// The filters of this kind.
    fn filter_options(self) -> Vec<FilterOption> {
        let options = self.filters().iter().map(|(key, values)| FilterOption {
            key: (*key).to_owned(),
            comparison_operator: "==".to_owned(),
            range: "0-n".to_owned(),
            optional: true,
            available_values: (!values.is_empty())
                .then(|| values.iter().map(|value| (*value).to_owned()).collect()),
        });
        options.collect()
    }

    /// The members that `filters` may have and the values of each; none for identifiers of pools.
    pub(super) const fn filters(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::LoadBalancingHealthAlert => &[
                ("pool_id", &[]),
                ("new_health", &["Healthy", "Unhealthy"]),
                ("event_source", &["pool", "origin"]),
            ],
            Self::LoadBalancingPoolEnablementAlert => {
                &[("pool_id", &[]), ("enabled", &["true", "false"])]
            }
        }
    }
}
