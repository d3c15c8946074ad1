//! What validation may know besides the body: the verb, the time, the limits, and which other
//! objects exist. All of it is handed in.

use evenkeel_model::Reach;

/// How a body relates to the document that is there (api.md 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// POST: a new document; absent and null mean the default.
    Create,
    /// PUT: the whole document anew; absent and null mean the default.
    Replace,
    /// PATCH: top-level members overlaid on the document; absent means unchanged, null the default.
    Patch,
}

/// What validation may look up, answered by the caller's current snapshot. All answers are those of
/// the account the request acts on.
///
/// `except` names the object being changed, which may keep what it has.
pub trait Lookup {
    /// Whether the account has this pool. Any text may be asked for.
    fn pool_exists(&self, id: &str) -> bool;
    /// Whether the account has this monitor.
    fn monitor_exists(&self, id: &str) -> bool;
    /// Whether the account has this monitor group.
    fn monitor_group_exists(&self, id: &str) -> bool;
    /// Whether another pool of the account has this name.
    fn pool_name_taken(&self, name: &str, except: Option<&str>) -> bool;
    /// Whether another load balancer has this host name, in the zone or, without one, among the
    /// account's own. The name is in its stored form: lower case, no final dot.
    fn lb_name_taken(&self, zone_id: Option<&str>, name: &str, except: Option<&str>) -> bool;
    /// Whether another zone has this name, in its stored form.
    fn zone_name_taken(&self, name: &str, except: Option<&str>) -> bool;
    /// Whether the account has this TSIG key. Where none can be, this need not be said.
    fn tsig_exists(&self, _id: &str) -> bool {
        false
    }
    /// Whether another TSIG key of the account has this name, to name servers; likewise.
    fn tsig_name_taken(&self, _name: &str, _except: Option<&str>) -> bool {
        false
    }
    /// Whether the account has this name server elsewhere; likewise.
    fn dns_peer_exists(&self, _id: &str) -> bool {
        false
    }
}

/// The surroundings of one change.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// RFC 3339 in UTC with six fraction digits and `Z`.
    pub now: &'a str,
    /// The identifier a created document gets.
    pub id: &'a str,
    /// What this installation allows.
    pub limits: &'a Limits,
    /// Which other objects exist.
    pub lookup: &'a dyn Lookup,
}

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What an installation allows. The defaults are those of the largest published plan (api.md 5.3)
/// and the choices of api.md 9 item 10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Shortest monitor interval, in milliseconds. Below 1000, intervals and timeouts may have
    /// fractions of a second.
    pub interval_min_ms: u32,
    /// Origins in one pool.
    pub origins_max: usize,
    /// Pools in one list of a load balancer.
    pub pools_max: usize,
    /// Rules of one load balancer.
    pub rules_max: usize,
    /// Pool sets of one load balancer.
    pub pool_sets_max: usize,
    /// Headers a session may be recognised by.
    pub affinity_headers_max: usize,
    /// Longest answer TTL, in seconds.
    pub ttl_max: u32,
    /// Most passes or failures in a row a monitor may ask for.
    pub consecutive_max: u32,
    /// Whether pools may be probed from every data centre.
    pub every_data_centre_allowed: bool,
    /// Whether origins may have private or loopback addresses (RFC 1918, RFC 6598, RFC 4193)
    /// without naming a virtual network.
    pub private_addresses_allowed: bool,
    /// Whether origins may have link-local or unspecified addresses. Off: cloud metadata services
    /// live there, and the unspecified address is this machine.
    pub link_local_allowed: bool,
    /// Load balancers of one account; `None` is unlimited. Counted by the caller, who alone can.
    pub load_balancer_quota: Option<usize>,
    /// Pools of one account, likewise.
    pub pool_quota: Option<usize>,
    /// Monitors of one account, likewise.
    pub monitor_quota: Option<usize>,
    /// DNS records of one zone, likewise.
    pub dns_record_quota: Option<usize>,
    /// Monitor groups of one account, likewise.
    pub monitor_group_quota: Option<usize>,
    /// Certificates for clients of one zone, likewise. All of them are in memory.
    pub custom_certificate_quota: Option<usize>,
    /// Certificates for endpoints of one zone, likewise. One is shown; the others wait.
    pub client_certificate_quota: Option<usize>,
    /// Authorities that one zone trusts, likewise.
    pub trusted_certificate_quota: Option<usize>,
}

impl Limits {
    /// Which addresses may be reached.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        Reach { private: self.private_addresses_allowed, link_local: self.link_local_allowed }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            interval_min_ms: 10_000,
            origins_max: 1000,
            pools_max: 1000,
            rules_max: 200,
            pool_sets_max: 1000,
            affinity_headers_max: 5,
            ttl_max: 86_400,
            consecutive_max: 10,
            every_data_centre_allowed: true,
            private_addresses_allowed: true,
            link_local_allowed: false,
            load_balancer_quota: None,
            pool_quota: None,
            monitor_quota: None,
            dns_record_quota: Some(3500),
            monitor_group_quota: None,
            custom_certificate_quota: Some(200),
            client_certificate_quota: Some(20),
            trusted_certificate_quota: Some(200),
        }
    }
}
