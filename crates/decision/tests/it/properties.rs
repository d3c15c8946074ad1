//! What holds in every world, for every request, whatever fails.

use evenkeel_decision::{DialFailure, Target};
use evenkeel_model::{AffinityKind, EndpointIx, PoolIx, ZeroDowntimeFailover};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::notation::{Exchange, Request, START, Seeded, World};

/// Worlds as text. Names come from a few letters, so that pools share servers now and then.
fn worlds() -> impl Strategy<Value = String> {
    let name = select(vec!["a", "b", "c", "d", "e", "f", "g"]);
    let share = select(vec!["0", "0.01", "0.3", "0.5", "1"]);
    let state = select(vec!["", "", "", "!", "?", "-"]);
    let flags = select(vec![
        "",
        "",
        "",
        "min=2",
        "min=0",
        "unmonitored",
        "disabled",
        "spare",
        "hash",
        "lor",
        "shed=50",
        "shed-hash=50",
        "rtt=20",
        "at=50,9",
    ]);
    let endpoints = prop::collection::btree_map(name, (share, state), 0..4);
    let pool = (flags, endpoints).prop_map(|(flags, endpoints)| {
        let words =
            endpoints.iter().map(|(name, (share, state))| format!(" {name}={share}{state}"));
        format!("{flags}:{}", words.collect::<String>())
    });
    let settings = (
        select(vec![
            "",
            "random default=0.5 p0=0",
            "random p0=0.3",
            "geo",
            "latency",
            "proximity",
            "lor p0=0.3",
            "lc p0=0",
        ]),
        select(vec![
            "",
            "cookie",
            "cookie temporary",
            "cookie sticky",
            "ip_cookie",
            "ip_cookie sticky",
            "header=x-user sticky",
        ]),
        select(vec!["", "across"]),
    );
    (settings, prop::collection::vec(pool, 1..4)).prop_map(
        |((steering, affinity, across), pools)| {
            let mut text = format!("{steering} {affinity} {across}");
            for (n, pool) in pools.iter().enumerate() {
                text += &format!(" | p{n} {pool}");
            }
            text
        },
    )
}

/// A world, a request into it and the seed of its draws.
#[derive(Debug, Clone)]
struct Case {
    world: String,
    session: Option<Index>,
    failures: Vec<(Index, DialFailure)>,
    unresolved: Vec<Index>,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    use DialFailure::{Certificate, Refused, TimedOut, Tls, Unreachable};
    let failure = select(vec![Refused, TimedOut, Unreachable, Tls, Certificate]);
    (
        worlds(),
        any::<Option<Index>>(),
        prop::collection::vec((any::<Index>(), failure), 0..4),
        prop::collection::vec(any::<Index>(), 0..3),
        any::<u64>(),
    )
        .prop_map(|(world, session, failures, unresolved, seed)| Case {
            world,
            session,
            failures,
            unresolved,
            seed,
        })
}

impl Case {
    fn run(&self) -> (World, Request, Option<EndpointIx>, Exchange) {
        let world = World::parse(&self.world);
        let server = |index: &Index| {
            let ix = index.get(&world.config().endpoints);
            world.endpoint(&ix.name)
        };
        let mut request = Request::default();
        let mut session = None;
        if !world.config().endpoints.is_empty() {
            request.failures = self.failures.iter().map(|(ix, why)| (server(ix), *why)).collect();
            request.unresolved = self.unresolved.iter().map(server).collect();
            let all: Vec<_> = world.config().endpoints_indexed().map(|(ix, _)| ix).collect();
            session = self.session.map(|ix| *ix.get(&all));
            request.cookies = session.iter().map(|ix| world.session(*ix)).collect();
            request.headers = vec![("x-user".into(), self.seed.to_string())];
        }
        let exchange = world.send(&request, &mut Seeded(self.seed));
        (world, request, session, exchange)
    }
}

fn has_cookies(world: &World) -> bool {
    matches!(world.lb().affinity.kind, AffinityKind::Cookie | AffinityKind::IpCookie)
}

