//! The addresses of load balancers and of proxied names (behaviour.md 8.1–8.3, 8.6).

use std::net::IpAddr;
use std::ops::Range;

use evenkeel_decision::answer::EDGE_TTL_S;
use evenkeel_decision::{Answered, Env, QueryFacts, Trail, answer_as};
use evenkeel_model::{Address, Endpoint, EndpointIx, LoadBalancerIx};

use super::Family;
use super::set::{Absent, Data};
use super::walk::Walk;
use crate::wire::{Name, NameText, host_to_wire, rtype};
use crate::zone::{Found, Owned, Path};

/// Addresses of one answer. A response by UDP holds some seventy; whatever comes after this many is
/// left out, so that comparing each with all before it stays cheap.
const ADDRESSES_MAX: usize = 1024;

impl<'a> Walk<'_, 'a> {
    /// Answers for the addresses of a load balancer.
    pub(super) fn balance(
        &mut self,
        load_balancer: LoadBalancerIx,
        path: &Path,
        owned: Owned<'a>,
        is_apex: bool,
        env: &mut Env<'_>,
        trail: &mut Trail,
    ) {
        let context = self.context;
        let mut name = NameText::new();
        path.name().write_text(&mut name);
        let facts = QueryFacts {
            name: &name,
            qtype: self.query.qtype,
            unicast: false,
            resolver: self.source,
            // A prefix of no bits asks that nobody's address be used (RFC 7871 section 7.1.2).
            client_subnet: (self.query.edns)
                .and_then(|edns| edns.subnet)
                .filter(|subnet| subnet.prefix > 0),
            is_apex: is_apex || self.is_flattening(),
            node: context.node,
            geography: context.geography,
        };
        let mut decided = answer_as(load_balancer, context.view, &facts, env, trail);
        self.answer.load_balancer = Some(load_balancer);
        // Each turn bars an endpoint more, and decisions give up after a few dozen.
        let (ttl_s, addresses) = loop {
            match &decided.answered {
                Answered::OtherRecords | Answered::Empty => break (0, 0..0),
                Answered::Edge => break (EDGE_TTL_S, self.take_all_edge()),
                Answered::Name(ix) => {
                    if let Address::Name(name) = &self.endpoint(*ix).address {
                        self.push(rtype::CNAME, decided.ttl_s, Data::Host(name));
                    }
                    self.answer.scope = decided.scope;
                    return;
                }
                Answered::Endpoints(endpoints) => {
                    if let Some((ttl_s, addresses)) = self.take_endpoints(endpoints) {
                        if addresses.is_empty() && decided.replace_other_family(env, trail) {
                            continue;
                        }
                        break (ttl_s.min(decided.ttl_s), addresses);
                    }
                }
            }
            decided.replace_unresolved(env, trail);
        };
        self.answer.scope = decided.scope;
        if addresses.is_empty() {
            self.deny(Absent::Type, owned, is_apex);
        } else {
            self.push(self.query.qtype, ttl_s, Data::Addresses(addresses));
        }
    }

    /// Answers for a name with proxied records.
    pub(super) fn push_edge(&mut self, owned: Owned<'a>, is_apex: bool) {
        let addresses = self.take_all_edge();
        if addresses.is_empty() {
            self.deny(Absent::Type, owned, is_apex);
        } else {
            self.push(self.query.qtype, EDGE_TTL_S, Data::Addresses(addresses));
        }
    }

    /// The addresses of endpoints, those left out whose names do not resolve. `None` when that is
    /// all of them.
    fn take_endpoints(&mut self, endpoints: &[EndpointIx]) -> Option<(u32, Range<usize>)> {
        let start = self.answer.addresses.len();
        let (mut ttl_s, mut is_any_known) = (u32::MAX, false);
        for ix in endpoints {
            match &self.endpoint(*ix).address {
                Address::Ip(ip) => self.take(start, *ip),
                Address::Name(name) if self.is_proxied_here(name) => {
                    self.take_edge(start);
                    ttl_s = ttl_s.min(EDGE_TTL_S);
                }
                Address::Name(name) => match self.take_resolved(start, name) {
                    Some(resolved_s) => ttl_s = ttl_s.min(resolved_s),
                    None => continue,
                },
            }
            is_any_known = true;
        }
        is_any_known.then(|| (ttl_s, start..self.answer.addresses.len()))
    }

    /// The addresses of this node, of the family asked for.
    fn take_all_edge(&mut self) -> Range<usize> {
        let start = self.answer.addresses.len();
        self.take_edge(start);
        start..self.answer.addresses.len()
    }

    fn take_edge(&mut self, start: usize) {
        let advertised = self.context.advertised;
        match self.family() {
            Some(Family::V4) => advertised.v4.iter().for_each(|v4| self.take(start, (*v4).into())),
            Some(Family::V6) => advertised.v6.iter().for_each(|v6| self.take(start, (*v6).into())),
            None => {}
        }
    }

    /// The addresses that a host name outside has, of the family asked for: from where they stand,
    /// and for how many seconds they may be kept. `None` when it does not resolve.
    pub(super) fn take_all_resolved(&mut self, name: &str) -> Option<(u32, Range<usize>)> {
        let start = self.answer.addresses.len();
        let ttl_s = self.take_resolved(start, name)?;
        Some((ttl_s, start..self.answer.addresses.len()))
    }

    fn take_resolved(&mut self, start: usize, name: &str) -> Option<u32> {
        let (resolved, family) = (self.context.resolved, self.family()?);
        resolved.addresses(name, family, &mut |address| self.take(start, address))
    }

    /// Adds an address once: two endpoints may differ in their ports alone, two records must not be
    /// the same (RFC 2181 section 5).
    fn take(&mut self, start: usize, address: IpAddr) {
        let addresses = &mut self.answer.addresses;
        if addresses.len() < ADDRESSES_MAX && !addresses[start..].contains(&address) {
            addresses.push(address);
        }
    }

    /// Whether a host name is one of ours that is proxied: then it leads to this node (behaviour.md
    /// 8.2).
    fn is_proxied_here(&self, name: &str) -> bool {
        let Some(wire) = host_to_wire(name) else { return false };
        let path = Path::new(Name::of_checked(&wire));
        let Some((apex, served)) = self.context.catalog.find(&path, 0) else { return false };
        let (Found::Name(owned) | Found::Wildcard(owned)) = served.find(&path, apex) else {
            return false;
        };
        match owned {
            Owned { load_balancer: Some(ix), .. } => {
                self.context.view.config.load_balancer(ix).proxied
            }
            Owned { node, .. } => node.is_some_and(|node| node.is_proxied),
        }
    }

    fn family(&self) -> Option<Family> {
        match self.query.qtype {
            rtype::A => Some(Family::V4),
            rtype::AAAA => Some(Family::V6),
            _ => None,
        }
    }

    fn endpoint(&self, ix: EndpointIx) -> &'a Endpoint {
        self.context.view.config.endpoint(ix)
    }
}
