//! Load balancers: which pools a host name's traffic goes to, and what ties a client to one of them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::PoolIx;
use crate::{HostPattern, LoadBalancerId, Weight, ZoneId};

/// One host name and how its traffic is steered.
#[derive(Debug, Clone)]
pub struct LoadBalancer {
    /// The load balancer's identifier.
    pub id: LoadBalancerId,
    /// The zone it belongs to.
    pub zone: ZoneId,
    /// The host name, or `*.` and a suffix.
    pub host: HostPattern,
    /// The user's wish. A disabled one does not own its name (behaviour.md 1.5).
    pub enabled: bool,
    /// Whether traffic passes through the proxy; otherwise only DNS answers come from it.
    pub proxied: bool,
    /// Candidates in failover order, first occurrence of each.
    pub default_pools: Vec<PoolIx>,
    /// What serves when no candidate is fit; its health is not considered (behaviour.md 1.4).
    pub fallback_pool: PoolIx,
    /// How a pool is chosen among the candidates.
    pub steering: Steering,
    /// Weights for the policies that draw.
    pub pool_weights: PoolWeights,
    /// What ties a client to an endpoint.
    pub affinity: SessionAffinity,
    /// Whether the one retry may leave the pool (`adaptive_routing.failover_across_pools`).
    pub failover_across_pools: bool,
}

/// How a pool is chosen (behaviour.md 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Steering {
    /// First fit pool in list order.
    #[default]
    Off,
    /// A draw by weight among the fit pools.
    Random,
}

/// Weights of pools for the policies that draw (`random_steering`).
#[derive(Debug, Clone, Default)]
pub struct PoolWeights {
    /// Pools with a weight of their own.
    pub of_pool: Vec<(PoolIx, Weight)>,
    /// Everyone else's weight; 1 when the document is silent.
    pub default: Weight,
}

impl PoolWeights {
    /// The weight of one pool.
    #[must_use]
    pub fn of(&self, pool: PoolIx) -> Weight {
        self.of_pool.iter().find(|(ix, _)| *ix == pool).map_or(self.default, |(_, weight)| *weight)
    }
}

/// What ties a client to an endpoint (behaviour.md 4).
#[derive(Debug, Clone)]
pub struct SessionAffinity {
    /// By what a session is recognised.
    pub kind: AffinityKind,
    /// How long a session lasts, in seconds; from its creation for cookies.
    pub ttl_s: u32,
    /// The cookie's `SameSite` attribute.
    pub same_site: CookieSameSite,
    /// The cookie's `Secure` attribute.
    pub secure: CookieSecure,
    /// How long a disabled endpoint keeps its sessions, in seconds (behaviour.md 4.8).
    pub drain_duration_s: u32,
    /// What a session does when its endpoint fails during a request (behaviour.md 4.7).
    pub failover: ZeroDowntimeFailover,
}

impl Default for SessionAffinity {
    fn default() -> Self {
        Self {
            kind: AffinityKind::None,
            ttl_s: 82_800,
            same_site: CookieSameSite::Auto,
            secure: CookieSecure::Auto,
            drain_duration_s: 0,
            failover: ZeroDowntimeFailover::None,
        }
    }
}

/// By what a session is recognised (behaviour.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AffinityKind {
    /// Every request is steered anew.
    #[default]
    None,
    /// By the signed cookie `__cflb`.
    Cookie,
}

/// `session_affinity_attributes.samesite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the words of RFC 6265bis")]
pub enum CookieSameSite {
    #[default]
    Auto,
    Lax,
    None,
    Strict,
}

/// `session_affinity_attributes.secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CookieSecure {
    /// Secure when the request came by HTTPS.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a session does when its endpoint fails during a request (behaviour.md 4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroDowntimeFailover {
    /// The client sees the error.
    #[default]
    None,
    /// Another endpoint answers this request; the session stays.
    Temporary,
    /// Another endpoint answers and the session moves to it.
    Sticky,
}

impl LoadBalancer {
    /// Host name as the user wrote it, for logs and trails.
    #[must_use]
    pub fn name(&self) -> String {
        alloc::format!("{}", self.host)
    }
}
