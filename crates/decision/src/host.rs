//! Step 0: which load balancer a host name belongs to (behaviour.md 1.2, 1.5).

use evenkeel_model::{LoadBalancerIx, View};

use crate::{Mode, RequestFacts, Unavailable};

/// The load balancer that owns a host name. A disabled one owns none.
pub(crate) fn find(view: &View, host: &str) -> Result<LoadBalancerIx, Unavailable> {
    view.config.find_host(host).ok_or(Unavailable::UnknownHost)
}

/// The load balancer that serves a host name through the proxy. A DNS-only one owns its name, but
/// takes no requests here; streams are always proxied (behaviour.md 9.1).
pub(crate) fn find_proxied(
    view: &View,
    facts: &RequestFacts<'_>,
) -> Result<LoadBalancerIx, Unavailable> {
    let ix = match facts.owner {
        Some(owner) => owner,
        None => find(view, facts.host)?,
    };
    if view.config.load_balancer(ix).proxied || facts.mode == Mode::Stream {
        Ok(ix)
    } else {
        Err(Unavailable::DnsOnly)
    }
}