fn keeps_session(world: &World, ix: EndpointIx) -> bool {
    let (health, lb) = (&world.view.health, world.lb());
    let pool = world.config().endpoint(ix).pool;
    let in_role = lb.default_pools.contains(&pool)
        && health.pool(pool).keeps_sessions
        && health.keeps_sessions(ix);
    let in_fallback = pool == lb.fallback_pool
        && world.config().pool(pool).enabled
        && world.config().endpoint(ix).enabled
        && !lb.default_pools.iter().any(|pool| health.pool(*pool).is_fit);
    has_cookies(world) && (in_role || in_fallback)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn at_most_one_retry(case in cases()) {
        let (_, _, _, exchange) = case.run();
        let attempts: Vec<_> = exchange.dialled.iter().map(|target| target.attempt).collect();
        prop_assert!(matches!(&*attempts, [] | [1] | [1, 2]), "{}", exchange.trail);
    }

    #[test]
    fn nothing_reaches_what_is_disabled(case in cases()) {
        let (world, _, _, exchange) = case.run();
        for target in &exchange.dialled {
            prop_assert!(world.config().endpoint(target.endpoint).enabled, "{}", exchange.trail);
            prop_assert!(world.config().pool(target.pool).enabled, "{}", exchange.trail);
        }
    }

    #[test]
    fn outside_the_fallback_only_healthy_endpoints_of_candidates_serve(case in cases()) {
        let (world, _, session, exchange) = case.run();
        for Target { endpoint, pool, fallback, .. } in exchange.dialled {
            prop_assert_eq!(world.config().endpoint(endpoint).pool, pool);
            if fallback {
                prop_assert_eq!(pool, world.lb().fallback_pool);
            } else if session == Some(endpoint) {
                prop_assert!(world.view.health.keeps_sessions(endpoint) && world.view.health.pool(pool).keeps_sessions);
            } else {
                prop_assert!(world.view.health.is_fit(endpoint) && world.view.health.pool(pool).is_fit, "{}", exchange.trail);
            }
            prop_assert!(fallback || world.lb().default_pools.contains(&pool));
        }
    }

    #[test]
    fn the_fallback_serves_only_when_nothing_is_fit(case in cases()) {
        let (world, request, _, exchange) = case.run();
        let met = |ix: EndpointIx| {
            let name = &world.config().endpoint(ix).name;
            let server = world.endpoint(name);
            request.failures.contains_key(&server) || request.unresolved.contains(&server)
        };
        let untouched = |pool: &PoolIx| {
            let fit = |ix: &EndpointIx| world.view.health.is_fit(*ix) && !met(*ix);
            let sheds = world.config().pool(*pool).shedding.is_some();
            !sheds && world.view.health.pool(*pool).is_fit && world.config().pool(*pool).endpoints().any(|ix| fit(&ix))
        };
        if exchange.dialled.iter().any(|target| target.fallback) {
            prop_assert!(!world.lb().default_pools.iter().any(untouched), "{}", exchange.trail);
        }
    }

    #[test]
    fn a_session_keeps_a_fit_endpoint(case in cases()) {
        let (world, request, session, exchange) = case.run();
        if let Some(session) = session && keeps_session(&world, session) {
            let server = world.endpoint(&world.config().endpoint(session).name);
            let failover = world.lb().affinity.failover;
            if request.unresolved.contains(&server) {
                prop_assert_eq!(exchange.set, None, "{}", exchange.trail);
            } else {
                prop_assert_eq!(exchange.dialled[0].endpoint, session, "{}", exchange.trail);
                match request.failures.get(&server) {
                    None => prop_assert_eq!((exchange.result, exchange.set), (Ok(session), None)),
                    Some(why) if failover == ZeroDowntimeFailover::None => {
                        prop_assert_eq!(exchange.result.unwrap_err().status(), why.status());
                    }
                    Some(_) => {
                        let moves = failover == ZeroDowntimeFailover::Sticky && exchange.result.is_ok();
                        prop_assert_eq!(exchange.set.is_some(), moves, "{}", exchange.trail);
                    }
                }
            }
        }
    }

    #[test]
    fn a_new_session_is_with_whoever_answered_and_holds(case in cases()) {
        let (world, request, session, exchange) = case.run();
        // A session on the fallback goes on there while its client is shed by all others, and is
        // lent elsewhere while its endpoint does not resolve.
        let stayed = exchange.dialled.first().map(|target| target.endpoint) == session;
        let lent = session.is_some_and(|session| {
            let endpoint = world.config().endpoint(session);
            let sheds = |pool: &PoolIx| world.config().pool(*pool).shedding.is_some();
            request.unresolved.contains(&world.endpoint(&endpoint.name))
                && endpoint.pool == world.lb().fallback_pool
                && world.lb().default_pools.iter().any(sheds)
        });
        let kept = stayed || lent || session.is_some_and(|session| keeps_session(&world, session));
        if let Some(set) = exchange.set {
            prop_assert_eq!(Ok(set.endpoint), exchange.result);
            let mut next = world.request("");
            next.cookies = vec![world.cookie(set, START)];
            let next = world.send(&next, &mut Seeded(!case.seed));
            // A retry may have ended on the fallback while a pool was fit: that one takes over.
            if keeps_session(&world, set.endpoint) {
                prop_assert_eq!((next.result, next.set), (Ok(set.endpoint), None), "{}", next.trail);
            } else {
                prop_assert!(exchange.dialled.iter().any(|target| target.fallback), "{}", exchange.trail);
            }
        } else if has_cookies(&world) && !kept {
            prop_assert!(exchange.result.is_err(), "{}", exchange.trail);
        }
    }

    #[test]
    fn no_server_is_tried_twice(case in cases()) {
        let (world, _, _, exchange) = case.run();
        if let [first, second] = &*exchange.dialled {
            let endpoint = |target: &Target| world.config().endpoint(target.endpoint);
            prop_assert!(!endpoint(first).is_same_server(endpoint(second)), "{}", exchange.trail);
        }
    }

    #[test]
    fn the_same_seed_leaves_the_same_trail(case in cases()) {
        prop_assert_eq!(case.run().3, case.run().3);
    }
}
