//! Notifications (api.md 6.4): policies say of what somebody is told and how, webhooks are one way
//! of telling. Telling itself is others' work, and so is what there is to tell.
//!
//! A policy names webhooks by identifier; one that is named cannot be deleted
//! ([`Policy::webhooks`]).

mod alerts;
mod delivery;
mod policy;
mod webhook;

pub use alerts::{AlertType, AvailableAlert, AvailableAlerts, FilterOption};
pub use delivery::{Delivery, DeliveryStatus, MechanismType};
pub use policy::{Filters, Mechanism, Mechanisms, Policy};
pub use webhook::{StoredWebhook, Webhook, WebhookType};

/// The document that a policy's request leaves behind: see [`policy::apply`].
pub use policy::apply as apply_policy;
/// The document that a webhook's request leaves behind: see [`webhook::apply`].
pub use webhook::apply as apply_webhook;

/// Most characters of any name here.
const NAME_CHARS_MAX: usize = 255;
