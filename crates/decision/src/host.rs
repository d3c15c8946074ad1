//! Step 0: which load balancer a host name belongs to (behaviour.md 1.2, 1.5).

use evenkeel_model::{LoadBalancerIx, View};

use crate::Unavailable;

/// The load balancer that serves a host name through the proxy. A disabled one owns no name, and a
/// DNS-only one owns its name but takes no traffic here.
pub(crate) fn find(view: &View, host: &str) -> Result<LoadBalancerIx, Unavailable> {
    let ix = view.config.find_host(host).ok_or(Unavailable::UnknownHost)?;
    if view.config.load_balancer(ix).proxied { Ok(ix) } else { Err(Unavailable::DnsOnly) }
}
