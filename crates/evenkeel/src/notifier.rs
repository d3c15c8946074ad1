//! The notifier between the planes: the publisher's occasions go in, messages go out, and what came
//! of them goes to the store.
//!
//! ```text
//! publisher ──▶ occasion ──▶ notify ──▶ delivery ──▶ journal
//!                              ▲
//!            policies, webhooks, pools' own addresses
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_api::notification::{AlertType, Delivery, DeliveryStatus, MechanismType};
use evenkeel_api::pool::FilterOptions;
use evenkeel_control::health::{self, OccasionInbox, OccasionKind};
use evenkeel_control::notifications::{
    DeliveryLog, PolicyRule, PoolRule, RuleBook, Rules, newest_deliveries,
};
use evenkeel_model::Reach;
use evenkeel_notify::{
    Destination, HealthWanted, MailRelay, Occasion, Options, Outcome, Policy, Shape, Stats,
    SwitchWanted, What,
};
use evenkeel_store::Store;
use rustls::RootCertStore;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Occasions on their way to the notifier. It takes them as fast as it can hold them against the
/// policies; whoever is slower than that loses the oldest in the publisher's own, far larger queue.
const OCCASIONS_MAX: usize = 64;

/// Deliveries of earlier processes that are looked at for outages which still go on. Some megabytes
/// for a moment; who told of more than that since lost the tie to the oldest.
const RECORDED_MAX: usize = 5000;

/// Where events for `PagerDuty` go.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Characters of an integration key that the history shows.
const KEY_CHARS_SHOWN: usize = 6;

/// How long the last write may take.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// What it takes to notify.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) inbox: OccasionInbox,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) relay: Option<MailRelay>,
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) reach: Reach,
    pub(crate) stats: Arc<Stats>,
}

/// Notifies on a runtime until `stop` holds true. The task ends once all that was told, or could not
/// be told any more, is written down.
pub(crate) fn start(parts: Parts, runtime: &Handle, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let Parts { inbox, store, relay, roots, reach, stats } = parts;
    let (log, writing) = DeliveryLog::new(Arc::clone(&store));
    let (sender, occasions) = mpsc::channel(OCCASIONS_MAX);
    let book = Cached::new(RuleBook::new(Arc::clone(&store)));
    let options = Options {
        occasions,
        policies: Arc::new(move || book.policies()),
        relay,
        roots,
        refuses: Arc::new(move |ip| reach.refuses(ip)),
        record: Arc::new(move |ended| note(&log, &ended)),
        recorded: Vec::new(),
        stats,
    };
    let writing = runtime.spawn(writing);
    runtime.spawn(feed(inbox, sender));
    runtime.spawn(async move {
        let recorded = newest_deliveries(&*store, RECORDED_MAX).await;
        let recorded = recorded.into_iter().map(|delivery| delivery.alert_body).collect();
        drop(store);
        evenkeel_notify::run(Options { recorded, ..options }, stop).await;
        if tokio::time::timeout(LAST_WRITE, writing).await.is_err() {
            tracing::warn!("The last notifications could not be written down in time.");
        }
    })
}

async fn feed(mut inbox: OccasionInbox, sender: mpsc::Sender<Occasion>) {
    while let Some(occasion) = inbox.next().await {
        if sender.send(told(&occasion)).await.is_err() {
            return;
        }
    }
}

fn told(occasion: &health::Occasion) -> Occasion {
    let what = match &occasion.kind {
        OccasionKind::PoolHealth { healthy } => What::PoolHealth { healthy: *healthy },
        OccasionKind::EndpointHealth { name, address, healthy, reason, observed_by } => {
            let reason = observed_by.as_ref().map_or_else(
                || reason.to_string(),
                |monitor| format!("{reason} (seen by monitor {monitor}, which has no vote)"),
            );
            let (name, address, healthy) = (name.clone(), address.clone(), *healthy);
            let observed_by = observed_by.as_ref().map(ToString::to_string);
            What::EndpointHealth { name, address, healthy, reason, observed_by }
        }
        OccasionKind::PoolEnabled { enabled } => What::PoolEnabled { enabled: *enabled },
    };
    Occasion {
        at_ms: occasion.when.0,
        account_id: occasion.account.clone(),
        pool_id: occasion.pool_id.to_string(),
        pool_name: occasion.pool_name.clone(),
        load_balancers: occasion.load_balancers.to_vec(),
        what,
    }
}

