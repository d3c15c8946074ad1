//! Which endpoints answer a DNS query for a DNS-only load balancer (behaviour.md 8.1–8.4). The pool
//! is chosen by the same steps as for a request; then all of its endpoints are named, or one.
//!
//! Names, records, time to live of what they resolve to, and everything else on the wire is `dns`'
//! work.

use evenkeel_model::{
    Address, AffinityKind, Endpoint, EndpointIx, EndpointSteering, LoadBalancerIx, PoolIx,
    SheddingPolicy, View,
};

use smallvec::{SmallVec, smallvec};

use crate::asker::Asker;
use crate::effective::{Effective, OfQuery, Outcome, resolve};
use crate::eligible::{Barred, open};
use crate::select::select_pool;
use crate::trail::{Trail, TrailStep};
use crate::{Env, GiveUp, QueryFacts, Unavailable, endpoint, fallback, host, rendezvous};

/// Type numbers of the records a load balancer answers with (RFC 1035, RFC 3596).
mod qtype {
    pub(super) const A: u16 = 1;
    pub(super) const CNAME: u16 = 5;
    pub(super) const AAAA: u16 = 28;
}

/// Time to live of answers for proxied load balancers, in seconds (behaviour.md 8.6).
pub const EDGE_TTL_S: u32 = 300;

/// Endpoints that an answer names without an allocation. Most pools have fewer.
pub const ENDPOINTS_INLINE: usize = 16;

/// What a query is answered with.
#[derive(Debug, Clone)]
pub struct Answer<'v> {
    /// Whose name it is.
    pub load_balancer: LoadBalancerIx,
    /// Time to live, in seconds: the most, where records come with one of their own.
    pub ttl_s: u32,
    /// Length of the client subnet's prefix that the answer is for; 0 when it is for everyone
    /// (RFC 7871 section 7.2.1).
    pub scope: u8,
    /// The records.
    pub answered: Answered,
    /// What it was chosen from; `None` when nothing was chosen.
    choice: Option<Chosen<'v>>,
}

/// The records of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Not the load balancer's types: ordinary records of the zone answer.
    OtherRecords,
    /// The addresses of the proxy.
    Edge,
    /// The addresses of these endpoints, in this order.
    Endpoints(SmallVec<[EndpointIx; ENDPOINTS_INLINE]>),
    /// A CNAME to this endpoint's name (behaviour.md 8.3).
    Name(EndpointIx),
    /// No records: NOERROR with the SOA.
    Empty,
}

#[derive(Debug, Clone)]
struct Chosen<'v> {
    effective: Effective<'v>,
    barred: Barred,
    pool: PoolIx,
    /// Whether the pool serves as the fallback.
    fallback: bool,
    qtype: u16,
    is_apex: bool,
    /// Whether some endpoint of the pool resolves, to the other family alone: then the pool stays
    /// the one chosen.
    has_other_family: bool,
}

/// Decides how a query is answered, and notes on the trail why.
///
/// # Errors
/// [`Unavailable::UnknownHost`] when no load balancer owns the name: ordinary records answer.
pub fn answer<'v>(
    view: &'v View,
    facts: &QueryFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Result<Answer<'v>, Unavailable> {
    let load_balancer = host::find(view, facts.name)?;
    Ok(answer_as(load_balancer, view, facts, env, trail))
}

/// The same for whoever knows whose name it is: in DNS, names that exist keep wildcards away from
/// themselves and from what is below them (behaviour.md 8.5).
pub fn answer_as<'v>(
    load_balancer: LoadBalancerIx,
    view: &'v View,
    facts: &QueryFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Answer<'v> {
    trail.push(TrailStep::LoadBalancer(load_balancer));
    let lb = view.config.load_balancer(load_balancer);
    let without = |answered| {
        let ttl_s = if lb.proxied { EDGE_TTL_S } else { lb.ttl_s };
        Answer { load_balancer, ttl_s, scope: 0, answered, choice: None }
    };
    match facts.qtype {
        qtype::A | qtype::AAAA if lb.proxied => return without(Answered::Edge),
        qtype::CNAME if lb.proxied => return without(Answered::Empty),
        qtype::A | qtype::AAAA | qtype::CNAME => {}
        _ => return without(Answered::OtherRecords),
    }
    let asker = Asker::of_query(facts);
    let conditions = OfQuery { facts, asker: &asker };
    let effective = match resolve(view, load_balancer, &asker, &conditions, env, trail) {
        Outcome::Steer(effective) => effective,
        Outcome::Respond(response) => {
            trail.push(TrailStep::Responded(response.status));
            let scope = asker.scope().unwrap_or(0);
            return Answer { scope, ..without(Answered::Empty) };
        }
    };
    let barred = Barred::default();
    let (pool, fallback) = select_pool(&effective, &barred, env, trail);
    if effective.client_is_subnet && effective.goes_by_client(pool) {
        asker.note_subnet();
    }
    let (qtype, is_apex) = (facts.qtype, facts.is_apex);
    let has_other_family = false;
    let chosen = Chosen { effective, barred, pool, fallback, qtype, is_apex, has_other_family };
    let answered = chosen.answer(env, trail);
    Answer {
        load_balancer,
        ttl_s: chosen.effective.ttl_s,
        scope: asker.scope().unwrap_or(0),
        answered,
        choice: Some(chosen),
    }
}

