//! What is told, before it is put into anybody's shape.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::occasion::{Occasion, What};
use crate::outage::Outage;
use crate::policy::Policy;

/// A notification of one policy about one occasion, in the words of Cloudflare's generic webhook
/// (behaviour.md 7.11).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The subject line.
    pub name: String,
    /// All of it in one sentence.
    pub text: String,
    /// What a program reads.
    pub data: Value,
    /// When, in seconds since 1970.
    pub ts: u64,
    /// Whose pool it is.
    pub account_id: String,
    /// The policy that asked for it.
    pub policy_id: String,
    /// What people call the policy.
    pub policy_name: String,
    /// What the policy is for; not sent.
    #[serde(skip)]
    pub policy_description: String,
    /// Of which kind it is.
    pub alert_type: AlertType,
    /// The same for the message of an outage and that of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_correlation_id: Option<String>,
    /// Whether an outage begins or ends; absent for what is neither, or is not known to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_event: Option<AlertEvent>,
}

/// `alert_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum AlertType {
    /// The health of a pool or an endpoint changed.
    #[serde(rename = "load_balancing_health_alert")]
    Health,
    /// A pool was switched on or off.
    #[serde(rename = "load_balancing_pool_enablement_alert")]
    PoolEnablement,
}

impl AlertType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Health => "load_balancing_health_alert",
            Self::PoolEnablement => "load_balancing_pool_enablement_alert",
        }
    }
}

/// `alert_event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertEvent {
    /// An outage begins.
    #[serde(rename = "ALERT_STATE_EVENT_START")]
    Start,
    /// It ends.
    #[serde(rename = "ALERT_STATE_EVENT_END")]
    End,
}

impl Message {
    /// What a policy's destinations are told.
    pub(crate) fn new(policy: &Policy, occasion: &Occasion, outage: &Outage) -> Self {
        let (alert_correlation_id, alert_event) = match outage {
            Outage::Begins(id) => (Some(id.clone()), Some(AlertEvent::Start)),
            Outage::Ends(id) => (Some(id.clone()), Some(AlertEvent::End)),
            Outage::Untied => (None, None),
        };
        let (name, text) = words(occasion);
        Self {
            name,
            text,
            data: data(occasion),
            ts: occasion.at_ms / 1000,
            account_id: occasion.account_id.clone(),
            policy_id: policy.id.clone(),
            policy_name: policy.name.clone(),
            policy_description: policy.description.clone(),
            alert_type: AlertType::from(&occasion.what),
            alert_correlation_id,
            alert_event,
        }
    }
}

/// Subject and sentence.
fn words(occasion: &Occasion) -> (String, String) {
    let pool = &occasion.pool_name;
    let used = if occasion.load_balancers.is_empty() {
        String::new()
    } else {
        format!(" Load balancers that use the pool: {}.", occasion.load_balancers.join(", "))
    };
    match &occasion.what {
        What::PoolHealth { healthy } => {
            let health = health(*healthy);
            let subject = format!("Pool {pool} is {}", health.to_lowercase());
            (subject.clone(), format!("{subject}.{used}"))
        }
        What::EndpointHealth { name, address, healthy, reason, .. } => {
            let health = health(*healthy).to_lowercase();
            let subject = format!("Endpoint {name} of pool {pool} is {health}");
            (subject.clone(), format!("{subject}: {address}, {reason}.{used}"))
        }
        What::PoolEnabled { enabled } => {
            let subject = format!("Pool {pool} was {}", switched(*enabled));
            (subject.clone(), format!("{subject}.{used}"))
        }
    }
}

fn data(occasion: &Occasion) -> Value {
    let mut data = json!({
        "pool_id": occasion.pool_id,
        "pool_name": occasion.pool_name,
        "load_balancer_name": occasion.load_balancers.join(", "),
    });
    match &occasion.what {
        What::PoolHealth { healthy } => {
            data["event_source"] = json!("pool");
            data["new_health"] = json!(health(*healthy));
        }
        What::EndpointHealth { name, address, healthy, reason, observed_by } => {
            data["event_source"] = json!("origin");
            data["new_health"] = json!(health(*healthy));
            data["origin_name"] = json!(name);
            data["origin_ip"] = json!(address);
            data["origin_failure_reason"] = json!(reason);
            if let Some(monitor) = observed_by {
                data["observed_by"] = json!(monitor);
            }
        }
        What::PoolEnabled { enabled } => data["enabled"] = json!(enabled),
    }
    data
}

const fn health(healthy: bool) -> &'static str {
    if healthy { "Healthy" } else { "Unhealthy" }
}

const fn switched(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::occasion::tests::{endpoint, occasion};
    use crate::policy::tests::policy;

    pub(crate) fn outage() -> Message {
        Message::new(&policy(), &occasion(endpoint("a", false)), &Outage::Begins("7".repeat(32)))
    }

    #[test]
    fn the_generic_form_has_the_published_members() {
        assert_eq!(
            serde_json::to_value(outage()).unwrap(),
            json!({
                "name": "Endpoint a of pool eu-west is unhealthy",
                "text": "Endpoint a of pool eu-west is unhealthy: 192.0.2.10, TCP connection failed. \
                         Load balancers that use the pool: shop.example.com.",
                "data": {
                    "pool_id": "1a2b3c4d5e6f708192a3b4c5d6e7f809", "pool_name": "eu-west",
                    "load_balancer_name": "shop.example.com", "event_source": "origin",
                    "new_health": "Unhealthy", "origin_name": "a", "origin_ip": "192.0.2.10",
                    "origin_failure_reason": "TCP connection failed",
                },
                "ts": 1_700_000_000,
                "account_id": "0123456789abcdef0123456789abcdef",
                "policy_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                "policy_name": "on call",
                "alert_type": "load_balancing_health_alert",
                "alert_correlation_id": "77777777777777777777777777777777",
                "alert_event": "ALERT_STATE_EVENT_START",
            })
        );
        let off = What::PoolEnabled { enabled: false };
        let off = Message::new(&policy(), &occasion(off), &Outage::Untied);
        let off = serde_json::to_value(off).unwrap();
        assert_eq!(off["alert_type"], "load_balancing_pool_enablement_alert");
        assert_eq!(off["data"]["enabled"], false);
        assert!(off.get("alert_event").is_none() && off.get("alert_correlation_id").is_none());
        let up = What::PoolHealth { healthy: true };
        let up = Message::new(&policy(), &occasion(up), &Outage::Ends("7".repeat(32)));
        assert_eq!(
            (up.name.as_str(), up.alert_event),
            ("Pool eu-west is healthy", Some(AlertEvent::End))
        );
    }
}
