//! Writing responses: header, question, sections, OPT record; whole sets of records or none of
//! them, within a limit.
//!
//! Performance-critical path: nothing is allocated while the buffer keeps its memory.

use std::net::IpAddr;

use evenkeel_model::Zone;

use super::compression::Compression;
use super::edns::{EdnsOut, OptWriter};
use super::name::{LowerName, Name, host_to_wire};
use super::number::{Rcode, rtype};
use super::query::{CLASS_IN, HEADER_BYTES, Query, Rejection};
use crate::answer::{Answer, Data, MINIMAL, Owner, Set, soa_numbers};
use crate::zone::compressible_name;

/// The bits of the header's third byte, and one of the fourth.
mod flag {
    pub(super) const QR: u8 = 0x80;
    pub(super) const AA: u8 = 0x04;
    pub(super) const TC: u8 = 0x02;
    pub(super) const RD: u8 = 0x01;
    pub(super) const CD: u8 = 0x10;
}

/// Places of the counts in the header.
const COUNTS: [usize; 4] = [4, 6, 8, 10];

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Whether something was left out that has to be asked for again by TCP.
    pub truncated: bool,
    /// Records of the answer section.
    pub answers: u16,
}

/// Signs the sets of records of an answer.
pub trait Signer {
    /// Appends the RDATA of each RRSIG record that covers a set, each preceded by its length in two
    /// bytes. The owner is in wire format and lower case.
    fn sign(&mut self, answer: &Answer<'_>, set: &Set<'_>, owner: &[u8], out: &mut Vec<u8>);
}

/// Appends the response to a query, of at most `limit` bytes. A set of records that does not fit is
/// left out whole, with its signatures, and so is what would come after it.
pub fn write(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    answer: &Answer<'_>,
    limit: usize,
    extra: &EdnsOut<'_>,
) -> Written {
    write_signed(out, query, answer, limit, extra, None)
}

/// The same with signatures beside each set, if there is a signer.
pub fn write_signed(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    answer: &Answer<'_>,
    limit: usize,
    extra: &EdnsOut<'_>,
    signer: Option<&mut dyn Signer>,
) -> Written {
    let opt = query.edns.map(|edns| OptWriter::new(&edns, answer.rcode, answer.scope, extra));
    let mut message = Message::begin(out, limit, query.id, answer.rcode, query.question());
    message.set_checking_disabled(query.cd);
    let flags = flag::QR | if query.rd { flag::RD } else { 0 };
    message.out[message.start + 2] = flags | if answer.authoritative { flag::AA } else { 0 };
    let opt = message.reserve(opt);
    let mut names = Compression::new(message.start);
    names.remember(HEADER_BYTES, query.name.as_wire());
    let mut sets = Sets { answer, query, message, signer, scratch: Vec::new(), names };
    let mut written = Written::default();
    let sections = [&answer.answer, &answer.authority, &answer.additional];
    'sections: for (section, list) in (1..).zip(sections) {
        for (n, set) in list.iter().enumerate() {
            let is_indispensable = section < 3 || n < answer.glue;
            match sets.write(set) {
                Some(records) => sets.message.count(section, records),
                None if is_indispensable => {
                    written.truncated = true;
                    break 'sections;
                }
                None => {}
            }
        }
    }
    let Sets { message, .. } = sets;
    if written.truncated {
        message.out[message.start + 2] |= flag::TC;
    }
    written.answers = message.counted(1);
    message.finish(opt);
    written
}

/// Appends a response without records, of at most `limit` bytes.
pub fn write_rejection(
    out: &mut Vec<u8>,
    rejection: &Rejection<'_>,
    limit: usize,
    extra: &EdnsOut<'_>,
) {
    let Rejection { id, opcode, rd, cd, rcode, truncated, question, edns } = *rejection;
    let opt = edns.map(|edns| OptWriter::new(&edns, rcode, 0, extra));
    let mut message = Message::begin(out, limit, id, rcode, question);
    message.set_checking_disabled(cd);
    let (rd, tc) = (if rd { flag::RD } else { 0 }, if truncated { flag::TC } else { 0 });
    message.out[message.start + 2] = flag::QR | opcode << 3 | rd | tc;
    let opt = message.reserve(opt);
    message.finish(opt);
}

/// A message that is being written.
struct Message<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    /// Where it has to end.
    end: usize,
}

impl<'o> Message<'o> {
    /// Writes the header, its flags and counts still to come, and the question.
    fn begin(out: &'o mut Vec<u8>, limit: usize, id: u16, rcode: Rcode, question: &[u8]) -> Self {
        let start = out.len();
        let [id1, id2] = id.to_be_bytes();
        let rcode = (rcode.number() & 0x0F) as u8;
        let questions = u8::from(!question.is_empty());
        out.extend_from_slice(&[id1, id2, flag::QR, rcode, 0, questions, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(question);
        // The header and the longest question fit any limit (RFC 1035 section 4.2.1: 512 bytes).
        Self { out, start, end: start + limit.min(usize::from(u16::MAX)) }
    }

    fn set_checking_disabled(&mut self, cd: bool) {
        self.out[self.start + 3] |= if cd { flag::CD } else { 0 };
    }

    /// Keeps room for the OPT record: without its options where those would not fit.
    fn reserve<'a>(&mut self, opt: Option<OptWriter<'a>>) -> Option<OptWriter<'a>> {
        let room = self.end.saturating_sub(self.out.len());
        let opt = opt.map(|opt| opt.within(room));
        self.end -= opt.as_ref().map_or(0, OptWriter::bytes).min(room);
        opt
    }

