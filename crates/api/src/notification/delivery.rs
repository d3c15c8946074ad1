//! What became of a notification: one entry of the history (api.md 6.4).

use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

/// A notification that was sent to one receiver, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Counts up, as text. Filled in by whoever answers, from the entry's place in the journal.
    #[serde(default)]
    pub id: String,
    /// Name of the policy.
    pub name: String,
    /// Description of the policy; empty when it has none.
    pub description: String,
    /// What was told, as a program reads it.
    pub alert_body: String,
    /// Of which kind it was.
    pub alert_type: String,
    /// The receiver: a mail address, the identifier of a webhook, or an integration key's beginning.
    pub mechanism: String,
    /// The sort of receiver.
    pub mechanism_type: MechanismType,
    /// The policy that asked for it; of a pool's own address the pool.
    pub policy_id: String,
    /// When it came to its end, in RFC 3339.
    pub sent: String,
    /// Whether the receiver took it. An addition of ours, as all that follows.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was not taken; absent when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

words! {
    /// `mechanism_type`.
    MechanismType {
        /// An e-mail.
        Email = "email",
        /// An event of PagerDuty.
        Pagerduty = "pagerduty",
        /// A webhook.
        Webhook = "webhook",
    }

    /// `status` of a delivery.
    DeliveryStatus {
        /// The receiver took it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}
