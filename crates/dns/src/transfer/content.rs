//! The records of a zone as others get them, and the difference of two versions.

use std::collections::BTreeSet;

use evenkeel_decision::answer::EDGE_TTL_S;
use evenkeel_model::{Record, Zone};

use crate::answer::{Advertised, soa_numbers};
use crate::wire::rtype;
use crate::zone::Hosts;

/// One record, ready to be put into a message: owner, type, class, time to live, length, data.
pub(super) type Wire = Box<[u8]>;

/// The records of a zone but for its SOA, in an order of their own, each once. What lies under the
/// name of a load balancer is answered to nobody, and is no part of it.
pub(super) fn records(zone: &Zone, hosts: &Hosts, advertised: &Advertised) -> BTreeSet<Wire> {
    let is_host = |record: &Record| matches!(record.rtype, rtype::A | rtype::AAAA | rtype::CNAME);
    let proxied: BTreeSet<&[u8]> =
        zone.records.iter().filter(|it| it.proxied).map(|it| &*it.name).collect();
    // Elsewhere nobody looks up what a flattened name leads to, and at the apex, where none can
    // stand, a CNAME record makes the whole zone unusable.
    let is_flattened =
        |it: &Record| it.flatten || (it.rtype == rtype::CNAME && it.name == zone.name);
    let is_covered = |it: &Record| proxied.contains(&*it.name) || hosts.has(&it.name);
    let own = zone.records.iter().filter(|it| !(is_flattened(it) || is_host(it) && is_covered(it)));
    let mut all: BTreeSet<Wire> =
        own.map(|it| wire(&it.name, it.rtype, it.ttl_s, &it.rdata)).collect();
    for name in proxied.iter().filter(|name| !hosts.has(name)) {
        let v4 = advertised.v4.iter().map(|ip| wire(name, rtype::A, EDGE_TTL_S, &ip.octets()));
        let v6 = advertised.v6.iter().map(|ip| wire(name, rtype::AAAA, EDGE_TTL_S, &ip.octets()));
        all.extend(v4.chain(v6));
    }
    all
}

/// The SOA record of a zone.
pub(super) fn soa(zone: &Zone) -> Wire {
    let rdata = [&*zone.soa.mname, &*zone.soa.rname, &soa_numbers(zone)].concat();
    wire(&zone.name, rtype::SOA, zone.soa.ttl_s, &rdata)
}

fn wire(name: &[u8], rtype: u16, ttl_s: u32, rdata: &[u8]) -> Wire {
    let length = u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes();
    [name, &rtype.to_be_bytes(), &[0, 1], &ttl_s.to_be_bytes(), &length, rdata].concat().into()
}

/// What was taken away from a zone and what was added, between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delta {
    /// The serial of the version before.
    pub(super) from: u32,
    /// The SOA record of the version before.
    pub(super) soa_before: Wire,
    pub(super) removed: Vec<Wire>,
    /// The SOA record of the version after.
    pub(super) soa_after: Wire,
    pub(super) added: Vec<Wire>,
}

impl Delta {
    pub(super) fn between(
        before: &Zone,
        after: &Zone,
        hosts: &Hosts,
        advertised: &Advertised,
    ) -> Self {
        let [old, new] = [before, after].map(|zone| records(zone, hosts, advertised));
        Self {
            from: before.serial,
            soa_before: soa(before),
            removed: old.difference(&new).cloned().collect(),
            soa_after: soa(after),
            added: new.difference(&old).cloned().collect(),
        }
    }

    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.removed.len() + self.added.len() + 2
    }

    /// Its records in the order in which they are sent (RFC 1995 section 4).
    pub(super) fn sequence(self) -> impl Iterator<Item = Wire> {
        let Self { soa_before, removed, soa_after, added, .. } = self;
        [soa_before].into_iter().chain(removed).chain([soa_after]).chain(added)
    }
}
