//! What a notifier needs of the documents, and where it writes down what it did.
//!
//! ```text
//! policies, webhooks, pools ──▶ RuleBook ──▶ notifier ──▶ DeliveryLog ──▶ journal ──▶ history
//! ```
//!
//! Notifying itself is elsewhere: here is only what the store holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_api::Pool;
use evenkeel_api::notification::{Delivery, Policy, StoredWebhook};
use evenkeel_api::pool::NotificationFilter;
use evenkeel_store::{Batch, Entry, JOURNAL_READ_MAX, JournalQuery, Revision, Snapshot, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::catalog::Table;
use crate::records::{Owned, Owner, encode, kind};

/// The stream of the journal that holds deliveries.
pub const DELIVERIES: &str = "notification";

/// Deliveries that wait to be written down. When a disk is slower than that many receivers, further
/// ones are not recorded, which is logged.
const WAITING_MAX: usize = 4096;

/// Deliveries in one write: more would hold up the commits of users.
const AT_ONCE_MAX: usize = 500;

/// Pause after a write that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Who wants to be told of what.
#[derive(Debug, Default)]
pub struct Rules {
    /// Enabled policies.
    pub policies: Vec<PolicyRule>,
    /// Pools with addresses of their own.
    pub pools: Vec<PoolRule>,
}

/// A policy and what it names.
#[derive(Debug)]
pub struct PolicyRule {
    /// Whose it is.
    pub account_id: String,
    /// The policy.
    pub policy: Policy,
    /// The webhooks that it names.
    pub webhooks: Vec<StoredWebhook>,
}

/// A pool's own, older way to say whom to tell: `notification_email` and `notification_filter`.
#[derive(Debug)]
pub struct PoolRule {
    /// Whose it is.
    pub account_id: String,
    /// The pool's identifier.
    pub pool_id: String,
    /// The pool's name.
    pub pool_name: String,
    /// Whom to tell.
    pub addresses: Vec<String>,
    /// Of what; `None` is everything.
    pub filter: Option<NotificationFilter>,
}

/// The rules of the newest documents.
#[derive(Debug)]
pub struct RuleBook {
    store: Arc<dyn Store>,
    last: Mutex<Last>,
}

/// What was read last, of which unchanged documents are not read again.
#[derive(Debug, Default)]
struct Last {
    revision: Option<Revision>,
    snapshot: Arc<Snapshot>,
    policies: Arc<Table<Owned<Policy>>>,
    webhooks: Arc<Table<Owned<StoredWebhook>>>,
    pools: Arc<Table<Owned<Pool>>>,
    rules: Arc<Rules>,
}

impl RuleBook {
    /// The rules in a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, last: Mutex::default() }
    }

    /// The rules now. Cheap while the documents stay the same.
    pub fn rules(&self) -> Arc<Rules> {
        let snapshot = self.store.snapshot();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.revision == Some(snapshot.revision()) {
            return Arc::clone(&last.rules);
        }
        *last = last.follow(snapshot);
        Arc::clone(&last.rules)
    }
}

impl Last {
    fn follow(&self, snapshot: Arc<Snapshot>) -> Self {
        let old = &*self.snapshot;
        let policies = Table::share(&self.policies, old, &snapshot, kind::NOTIFICATION_POLICY);
        let webhooks = Table::share(&self.webhooks, old, &snapshot, kind::NOTIFICATION_WEBHOOK);
        let pools = Table::share(&self.pools, old, &snapshot, kind::POOL);
        let same = Arc::ptr_eq(&policies, &self.policies)
            && Arc::ptr_eq(&webhooks, &self.webhooks)
            && Arc::ptr_eq(&pools, &self.pools);
        let rules = if same && self.revision.is_some() {
            Arc::clone(&self.rules)
        } else {
            Arc::new(rules(&policies, &webhooks, &pools))
        };
        let revision = Some(snapshot.revision());
        Self { revision, snapshot, policies, webhooks, pools, rules }
    }
}

