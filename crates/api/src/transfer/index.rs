//! What will be there once a file is: the neighbours that each of its documents is validated
//! against.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::read::Entry;
use super::{Document, Kind, Place};
use crate::context::Lookup;

/// Ids and names of everything that will be there.
#[derive(Debug, Default)]
pub(super) struct Index {
    ids: BTreeSet<(Kind, String, String)>,
    /// How many there are of a kind, by [`counted_in`].
    counts: BTreeMap<(Kind, String), usize>,
    /// Who has a name, by kind and by what names must differ within.
    names: BTreeMap<(Kind, String, String), Vec<String>>,
}

impl Index {
    /// Adds a document that stays.
    pub(super) fn keep(&mut self, place: &Place, document: &Document) {
        self.add(document.kind(), place, document.id(), document.label());
    }

    /// Adds a document of the file.
    pub(super) fn expect(&mut self, entry: &Entry<'_>) {
        let name = entry.body["name"].as_str().unwrap_or_default();
        // Host names are stored so, pools' names as they are.
        let name = match entry.kind {
            Kind::Zone | Kind::LoadBalancer => name.trim_end_matches('.').to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        self.add(entry.kind, &entry.place, entry.id, &name);
    }

    fn add(&mut self, kind: Kind, place: &Place, id: &str, name: &str) {
        self.ids.insert((kind, place.account.clone(), id.to_owned()));
        *self.counts.entry((kind, counted_in(kind, place).to_owned())).or_default() += 1;
        let within = match kind {
            // Over all accounts: a host name has one owner.
            Kind::Zone => String::new(),
            _ => place.zone.clone().unwrap_or_else(|| place.account.clone()),
        };
        self.names.entry((kind, within, name.to_owned())).or_default().push(id.to_owned());
    }

    /// The index as the document of this id sees it.
    pub(super) fn seen_by<'a>(&'a self, account: &'a str, id: &'a str) -> Seen<'a> {
        Seen { index: self, account, id }
    }

    /// How many of a kind there will be where they are counted together with those of a place.
    pub(super) fn count(&self, kind: Kind, place: &Place) -> usize {
        let key = (kind, counted_in(kind, place).to_owned());
        self.counts.get(&key).copied().unwrap_or_default()
    }
}

/// The zone or the account within which documents of a kind are counted: records by zone, everything
/// else by account, what stands in its zones included.
pub(super) fn counted_in(kind: Kind, place: &Place) -> &str {
    match (kind, &place.zone) {
        (Kind::DnsRecord, Some(zone)) => zone,
        _ => &place.account,
    }
}

/// The index without the document that looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    index: &'a Index,
    account: &'a str,
    id: &'a str,
}

impl Seen<'_> {
    /// Whether the account will have this document.
    pub(super) fn exists(&self, kind: Kind, id: &str) -> bool {
        self.index.ids.contains(&(kind, self.account.to_owned(), id.to_owned()))
    }

    fn is_taken(&self, kind: Kind, within: &str, name: &str) -> bool {
        let key = (kind, within.to_owned(), name.to_owned());
        self.index.names.get(&key).is_some_and(|ids| ids.iter().any(|id| id != self.id))
    }
}

impl Lookup for Seen<'_> {
    fn pool_exists(&self, id: &str) -> bool {
        self.exists(Kind::Pool, id)
    }

    fn monitor_exists(&self, id: &str) -> bool {
        self.exists(Kind::Monitor, id)
    }

    fn monitor_group_exists(&self, id: &str) -> bool {
        self.exists(Kind::MonitorGroup, id)
    }

    fn pool_name_taken(&self, name: &str, _: Option<&str>) -> bool {
        self.is_taken(Kind::Pool, self.account, name)
    }

    fn lb_name_taken(&self, zone_id: Option<&str>, name: &str, _: Option<&str>) -> bool {
        !name.is_empty() && self.is_taken(Kind::LoadBalancer, zone_id.unwrap_or(self.account), name)
    }

    fn zone_name_taken(&self, name: &str, _: Option<&str>) -> bool {
        self.is_taken(Kind::Zone, "", name)
    }
}

/// A member that a text may be in.
pub(super) fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}
