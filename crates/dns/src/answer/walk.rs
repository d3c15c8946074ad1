//! From the name asked for along CNAME records to what answers (RFC 1034 section 4.3.2).

use std::net::IpAddr;

use evenkeel_decision::{Env, Trail};

use super::set::{Absent, Data, Denial, Owner, Set};
use super::{Answer, Context};
use crate::wire::{Name, Query, Rcode, rtype};
use crate::zone::{Found, Node, Owned, Path, RecordSet, ServedZone};

/// CNAME records followed for one query. Who asks goes on from where we stop.
pub(crate) const CHAIN_MAX: usize = 8;

/// Seconds that the record may be kept that stands for everything there is: what it says never
/// changes.
const MINIMAL_TTL_S: u32 = 3600;

/// One query on its way.
pub(super) struct Walk<'q, 'a> {
    pub(super) query: &'q Query<'q>,
    pub(super) source: IpAddr,
    pub(super) context: &'q Context<'a>,
    pub(super) served: &'a ServedZone,
    pub(super) answer: Answer<'a>,
    /// Whose records are looked for: the name asked for, or one that CNAME records led to.
    pub(super) owner: Owner<'a>,
    /// The CNAME record that is answered by the addresses it leads to, once one was met.
    flattened: Option<Flattened<'a>>,
}

/// A CNAME record that is answered by the addresses it leads to, as if they were its owner's.
#[derive(Debug, Clone, Copy)]
struct Flattened<'a> {
    /// What they may be kept for at most, in seconds.
    ttl_s: u32,
    /// What its owner has besides.
    owned: Owned<'a>,
    is_apex: bool,
}

/// Where the records are to be found.
enum Next<'a> {
    /// The answer is complete.
    Done,
    /// At this name.
    At(Name<'a>),
}

pub(super) fn walk<'a>(
    query: &Query<'_>,
    source: IpAddr,
    context: &Context<'a>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Answer<'a> {
    let mut path = Path::empty();
    path.set(query.name);
    let Some((mut apex, served)) = zone_of(context, &path, query.qtype) else {
        return Answer::empty(Rcode::Refused, None);
    };
    let answer = Answer::empty(Rcode::NoError, Some(&served.zone));
    let (owner, flattened) = (Owner::Question, None);
    let mut walk = Walk { query, source, context, served, answer, owner, flattened };
    for _ in 0..=CHAIN_MAX {
        let Next::At(target) = walk.step(&path, apex, env, trail) else { break };
        path.set(target);
        let zone = context.catalog.find(&path, 0);
        let Some((n, _)) = zone.filter(|(_, zone)| std::ptr::eq(*zone, served)) else {
            walk.leave(target);
            break;
        };
        apex = n;
    }
    walk.finish()
}

/// The zone that a query is answered from. A delegated zone's digests belong to the zone above, if
/// that is ours too and delegates it (RFC 4035 section 3.1.4.1).
fn zone_of<'a>(context: &Context<'a>, path: &Path, qtype: u16) -> Option<(usize, &'a ServedZone)> {
    let found = context.catalog.find(path, 0)?;
    let above = match found {
        (0, _) if qtype == rtype::DS => context.catalog.find(path, 1),
        _ => None,
    };
    let delegates = |(apex, above): &(usize, &'a ServedZone)| {
        matches!(above.find(path, *apex), Found::Cut { is_here: true, .. })
    };
    Some(above.filter(delegates).unwrap_or(found))
}

