//! Health in the words that people read (behaviour.md 1.7): what follows from a view for endpoints,
//! pools and load balancers, and which load balancers a pool matters to.
//!
//! Nothing is decided on these words. What may be given traffic is `model::Health`'s to say.

use alloc::collections::BTreeSet;

use evenkeel_model::{
    AffinityKind, Config, Endpoint, EndpointIx, Health, LoadBalancer, LoadBalancerIx, Overrides,
    PoolIx, PoolSetOutcome, PoolStatus, RuleAction, Steering, Timestamp, Verdict,
};

/// An endpoint's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointWord {
    /// Its monitors are content.
    Healthy,
    /// Its monitors are not.
    Unhealthy,
    /// It has a monitor that has not decided yet.
    Unknown,
    /// No monitor has a say.
    NoHealth,
    /// Switched off, and sessions that it had go on for a while.
    Draining,
    /// Switched off.
    Disabled,
}

/// A pool's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolWord {
    /// Every enabled endpoint is healthy.
    Healthy,
    /// Some are not, but enough are.
    Degraded,
    /// Fewer healthy endpoints than the pool's minimum.
    Critical,
    /// No monitor has a say, or none has decided yet.
    Unknown,
    /// It serves as a fallback alone, for which health does not count.
    NoHealth,
    /// Switched off.
    Disabled,
}

/// A load balancer's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadBalancerWord {
    /// Every pool that is switched on has enough healthy endpoints.
    Healthy,
    /// Some pools have not, and others carry the traffic.
    Degraded,
    /// No pool can take traffic: all of it is on the fallback pool.
    Critical,
    /// Nothing is wrong as far as anybody knows, and not everything is known.
    Unknown,
    /// Switched off.
    Disabled,
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl $name {
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    EndpointWord {
        Healthy = "Healthy",
        Unhealthy = "Unhealthy",
        Unknown = "Unknown",
        NoHealth = "No health",
        Draining = "Draining",
        Disabled = "Disabled",
    }
    PoolWord {
        Healthy = "Healthy",
        Degraded = "Degraded",
        Critical = "Critical",
        Unknown = "Health unknown",
        NoHealth = "No health",
        Disabled = "Disabled",
    }
    LoadBalancerWord {
        Healthy = "Healthy",
        Degraded = "Degraded",
        Critical = "Critical",
        Unknown = "Unknown",
        Disabled = "Disabled",
    }
}

/// The status of an endpoint at a time.
#[must_use]
pub fn endpoint(config: &Config, health: &Health, ix: EndpointIx, now: Timestamp) -> EndpointWord {
    let endpoint = config.endpoint(ix);
    if !endpoint.enabled {
        let drains = is_draining(config, endpoint, now);
        return if drains { EndpointWord::Draining } else { EndpointWord::Disabled };
    }
    match health.endpoint(ix).verdict {
        _ if !config.pool(endpoint.pool).is_monitored() => EndpointWord::NoHealth,
        Verdict::Healthy => EndpointWord::Healthy,
        Verdict::Unhealthy => EndpointWord::Unhealthy,
        Verdict::Unknown => EndpointWord::Unknown,
    }
}

/// The status of a pool.
#[must_use]
pub fn pool(config: &Config, health: &Health, ix: PoolIx) -> PoolWord {
    match health.pool(ix).status {
        PoolStatus::Disabled => PoolWord::Disabled,
        _ if is_fallback_alone(config, ix) => PoolWord::NoHealth,
        PoolStatus::Healthy => PoolWord::Healthy,
        PoolStatus::Degraded => PoolWord::Degraded,
        PoolStatus::Critical => PoolWord::Critical,
        PoolStatus::Unknown => PoolWord::Unknown,
    }
}

/// Whether a pool has enough healthy endpoints, as `healthy` in answers and events says; `None`
/// while nobody knows.
#[must_use]
pub fn is_pool_healthy(health: &Health, ix: PoolIx) -> Option<bool> {
    match health.pool(ix).status {
        PoolStatus::Unknown | PoolStatus::Disabled => None,
        PoolStatus::Healthy | PoolStatus::Degraded => Some(true),
        PoolStatus::Critical => Some(false),
    }
}

