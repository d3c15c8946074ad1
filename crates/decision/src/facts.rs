//! What a decision is told: the request or query, and the moment it is taken in.

use core::fmt;
use core::net::IpAddr;

use evenkeel_model::{EndpointIx, LoadBalancerIx, Location, Node, Timestamp, View};
pub use evenkeel_rules::HeaderVisitor;

use crate::Rng;
use crate::loads::Loads;
use crate::passive::{Cause, Ejections};
use crate::sessions::Sessions;

/// What a decision may know of a request. Everything is borrowed, nothing of the body is here.
/// Begin with [`RequestFacts::new`] and fill in what is known.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// In which form the traffic comes.
    pub mode: Mode,
    /// Host of the request: lower case, no port, no final dot.
    pub host: &'a str,
    /// The owner of that host name, for callers who have looked it up. `None` leaves it to the
    /// decision.
    pub owner: Option<LoadBalancerIx>,
    /// The client's true address, after trusted-proxy processing.
    pub client: IpAddr,
    /// Whether the client came by HTTPS.
    pub https: bool,
    /// Values of the `Cookie` lines, in order.
    pub cookies: &'a [&'a [u8]],
    /// The method.
    pub method: &'a [u8],
    /// Path and query as received, `/` first.
    pub target: &'a [u8],
    /// The version in the words of a request line, as `HTTP/1.1`.
    pub version: &'a str,
    /// All fields of the head.
    pub headers: &'a dyn Headers,
    /// Where this server stands.
    pub node: &'a Node,
    /// Where addresses are.
    pub geography: &'a dyn Geography,
}

impl<'a> RequestFacts<'a> {
    /// A request of which only the host and the client's address are known.
    #[must_use]
    pub const fn new(host: &'a str, client: IpAddr) -> Self {
        Self {
            mode: Mode::Http,
            host,
            owner: None,
            client,
            https: false,
            cookies: &[],
            method: b"GET",
            target: b"/",
            version: "HTTP/1.1",
            headers: &NoHeaders,
            node: &NOWHERE,
            geography: &NoGeography,
        }
    }
}

/// A node of which nothing is known.
pub(crate) const NOWHERE: Node = Node { pop: None, region: None, country: None, coordinates: None };

/// In which form proxied traffic comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Requests of HTTP, each with a decision of its own.
    Http,
    /// TCP connections and UDP flows. Rules, fixed responses, session affinity and failover are
    /// ignored, and every load counts as 0 (behaviour.md 9.1).
    Stream,
}

/// A DNS query for a name, and where it came from. Begin with [`QueryFacts::new`].
#[derive(Debug, Clone, Copy)]
pub struct QueryFacts<'a> {
    /// The name asked for: lower case, no final dot.
    pub name: &'a str,
    /// Numeric type of the records asked for.
    pub qtype: u16,
    /// Whether the query asks for a unicast answer.
    pub unicast: bool,
    /// Who asks.
    pub resolver: IpAddr,
    /// For whom, as the resolver says (RFC 7871).
    pub client_subnet: Option<ClientSubnet>,
    /// Whether the name is the zone's own, where no CNAME can stand.
    pub is_apex: bool,
    /// Where this server stands.
    pub node: &'a Node,
    /// Where addresses are.
    pub geography: &'a dyn Geography,
}

impl<'a> QueryFacts<'a> {
    /// A query of which only the name, the type and the resolver are known.
    #[must_use]
    pub const fn new(name: &'a str, qtype: u16, resolver: IpAddr) -> Self {
        Self {
            name,
            qtype,
            unicast: false,
            resolver,
            client_subnet: None,
            is_apex: false,
            node: &NOWHERE,
            geography: &NoGeography,
        }
    }
}

/// The network a query is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSubnet {
    /// Its first address.
    pub address: IpAddr,
    /// Length of the prefix, in bits.
    pub prefix: u8,
}

/// The fields of a head, wherever they are kept.
pub trait Headers: fmt::Debug {
    /// Visits fields in the order received until the visitor breaks: those of a name, which is in
    /// lower case and compared without case, or all. Values are trimmed.
    fn each<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>);
}

/// A head without fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn each<'a>(&'a self, _name: Option<&[u8]>, _visit: &mut HeaderVisitor<'a, '_>) {}
}

impl<N: AsRef<[u8]> + fmt::Debug, V: AsRef<[u8]> + fmt::Debug> Headers for alloc::vec::Vec<(N, V)> {
    fn each<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        for (of, value) in self {
            let of = of.as_ref();
            let asked = name.is_none_or(|name| of.eq_ignore_ascii_case(name));
            if asked && visit(of, value.as_ref()).is_break() {
                break;
            }
        }
    }
}

/// Where addresses are. Asked only when a decision depends on it: a look-up may cost more than the
/// rest of the decision.
pub trait Geography: fmt::Debug {
    /// The place of an address, as far as known.
    fn location(&self, address: IpAddr) -> Location;
    /// The number of the autonomous system that announces an address.
    fn asn(&self, address: IpAddr) -> Option<u32>;
}

/// Knows of no place.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGeography;

impl Geography for NoGeography {
    fn location(&self, _address: IpAddr) -> Location {
        Location::default()
    }

    fn asn(&self, _address: IpAddr) -> Option<u32> {
        None
    }
}

/// The only door for time, chance, live load, ejections and remembered sessions.
pub struct Env<'a> {
    /// The present.
    pub now: Timestamp,
    /// Draws for this worker.
    pub rng: &'a mut dyn Rng,
    /// How busy endpoints are.
    pub loads: &'a dyn Loads,
    /// Whom real traffic has found out ([`crate::passive`]); `None` while that is nobody, or not
    /// asked for.
    pub ejections: Option<&'a dyn Ejections>,
    /// Sessions by request headers.
    pub sessions: &'a mut dyn Sessions,
}

impl Env<'_> {
    /// Why an endpoint is left alone at this moment, if it is.
    pub(crate) fn ejection(&self, view: &View, ix: EndpointIx) -> Option<Cause> {
        self.ejections?.of(view.config.endpoint(ix).id, self.now)
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("now", &self.now).finish_non_exhaustive()
    }
}
