//! Which records answer a query (behaviour.md 8, RFC 1034 section 4.3.2). Pure: what is known of the
//! world comes with the [`Context`], time and chance with the environment of decisions.
//!
//! | module | what |
//! |---|---|
//! | `walk` | from the name asked for along CNAME records to what answers |
//! | `balanced` | the addresses of load balancers, and of names that are proxied |
//! | `beside` | referrals, glue, the addresses of what records lead to |
//! | `set` | records as they are answered, and what is denied |
//!
//! How it all looks on the wire is [`crate::wire`]'s work, signing it that of whoever gives
//! [`crate::wire::write`] a signer.
//!
//! Not synthesised: HTTPS and SVCB records of proxied names. They would promise protocols that each
//! node may or may not speak, for a round trip that clients save otherwise too.

mod balanced;
mod beside;
mod set;
mod walk;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use evenkeel_decision::{Env, Geography, Trail};
use evenkeel_model::{LoadBalancerIx, Node, View, Zone};
use smallvec::SmallVec;

pub use set::{Absent, Data, Denial, Owner, Set};
pub(crate) use set::{MINIMAL, soa_numbers};
pub(crate) use walk::CHAIN_MAX;

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

/// What a query is answered with. Each section holds its sets in the order they are written.
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
    /// What it says is not there, if anything.
    pub denial: Option<Denial<'a>>,
    /// The answer section.
    pub answer: SmallVec<[Set<'a>; 2]>,
    /// The authority section.
    pub authority: SmallVec<[Set<'a>; 2]>,
    /// The additional section, OPT excluded.
    pub additional: SmallVec<[Set<'a>; 2]>,
    /// How many of the additional sets, from the first on, nobody can do without: the addresses of
    /// delegated zones' own name servers (RFC 9471).
    pub glue: usize,
    /// The addresses that sets refer to.
    pub addresses: SmallVec<[IpAddr; 16]>,
}

impl<'a> Answer<'a> {
    /// An answer without records; with authority when it comes from a zone.
    #[must_use]
    pub fn empty(rcode: Rcode, zone: Option<&'a Zone>) -> Self {
        Self {
            rcode,
            authoritative: zone.is_some(),
            zone,
            load_balancer: None,
            scope: 0,
            denial: None,
            answer: SmallVec::new(),
            authority: SmallVec::new(),
            additional: SmallVec::new(),
            glue: 0,
            addresses: SmallVec::new(),
        }
    }
}

/// Decides what a query from an address is answered with, and notes on the trail why.
pub fn answer<'a>(
    query: &Query<'_>,
    source: IpAddr,
    context: &Context<'a>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Answer<'a> {
    debug_assert!(context.catalog.fits(context.view), "the catalog of another view");
    walk::walk(query, source, context, env, trail)
}
