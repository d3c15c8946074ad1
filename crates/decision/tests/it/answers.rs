//! Answers to DNS queries (behaviour.md 8.1–8.4) and their traps.

use std::collections::BTreeMap;

use evenkeel_decision::{
    Answer, Answered, ClientSubnet, Env, NoLoads, NoSessions, QueryFacts, Rng, Trail, Unavailable,
    answer,
};
use evenkeel_model::{
    EcsPreference, Expression, FixedResponse, LocationMode, Overrides, Rule, RuleAction,
};

use crate::notation::{START, Seeded, World, parse_node, query};

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;

fn ask<'v>(world: &'v World, facts: &QueryFacts<'_>, rng: &mut dyn Rng) -> Answer<'v> {
    let mut env =
        Env { now: START, rng, loads: &NoLoads, ejections: None, sessions: &mut NoSessions };
    answer(&world.view, facts, &mut env, &mut Trail::new()).expect("the name is ours")
}

/// The names of the endpoints that are answered, sorted; what else it is otherwise.
fn names(world: &World, answered: &Answered) -> String {
    let name = |ix| &*world.config().endpoint(ix).name;
    match answered {
        Answered::Endpoints(endpoints) => {
            let mut names: Vec<_> = endpoints.iter().map(|ix| name(*ix)).collect();
            names.sort_unstable();
            names.join(" ")
        }
        Answered::Name(ix) => format!("CNAME {}", name(*ix)),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn check_answer(world: &str, facts: &QueryFacts<'_>, expected: &str) {
    let world = World::parse(world);
    let found = ask(&world, facts, &mut Seeded(1));
    assert_eq!(names(&world, &found.answered), expected, "{}", world.text);
}

#[test]
fn trap_t21_equal_weights_answer_all_and_different_ones_a_single_one() {
    let even = World::parse("dns-only | eu: a b c");
    let uneven = World::parse("dns-only | eu: a b=0.9 c");
    let mut rng = Seeded(21);
    let mut drawn = BTreeMap::new();
    for _ in 0..3_000 {
        let all = ask(&even, &query(A, "192.0.2.1"), &mut rng);
        assert_eq!(names(&even, &all.answered), "a b c");
        let one = ask(&uneven, &query(A, "192.0.2.1"), &mut rng);
        *drawn.entry(names(&uneven, &one.answered)).or_insert(0u32) += 1;
    }
    // Shares of 10 : 9 : 10 over 3 000 draws, each give or take 5.5 standard deviations.
    for (name, mean) in [("a", 1_034), ("b", 931), ("c", 1_034)] {
        assert!(drawn[name].abs_diff(mean) <= 145, "{drawn:?}");
    }
    assert_eq!(drawn.len(), 3);
}

#[test]
fn the_form_of_the_answer_does_not_flip_with_health() {
    check_answer("dns-only | eu: a b! c", &query(A, "192.0.2.1"), "a c");
    // The one that differs is down; still a single answer.
    let world = World::parse("dns-only | eu: a b=0.9! c");
    let found = ask(&world, &query(A, "192.0.2.1"), &mut Seeded(1));
    assert!(["a", "c"].contains(&&*names(&world, &found.answered)));
    // A disabled one does not count.
    check_answer("dns-only | eu: a b=0.9- c", &query(A, "192.0.2.1"), "a c");
}

#[test]
fn every_order_of_an_answer_has_the_same_chance() {
    let world = World::parse("dns-only | eu: a b c");
    let mut rng = Seeded(6);
    let mut orders = BTreeMap::new();
    for _ in 0..6_000 {
        let Answered::Endpoints(order) = ask(&world, &query(A, "192.0.2.1"), &mut rng).answered
        else {
            panic!("endpoints")
        };
        *orders.entry(order.iter().map(|ix| ix.0).collect::<Vec<_>>()).or_insert(0u32) += 1;
    }
    // Each of six 1 000 times, give or take 5.5 standard deviations.
    assert_eq!(orders.len(), 6);
    assert!(orders.values().all(|count| count.abs_diff(1_000) <= 159), "{orders:?}");
}

#[test]
fn the_family_is_filtered_after_the_pool() {
    let world = "dns-only | eu: a<192.0.2.1> b<192.0.2.2> | us: c<2001:db8::1>";
    check_answer(world, &query(A, "192.0.2.1"), "a b");
    check_answer(world, &query(AAAA, "192.0.2.1"), "Empty");
    let mixed = "dns-only | eu: a<192.0.2.1> b<2001:db8::2>=0.5 c";
    let world = World::parse(mixed);
    for seed in 0..50 {
        let found = ask(&world, &query(AAAA, "192.0.2.1"), &mut Seeded(seed));
        assert!(["b", "c"].contains(&&*names(&world, &found.answered)), "those that can answer");
    }
}

#[test]
fn the_fallback_answers_whatever_its_health() {
    check_answer("dns-only | eu: a! | last spare: y! z!", &query(A, "192.0.2.1"), "y z");
}

#[test]
fn trap_t15_a_disabled_fallback_answers_without_records() {
    check_answer("dns-only | eu: a! | last spare disabled: z", &query(A, "192.0.2.1"), "Empty");
    check_answer("dns-only | eu: a! | last spare: z-", &query(A, "192.0.2.1"), "Empty");
}

#[test]
fn trap_t35_a_wildcard_owns_only_what_is_asked_of_it() {
    // Whether a more specific record blocks the wildcard is the zone's knowledge: it does not ask
    // then. Here the load balancer just takes its own types.
    let world = World::with("dns-only | eu: a", |lb, _| {
        lb.host = evenkeel_model::HostPattern::parse("*.example.com").expect("a name");
    });
    let of = |name, qtype| QueryFacts::new(name, qtype, [192, 0, 2, 1].into());
    assert_eq!(names(&world, &ask(&world, &of("a.example.com", A), &mut Seeded(1)).answered), "a");
    let mut env = Env {
        now: START,
        rng: &mut Seeded(1),
        loads: &NoLoads,
        ejections: None,
        sessions: &mut NoSessions,
    };
    let apex = answer(&world.view, &of("example.com", A), &mut env, &mut Trail::new());
    assert_eq!(apex.unwrap_err(), Unavailable::UnknownHost);
}

#[test]
fn trap_t36_other_types_are_answered_by_other_records() {
    check_answer("dns-only | eu: a", &query(TXT, "192.0.2.1"), "OtherRecords");
    check_answer("| eu: a", &query(TXT, "192.0.2.1"), "OtherRecords");
    check_answer("| eu: a", &query(A, "192.0.2.1"), "Edge");
}

#[test]
fn trap_t37_a_name_is_flattened_at_the_apex_and_else_as_configured() {
    let world = "dns-only | eu: a* b";
    let below = query(A, "192.0.2.1");
    check_answer(world, &QueryFacts { is_apex: true, ..below }, "a b");
    check_answer("dns-only | eu: a*", &below, "CNAME a");
    check_answer("dns-only | eu: a<192.0.2.1>*", &below, "a");
    // A CNAME stands alone, so only one is answered.
    let world = World::parse(world);
    for seed in 0..20 {
        let found = ask(&world, &below, &mut Seeded(seed));
        assert!(["CNAME a", "b"].contains(&&*names(&world, &found.answered)));
    }
}

#[test]
fn trap_t38_a_disabled_load_balancer_owns_no_name() {
    let world = World::parse("disabled dns-only | eu: a");
    let mut env = Env {
        now: START,
        rng: &mut Seeded(1),
        loads: &NoLoads,
        ejections: None,
        sessions: &mut NoSessions,
    };
    let mut trail = Trail::new();
    let found = answer(&world.view, &query(A, "192.0.2.1"), &mut env, &mut trail);
    assert_eq!(found.unwrap_err(), Unavailable::UnknownHost);
    assert!(trail.steps().is_empty(), "nobody was asked");
}

#[test]
fn trap_t41_a_fixed_response_answers_without_records() {
    let world = World::with("dns-only | eu: a", |lb, _| {
        let response =
            FixedResponse { status: 403, content_type: None, location: None, body: "no".into() };
        let action = RuleAction::Respond(response);
        lb.rules = vec![Rule { name: "r".into(), condition: Expression::always(), action }];
    });
    let found = ask(&world, &query(A, "192.0.2.1"), &mut Seeded(1));
    assert_eq!(found.answered, Answered::Empty);
}

#[test]
fn a_rule_sees_the_query_and_may_change_the_time_to_live() {
    let condition = "dns.qry.name eq \"shop.example.com.\" and dns.qry.type eq 1 \
                     and dns.qry.name.len eq 17 and not dns.rr.opt.client";
    let world = World::with("dns-only | eu: a", |lb, _| {
        let overrides = Box::new(Overrides { ttl_s: Some(5), ..Overrides::default() });
        lb.rules = vec![Rule {
            name: "short".into(),
            condition: Expression::parse(condition).expect("a condition"),
            action: RuleAction::Override { overrides, terminates: false },
        }];
    });
    let ttl = |qtype| ask(&world, &query(qtype, "192.0.2.1"), &mut Seeded(1)).ttl_s;
    assert_eq!((ttl(A), ttl(AAAA)), (5, 30));
}

/// A query from Germany for a client in France.
fn for_france(facts: QueryFacts<'static>) -> QueryFacts<'static> {
    let subnet = ClientSubnet { address: [10, 33, 0, 0].into(), prefix: 16 };
    QueryFacts { client_subnet: Some(subnet), ..facts }
}

#[test]
fn the_location_strategy_says_where_a_query_comes_from() {
    use EcsPreference::{Always, Geo, Never, Proximity};
    use LocationMode::{Pop, ResolverIp};
    let text = "dns-only geo country:DE=D country:FR=F country:US=U | x: x | D spare: d | F spare: f | U spare: u";
    for (prefer_ecs, mode, with_subnet, expected, scope) in [
        (Proximity, Pop, true, "u", 0),
        (Proximity, ResolverIp, true, "d", 0),
        (Geo, Pop, true, "f", 16),
        (Geo, Pop, false, "u", 0),
        (Always, ResolverIp, true, "f", 16),
        (Always, ResolverIp, false, "d", 0),
        (Never, ResolverIp, true, "d", 0),
    ] {
        let world = World::with(text, |lb, _| {
            lb.location.prefer_ecs = prefer_ecs;
            lb.location.mode = mode;
        });
        let mut node = parse_node("IAD/ENAM");
        node.country = evenkeel_model::Country::parse("US");
        let facts = QueryFacts { node: &node, ..query(A, "10.49.0.1") };
        let facts = QueryFacts {
            client_subnet: with_subnet
                .then(|| for_france(query(A, "10.49.0.1")).client_subnet)
                .flatten(),
            ..facts
        };
        let found = ask(&world, &facts, &mut Seeded(1));
        let case = format!("{prefer_ecs:?} {mode:?} {with_subnet}");
        assert_eq!((&*names(&world, &found.answered), found.scope), (expected, scope), "{case}");
    }
}

#[test]
fn proximity_goes_by_the_client_subnet_unless_told_otherwise() {
    let text = "dns-only proximity | us at=40.7,-74: us | eu at=48.9,2.4: eu";
    let world = World::parse(text);
    let found = ask(&world, &for_france(query(A, "10.1.0.1")), &mut Seeded(1));
    assert_eq!((&*names(&world, &found.answered), found.scope), ("eu", 16));
    let found = ask(&world, &query(A, "10.33.0.1"), &mut Seeded(1));
    assert_eq!((&*names(&world, &found.answered), found.scope), ("us", 0), "the node is nowhere");
}

#[test]
fn a_condition_on_the_source_makes_the_answer_the_subnets() {
    let world = World::with("dns-only | eu: a", |lb, _| {
        lb.rules = vec![Rule {
            name: "r".into(),
            condition: Expression::parse("ip.src in {10.33.0.0/16}").expect("a condition"),
            action: RuleAction::Override { overrides: Box::default(), terminates: false },
        }];
    });
    assert_eq!(ask(&world, &for_france(query(A, "10.49.0.1")), &mut Seeded(1)).scope, 16);
    assert_eq!(ask(&world, &query(A, "10.49.0.1"), &mut Seeded(1)).scope, 0);
}

#[test]
fn persistence_by_hash_answers_each_resolver_the_same() {
    // Method 2 of behaviour.md 8.7.
    let world = World::parse("dns-only | eu shed-hash=50 hash: a b c | us hash: d e");
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..100u8 {
        let resolver = format!("192.0.2.{n}");
        let [one, two] =
            [1, 2].map(|seed| ask(&world, &query(A, &resolver), &mut Seeded(seed)).answered);
        assert_eq!(one, two, "{resolver}");
        if let Answered::Endpoints(endpoints) = &one {
            seen.insert(world.config().endpoint(endpoints[0]).pool);
        }
    }
    assert_eq!(seen.len(), 2, "half of them each");
}

#[test]
fn an_ip_cookie_is_a_single_answer_fixed_by_the_resolver() {
    let world = World::parse("dns-only random ip_cookie | eu: a b c | us: d");
    for n in 0..20u8 {
        let resolver = format!("192.0.2.{n}");
        let [one, two] =
            [1, 2].map(|seed| ask(&world, &query(A, &resolver), &mut Seeded(seed)).answered);
        assert_eq!(one, two);
        assert!(matches!(one, Answered::Endpoints(endpoints) if endpoints.len() == 1));
    }
    // Other sessions mean nothing to DNS.
    check_answer("dns-only cookie | eu: a b", &query(A, "192.0.2.1"), "a b");
}

#[test]
fn trap_t44_names_that_do_not_resolve_give_way_within_the_pool_and_then_beyond() {
    let world = World::parse("dns-only | eu: a b=0.5 | us: c");
    let mut rng = Seeded(1);
    let mut found = ask(&world, &query(A, "192.0.2.1"), &mut rng);
    let mut env = Env {
        now: START,
        rng: &mut rng,
        loads: &NoLoads,
        ejections: None,
        sessions: &mut NoSessions,
    };
    let mut trail = Trail::new();
    let mut served = vec![names(&world, &found.answered)];
    for _ in 0..2 {
        found.replace_unresolved(&mut env, &mut trail);
        served.push(names(&world, &found.answered));
    }
    served[..2].sort();
    assert_eq!(served, ["a", "b", "c"]);
}

#[test]
fn private_endpoints_are_not_named() {
    let mut world = World::parse("dns-only | eu: a b");
    let config = std::sync::Arc::get_mut(&mut world.view.config).expect("ours alone");
    config.endpoints[0].virtual_network = Some("net".into());
    let found = ask(&world, &query(A, "192.0.2.1"), &mut Seeded(1));
    assert_eq!(names(&world, &found.answered), "b");
}
