//! Load shedding (behaviour.md 6.1) and its traps.

use crate::notation::{START, Seeded, World, check};

#[test]
fn what_a_pool_sheds_goes_to_the_next() {
    for (world, expected) in [
        ("| eu shed=100: a | us: b", "session=off pool=eu:shed pool=us endpoint=b → b"),
        ("| eu shed-hash=100: a | us: b", "session=off pool=eu:shed pool=us endpoint=b → b"),
        ("| eu shed=0: a | us: b", "session=off pool=eu endpoint=a → a"),
        ("| eu shed-sessions=100: a | us: b", "session=off pool=eu endpoint=a → a"),
        (
            "random us=0.5 | eu shed=100: a | us: b",
            "session=off pool=eu:shed pool=us endpoint=b → b",
        ),
    ] {
        check(world, "", expected);
    }
}

#[test]
fn trap_t32_when_all_pools_shed_the_fallback_serves() {
    check(
        "| eu shed=100: a | us shed-hash=100: b | last spare shed=100: z",
        "",
        "session=off pool=eu:shed pool=us:shed fallback=last endpoint=z → z",
    );
    // Itself a candidate, it serves as the fallback what it sheds as a candidate.
    check("| eu shed=100: a", "", "session=off pool=eu:shed fallback=eu endpoint=a → a");
}

#[test]
fn shed_clients_keep_their_session_on_the_fallback() {
    check("cookie | eu shed=100: a | last spare: y z", "cookie=z", "session=z → z");
    check(
        "cookie | eu: a | last spare: y z",
        "cookie=z",
        "session=fallback_over pool=eu endpoint=a → a, sets a",
    );
}

#[test]
fn a_session_is_shed_by_the_sessions_share_alone() {
    check("cookie | eu shed=100: a | us: b", "cookie=a", "session=a → a");
    check(
        "cookie | eu shed-sessions=100: a | us: b",
        "cookie=a",
        "session=shed pool=eu:shed pool=us endpoint=b → b, sets b",
    );
    check(
        "cookie | eu shed-sessions=100: a",
        "cookie=a",
        "session=shed pool=eu:shed fallback=eu endpoint=a → a, sets a",
    );
}

/// 30 % of 10 000 draws, give or take 5.5 standard deviations: a chance below 1e-7 to be outside.
fn is_30_percent_of_10_000(count: usize) -> bool {
    (2_748..=3_252).contains(&count)
}

#[test]
fn trap_t31_the_same_clients_are_shed_each_time() {
    let world = World::parse("cookie | eu shed-sessions=30: a | us: b");
    let [a, b] = ["a", "b"].map(|name| world.endpoint(name));
    let mut request = world.request("cookie=a");
    let mut shed = |round: u64| -> Vec<u32> {
        let clients = 0..10_000u32;
        let is_shed = |client: &u32| {
            request.client = client.wrapping_mul(0x9e37_79b9).to_be_bytes().into();
            let exchange = world.send(&request, &mut Seeded(round));
            assert_eq!(exchange.set.is_some(), exchange.result == Ok(b));
            assert!([Ok(a), Ok(b)].contains(&exchange.result));
            exchange.result == Ok(b)
        };
        clients.filter(is_shed).collect()
    };
    let first = shed(0);
    assert!(is_30_percent_of_10_000(first.len()), "{}", first.len());
    for round in 1..20 {
        assert_eq!(shed(round), first, "{round}");
    }
}

#[test]
fn a_random_share_is_drawn_anew_and_apart_for_each_pool() {
    let world = World::parse("| eu shed=30: a | us shed=30: b | last spare: z");
    let request = world.request("");
    let mut rng = Seeded(30);
    let mut counts = [0, 0, 0];
    for _ in 0..10_000 {
        let result = world.send(&request, &mut rng).result.expect("an answer");
        let names = ["a", "b", "z"].map(|name| world.endpoint(name));
        counts[names.iter().position(|ix| *ix == result).expect("one of them")] += 1;
    }
    // 70 %, 21 % and 9 %, each give or take 5.5 standard deviations.
    for (count, (mean, bound)) in counts.iter().zip([(7_000i32, 252), (2_100, 224), (900, 158)]) {
        assert!((count - mean).abs() <= bound, "{counts:?}");
    }
}

#[test]
fn a_hash_share_is_another_draw_than_the_hash_of_endpoints() {
    // Among those that are not shed, each endpoint has its half: nothing of the one hash shows in
    // the other. 5.5 standard deviations of about 5 000 fair draws are 195.
    let world = World::parse("| eu shed-hash=50 hash: a b | us: c");
    let mut request = world.request("");
    let mut counts = [0i32; 3];
    for client in 0..10_000u32 {
        request.client = client.wrapping_mul(0x9e37_79b9).to_be_bytes().into();
        let result = world.send(&request, &mut Seeded(1)).result;
        let names = ["a", "b", "c"].map(|name| Ok(world.endpoint(name)));
        counts[names.iter().position(|ix| *ix == result).expect("one of them")] += 1;
    }
    assert!((counts[2] - 5_000).abs() <= 275, "{counts:?}");
    assert!((counts[0] - counts[1]).abs() <= 2 * 195, "{counts:?}");
}

#[test]
fn shed_clients_of_a_session_keep_the_session_they_get() {
    let world = World::parse("cookie | eu shed-sessions=100: a | us: b");
    let first = world.send(&world.request("cookie=a"), &mut Seeded(1));
    let mut next = world.request("");
    next.cookies = vec![world.cookie(first.set.expect("a new session"), START)];
    let next = world.send(&next, &mut Seeded(2));
    assert_eq!((next.result, next.set), (first.result, None));
}
