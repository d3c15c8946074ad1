//! What an operator may set about the name server, and what surrounds it.

use std::fmt;
use std::sync::Arc;

use evenkeel_decision::{Ejections, Geography};
use evenkeel_model::{Node, Reach};
use ipnet::IpNet;

use super::cookie::CookieSecrets;
use super::rate::RateSettings;
use crate::answer::Advertised;
use crate::resolve::ResolverAddress;

/// Settings of the name server, the same for every thread.
#[derive(Clone)]
pub struct Settings {
    /// Where this node stands.
    pub node: Node,
    /// Where addresses are.
    pub geography: Arc<dyn Geography + Send + Sync>,
    /// Whom traffic has found out; `None` while passive health is off.
    pub ejections: Option<Arc<dyn Ejections + Send + Sync>>,
    /// What proxied names are answered with.
    pub advertised: Advertised,
    /// Where names of endpoints may lead.
    pub reach: Reach,
    /// Whom names of endpoints are asked of; nobody for the machine's resolvers.
    pub resolvers: Vec<ResolverAddress>,
    /// What those are told who ask which server answers (RFC 5001); empty for nothing.
    pub nsid: Vec<u8>,
    /// What cookies are made with.
    pub cookies: CookieSecrets,
    /// How many answers a network gets by UDP; `None` for as many as it asks for.
    pub rate: Option<RateSettings>,
    /// Networks that get as many as they ask for.
    pub rate_exempt: Vec<IpNet>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("node", &self.node)
            .field("advertised", &self.advertised)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}
