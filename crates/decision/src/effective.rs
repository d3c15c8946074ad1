//! Steps 1 and 2: the load balancer as one request or query sees it.
//!
//! Pool sets, then custom rules, each lay their overrides over the configured settings (behaviour.md
//! 1.2, 1.8, 1.9); then the candidates follow from them. Everything after reads only this, so that
//! affinity, steering, retries and the fallback follow the overrides without knowing of them. It
//! borrows from the view and copies nothing, so that a plan can hold it for its retries.

mod candidates;
mod conditions;
mod overlay;

use evenkeel_model::{
    AffinityHeader, AffinityKind, CookieSameSite, CookieSecure, Coordinates, FixedResponse,
    LoadBalancer, LoadBalancerIx, PoolIx, SessionAffinity, Steering, View, Weight,
    ZeroDowntimeFailover,
};

pub use candidates::GeoEntry;
pub(crate) use conditions::{Conditions, OfQuery, OfRequest};

use crate::asker::Asker;
use crate::rendezvous::Key;
use crate::shedding::Shedding;
use crate::trail::{Trail, TrailStep};
use crate::{Env, Mode};
use overlay::Settings;

/// The settings that count for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effective<'v> {
    pub(crate) view: &'v View,
    /// Whose settings these are.
    pub(crate) ix: LoadBalancerIx,
    /// Whether requests are what is balanced: then they can be counted, retried and recognised.
    pub(crate) is_http: bool,
    /// The candidate pools in order, each once (behaviour.md 2.1 calls them L).
    pub(crate) candidates: &'v [PoolIx],
    /// What the candidates would be if no rule had applied: sessions there are others' business, and
    /// are left alone.
    pub(crate) without_rules: &'v [PoolIx],
    /// What serves when no candidate is fit.
    pub(crate) fallback_pool: PoolIx,
    /// How a pool is chosen among the candidates.
    pub(crate) steering: Steering,
    /// Weights for the policies that draw.
    pub(crate) weights: Weights<'v>,
    /// What ties the client to an endpoint.
    pub(crate) affinity: Affinity<'v>,
    /// Whether the one retry may leave the pool.
    pub(crate) failover_across_pools: bool,
    /// Time to live of DNS answers, in seconds.
    pub(crate) ttl_s: u32,
    /// Where proximity is measured from.
    pub(crate) origin: Option<Coordinates>,
    /// What endpoint choices by hash follow from.
    pub(crate) client: Key,
    /// Whether that is the client subnet of a query.
    pub(crate) client_is_subnet: bool,
    /// What every draw follows from instead of chance: the client of an `ip_cookie`, a session by
    /// headers.
    pub(crate) fixed: Option<Key>,
    /// Who is shed.
    pub(crate) shedding: Shedding,
}

/// Weights of pools.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'v> {
    of_pool: &'v [(PoolIx, Weight)],
    default: Weight,
}

impl Weights<'_> {
    /// The weight of one pool, in hundredths.
    pub(crate) fn of(&self, pool: PoolIx) -> u32 {
        let own = self.of_pool.iter().find(|(ix, _)| *ix == pool);
        own.map_or(self.default, |(_, weight)| *weight).hundredths()
    }
}

/// What ties the client to an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Affinity<'v> {
    pub(crate) kind: AffinityKind,
    pub(crate) ttl_s: Option<u32>,
    pub(crate) same_site: CookieSameSite,
    pub(crate) secure: CookieSecure,
    pub(crate) drain_duration_s: u32,
    failover: ZeroDowntimeFailover,
    pub(crate) headers: &'v [AffinityHeader],
    pub(crate) require_all_headers: bool,
}

impl<'v> Affinity<'v> {
    fn new(affinity: &'v SessionAffinity) -> Self {
        let SessionAffinity { kind, ttl_s, same_site, secure, failover, .. } = *affinity;
        Self {
            kind,
            ttl_s,
            same_site,
            secure,
            drain_duration_s: affinity.drain_duration_s,
            failover,
            headers: &affinity.headers,
            require_all_headers: affinity.require_all_headers,
        }
    }

    /// How long a session lasts, in seconds.
    pub(crate) fn ttl_s(&self) -> u32 {
        self.kind.ttl_s(self.ttl_s)
    }

    /// What a session does when its endpoint fails. One by headers cannot move (behaviour.md 4.1).
    pub(crate) fn failover(&self) -> ZeroDowntimeFailover {
        match (self.kind, self.failover) {
            (AffinityKind::Header, ZeroDowntimeFailover::Sticky) => ZeroDowntimeFailover::Temporary,
            (_, failover) => failover,
        }
    }
}

/// What the overrides lead to.
#[expect(clippy::large_enum_variant, reason = "nearly all steer; a box would allocate")]
pub(crate) enum Outcome<'v> {
    /// Steering goes on with these settings.
    Steer(Effective<'v>),
    /// The answer is fixed.
    Respond(&'v FixedResponse),
}

/// The settings of a load balancer for one request or query.
pub(crate) fn resolve<'v>(
    view: &'v View,
    ix: LoadBalancerIx,
    asker: &Asker<'_>,
    conditions: &dyn Conditions,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Outcome<'v> {
    let lb: &LoadBalancer = view.config.load_balancer(ix);
    let mut settings = Settings::new(lb);
    if let Some(response) = settings.lay_set_over(lb, ix, asker, trail) {
        return Outcome::Respond(response);
    }
    let before = settings;
    if asker.mode() != Some(Mode::Stream)
        && let Some(response) = settings.lay_rules_over(lb, ix, conditions, trail)
    {
        return Outcome::Respond(response);
    }
    let (entry, candidates) = candidates::find(lb, &settings, asker);
    if let Some(entry) = entry {
        trail.push(TrailStep::Geo(entry));
    }
    let without_rules = match settings.has_pools_of(&before) {
        true => candidates,
        false => candidates::find(lb, &before, asker).1,
    };
    let Settings { steering, location, mut affinity, .. } = settings;
    let is_http = asker.mode() == Some(Mode::Http);
    if asker.mode() == Some(Mode::Stream) {
        affinity.kind = AffinityKind::None;
    }
    let client = asker.key(steering, location);
    let origin = match steering {
        Steering::Proximity => asker.origin(steering, location),
        _ => None,
    };
    Outcome::Steer(Effective {
        view,
        ix,
        is_http,
        candidates,
        without_rules,
        fallback_pool: settings.fallback_pool,
        steering,
        weights: settings.weights,
        affinity,
        failover_across_pools: settings.failover_across_pools,
        ttl_s: settings.ttl_s,
        origin,
        client,
        client_is_subnet: asker.key_is_subnet(steering, location),
        fixed: (affinity.kind == AffinityKind::IpCookie).then_some(client),
        shedding: Shedding::new(client, env.rng.next_u64()),
    })
}
