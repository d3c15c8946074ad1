//! The zones that are served, kept in step with documents. Only what changed is made anew: of a
//! changed record that record, and the zone that it belongs to. All other zones stay the very same,
//! by which those who answer know that what they made of them still holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use evenkeel_api::dnssec::DnssecStatus;
use evenkeel_api::secondary_dns::build_transfer;
use evenkeel_api::{DnsRecord, ZoneParts, build_dns_record, build_zone};
use evenkeel_model::{Record, Transfer, Zone, ZoneKey, Zones};
use evenkeel_store::Snapshot;

use super::build::tell;
use crate::catalog::{Catalog, Table};
use crate::dns::{DnsTables, ZoneSerial};
use crate::records::{Owned, Owner, kind};

/// What zones are made of.
const KINDS: [&str; 7] = [
    kind::ZONE,
    kind::DNS_RECORD,
    kind::ZONE_SERIAL,
    kind::DNSSEC,
    kind::OUTGOING_TRANSFER,
    kind::DNS_PEER,
    kind::TSIG,
];

/// Whether the zones of a snapshot are those of an earlier one as well, for certain.
pub(super) fn is_same(earlier: &Snapshot, later: &Snapshot) -> bool {
    KINDS.iter().all(|kind| later.shares(earlier, kind))
}

/// Keeps zones.
#[derive(Debug, Default)]
pub(super) struct ZoneKeeper {
    /// Who serves zones whose document does not say.
    name_servers: Vec<String>,
    /// What was last followed.
    zones: Arc<Table<evenkeel_api::Zone>>,
    records: Arc<Table<Owned<DnsRecord>>>,
    dns: DnsTables,
    /// By the zone's identifier; of zones too that do not exist, or are not served.
    kept: HashMap<String, Kept>,
    /// Those that are served, by their names.
    served: BTreeMap<Box<[u8]>, Arc<Zone>>,
    all: Arc<Zones>,
}

/// What is kept of a zone.
#[derive(Debug, Default)]
struct Kept {
    /// By the record's identifier; those that could not be built say why.
    records: BTreeMap<String, Result<Record, String>>,
    served: Option<Arc<Zone>>,
    /// What of it is not in force, as told.
    problems: BTreeSet<String>,
}

/// How much was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Work {
    pub(super) records: usize,
    pub(super) zones: usize,
}

impl ZoneKeeper {
    /// Says who serves zones whose document does not say, and builds all zones anew.
    pub(super) fn serve_by(&mut self, name_servers: Vec<String>) {
        self.name_servers = name_servers;
        let ids: BTreeSet<_> = self.kept.keys().cloned().collect();
        self.build(ids, &mut Work::default());
    }

    /// All zones that are served.
    pub(super) fn all(&self) -> &Arc<Zones> {
        &self.all
    }

    /// How much is wrong with the documents of all zones.
    pub(super) fn problems(&self) -> usize {
        self.kept.values().map(|kept| kept.problems.len()).sum()
    }

    /// Brings the zones to where the catalog is.
    pub(super) fn follow(&mut self, catalog: &Catalog) -> Work {
        let mut work = Work::default();
        let mut touched = self.follow_records(&catalog.dns_records, &mut work);
        catalog.zones.for_each_change(&self.zones, |id, _, _| _ = touched.insert(id.to_owned()));
        let (old, new) = (&self.dns, &catalog.dns);
        new.serials.for_each_change(&old.serials, |id, _, _| _ = touched.insert(id.to_owned()));
        new.dnssec.for_each_change(&old.dnssec, |id, _, _| _ = touched.insert(id.to_owned()));
        new.outgoing.for_each_change(&old.outgoing, |id, _, _| _ = touched.insert(id.to_owned()));
        if !Arc::ptr_eq(&new.peers, &old.peers) || !Arc::ptr_eq(&new.tsigs, &old.tsigs) {
            touched.extend(new.outgoing.values().map(|outgoing| outgoing.document.id.clone()));
        }
        self.zones = Arc::clone(&catalog.zones);
        self.dns = catalog.dns.clone();
        self.build(touched, &mut work);
        work
    }

