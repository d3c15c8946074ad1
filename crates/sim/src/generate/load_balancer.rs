//! Random load balancers: steering, topology, affinity, pool sets and rules.

use evenkeel_model::{
    AffinityHeader, AffinityKind, AffinityOverrides, Expression, FixedResponse, HostPattern,
    LoadBalancer, LoadBalancerId, Overrides, Places, PoolIx, PoolMap, PoolSet, PoolSetOutcome,
    PoolSetPools, PoolWeights, Pop, Rule, RuleAction, SessionAffinity, Steering, Topology, Weight,
    ZeroDowntimeFailover,
};

use super::{id, weight};
use crate::blueprint::Service;
use crate::chance::Chance;
use crate::condition::Condition;
use crate::places;

/// Load balancer `n` over so many pools.
pub(super) fn service(n: u64, pools: usize, chance: &mut Chance) -> Service {
    let pools: Vec<PoolIx> = (0..).map(PoolIx).take(pools).collect();
    let wildcard = chance.percent(20);
    let name = if wildcard { format!("*.lb{n}.test") } else { format!("lb{n}.test") };
    let host = if wildcard { format!("some.lb{n}.test") } else { name.clone() };
    let conditions: Vec<_> = if chance.percent(40) {
        (0..=chance.index(3)).map(|_| condition(chance, 2)).collect()
    } else {
        Vec::new()
    };
    let rules = conditions.iter().map(|condition| rule(condition, &pools, chance)).collect();
    let pattern = HostPattern::parse(&name).expect("a name");
    let defaults = chance.some(&pools, 1);
    let load_balancer = LoadBalancer {
        // The first one always serves: a world should have something to decide.
        enabled: n == 1 || chance.percent(90),
        proxied: n == 1 || chance.percent(90),
        steering: steering(chance),
        topology: topology(&pools, chance),
        pool_weights: pool_weights(&pools, chance),
        affinity: affinity(chance),
        failover_across_pools: chance.percent(50),
        pool_sets: pool_sets(&pools, chance),
        rules,
        ..LoadBalancer::new(LoadBalancerId(id(3, n)), pattern, defaults, *chance.pick(&pools))
    };
    Service { load_balancer, conditions, host }
}

/// Any policy.
pub fn steering(chance: &mut Chance) -> Steering {
    *chance.pick(&[
        Steering::Off,
        Steering::Geo,
        Steering::Geo,
        Steering::Random,
        Steering::DynamicLatency,
        Steering::Proximity,
        Steering::LeastOutstandingRequests,
        Steering::LeastConnections,
    ])
}

/// Any of the three ways a session may take when its endpoint fails.
pub fn failover(chance: &mut Chance) -> ZeroDowntimeFailover {
    *chance.pick(&[
        ZeroDowntimeFailover::None,
        ZeroDowntimeFailover::Temporary,
        ZeroDowntimeFailover::Sticky,
    ])
}

fn topology(pools: &[PoolIx], chance: &mut Chance) -> Topology {
    let mut topology = Topology::default();
    if chance.percent(30) {
        let pop = Pop::parse(chance.pick::<&str>(&places::POPS)).expect("three letters");
        topology.pops.insert(pop, chance.some(pools, 0));
    }
    if chance.percent(50) {
        topology.countries = countries(pools, chance);
    }
    for region in places::REGIONS {
        if chance.percent(30) {
            topology.regions.insert(region, chance.some(pools, 0));
        }
    }
    topology
}

fn countries(pools: &[PoolIx], chance: &mut Chance) -> PoolMap<evenkeel_model::Country> {
    (0..2).map(|_| (places::country(chance), chance.some(pools, 0))).collect()
}

fn pool_weights(pools: &[PoolIx], chance: &mut Chance) -> PoolWeights {
    PoolWeights {
        of_pool: chance.some(pools, 0).into_iter().map(|pool| (pool, weight(chance))).collect(),
        default: if chance.percent(70) { Weight::ONE } else { weight(chance) },
    }
}

