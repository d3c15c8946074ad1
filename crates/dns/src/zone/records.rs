//! The records of one zone by name. Made once; a look-up costs the same in every zone.

use evenkeel_model::{Record, Zone};
use hashbrown::HashTable;

use super::path::{Path, hash, is_wildcard_of};
use super::set::RecordSet;
use crate::dnssec::delegation_digest;
use crate::wire::{parent, rtype};

/// Seconds that the keys of a zone may be kept. Resolvers ask for them once for all names of the
/// zone; a roll-over has to wait as long.
const DNSKEY_TTL_S: u32 = 3600;

/// The names of a zone: those with records, and those that only have others below them (empty
/// non-terminals).
#[derive(Debug)]
pub struct Records {
    nodes: HashTable<Node>,
    /// Whether any name is delegated; few zones have one.
    has_cuts: bool,
}

/// A name and its records.
#[derive(Debug)]
pub struct Node {
    /// In wire format and lower case.
    pub name: Box<[u8]>,
    /// In the order of their types.
    sets: Vec<RecordSet>,
    /// Whether it is delegated to other name servers: what is below is not ours.
    pub is_cut: bool,
    /// Whether this node's own addresses stand in for its A, AAAA and CNAME records. One proxied
    /// record makes it so (behaviour.md 8.6).
    pub is_proxied: bool,
    /// Whether its CNAME record is not to be seen, and the addresses it leads to are its own: as the
    /// record wishes, and always at the apex.
    pub is_flattened: bool,
}

impl Node {
    fn new(name: &[u8]) -> Self {
        let (is_cut, is_proxied, is_flattened) = (false, false, false);
        Self { name: name.into(), sets: Vec::new(), is_cut, is_proxied, is_flattened }
    }

    /// The records of a type.
    #[must_use]
    pub fn set(&self, rtype: u16) -> Option<&RecordSet> {
        self.sets.iter().find(|set| set.rtype == rtype)
    }

    /// All records.
    #[must_use]
    pub fn sets(&self) -> &[RecordSet] {
        &self.sets
    }

    fn set_mut(&mut self, rtype: u16) -> &mut RecordSet {
        let place = self.sets.binary_search_by_key(&rtype, |set| set.rtype);
        let place = place.unwrap_or_else(|place| {
            self.sets.insert(place, RecordSet::new(rtype, u32::MAX));
            place
        });
        &mut self.sets[place]
    }
}

impl Records {
    /// The index of a zone. Records of other zones' names, or with a name that is none, are left
    /// out.
    #[must_use]
    pub fn new(zone: &Zone) -> Self {
        let mut records = Self { nodes: HashTable::new(), has_cuts: false };
        records.node_mut(&zone.name);
        for record in &zone.records {
            records.add(zone, record);
        }
        if !zone.keys.is_empty() {
            let apex = records.node_mut(&zone.name);
            for key in &zone.keys {
                // The same for the zone above, which may fetch it (RFC 7344).
                for rtype in [rtype::DNSKEY, rtype::CDNSKEY] {
                    apex.set_mut(rtype).push(DNSKEY_TTL_S, &key.dnskey());
                }
                let digest = delegation_digest(&zone.name, key);
                apex.set_mut(rtype::CDS).push(DNSKEY_TTL_S, &digest);
            }
        }
        records
    }

    fn add(&mut self, zone: &Zone, record: &Record) {
        let is_apex = record.name == zone.name;
        let Some(above) = names_above(&record.name, &zone.name) else { return };
        for name in above {
            self.node_mut(name);
        }
        let is_cut = record.rtype == rtype::NS && !is_apex;
        self.has_cuts |= is_cut;
        let node = self.node_mut(&record.name);
        node.is_cut |= is_cut;
        node.is_proxied |= record.proxied;
        node.is_flattened |= record.rtype == rtype::CNAME && (record.flatten || is_apex);
        node.set_mut(record.rtype).push_record(record);
    }

    fn node_mut(&mut self, name: &[u8]) -> &mut Node {
        let entry =
            self.nodes.entry(hash(name), |node| *node.name == *name, |node| hash(&node.name));
        entry.or_insert_with(|| Node::new(name)).into_mut()
    }

    /// The node of a path's suffix.
    #[must_use]
    pub fn find(&self, path: &Path, n: usize) -> Option<&Node> {
        let (name, hash) = path.suffix(n);
        self.nodes.find(hash, |node| *node.name == *name)
    }

    /// The wildcard directly below a path's suffix.
    #[must_use]
    pub fn find_wildcard(&self, path: &Path, n: usize) -> Option<&Node> {
        let (name, _) = path.suffix(n);
        self.nodes.find(path.wildcard_hash(n), |node| is_wildcard_of(&node.name, name))
    }

    /// Whether any name is delegated.
    #[must_use]
    pub const fn has_cuts(&self) -> bool {
        self.has_cuts
    }

    /// All names, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }
}

/// The names between a name and a zone's, neither included; `None` when it is not in the zone.
pub(super) fn names_above<'n>(
    name: &'n [u8],
    zone: &'n [u8],
) -> Option<impl Iterator<Item = &'n [u8]> + use<'n>> {
    let ancestors = || core::iter::successors(Some(name), |name| parent(name));
    let is_inside = ancestors().any(|ancestor| ancestor == zone);
    is_inside.then(|| ancestors().skip(1).take_while(move |above| above.len() > zone.len()))
}