impl Answer<'_> {
    /// The answer without endpoints whose names do not resolve: others of the pool, or else of the
    /// next one (behaviour.md 8.2). To be asked when none of those named resolves.
    pub fn replace_unresolved(&mut self, env: &mut Env<'_>, trail: &mut Trail) {
        let met = match &self.answered {
            Answered::Endpoints(endpoints) => &**endpoints,
            Answered::Name(endpoint) => core::slice::from_ref(endpoint),
            Answered::OtherRecords | Answered::Edge | Answered::Empty => return,
        };
        let Some(chosen) = &mut self.choice else { return };
        let mut may_go_on = true;
        for endpoint in met {
            trail.push(TrailStep::Unresolved(*endpoint));
            may_go_on &= chosen.barred.unresolved(*endpoint);
        }
        if !may_go_on {
            trail.push(TrailStep::GaveUp(GiveUp::Unavailable(Unavailable::Unresolved)));
            self.answered = Answered::Empty;
            return;
        }
        let is_exhausted = chosen.open().next().is_none() && !chosen.has_other_family;
        if is_exhausted && !chosen.fallback {
            let (pool, fallback) = select_pool(&chosen.effective, &chosen.barred, env, trail);
            (chosen.pool, chosen.fallback) = (pool, fallback);
        }
        self.answered = chosen.answer(env, trail);
    }

    /// The answer without endpoints whose names have addresses of the other family alone, from the
    /// same pool: where one is drawn, it is drawn among those that can answer (behaviour.md 8.2).
    /// To be asked when none of those named has an address of the family asked for. Returns whether
    /// there are others; if not, there is nothing of that family.
    #[must_use]
    pub fn replace_other_family(&mut self, env: &mut Env<'_>, trail: &mut Trail) -> bool {
        let Answered::Endpoints(endpoints) = &self.answered else { return false };
        let Some(chosen) = &mut self.choice else { return false };
        chosen.has_other_family = true;
        let may_go_on = endpoints.iter().all(|endpoint| chosen.barred.unresolved(*endpoint));
        if !may_go_on || !chosen.open().any(|ix| chosen.can_answer(ix)) {
            return false;
        }
        for endpoint in endpoints {
            trail.push(TrailStep::Unresolved(*endpoint));
        }
        self.answered = chosen.answer(env, trail);
        true
    }
}

