//! What is written along with every change of a zone, whichever request makes it: its serial
//! advances, and with a zone that is deleted goes all that is kept of it.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::ZoneSerial;
use crate::app::Draft;
use crate::catalog::Catalog;
use crate::records::{Owner, kind};

/// Adds it to what a request drafted.
pub(crate) fn accompany(catalog: &Catalog, draft: &mut Draft, now_ms: u64) {
    let mut advance = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for change in draft.changes() {
        let stored = change.after.as_deref().or(change.before.as_deref()).unwrap_or_default();
        match &*change.key.kind {
            kind::ZONE if change.after.is_none() => _ = gone.insert(change.key.id.to_string()),
            kind::ZONE | kind::DNSSEC => _ = advance.insert(change.key.id.to_string()),
            kind::DNS_RECORD => advance.extend(zone_of(stored)),
            _ => {}
        }
    }
    let dns = &catalog.dns;
    for zone in &gone {
        dns.serials.row(zone).into_iter().for_each(|row| draft.delete_quietly(row));
        dns.dnssec.row(zone).into_iter().for_each(|row| draft.delete(row));
        dns.outgoing.row(zone).into_iter().for_each(|row| draft.delete(row));
    }
    for zone in advance.difference(&gone) {
        let row = dns.serials.row(zone);
        let last = row.map(|row| *row.value);
        let last = last.or_else(|| catalog.zones.get(zone).map(ZoneSerial::first));
        let serial = last.unwrap_or(ZoneSerial { serial: 0 }).next(now_ms);
        match row {
            Some(row) => draft.update_quietly(row, &serial),
            None => draft.create_quietly(kind::ZONE_SERIAL, zone, &serial),
        }
    }
}

/// The zone that a stored record belongs to.
fn zone_of(stored: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Belonging {
        owner: Owner,
    }
    match serde_json::from_slice(stored).ok()? {
        Belonging { owner: Owner::Zone(zone) } => Some(zone),
        Belonging { owner: Owner::Account(_) } => None,
    }
}