    /// Builds the records that changed, and returns whose they are.
    fn follow_records(
        &mut self,
        records: &Arc<Table<Owned<DnsRecord>>>,
        work: &mut Work,
    ) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        let before = std::mem::replace(&mut self.records, Arc::clone(records));
        records.for_each_change(&before, |id, before, after| {
            if let Some(zone) = before.and_then(|record| zone_of(&record.owner)) {
                self.kept.entry(zone.to_owned()).or_default().records.remove(id);
                touched.insert(zone.to_owned());
            }
            if let Some(record) = after
                && let Some(zone) = zone_of(&record.owner)
            {
                work.records += 1;
                let built = build_dns_record(&record.document);
                let kept = self.kept.entry(zone.to_owned()).or_default();
                kept.records.insert(id.to_owned(), built);
                touched.insert(zone.to_owned());
            }
        });
        touched
    }

    /// Builds the zones of these identifiers.
    fn build(&mut self, ids: BTreeSet<String>, work: &mut Work) {
        let mut moved = false;
        for id in ids {
            let mut kept = self.kept.remove(&id).unwrap_or_default();
            let (zone, problems) = self.zone(&id, &kept);
            tell(&kept.problems, &problems);
            kept.problems = problems;
            if zone.as_ref() != kept.served.as_deref() {
                moved = true;
                work.zones += usize::from(zone.is_some());
                if let Some(before) = kept.served.take() {
                    self.served.remove(&before.name);
                }
                kept.served = zone.map(Arc::new);
                if let Some(zone) = &kept.served {
                    self.served.insert(zone.name.clone(), Arc::clone(zone));
                }
            }
            if self.zones.get(&id).is_some() || !kept.records.is_empty() {
                self.kept.insert(id, kept);
            }
        }
        if moved {
            self.all = Arc::new(Zones::new(self.served.values().cloned().collect()));
        }
    }

    /// The zone of an identifier, if it is served, and what of it is not in force.
    fn zone(&self, id: &str, kept: &Kept) -> (Option<Zone>, BTreeSet<String>) {
        let document = self.zones.get(id).filter(|document| document.is_served());
        let Some(document) = document else { return (None, BTreeSet::new()) };
        let serial = self.dns.serials.get(id).copied();
        let (transfer, problems) = self.transfer(id);
        let of_records = kept.records.iter().filter_map(|(id, built)| {
            let reason = built.as_ref().err()?;
            Some(format!("dns_record {id}: {reason}"))
        });
        let problems = problems.into_iter().map(|reason| format!("zone {id}: {reason}"));
        let mut problems: BTreeSet<_> = problems.chain(of_records).collect();
        let dnssec = self.dns.dnssec.get(id);
        let signed = dnssec.filter(|dnssec| dnssec.settings.status == DnssecStatus::Active);
        let parts = ZoneParts {
            document,
            name_servers: &self.name_servers,
            serial: serial.unwrap_or_else(|| ZoneSerial::first(document)).serial,
            keys: signed
                .map_or_else(Vec::new, |dnssec| dnssec.keys.iter().map(ZoneKey::from).collect()),
            is_multi_signer: dnssec.is_some_and(|dnssec| dnssec.settings.multi_signer),
            transfer,
        };
        match build_zone(parts, kept.records.values().filter_map(|built| built.as_ref().ok())) {
            Ok(zone) => (Some(zone), problems),
            Err(reason) => {
                problems.insert(format!("zone {id}: {reason}"));
                (None, problems)
            }
        }
    }

    fn transfer(&self, id: &str) -> (Transfer, Vec<String>) {
        let DnsTables { outgoing, peers, tsigs, .. } = &self.dns;
        let Some(outgoing) = outgoing.get(id) else { return Default::default() };
        let peer = |id: &str| peers.get(id).map(|peer| &peer.document);
        let tsig = |id: &str| tsigs.get(id).map(|tsig| &tsig.document);
        build_transfer(&outgoing.document, peer, tsig)
    }
}

fn zone_of(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::Zone(id) => Some(id),
        Owner::Account(_) => None,
    }
}

#[cfg(test)]
mod tests;