impl Chosen<'_> {
    /// The endpoints that may be named. Nobody outside reaches private ones.
    fn open(&self) -> impl Iterator<Item = EndpointIx> + Clone {
        let Self { effective: Effective { view, .. }, pool, fallback, .. } = *self;
        let in_role = |role: bool| (role == fallback).then_some(pool);
        let as_candidate = in_role(false).map(|pool| open(view, pool, &self.barred));
        let as_fallback = in_role(true).map(|pool| fallback::open(view, pool, &self.barred));
        let all = as_candidate.into_iter().flatten().chain(as_fallback.into_iter().flatten());
        all.filter(|ix| view.config.endpoint(*ix).virtual_network.is_none())
    }

    /// Whether an endpoint is named by a CNAME instead of its addresses.
    fn is_named(&self, endpoint: &Endpoint) -> bool {
        !endpoint.flatten_cname && !self.is_apex && matches!(endpoint.address, Address::Name(_))
    }

    /// Whether an endpoint has records of the type asked for. The family does not take part in the
    /// choice of the pool (behaviour.md 8.2).
    fn can_answer(&self, ix: EndpointIx) -> bool {
        let endpoint = self.effective.view.config.endpoint(ix);
        match (&endpoint.address, self.qtype) {
            (Address::Ip(ip), qtype::A) => ip.is_ipv4(),
            (Address::Ip(ip), qtype::AAAA) => ip.is_ipv6(),
            (Address::Name(_), qtype::A | qtype::AAAA) => true,
            _ => self.is_named(endpoint),
        }
    }

    fn answer(&self, env: &mut Env<'_>, trail: &mut Trail) -> Answered {
        let Effective { view, .. } = self.effective;
        if self.open().next().is_none() {
            trail.push(TrailStep::GaveUp(GiveUp::Unavailable(Unavailable::NoEndpoint)));
            return Answered::Empty;
        }
        let able = self.open().filter(|ix| self.can_answer(*ix));
        let (effective, pool) = (&self.effective, self.pool);
        // The fallback pool's health is not considered (behaviour.md 1.4), nor are ejections.
        let ejections = env.ejections.filter(|_| !self.fallback);
        if self.is_single() {
            let one = ejections
                .and_then(|ejections| {
                    let able = able.clone();
                    endpoint::pick_unejected(effective, pool, able, ejections, env, trail)
                })
                .or_else(|| endpoint::pick_of(effective, pool, able, env, trail));
            return match one {
                None => Answered::Empty,
                Some(ix) => {
                    trail.push(TrailStep::Endpoint(ix));
                    if self.is_named(view.config.endpoint(ix)) {
                        Answered::Name(ix)
                    } else {
                        Answered::Endpoints(smallvec![ix])
                    }
                }
            };
        }
        let is_ejected = |ix: &EndpointIx| {
            let id = view.config.endpoint(*ix).id;
            ejections.is_some_and(|ejections| ejections.of(id, env.now).is_some())
        };
        let mut endpoints: SmallVec<[_; ENDPOINTS_INLINE]> =
            able.clone().filter(|ix| !is_ejected(ix)).collect();
        if endpoints.is_empty() {
            endpoints = able.collect();
        }
        trail.push(TrailStep::Answered(u32::try_from(endpoints.len()).unwrap_or(u32::MAX)));
        if view.config.pool(self.pool).endpoint_steering == EndpointSteering::Hash {
            let score = |ix: EndpointIx| {
                let hash = endpoint::hash(view, self.effective.client, ix);
                (rendezvous::score(hash, 1), hash)
            };
            endpoints.sort_by(|a, b| rendezvous::order(score(*b), score(*a)));
        } else {
            shuffle(&mut endpoints, env);
        }
        if endpoints.is_empty() { Answered::Empty } else { Answered::Endpoints(endpoints) }
    }

    /// Whether one endpoint is named instead of all (behaviour.md 8.1 (3), 8.3, U18, U19). Healthy
    /// or not, all that are enabled count, so that the answer's form does not flip when one fails.
    fn is_single(&self) -> bool {
        let config = &self.effective.view.config;
        let pool = config.pool(self.pool);
        let mut enabled =
            pool.endpoints().map(|ix| config.endpoint(ix)).filter(|endpoint| endpoint.enabled);
        let sheds_by_hash =
            pool.shedding.is_some_and(|shedding| shedding.default_policy == SheddingPolicy::Hash);
        let by_hash = pool.endpoint_steering == EndpointSteering::Hash && sheds_by_hash;
        let first = enabled.clone().next().map(|endpoint| endpoint.weight);
        by_hash
            || self.effective.affinity.kind == AffinityKind::IpCookie
            || enabled.any(|endpoint| Some(endpoint.weight) != first || self.is_named(endpoint))
    }
}

impl Effective<'_> {
    /// Whether a choice among the candidates, or inside this pool, follows from who asks.
    fn goes_by_client(&self, pool: PoolIx) -> bool {
        let view: &View = self.view;
        let sheds_by_hash = |pool: &PoolIx| {
            let shedding = view.config.pool(*pool).shedding;
            shedding.is_some_and(|shedding| shedding.default_policy == SheddingPolicy::Hash)
        };
        self.fixed.is_some()
            || view.config.pool(pool).endpoint_steering == EndpointSteering::Hash
            || self.candidates.iter().any(sheds_by_hash)
    }
}

/// Fisher and Yates: every order has the same chance, so that resolvers that take the first spread
/// themselves evenly.
fn shuffle(endpoints: &mut [EndpointIx], env: &mut Env<'_>) {
    for last in (1..endpoints.len()).rev() {
        let bound = u64::try_from(last + 1).expect("few endpoints");
        let other = usize::try_from(env.rng.below(bound)).expect("below the length");
        endpoints.swap(last, other);
    }
}
