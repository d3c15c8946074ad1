//! Moving in and out: a whole installation as one file of the API's own JSON, ids included, and what
//! such a file would change.
//!
//! ```text
//! { "format": 1,
//!   "accounts": [
//!     { "account": {…},
//!       "monitors": […], "monitor_groups": […], "pools": […], "load_balancers": […],
//!       "notification_webhooks": […], "notification_policies": […],
//!       "zones": [ { "zone": {…}, "settings": […], "load_balancers": […], "dns_records": […] } ] } ] }
//! ```
//!
//! A list that is left out says nothing of its kind; an empty one says that there is none. Nothing
//! of a file is believed: each document goes through the same validation as a request's body, and
//! sees as its neighbours what will be there once all of the file is. The settings of a zone are one
//! document: those of them that somebody has set.
//!
//! Certificates are no part of a file, because their private keys are told to nobody: it says how many
//! were left out.
//!
//! | to | use |
//! |---|---|
//! | write what there is into a file | [`export`] |
//! | tell what a file would change | [`plan()`] |
//! | check a file where there is nothing yet | [`check`] |
//!
//! Keeping documents, and who may do this, is `control`'s.

mod diff;
mod index;
mod plan;
mod read;

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Account;
use crate::dns_record::DnsRecord;
use crate::load_balancer::LoadBalancer;
use crate::monitor::Monitor;
use crate::monitor_group::MonitorGroup;
use crate::notification::{Policy, StoredWebhook};
use crate::pool::Pool;
use crate::zone::Zone;
use crate::zone_setting::ZoneSettings;

pub use diff::FieldChange;
pub use plan::{Options, Plan, Step, check, plan};

/// The format that is written, and the newest that is read.
pub const FORMAT: u64 = 1;

/// The kinds of documents of a file, in an order in which each names only those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A zone.
    Zone,
    /// What a zone is set to.
    ZoneSettings,
    /// A monitor.
    Monitor,
    /// A monitor group.
    MonitorGroup,
    /// A pool.
    Pool,
    /// A load balancer of a zone, or of an account itself.
    LoadBalancer,
    /// A DNS record.
    DnsRecord,
    /// A webhook, without its secret.
    NotificationWebhook,
    /// A notification policy.
    NotificationPolicy,
}

impl Kind {
    /// The word of messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::ZoneSettings => "settings of a zone",
            Self::Monitor => "monitor",
            Self::MonitorGroup => "monitor group",
            Self::Pool => "pool",
            Self::LoadBalancer => "load balancer",
            Self::DnsRecord => "DNS record",
            Self::NotificationWebhook => "notification webhook",
            Self::NotificationPolicy => "notification policy",
        }
    }

    /// The list of a file that has them, and the kinds of an account or a zone in their order.
    const OF_ACCOUNT: [(&'static str, Self); 6] = [
        ("monitors", Self::Monitor),
        ("monitor_groups", Self::MonitorGroup),
        ("pools", Self::Pool),
        ("load_balancers", Self::LoadBalancer),
        ("notification_webhooks", Self::NotificationWebhook),
        ("notification_policies", Self::NotificationPolicy),
    ];
    /// See [`Self::OF_ACCOUNT`].
    const OF_ZONE: [(&'static str, Self); 3] = [
        ("settings", Self::ZoneSettings),
        ("load_balancers", Self::LoadBalancer),
        ("dns_records", Self::DnsRecord),
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// A document of any kind. It serialises as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Document {
    /// A zone.
    Zone(Zone),
    /// What a zone is set to.
    ZoneSettings(ZoneSettings),
    /// A monitor.
    Monitor(Monitor),
    /// A monitor group.
    MonitorGroup(MonitorGroup),
    /// A pool.
    Pool(Pool),
    /// A load balancer.
    LoadBalancer(LoadBalancer),
    /// A DNS record.
    DnsRecord(DnsRecord),
    /// A webhook.
    NotificationWebhook(StoredWebhook),
    /// A notification policy.
    NotificationPolicy(Policy),
}

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its account.
    pub account: String,
    /// The zone that it stands in, if it stands in one. A zone stands in none.
    pub zone: Option<String>,
}

/// Every document of an installation that moves, by kind and id.
#[derive(Debug, Clone, Default)]
pub struct Installation {
    documents: BTreeMap<(Kind, String), (Place, Document)>,
    /// Certificates that there are beside them, which do not move.
    pub certificates: usize,
}

impl Document {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Zone(_) => Kind::Zone,
            Self::ZoneSettings(_) => Kind::ZoneSettings,
            Self::Monitor(_) => Kind::Monitor,
            Self::MonitorGroup(_) => Kind::MonitorGroup,
            Self::Pool(_) => Kind::Pool,
            Self::LoadBalancer(_) => Kind::LoadBalancer,
            Self::DnsRecord(_) => Kind::DnsRecord,
            Self::NotificationWebhook(_) => Kind::NotificationWebhook,
            Self::NotificationPolicy(_) => Kind::NotificationPolicy,
        }
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Zone(zone) => &zone.id,
            Self::ZoneSettings(settings) => &settings.zone_id,
            Self::Monitor(monitor) => &monitor.id,
            Self::MonitorGroup(group) => &group.id,
            Self::Pool(pool) => &pool.id,
            Self::LoadBalancer(lb) => &lb.id,
            Self::DnsRecord(record) => &record.id,
            Self::NotificationWebhook(stored) => &stored.webhook.id,
            Self::NotificationPolicy(policy) => &policy.id,
        }
    }

    /// What people know it by; may be empty.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Zone(zone) => &zone.name,
            Self::ZoneSettings(_) => "",
            Self::Monitor(monitor) => &monitor.description,
            Self::MonitorGroup(group) => &group.description,
            Self::Pool(pool) => &pool.name,
            Self::LoadBalancer(lb) => &lb.name,
            Self::DnsRecord(record) => &record.name,
            Self::NotificationWebhook(stored) => &stored.webhook.name,
            Self::NotificationPolicy(policy) => &policy.name,
        }
    }

    /// When it was created and last written, as far as that is kept for the whole of it.
    fn times(&mut self) -> Option<(&mut String, Option<&mut String>)> {
        Some(match self {
            Self::ZoneSettings(_) => return None,
            Self::Zone(zone) => (&mut zone.created_on, Some(&mut zone.modified_on)),
            Self::Monitor(monitor) => (&mut monitor.created_on, Some(&mut monitor.modified_on)),
            Self::MonitorGroup(group) => (&mut group.created_on, Some(&mut group.modified_on)),
            Self::Pool(pool) => (&mut pool.created_on, Some(&mut pool.modified_on)),
            Self::LoadBalancer(lb) => (&mut lb.created_on, Some(&mut lb.modified_on)),
            Self::DnsRecord(record) => (&mut record.created_on, Some(&mut record.modified_on)),
            Self::NotificationWebhook(stored) => (&mut stored.webhook.created_at, None),
            Self::NotificationPolicy(policy) => (&mut policy.created, Some(&mut policy.modified)),
        })
    }

    /// The document as its fields are compared.
    fn compared(&self) -> Value {
        match self {
            Self::ZoneSettings(settings) => {
                settings.set().into_iter().map(|setting| (setting.id, setting.value)).collect()
            }
            document => document.to_value(),
        }
    }

    /// The document as it is answered, without secrets.
    fn to_value(&self) -> Value {
        let value = match self {
            Self::NotificationWebhook(stored) => serde_json::to_value(&stored.webhook),
            Self::ZoneSettings(settings) => serde_json::to_value(settings.set()),
            document => serde_json::to_value(document),
        };
        value.expect("documents have text keys and finite numbers")
    }
}