impl<'a> Walk<'_, 'a> {
    fn step(&mut self, path: &Path, apex: usize, env: &mut Env<'_>, trail: &mut Trail) -> Next<'a> {
        match self.served.find(path, apex) {
            Found::Name(owned) | Found::Wildcard(owned) => {
                self.at_name(path, owned, apex == 0, env, trail)
            }
            Found::Cut { node, is_here: true } if self.query.qtype == rtype::DS => {
                let owned = Owned { node: Some(node), load_balancer: None };
                match node.set(rtype::DS) {
                    Some(set) => self.push_records(set),
                    None => self.deny(Absent::Type, owned, false),
                }
                Next::Done
            }
            // What is behind a cut, others know.
            Found::Cut { .. } if self.has_begun() => {
                self.leave(path.name());
                Next::Done
            }
            Found::Cut { node, .. } => {
                self.refer(node);
                Next::Done
            }
            Found::Nothing => {
                self.deny(Absent::Name, Owned::default(), false);
                Next::Done
            }
        }
    }

    fn at_name(
        &mut self,
        path: &Path,
        owned: Owned<'a>,
        is_apex: bool,
        env: &mut Env<'_>,
        trail: &mut Trail,
    ) -> Next<'a> {
        let qtype = self.query.qtype;
        let is_proxied = owned.node.is_some_and(|node| node.is_proxied);
        if matches!(qtype, rtype::A | rtype::AAAA | rtype::CNAME) {
            if let Some(load_balancer) = owned.load_balancer {
                self.balance(load_balancer, path, owned, is_apex, env, trail);
                return Next::Done;
            }
            if is_proxied {
                self.push_edge(owned, is_apex);
                return Next::Done;
            }
        }
        let stands_in = is_proxied || owned.load_balancer.is_some();
        let cname = owned.node.filter(|_| !stands_in).and_then(|node| node.set(rtype::CNAME));
        let is_flattened = owned.node.is_some_and(|node| node.is_flattened);
        if qtype == rtype::ANY {
            self.minimise(owned, cname.filter(|_| !is_flattened), is_apex);
            return Next::Done;
        }
        if is_apex && qtype == rtype::SOA {
            let zone = &*self.served.zone;
            self.push(rtype::SOA, zone.soa.ttl_s, Data::Soa(zone));
            return Next::Done;
        }
        let of_type = owned.node.and_then(|node| node.set(qtype));
        match (of_type, cname) {
            (_, Some(cname)) if is_flattened => self.flatten(cname, owned, is_apex),
            (Some(set), _) => {
                self.push_records(set);
                Next::Done
            }
            (None, Some(cname)) => self.follow(cname),
            (None, None) => {
                self.deny(Absent::Type, owned, is_apex);
                Next::Done
            }
        }
    }

    /// Adds a CNAME record and goes on where it leads, unless that is in a circle.
    fn follow(&mut self, cname: &'a RecordSet) -> Next<'a> {
        let Some(target) = cname.rdata().next().and_then(Name::new) else { return Next::Done };
        if self.flattened.is_some() {
            self.cap_ttl(cname.ttl_s);
        } else {
            self.push(rtype::CNAME, cname.ttl_s, Data::Records(cname));
            self.owner = Owner::Name(target.as_wire());
        }
        if self.has_met(target) { Next::Done } else { Next::At(target) }
    }

    /// Whether a name is that of a record in the answer.
    fn has_met(&self, target: Name<'_>) -> bool {
        let owner = |set: &Set<'a>| match set.owner {
            Owner::Question => self.query.name.as_wire(),
            Owner::Name(name) => name,
        };
        let is_target = |name: &[u8]| name.eq_ignore_ascii_case(target.as_wire());
        self.answer.answer.iter().any(|set| is_target(owner(set)))
    }

    /// A CNAME record that is not to be seen, as at the apex, where none can stand (api.md 6.3).
    fn flatten(&mut self, cname: &'a RecordSet, owned: Owned<'a>, is_apex: bool) -> Next<'a> {
        if matches!(self.query.qtype, rtype::A | rtype::AAAA) {
            let first = Flattened { ttl_s: cname.ttl_s, owned, is_apex };
            self.flattened.get_or_insert(first);
            return self.follow(cname);
        }
        match owned.node.and_then(|node| node.set(self.query.qtype)) {
            Some(set) if set.rtype != rtype::CNAME => self.push_records(set),
            _ => self.deny(Absent::Type, owned, is_apex),
        }
        Next::Done
    }

    /// The records are outside of the zone, or delegated by it. Who asks finds them there, unless
    /// they are to be answered as if they were here.
    fn leave(&mut self, target: Name<'_>) {
        let Some(Flattened { owned, is_apex, .. }) = self.flattened else { return };
        match self.take_all_resolved(&target.lower_text()) {
            None => {}
            Some((_, addresses)) if addresses.is_empty() => {
                self.deny(Absent::Type, owned, is_apex);
            }
            Some((ttl_s, addresses)) => {
                self.push(self.query.qtype, ttl_s, Data::Addresses(addresses));
            }
        }
    }

    /// Completes the answer.
    fn finish(mut self) -> Answer<'a> {
        let is_silent = self.answer.answer.is_empty() && self.answer.denial.is_none();
        if self.is_flattening() && is_silent {
            // They do not resolve. To say that there are none would be believed for long.
            (self.answer.rcode, self.answer.authoritative) = (Rcode::ServFail, false);
        }
        self.add_addresses();
        self.answer
    }

    /// Everything there is, in short (RFC 8482 section 4): the CNAME record, which is alone, or one
    /// that says that nobody is told everything.
    fn minimise(&mut self, owned: Owned<'a>, cname: Option<&'a RecordSet>, is_apex: bool) {
        let has_records = owned.node.is_some_and(|node| !node.sets().is_empty());
        match cname {
            Some(cname) => self.push_records(cname),
            None if is_apex || has_records || owned.load_balancer.is_some() => {
                self.push(rtype::HINFO, MINIMAL_TTL_S, Data::Minimal);
            }
            None => self.deny(Absent::Type, owned, is_apex),
        }
    }

    /// Says that something is not there, by the SOA record (RFC 2308 section 3).
    pub(super) fn deny(&mut self, absent: Absent, owned: Owned<'a>, is_apex: bool) {
        let (absent, owned, is_apex) = match self.flattened {
            Some(first) => (Absent::Type, first.owned, first.is_apex),
            None => (absent, owned, is_apex),
        };
        if absent == Absent::Name {
            self.answer.rcode = Rcode::NxDomain;
        }
        self.answer.denial = Some(Denial::new(absent, self.owner, owned, is_apex));
        let zone = &*self.served.zone;
        let ttl_s = zone.soa.ttl_s.min(zone.soa.minimum_ttl_s);
        let owner = Owner::Name(&zone.name);
        self.answer.authority.push(Set { owner, rtype: rtype::SOA, ttl_s, data: Data::Soa(zone) });
    }

    fn push_records(&mut self, set: &'a RecordSet) {
        self.push(set.rtype, set.ttl_s, Data::Records(set));
    }

    /// Adds records of the name that the walk has come to.
    pub(super) fn push(&mut self, rtype: u16, ttl_s: u32, data: Data<'a>) {
        let ttl_s = self.flattened.map_or(ttl_s, |first| ttl_s.min(first.ttl_s));
        self.answer.answer.push(Set { owner: self.owner, rtype, ttl_s, data });
    }

    /// Whether the addresses of another name are looked for as its own.
    pub(super) const fn is_flattening(&self) -> bool {
        self.flattened.is_some()
    }

    fn cap_ttl(&mut self, ttl_s: u32) {
        if let Some(first) = &mut self.flattened {
            first.ttl_s = ttl_s.min(first.ttl_s);
        }
    }

    /// Whether records have been found already.
    fn has_begun(&self) -> bool {
        !self.answer.answer.is_empty() || self.is_flattening()
    }

    /// Refers to the name servers of a delegated zone.
    fn refer(&mut self, cut: &'a Node) {
        self.answer.authoritative = false;
        self.add_referral(cut);
    }
}