/// The policies of the newest documents, converted once per change of theirs.
struct Cached {
    book: RuleBook,
    last: Mutex<(Arc<Rules>, Arc<Vec<Policy>>)>,
}

impl Cached {
    fn new(book: RuleBook) -> Self {
        Self { book, last: Mutex::default() }
    }

    fn policies(&self) -> Arc<Vec<Policy>> {
        let rules = self.book.rules();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&last.0, &rules) {
            let policies = rules.policies.iter().map(of_policy);
            let policies = Arc::new(policies.chain(rules.pools.iter().map(of_pool)).collect());
            *last = (rules, policies);
        }
        Arc::clone(&last.1)
    }
}

/// A policy as the API has it. A filter that is absent or empty lets everything pass.
fn of_policy(rule: &PolicyRule) -> Policy {
    let PolicyRule { account_id, policy, webhooks } = rule;
    let pools = policy.filters.as_ref().and_then(|filters| filters.get("pool_id"));
    let pools = pools.filter(|pools| !pools.is_empty());
    let is_about = |alert_type| policy.alert_type == alert_type;
    let health = |source: &str| HealthWanted {
        healthy: is_about(AlertType::LoadBalancingHealthAlert)
            && policy.passes("event_source", source)
            && policy.passes("new_health", "Healthy"),
        unhealthy: is_about(AlertType::LoadBalancingHealthAlert)
            && policy.passes("event_source", source)
            && policy.passes("new_health", "Unhealthy"),
    };
    let email = policy.mechanisms.email.iter().flatten();
    let email = email.map(|to| Destination::Email { address: to.id.clone() });
    let webhooks = webhooks.iter().map(|stored| Destination::Webhook {
        id: stored.webhook.id.clone(),
        url: stored.webhook.url.clone(),
        secret: stored.secret.clone(),
        shape: Shape::of_type(stored.webhook.r#type.as_str()),
    });
    let pagerduty = policy.mechanisms.pagerduty.iter().flatten().map(|key| Destination::Webhook {
        id: key.id.clone(),
        url: PAGERDUTY.to_owned(),
        secret: Some(key.id.clone()),
        shape: Shape::PagerDuty,
    });
    Policy {
        id: policy.id.clone(),
        name: policy.name.clone(),
        description: policy.description.clone().unwrap_or_default(),
        account_id: account_id.clone(),
        pools: pools.map(|pools| pools.iter().cloned().collect::<BTreeSet<_>>()),
        pool_health: health("pool"),
        endpoint_health: health("origin"),
        switched: SwitchWanted {
            on: is_about(AlertType::LoadBalancingPoolEnablementAlert)
                && policy.passes("enabled", "true"),
            off: is_about(AlertType::LoadBalancingPoolEnablementAlert)
                && policy.passes("enabled", "false"),
        },
        destinations: email.chain(webhooks).chain(pagerduty).collect(),
    }
}

/// A pool's `notification_email`, with its `notification_filter`.
fn of_pool(rule: &PoolRule) -> Policy {
    let filter = rule.filter.unwrap_or_default();
    let addresses = rule.addresses.iter();
    Policy {
        id: rule.pool_id.clone(),
        name: format!("notification_email of pool {}", rule.pool_name),
        description: String::new(),
        account_id: rule.account_id.clone(),
        pools: Some(BTreeSet::from([rule.pool_id.clone()])),
        pool_health: wanted(filter.pool.flatten()),
        endpoint_health: wanted(filter.origin.flatten()),
        switched: SwitchWanted::default(),
        destinations: addresses
            .map(|address| Destination::Email { address: address.clone() })
            .collect(),
    }
}

/// What one half of a pool's filter lets pass: everything, unless it says otherwise.
fn wanted(options: Option<FilterOptions>) -> HealthWanted {
    match options {
        None => HealthWanted::ALL,
        Some(FilterOptions { disable: true, .. }) => HealthWanted::default(),
        Some(FilterOptions { healthy, .. }) => HealthWanted {
            healthy: healthy.flatten() != Some(false),
            unhealthy: healthy.flatten() != Some(true),
        },
    }
}

fn note(log: &DeliveryLog, ended: &evenkeel_notify::Delivery) {
    let message = &ended.message;
    let (mechanism, mechanism_type) = match &ended.destination {
        Destination::Email { address } => (address.clone(), MechanismType::Email),
        Destination::Webhook { id, shape: Shape::PagerDuty, .. } => {
            let shown: String = id.chars().take(KEY_CHARS_SHOWN).collect();
            (format!("{shown}…"), MechanismType::Pagerduty)
        }
        Destination::Webhook { id, .. } => (id.clone(), MechanismType::Webhook),
    };
    let (status, reason) = match &ended.outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None),
        Outcome::Failed(why) => (DeliveryStatus::Failed, Some(why.clone())),
    };
    let delivery = Delivery {
        id: String::new(),
        name: message.policy_name.clone(),
        description: message.policy_description.clone(),
        alert_body: serde_json::to_string(&**message).unwrap_or_default(),
        alert_type: ended.alert_type().as_str().to_owned(),
        mechanism,
        mechanism_type,
        policy_id: message.policy_id.clone(),
        sent: evenkeel_control::timestamp(ended.at_ms),
        status,
        tries: ended.tries,
        reason,
    };
    log.note(ended.at_ms, &message.account_id, delivery);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pools_own_filter_is_read_as_documented() {
        let options = |disable, healthy| Some(FilterOptions { disable, healthy });
        for (given, healthy, unhealthy) in [
            (None, true, true),
            (options(false, None), true, true),
            (options(false, Some(None)), true, true),
            (options(false, Some(Some(true))), true, false),
            (options(false, Some(Some(false))), false, true),
            (options(true, Some(Some(true))), false, false),
        ] {
            assert_eq!(wanted(given), HealthWanted { healthy, unhealthy }, "{given:?}");
        }
    }

    #[test]
    fn policies_keep_their_filters() {
        let rule = |alert_type: &str, filters: serde_json::Value| {
            PolicyRule {
            account_id: "account".to_owned(),
            policy: serde_json::from_value(serde_json::json!({
                "id": "p", "name": "on call", "enabled": true, "alert_type": alert_type,
                "filters": filters,
                "mechanisms": { "email": [{ "id": "a@example.com" }], "pagerduty": [{ "id": "key" }] },
                "created": "", "modified": "",
            }))
            .unwrap(),
            webhooks: Vec::new(),
        }
        };
        let all = HealthWanted::ALL;
        let none = HealthWanted::default();
        let outages = HealthWanted { healthy: false, unhealthy: true };
        let health = "load_balancing_health_alert";
        for (filters, pool, endpoint) in [
            (serde_json::json!({}), all, all),
            (serde_json::json!({ "event_source": ["pool"] }), all, none),
            (serde_json::json!({ "new_health": ["Unhealthy"] }), outages, outages),
        ] {
            let policy = of_policy(&rule(health, filters.clone()));
            assert_eq!((policy.pool_health, policy.endpoint_health), (pool, endpoint), "{filters}");
            assert_eq!(policy.switched, SwitchWanted::default());
            assert_eq!((policy.pools, policy.destinations.len()), (None, 2));
        }
        let filters = serde_json::json!({ "enabled": ["false"], "pool_id": ["x"] });
        let policy = of_policy(&rule("load_balancing_pool_enablement_alert", filters));
        assert_eq!((policy.pool_health, policy.endpoint_health), (none, none));
        assert_eq!(policy.switched, SwitchWanted { on: false, off: true });
        assert_eq!(policy.pools, Some(BTreeSet::from(["x".to_owned()])));
    }
}