fn kind(chance: &mut Chance) -> AffinityKind {
    *chance.pick(&[
        AffinityKind::None,
        AffinityKind::Cookie,
        AffinityKind::Cookie,
        AffinityKind::IpCookie,
        AffinityKind::Header,
    ])
}

fn affinity(chance: &mut Chance) -> SessionAffinity {
    let kind = kind(chance);
    SessionAffinity {
        kind,
        ttl_s: chance.percent(70).then(|| *kind.ttl_range_s().start()),
        drain_duration_s: *chance.pick(&[0, 30, 300]),
        failover: failover(chance),
        headers: ["x-user", "cookie:sid,lang", "cookie"]
            .iter()
            .take(1 + chance.index(2))
            .map(|text| AffinityHeader::parse(text))
            .collect(),
        require_all_headers: chance.percent(30),
        ..SessionAffinity::default()
    }
}

fn fixed(chance: &mut Chance) -> FixedResponse {
    let status = *chance.pick(&[200, 302, 503]);
    FixedResponse { status, content_type: None, location: None, body: String::new() }
}

fn pool_sets(pools: &[PoolIx], chance: &mut Chance) -> Vec<PoolSet> {
    if chance.percent(75) {
        return Vec::new();
    }
    let places = Places {
        pops: None,
        countries: chance.percent(70).then(|| (0..2).map(|_| places::country(chance)).collect()),
        regions: chance.percent(30).then(|| places::REGIONS.into()),
    };
    let outcome = if chance.percent(20) {
        PoolSetOutcome::Respond(fixed(chance))
    } else {
        let mut steering = steering(chance);
        if steering == Steering::Geo {
            steering = Steering::Off;
        }
        PoolSetOutcome::Pools(PoolSetPools {
            pools: chance.some(pools, 1),
            pool_weights: None,
            pool_default_weight: chance.percent(50).then_some(Weight::ONE),
            fallback_pool: chance.percent(50).then(|| *chance.pick(pools)),
            steering,
        })
    };
    vec![PoolSet { name: "set".to_owned(), places: Some(places), outcome }]
}

fn condition(chance: &mut Chance, depth: u32) -> Condition {
    match chance.index(if depth == 0 { 5 } else { 7 }) {
        0 => Condition::Always,
        1 => Condition::PathBegins("/api"),
        2 => Condition::MethodIs("POST"),
        3 => Condition::HeaderIs("x-user", "u1"),
        4 => Condition::ClientIn(u8::try_from(chance.index(3)).expect("small")),
        5 => {
            Condition::Both(Box::new(condition(chance, 0)), Box::new(Condition::PathBegins("/api")))
        }
        _ => Condition::Not(Box::new(Condition::HeaderIs("x-user", "u2"))),
    }
}

fn rule(condition: &Condition, pools: &[PoolIx], chance: &mut Chance) -> Rule {
    let action = if chance.percent(20) {
        RuleAction::Respond(fixed(chance))
    } else {
        let overrides = Box::new(overrides(pools, chance));
        RuleAction::Override { overrides, terminates: chance.percent(30) }
    };
    let condition = Expression::parse(&condition.text()).expect("conditions are expressions");
    Rule { name: "rule".to_owned(), condition, action }
}

/// Two or three of the members.
fn overrides(pools: &[PoolIx], chance: &mut Chance) -> Overrides {
    let mut overrides = Overrides::default();
    for _ in 0..=chance.index(3) {
        match chance.index(11) {
            0 => overrides.default_pools = Some(chance.some(pools, 1)),
            1 => overrides.fallback_pool = Some(*chance.pick(pools)),
            2 => overrides.countries = Some(countries(pools, chance)),
            3 | 9 | 10 => overrides.steering = Some(steering(chance)),
            4 => overrides.pool_default_weight = Some(weight(chance)),
            5 => overrides.failover_across_pools = Some(chance.percent(50)),
            6 => {
                let kind = Some(kind(chance));
                overrides.affinity = AffinityOverrides { kind, ..AffinityOverrides::default() };
            }
            7 => overrides.affinity.failover = Some(failover(chance)),
            _ => overrides.pool_weights = Some(pool_weights(pools, chance).of_pool),
        }
    }
    overrides
}