/// The status of a load balancer: what its [candidates] come to. A degraded pool has
/// enough healthy endpoints and is as good as a healthy one; one that is switched off says nothing.
#[must_use]
pub fn load_balancer(config: &Config, health: &Health, ix: LoadBalancerIx) -> LoadBalancerWord {
    let lb = config.load_balancer(ix);
    if !lb.enabled {
        return LoadBalancerWord::Disabled;
    }
    let candidates = candidates(lb);
    let is = |wanted: PoolStatus| candidates.iter().any(|pool| health.pool(*pool).status == wanted);
    if candidates.iter().any(|pool| health.pool(*pool).is_fit) {
        if is(PoolStatus::Critical) {
            LoadBalancerWord::Degraded
        } else if is(PoolStatus::Unknown) {
            LoadBalancerWord::Unknown
        } else {
            LoadBalancerWord::Healthy
        }
    } else if is(PoolStatus::Unknown) && !is(PoolStatus::Critical) {
        LoadBalancerWord::Unknown
    } else {
        LoadBalancerWord::Critical
    }
}

/// The pools that a load balancer steers among by itself: its default pools and, where it steers by
/// place, those of its maps. Pool sets and rules bring in others for some requests; these do not
/// count for its status.
#[must_use]
pub fn candidates(lb: &LoadBalancer) -> BTreeSet<PoolIx> {
    let maps = (lb.steering == Steering::Geo).then(|| {
        let (pops, countries, regions) =
            (&lb.topology.pops, &lb.topology.countries, &lb.topology.regions);
        pops.values().chain(countries.values()).chain(regions.values()).flatten()
    });
    lb.default_pools.iter().chain(maps.into_iter().flatten()).copied().collect()
}

/// The load balancers that a change of a pool's health reaches: all that have it anywhere, be it in
/// a rule or as the fallback pool.
pub fn load_balancers_of(config: &Config, pool: PoolIx) -> impl Iterator<Item = LoadBalancerIx> {
    let places = (0..).map(LoadBalancerIx).zip(&config.load_balancers);
    places.filter(move |(_, lb)| has_pool(lb, pool)).map(|(ix, _)| ix)
}

fn has_pool(lb: &LoadBalancer, pool: PoolIx) -> bool {
    lb.fallback_pool == pool || gives_to(lb, pool)
}

/// Whether a load balancer may give a pool traffic for its health's sake.
fn gives_to(lb: &LoadBalancer, pool: PoolIx) -> bool {
    candidates(lb).contains(&pool)
        || lb.pool_sets.iter().any(|set| match &set.outcome {
            PoolSetOutcome::Pools(chosen) => chosen.pools.contains(&pool),
            PoolSetOutcome::Respond(_) => false,
        })
        || lb.rules.iter().any(|rule| match &rule.action {
            RuleAction::Override { overrides, .. } => overrides_give_to(overrides, pool),
            RuleAction::Respond(_) => false,
        })
}

fn overrides_give_to(overrides: &Overrides, pool: PoolIx) -> bool {
    let Overrides { default_pools, pools, pops, countries, regions, .. } = overrides;
    let maps = (pops.iter().flat_map(|map| map.values()))
        .chain(countries.iter().flat_map(|map| map.values()))
        .chain(regions.iter().flat_map(|map| map.values()));
    default_pools.iter().chain(pools).chain(maps).any(|listed| listed.contains(&pool))
}

/// Whether load balancers have a pool as their fallback and nowhere else.
fn is_fallback_alone(config: &Config, pool: PoolIx) -> bool {
    let lbs = &config.load_balancers;
    lbs.iter().any(|lb| lb.fallback_pool == pool) && !lbs.iter().any(|lb| gives_to(lb, pool))
}

/// Whether some load balancer still lets an endpoint that is switched off have its sessions
/// (behaviour.md 4.8).
fn is_draining(config: &Config, endpoint: &Endpoint, now: Timestamp) -> bool {
    let Some(disabled_at) = endpoint.disabled_at else { return false };
    let drain_s = load_balancers_of(config, endpoint.pool)
        .map(|ix| &config.load_balancer(ix).affinity)
        .filter(|affinity| affinity.kind != AffinityKind::None)
        .map(|affinity| u64::from(affinity.drain_duration_s))
        .max();
    drain_s.is_some_and(|drain_s| now < disabled_at.plus_seconds(drain_s))
}
