//! Records of one name and type, as they go out.

use evenkeel_model::Record;

use crate::wire::{Name, rtype};

/// Records of one name and type. They share their time to live: the shortest that any of them has
/// (RFC 2181 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// Their type's number.
    pub rtype: u16,
    /// Seconds they may be kept.
    pub ttl_s: u32,
    /// Each record's RDATA behind its length in two bytes.
    rdata: Vec<u8>,
}

impl RecordSet {
    /// A set without records.
    pub(super) const fn new(rtype: u16, ttl_s: u32) -> Self {
        Self { rtype, ttl_s, rdata: Vec::new() }
    }

    /// Adds a record. One whose RDATA no message could hold is left out.
    pub(super) fn push(&mut self, ttl_s: u32, rdata: &[u8]) {
        let Ok(length) = u16::try_from(rdata.len()) else { return };
        self.ttl_s = self.ttl_s.min(ttl_s);
        self.rdata.extend_from_slice(&length.to_be_bytes());
        self.rdata.extend_from_slice(rdata);
    }

    /// Adds a record of a zone.
    pub(super) fn push_record(&mut self, record: &Record) {
        self.push(record.ttl_s, &record.rdata);
    }

    /// The RDATA of each record.
    pub fn rdata(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.rdata[..];
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (rdata, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            rest = after;
            Some(rdata)
        })
    }

    /// The host names that the records lead to, where their addresses are worth adding.
    pub fn targets(&self) -> impl Iterator<Item = Name<'_>> {
        let at = target_name(self.rtype);
        self.rdata().filter_map(move |rdata| Name::at_start_of(rdata.get(at?..)?))
    }
}

/// Where in the RDATA of a type a name stands that may be compressed: those of RFC 1035 alone may
/// (RFC 3597 section 4). Nothing follows it.
#[must_use]
pub const fn compressible_name(rtype: u16) -> Option<usize> {
    match rtype {
        rtype::NS | rtype::CNAME | rtype::PTR => Some(0),
        rtype::MX => Some(2),
        _ => None,
    }
}

/// Where in the RDATA of a type the name of a host stands that who asks is going to ask for next
/// (RFC 1035 section 3.3, RFC 2782, RFC 9460 section 4.1).
#[must_use]
pub const fn target_name(rtype: u16) -> Option<usize> {
    match rtype {
        rtype::NS => Some(0),
        rtype::MX | rtype::SVCB | rtype::HTTPS => Some(2),
        rtype::SRV => Some(6),
        _ => None,
    }
}