fn rules(
    policies: &Table<Owned<Policy>>,
    webhooks: &Table<Owned<StoredWebhook>>,
    pools: &Table<Owned<Pool>>,
) -> Rules {
    let account = |owner: &Owner| owner.id().to_owned();
    let enabled = policies.values().filter(|owned| owned.document.enabled);
    let policy = |owned: &Owned<Policy>| {
        let named = owned.document.webhooks().filter_map(|id| webhooks.get(id));
        let own = named.filter(|webhook| webhook.owner == owned.owner);
        PolicyRule {
            account_id: account(&owned.owner),
            policy: owned.document.clone(),
            webhooks: own.map(|webhook| webhook.document.clone()).collect(),
        }
    };
    let pool = |owned: &Owned<Pool>| {
        let addresses = owned.document.notification_email.split(',').map(str::trim);
        let addresses: Vec<_> =
            addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect();
        (!addresses.is_empty()).then(|| PoolRule {
            account_id: account(&owned.owner),
            pool_id: owned.document.id.clone(),
            pool_name: owned.document.name.clone(),
            addresses,
            filter: owned.document.notification_filter,
        })
    };
    Rules {
        policies: enabled.map(policy).collect(),
        pools: pools.values().filter_map(pool).collect(),
    }
}

/// A delivery as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) account_id: String,
    pub(crate) delivery: Delivery,
}

/// Writes deliveries down, beside whoever delivers.
#[derive(Debug, Clone)]
pub struct DeliveryLog(mpsc::Sender<(u64, Recorded)>);

impl DeliveryLog {
    /// A log, and what writes it until the last copy of the log is gone.
    pub fn new(store: Arc<dyn Store>) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        (Self(sender), write(store, inbox))
    }

    /// Notes a delivery of an account that ended at a time, in milliseconds since 1970. Never waits.
    pub fn note(&self, at_ms: u64, account_id: &str, delivery: Delivery) {
        let recorded = Recorded { account_id: account_id.to_owned(), delivery };
        if self.0.try_send((at_ms, recorded)).is_err() {
            tracing::warn!("A delivery was not recorded: too many wait to be written down.");
        }
    }
}

async fn write(store: Arc<dyn Store>, mut inbox: mpsc::Receiver<(u64, Recorded)>) {
    let mut taken = Vec::new();
    while inbox.recv_many(&mut taken, AT_ONCE_MAX).await > 0 {
        let mut batch = Batch::new();
        for (at_ms, recorded) in taken.drain(..) {
            batch = batch.append(DELIVERIES, at_ms, encode(&recorded));
        }
        // What happened is not told twice: after a second failure it is let go.
        if store.commit(batch.clone()).await.is_err() {
            tokio::time::sleep(RETRY_PAUSE).await;
            if let Err(error) = store.commit(batch).await {
                tracing::error!(%error, "Deliveries could not be recorded.");
            }
        }
    }
}

/// The newest recorded deliveries of all accounts, newest first. None when they cannot be read,
/// which is logged.
pub async fn newest_deliveries(store: &dyn Store, count_max: usize) -> Vec<Delivery> {
    let mut query = JournalQuery::newest(DELIVERIES, JOURNAL_READ_MAX);
    let mut found = Vec::new();
    while found.len() < count_max {
        let entries = match store.journal(query.clone()).await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, "Earlier deliveries cannot be read.");
                break;
            }
        };
        let Some(last) = entries.last() else { break };
        query = query.past(last.sequence);
        let read = |entry: &Entry| serde_json::from_slice::<Recorded>(&entry.body).ok();
        found.extend(entries.iter().filter_map(read).map(|recorded| recorded.delivery));
    }
    found.truncate(count_max);
    found
}

/// When each webhook last took a message and last did not, of some recorded deliveries.
#[derive(Debug, Default)]
pub(crate) struct LastDeliveries(BTreeMap<String, (Option<String>, Option<String>)>);

impl LastDeliveries {
    /// Takes an older delivery than all before.
    pub(crate) fn take(&mut self, delivery: &Delivery) {
        let (success, failure) = self.0.entry(delivery.mechanism.clone()).or_default();
        let last = match delivery.reason {
            None => success,
            Some(_) => failure,
        };
        last.get_or_insert_with(|| delivery.sent.clone());
    }

    /// The last success and the last failure of a webhook.
    pub(crate) fn of(&self, webhook: &str) -> (Option<String>, Option<String>) {
        self.0.get(webhook).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
