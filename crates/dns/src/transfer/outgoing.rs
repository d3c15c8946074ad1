//! One transfer: who may have it, and its messages.

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_model::{Peer, Zone};

use super::content::{Delta, Wire, records, soa};
use super::history::Histories;
use super::tsig::{self, Session, Unverified};
use crate::answer::Advertised;
use crate::wire::{Query, Rcode};
use crate::zone::ServedZone;

/// Bytes of records in one message. Larger ones save little, and receivers of the old kind choke.
const MESSAGE_BYTES: usize = 16 * 1024;

/// What becomes of a request for a transfer.
#[derive(Debug)]
pub(crate) enum Begun {
    /// These messages.
    Sent(Outgoing),
    /// Nothing, and why; signed, when the request was.
    Refused(Rcode, Option<Session>),
    /// Nothing: the request's signature is not believed.
    Unverified(Unverified),
}

/// The messages of a transfer.
pub(crate) struct Outgoing {
    head: [u8; 4],
    question: Box<[u8]>,
    records: Box<dyn Iterator<Item = Wire> + Send>,
    /// One that did not fit into the message before.
    next: Option<Wire>,
    session: Option<Session>,
    is_first: bool,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("session", &self.session).finish_non_exhaustive()
    }
}

/// A request for a zone (AXFR, IXFR).
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) query: &'a Query<'a>,
    pub(crate) source: IpAddr,
    /// That of the name asked for, if it is one of ours.
    pub(crate) zone: Option<&'a ServedZone>,
    /// Whether it came by TCP. By UDP the SOA record answers a request for differences, and whoever
    /// is behind asks again (RFC 1995 section 2).
    pub(crate) is_stream: bool,
}

/// Judges a request.
pub(crate) fn begin(
    request: &Request<'_>,
    histories: &Histories,
    advertised: &Advertised,
    now_s: u64,
) -> Begun {
    let Request { query, source, zone, is_stream } = *request;
    let peers = zone.map_or(&[][..], |served| &served.zone.transfer.peers);
    let session = match query.tsig {
        None => None,
        Some(at) => {
            let keys = peers.iter().filter_map(|peer| peer.tsig.as_deref());
            match tsig::verify(query.message, at, keys, now_s) {
                Ok(session) => Some(session),
                Err(why) => return Begun::Unverified(why),
            }
        }
    };
    let Some(served) = zone else { return Begun::Refused(Rcode::NotAuth, session) };
    let zone = &*served.zone;
    if session.as_ref().is_some_and(Session::is_out_of_time) {
        return Begun::Refused(Rcode::NotAuth, session);
    }
    // A key that was shown is as good as an address, and better.
    let is_known = |peer: &&Peer| match (&peer.tsig, &session) {
        (None, _) => peer.address.to_canonical() == source.to_canonical(),
        (Some(key), Some(session)) => session.is_by(key),
        (Some(_), None) => false,
    };
    let Some(peer) = peers.iter().find(is_known) else {
        return Begun::Refused(Rcode::Refused, session);
    };
    if !zone.keys.is_empty() {
        tracing::warn!(%source, "A signed zone was asked for, which cannot be transferred.");
        return Begun::Refused(Rcode::Refused, session);
    }
    let records = match query.serial {
        Some(serial) if !is_stream || is_current(serial, zone.serial) => one(zone),
        None if !is_stream => return Begun::Refused(Rcode::Refused, session),
        Some(serial) if peer.ixfr => match histories.since(zone, serial) {
            Some(deltas) => differences(zone, deltas),
            None => whole(served, advertised),
        },
        _ => whole(served, advertised),
    };
    let [id1, id2] = query.id.to_be_bytes();
    // A response, with authority.
    let head = [id1, id2, 0x84, 0];
    let question = query.question().into();
    Begun::Sent(Outgoing { head, question, records, next: None, session, is_first: true })
}

/// Whether a secondary with this serial has nothing to gain (RFC 1982 section 3.2).
const fn is_current(theirs: u32, ours: u32) -> bool {
    ours.wrapping_sub(theirs).cast_signed() <= 0
}

type Sequence = Box<dyn Iterator<Item = Wire> + Send>;

fn one(zone: &Zone) -> Sequence {
    Box::new(std::iter::once(soa(zone)))
}

fn whole(served: &ServedZone, advertised: &Advertised) -> Sequence {
    let zone = &*served.zone;
    let between = records(zone, &served.hosts, advertised);
    let ends = [soa(zone), soa(zone)];
    let [first, last] = ends;
    Box::new(std::iter::once(first).chain(between).chain([last]))
}

fn differences(zone: &Zone, deltas: Vec<Arc<Delta>>) -> Sequence {
    let all = deltas.into_iter().flat_map(|delta| Delta::clone(&delta).sequence());
    Box::new(std::iter::once(soa(zone)).chain(all).chain([soa(zone)]))
}

impl Outgoing {
    /// Appends the next message; returns whether there was one.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>, now_s: u64) -> bool {
        let Some(first) = self.next.take().or_else(|| self.records.next()) else { return false };
        let start = out.len();
        out.extend_from_slice(&self.head);
        let questions = u8::from(std::mem::take(&mut self.is_first));
        out.extend_from_slice(&[0, questions, 0, 0, 0, 0, 0, 0]);
        if questions == 1 {
            out.extend_from_slice(&self.question);
        }
        out.extend_from_slice(&first);
        let mut answers: u16 = 1;
        for record in self.records.by_ref() {
            if out.len() - start + record.len() > MESSAGE_BYTES || answers == u16::MAX {
                self.next = Some(record);
                break;
            }
            out.extend_from_slice(&record);
            answers += 1;
        }
        out[start + 6..start + 8].copy_from_slice(&answers.to_be_bytes());
        if let Some(session) = &mut self.session {
            session.sign(out, start, now_s);
        }
        true
    }
}
