//! What lies over a load balancer's own settings for some requests: pool sets, custom rules, and the
//! answers either can give in place of an endpoint's.

use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_rules::Expression;

use crate::config::PoolIx;
use crate::topology::PoolMap;
use crate::{
    AffinityHeader, AffinityKind, CookieSameSite, CookieSecure, Country, EcsPreference,
    LocationMode, Places, Pop, Region, Steering, Weight, ZeroDowntimeFailover,
};

/// An answer that needs no endpoint. DNS-only load balancers answer without records instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedResponse {
    /// HTTP status, 200..=599.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: Option<String>,
    /// Value of `Location`.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

/// Candidates for the clients of certain places (behaviour.md 1.8).
#[derive(Debug, Clone)]
pub struct PoolSet {
    /// A label, for trails.
    pub name: String,
    /// Whom it is for; `None` is everyone.
    pub places: Option<Places>,
    /// What they get.
    pub outcome: PoolSetOutcome,
}

/// What the clients of a pool set get.
#[derive(Debug, Clone)]
pub enum PoolSetOutcome {
    /// These pools.
    Pools(PoolSetPools),
    /// This answer, and no rule runs.
    Respond(FixedResponse),
}

/// What a pool set replaces.
#[derive(Debug, Clone, Default)]
pub struct PoolSetPools {
    /// The candidates, in order. They replace the geo maps too.
    pub pools: Vec<PoolIx>,
    /// Weights by pool; `None` keeps the load balancer's.
    pub pool_weights: Option<Vec<(PoolIx, Weight)>>,
    /// Everyone else's weight; `None` keeps the load balancer's.
    pub pool_default_weight: Option<Weight>,
    /// The last resort; `None` keeps the load balancer's.
    pub fallback_pool: Option<PoolIx>,
    /// How a pool is chosen among them. Never geo: the set is the geography.
    pub steering: Steering,
}

/// A custom rule (behaviour.md 1.9).
#[derive(Debug, Clone)]
pub struct Rule {
    /// A label, for trails.
    pub name: String,
    /// When it applies.
    pub condition: Expression,
    /// What it does when it applies.
    pub action: RuleAction,
}

/// What a rule does when it applies.
#[derive(Debug, Clone)]
pub enum RuleAction {
    /// Lays its overrides over what is there already.
    Override {
        /// What changes. Boxed: most of it is empty most of the time.
        overrides: alloc::boxed::Box<Overrides>,
        /// Whether no rule after this one runs.
        terminates: bool,
    },
    /// Gives this answer; no rule after this one runs.
    Respond(FixedResponse),
}

/// What a rule replaces. `None` leaves what is there; later rules win, member by member
/// (behaviour.md 1.9).
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// See [`crate::LoadBalancer::default_pools`]. Replaces the pools of a pool set, too.
    pub default_pools: Option<Vec<PoolIx>>,
    /// Candidates that replace every list, the geo maps included.
    pub pools: Option<Vec<PoolIx>>,
    /// See [`crate::LoadBalancer::fallback_pool`].
    pub fallback_pool: Option<PoolIx>,
    /// See [`crate::Topology::pops`]. An empty map takes all entries away.
    pub pops: Option<PoolMap<Pop>>,
    /// See [`crate::Topology::countries`].
    pub countries: Option<PoolMap<Country>>,
    /// See [`crate::Topology::regions`].
    pub regions: Option<PoolMap<Region>>,
    /// See [`crate::LoadBalancer::steering`]. Alone it leaves the geo maps in force: the policy then
    /// runs over the list they give.
    pub steering: Option<Steering>,
    /// See [`crate::PoolWeights::of_pool`].
    pub pool_weights: Option<Vec<(PoolIx, Weight)>>,
    /// See [`crate::PoolWeights::default`].
    pub pool_default_weight: Option<Weight>,
    /// See [`crate::LoadBalancer::failover_across_pools`].
    pub failover_across_pools: Option<bool>,
    /// See [`crate::SessionAffinity`]; draining cannot be overridden.
    pub affinity: AffinityOverrides,
    /// See [`crate::LocationStrategy::mode`].
    pub location_mode: Option<LocationMode>,
    /// See [`crate::LocationStrategy::prefer_ecs`].
    pub prefer_ecs: Option<EcsPreference>,
    /// See [`crate::LoadBalancer::ttl_s`].
    pub ttl_s: Option<u32>,
}

/// What a rule replaces of the session affinity.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of SessionAffinity, documented there")]
pub struct AffinityOverrides {
    pub kind: Option<AffinityKind>,
    pub ttl_s: Option<u32>,
    pub same_site: Option<CookieSameSite>,
    pub secure: Option<CookieSecure>,
    pub failover: Option<ZeroDowntimeFailover>,
    pub headers: Option<Vec<AffinityHeader>>,
    pub require_all_headers: Option<bool>,
}
