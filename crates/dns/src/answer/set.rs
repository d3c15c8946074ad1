//! Records as they are answered.

use std::net::IpAddr;
use std::ops::Range;

use evenkeel_model::Zone;
use smallvec::SmallVec;

use super::Answer;
use crate::wire::{host_to_wire, rtype};
use crate::zone::{Node, Owned, RecordSet};

/// What the HINFO record says that stands for everything there is (RFC 8482 section 4.2): a text
/// and an empty one.
pub(crate) const MINIMAL: &[u8] = b"\x07RFC8482\0";

/// Records of one name and type.
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// Their name. A name that a wildcard stands in for is the owner itself.
    pub owner: Owner<'a>,
    /// Their type's number.
    pub rtype: u16,
    /// Seconds they may be kept.
    pub ttl_s: u32,
    /// What they say.
    pub data: Data<'a>,
}

/// Whose records they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The name asked for, as asked.
    Question,
    /// A name in wire format, its letter case kept.
    Name(&'a [u8]),
}

/// What records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// Records of a zone.
    Records(&'a RecordSet),
    /// These of the answer's addresses.
    Addresses(Range<usize>),
    /// The host name of an endpoint, which another name stands for.
    Host(&'a str),
    /// The zone's SOA record.
    Soa(&'a Zone),
    /// That not everything there is is told (RFC 8482).
    Minimal,
    /// One record, made for this answer.
    Made(Box<[u8]>),
}

/// What an answer says is not there.
#[derive(Debug, Clone, Copy)]
pub struct Denial<'a> {
    /// What it is.
    pub absent: Absent,
    /// The name that is asked for, or that CNAME records led to.
    pub owner: Owner<'a>,
    /// What the name has nevertheless.
    owned: Owned<'a>,
    is_apex: bool,
}

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The name (NXDOMAIN).
    Name,
    /// Records of the type (NODATA).
    Type,
}

impl<'a> Denial<'a> {
    pub(super) const fn new(
        absent: Absent,
        owner: Owner<'a>,
        owned: Owned<'a>,
        is_apex: bool,
    ) -> Self {
        Self { absent, owner, owned, is_apex }
    }

    /// The types that the name has, in the order of their numbers, but for one that is asked for in
    /// vain. What NSEC records list; those types that signing adds are not among them.
    #[must_use]
    pub fn types(&self, asked: u16) -> SmallVec<[u16; 8]> {
        let Owned { node, load_balancer } = self.owned;
        let stands_in = load_balancer.is_some() || node.is_some_and(|node| node.is_proxied);
        let is_flattened = node.is_some_and(|node| node.is_flattened);
        let is_host = |rtype: u16| matches!(rtype, rtype::A | rtype::AAAA | rtype::CNAME);
        let of_records = node.into_iter().flat_map(Node::sets).map(|set| set.rtype);
        let mut types: SmallVec<[u16; 8]> = of_records
            .filter(|rtype| !(stands_in && is_host(*rtype)))
            .filter(|rtype| !(is_flattened && *rtype == rtype::CNAME))
            .collect();
        if stands_in || is_flattened {
            types.extend([rtype::A, rtype::AAAA]);
        }
        if self.is_apex {
            types.push(rtype::SOA);
        }
        if !self.is_apex && node.is_some_and(|node| node.is_cut) {
            // What else is at a delegated name is not ours (RFC 4035 section 2.3).
            types.retain(|rtype| matches!(*rtype, rtype::NS | rtype::DS));
        }
        types.retain(|rtype| *rtype != asked);
        types.sort_unstable();
        types.dedup();
        types
    }
}

impl Set<'_> {
    /// Visits the RDATA of each record of a set of this answer, names in it not compressed.
    pub fn each_rdata(&self, answer: &Answer<'_>, visit: &mut dyn FnMut(&[u8])) {
        match &self.data {
            Data::Records(set) => set.rdata().for_each(visit),
            Data::Addresses(range) => {
                for address in &answer.addresses[range.clone()] {
                    match address {
                        IpAddr::V4(v4) => visit(&v4.octets()),
                        IpAddr::V6(v6) => visit(&v6.octets()),
                    }
                }
            }
            Data::Host(name) => visit(&host_to_wire(name).unwrap_or_default()),
            Data::Soa(zone) => visit(&soa_rdata(zone)),
            Data::Minimal => visit(MINIMAL),
            Data::Made(rdata) => visit(rdata),
        }
    }
}

/// What the SOA record of a zone says (RFC 1035 section 3.3.13).
fn soa_rdata(zone: &Zone) -> Vec<u8> {
    let mut rdata = [&*zone.soa.mname, &*zone.soa.rname].concat();
    rdata.extend(soa_numbers(zone));
    rdata
}

/// The five numbers behind the SOA record's names.
pub(crate) fn soa_numbers(zone: &Zone) -> [u8; 20] {
    let soa = &zone.soa;
    let numbers = [zone.serial, soa.refresh_s, soa.retry_s, soa.expire_s, soa.minimum_ttl_s];
    let mut bytes = [0; 20];
    for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}