impl Installation {
    /// Adds a document.
    pub fn insert(&mut self, place: Place, document: Document) {
        let key = (document.kind(), document.id().to_owned());
        self.documents.insert(key, (place, document));
    }

    /// A document and its place.
    fn get(&self, kind: Kind, id: &str) -> Option<&(Place, Document)> {
        self.documents.get(&(kind, id.to_owned()))
    }

    /// Those of a kind.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &(Place, Document)> {
        let all = self.documents.range((kind, String::new())..);
        all.take_while(move |((found, _), _)| *found == kind).map(|(_, document)| document)
    }
}

/// The file of an installation: what belongs to these accounts, in an order that depends on nothing
/// but the documents.
#[must_use]
pub fn export(accounts: &[Account], there: &Installation) -> Value {
    let account = |account: &Account| {
        let mut part = Map::new();
        part.insert("account".to_owned(), json!(account));
        let place = Place { account: account.id.clone(), zone: None };
        lists(&mut part, &Kind::OF_ACCOUNT, &place, there);
        let zones = sorted(Kind::Zone, &place, there).into_iter().map(|zone| {
            let mut part = Map::new();
            part.insert("zone".to_owned(), zone.to_value());
            let place = Place { zone: Some(zone.id().to_owned()), ..place.clone() };
            lists(&mut part, &Kind::OF_ZONE, &place, there);
            Value::Object(part)
        });
        part.insert("zones".to_owned(), zones.collect());
        Value::Object(part)
    };
    let accounts = accounts.iter().map(account).collect::<Vec<_>>();
    let mut file = json!({ "format": FORMAT, "accounts": accounts });
    if there.certificates > 0 {
        file["certificates_left_out"] = json!(there.certificates);
    }
    file
}

fn lists(
    part: &mut Map<String, Value>,
    kinds: &[(&str, Kind)],
    place: &Place,
    there: &Installation,
) {
    for (list, kind) in kinds {
        let mut documents = sorted(*kind, place, there).into_iter().map(Document::to_value);
        let documents = match kind {
            // One document, which is a list itself.
            Kind::ZoneSettings => documents.next().unwrap_or_else(|| json!([])),
            _ => documents.collect(),
        };
        part.insert((*list).to_owned(), documents);
    }
}

/// The documents of a place by label, then id.
fn sorted<'a>(kind: Kind, place: &Place, there: &'a Installation) -> Vec<&'a Document> {
    let here = there.of_kind(kind).filter(|(found, _)| found == place);
    let mut documents: Vec<_> = here.map(|(_, document)| document).collect();
    documents.sort_by_key(|document| (document.label(), document.id()));
    documents
}

#[cfg(test)]
mod tests;