    fn count(&mut self, section: usize, records: u16) {
        let place = self.start + COUNTS[section];
        let counted = self.counted(section).saturating_add(records);
        self.out[place..place + 2].copy_from_slice(&counted.to_be_bytes());
    }

    fn counted(&self, section: usize) -> u16 {
        let place = self.start + COUNTS[section];
        u16::from_be_bytes([self.out[place], self.out[place + 1]])
    }

    fn finish(mut self, opt: Option<OptWriter<'_>>) {
        if let Some(opt) = opt {
            opt.write(self.out);
            self.count(3, 1);
        }
    }
}

/// The sets of an answer on their way into the message.
struct Sets<'o, 's, 'a, 'g> {
    answer: &'s Answer<'a>,
    query: &'s Query<'s>,
    message: Message<'o>,
    signer: Option<&'g mut (dyn Signer + 'g)>,
    /// Signatures of one set.
    scratch: Vec<u8>,
    names: Compression,
}

impl Sets<'_, '_, '_, '_> {
    /// Writes a set with its signatures and returns how many records that was; takes it back, and
    /// returns nothing, when it does not fit.
    fn write(&mut self, set: &Set<'_>) -> Option<u16> {
        let before = self.message.out.len();
        let written = self
            .write_records(set)
            .and_then(|records| Some(records.saturating_add(self.write_signatures(set)?)));
        if written.is_none() {
            self.message.out.truncate(before);
            self.names.forget_from(before - self.message.start);
        }
        written
    }

    fn write_records(&mut self, set: &Set<'_>) -> Option<u16> {
        let mut records = 0;
        match &set.data {
            Data::Records(stored) => {
                for rdata in stored.rdata() {
                    self.write_record(set, |out, names| {
                        match compressible_name(set.rtype).and_then(|at| rdata.split_at_checked(at))
                        {
                            Some((before, name)) => {
                                out.extend_from_slice(before);
                                names.write(out, name);
                            }
                            None => out.extend_from_slice(rdata),
                        }
                    })?;
                    records += 1;
                }
            }
            Data::Addresses(range) => {
                for address in &self.answer.addresses[range.clone()] {
                    self.write_record(set, |out, _| match address {
                        IpAddr::V4(v4) => out.extend_from_slice(&v4.octets()),
                        IpAddr::V6(v6) => out.extend_from_slice(&v6.octets()),
                    })?;
                    records += 1;
                }
            }
            Data::Host(host) => {
                let name = host_to_wire(host)?;
                self.write_record(set, |out, names| names.write(out, &name))?;
                records = 1;
            }
            Data::Soa(zone) => {
                let Zone { soa, .. } = zone;
                self.write_record(set, |out, names| {
                    names.write(out, &soa.mname);
                    names.write(out, &soa.rname);
                    out.extend_from_slice(&soa_numbers(zone));
                })?;
                records = 1;
            }
            Data::Made(rdata) => {
                self.write_record(set, |out, _| out.extend_from_slice(rdata))?;
                records = 1;
            }
            Data::Minimal => {
                self.write_record(set, |out, _| out.extend_from_slice(MINIMAL))?;
                records = 1;
            }
        }
        Some(records)
    }

    fn write_signatures(&mut self, set: &Set<'_>) -> Option<u16> {
        let Some(signer) = self.signer.as_deref_mut() else { return Some(0) };
        let owner: LowerName = match set.owner {
            Owner::Question => self.query.name.lower(),
            Owner::Name(name) => Name::of_checked(name).lower(),
        };
        let mut signatures = std::mem::take(&mut self.scratch);
        signatures.clear();
        signer.sign(self.answer, set, &owner, &mut signatures);
        let mut records = 0;
        let mut rest = &signatures[..];
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (rdata, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            let signature = Set { rtype: rtype::RRSIG, ..set.clone() };
            self.write_record(&signature, |out, _| out.extend_from_slice(rdata))?;
            (records, rest) = (records + 1, after);
        }
        self.scratch = signatures;
        Some(records)
    }

    /// Writes one record; nothing when it goes over the limit.
    fn write_record(
        &mut self,
        set: &Set<'_>,
        rdata: impl FnOnce(&mut Vec<u8>, &mut Compression),
    ) -> Option<()> {
        let out = &mut *self.message.out;
        match set.owner {
            // The question's name, which is where the header ends.
            Owner::Question => out.extend_from_slice(&QUESTION_POINTER),
            Owner::Name(name) => self.names.write(out, name),
        }
        let [t1, t2] = set.rtype.to_be_bytes();
        let [c1, c2] = CLASS_IN.to_be_bytes();
        let [s1, s2, s3, s4] = set.ttl_s.to_be_bytes();
        out.extend_from_slice(&[t1, t2, c1, c2, s1, s2, s3, s4, 0, 0]);
        let at = out.len();
        rdata(out, &mut self.names);
        let length = u16::try_from(out.len() - at).ok()?;
        out[at - 2..at].copy_from_slice(&length.to_be_bytes());
        (out.len() <= self.message.end).then_some(())
    }
}

/// A pointer to the question's name.
const QUESTION_POINTER: [u8; 2] = [0xC0, HEADER_BYTES as u8];
