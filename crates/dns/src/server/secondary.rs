//! What secondary name servers ask for: zones, and anything by a signed message.

use std::net::SocketAddr;

use super::follow::Serving;
use super::respond::{Moment, Responder, Transport};
use crate::transfer::{self, Begun, Outgoing, Session};
use crate::wire::{Parsed, Query, Rcode, Rejection};
use crate::zone::Path;

impl Responder {
    /// The messages of a transfer, if that is what is asked for and granted; all else is
    /// [`Self::respond`]'s.
    pub(super) fn transfer(
        &self,
        serving: &Serving,
        moment: Moment,
        message: &[u8],
        source: SocketAddr,
    ) -> Option<Outgoing> {
        let Parsed::Transfer(query) = Query::parse(message) else { return None };
        match self.begin(serving, moment, &query, source) {
            Begun::Sent(outgoing) => {
                self.metrics.asked(query.qtype);
                self.metrics.responded(Rcode::NoError.number());
                self.metrics.transfers.increment();
                Some(outgoing)
            }
            Begun::Refused(..) | Begun::Unverified(_) => None,
        }
    }

    /// Answers a request for a zone with one message: a refusal, or by UDP the SOA record.
    pub(super) fn answer_transfer(
        &self,
        serving: &Serving,
        moment: Moment,
        query: &Query<'_>,
        source: SocketAddr,
        out: &mut Vec<u8>,
    ) {
        match self.begin(serving, moment, query, source) {
            Begun::Sent(mut outgoing) => {
                self.metrics.responded(Rcode::NoError.number());
                outgoing.next(out, moment.now.seconds());
            }
            Begun::Refused(rcode, session) => {
                self.metrics.transfers_refused.increment();
                self.refuse_signed(&query.reject(rcode), moment, source, out, session);
            }
            Begun::Unverified(why) => {
                self.metrics.transfers_refused.increment();
                self.refuse_unverified(query, why, moment, source, out);
            }
        }
    }

    /// Answers a query that is signed, and signs the answer.
    pub(super) fn answer_signed(
        &self,
        serving: &Serving,
        moment: Moment,
        query: &Query<'_>,
        at: usize,
        source: SocketAddr,
        out: &mut Vec<u8>,
    ) {
        let found = serving.catalog.find(&Path::new(query.name), 0);
        let peers = found.map_or(&[][..], |(_, served)| &served.zone.transfer.peers);
        let keys = peers.iter().filter_map(|peer| peer.tsig.as_deref());
        match transfer::verify(query.message, at, keys, moment.now.seconds()) {
            Ok(session) if session.is_out_of_time() => {
                let rejection = query.reject(Rcode::NotAuth);
                self.refuse_signed(&rejection, moment, source, out, Some(session));
            }
            Ok(session) => self.answer(serving, moment, query, source.ip(), Some(session), out),
            Err(why) => self.refuse_unverified(query, why, moment, source, out),
        }
    }

    fn begin(
        &self,
        serving: &Serving,
        moment: Moment,
        query: &Query<'_>,
        source: SocketAddr,
    ) -> Begun {
        let found = serving.catalog.find(&Path::new(query.name), 0);
        let zone = found.filter(|(n, _)| *n == 0).map(|(_, served)| served);
        let advertised = &self.shared.settings.advertised;
        let transfer = transfer::Request {
            query,
            source: source.ip(),
            zone,
            is_stream: self.transport == Transport::Tcp,
        };
        transfer::begin(&transfer, &self.shared.histories, advertised, moment.now.seconds())
    }

    fn refuse_signed(
        &self,
        rejection: &Rejection<'_>,
        moment: Moment,
        source: SocketAddr,
        out: &mut Vec<u8>,
        session: Option<Session>,
    ) {
        let start = out.len();
        self.refuse(rejection, moment, source.ip(), out);
        if let Some(mut session) = session.filter(|_| out.len() > start) {
            session.sign(out, start, moment.now.seconds());
        }
    }

    fn refuse_unverified(
        &self,
        query: &Query<'_>,
        why: transfer::Unverified,
        moment: Moment,
        source: SocketAddr,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let rcode = match why {
            transfer::Unverified::Malformed => Rcode::FormErr,
            _ => Rcode::NotAuth,
        };
        self.refuse(&query.reject(rcode), moment, source.ip(), out);
        if let Some(at) = query.tsig.filter(|_| out.len() > start && rcode == Rcode::NotAuth) {
            transfer::refuse(why, query.message, at, out, start, moment.now.seconds());
        }
    }
}
