//! Which records answer a query.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use evenkeel_decision::{Env, Geography, Trail};
use evenkeel_model::{LoadBalancerIx, Node, View, Zone};
use smallvec::SmallVec;

use crate::wire::{Query, Rcode};
use crate::zone::Catalog;

/// Everything an answer depends on besides the query, time and chance.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The world.
    pub view: &'a View,
    /// The catalog of that view: [`Catalog::fits`].
    pub catalog: &'a Catalog,
    /// Where this server stands.
    pub node: &'a Node,
    /// Where addresses are.
    pub geography: &'a dyn Geography,
    /// What proxied names are answered with.
    pub advertised: &'a Advertised,
    /// What host names of endpoints resolve to.
    pub resolved: &'a dyn Resolved,
}

/// The addresses of this node that clients of proxied names are sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertised {
    /// For A queries.
    pub v4: Vec<Ipv4Addr>,
    /// For AAAA queries.
    pub v6: Vec<Ipv6Addr>,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What is known of host names outside, at this moment and without waiting.
pub trait Resolved: fmt::Debug {
    /// Hands over the addresses of one family that a host name (lower case, no final dot) has, and
    /// returns for how many seconds they may be kept. `None` when the name does not resolve, or
    /// nothing is known of it yet.
    fn addresses(&self, name: &str, family: Family, take: &mut dyn FnMut(IpAddr)) -> Option<u32>;
}

/// What a query is answered with.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What became of it.
    pub rcode: Rcode,
    /// Whether it is said with authority.
    pub authoritative: bool,
    /// The zone it comes from; none when it is refused.
    pub zone: Option<&'a Zone>,
    /// The load balancer it comes from.
    pub load_balancer: Option<LoadBalancerIx>,
    /// Length of the client subnet's prefix that it is for; 0 when it is for everyone.
    pub scope: u8,
    /// The answer section.
    pub answer: SmallVec<[Set<'a>; 2]>,
    /// The authority section.
    pub authority: SmallVec<[Set<'a>; 2]>,
    /// The additional section, OPT excluded.
    pub additional: SmallVec<[Set<'a>; 2]>,
    /// The addresses that sets refer to.
    pub addresses: SmallVec<[IpAddr; 8]>,
}

/// Records of one name and type.
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// Their name.
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
    /// A name in wire format.
    Name(&'a [u8]),
}

/// What records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// These of the answer's addresses.
    Addresses(Range<usize>),
    /// The host name of an endpoint.
    Host(&'a str),
    /// The zone's SOA record.
    Soa(&'a Zone),
}

/// Decides what a query is answered with, and notes on the trail why.
pub fn answer<'a>(
    query: &Query<'_>,
    source: IpAddr,
    context: &Context<'a>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Answer<'a> {
    let _ = (query, source, context, env, trail);
    Answer {
        rcode: Rcode::Refused,
        authoritative: false,
        zone: None,
        load_balancer: None,
        scope: 0,
        answer: SmallVec::new(),
        authority: SmallVec::new(),
        additional: SmallVec::new(),
        addresses: SmallVec::new(),
    }
}
