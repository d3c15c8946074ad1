//! The traps of behaviour.md section 13 that a decision can fall into, by their numbers. Those
//! about shares of traffic stand in `distribution`.

use evenkeel_model::Verdict;

use crate::notation::{First, START, Seeded, World, check};

#[test]
fn trap_t01_each_request_goes_by_its_own_cookie() {
    let world = World::parse("cookie | eu: a b c");
    let mut rng = Seeded(1);
    for name in ["a", "b", "a", "c"] {
        let exchange = world.send(&world.request(&format!("cookie={name}")), &mut rng);
        assert_eq!(exchange.result, Ok(world.endpoint(name)));
        assert_eq!(exchange.set, None);
    }
}

#[test]
fn trap_t02_every_request_without_a_cookie_gets_one_and_none_with() {
    let world = World::parse("cookie | eu: a b | us: c d");
    let mut rng = Seeded(2);
    for _ in 0..100 {
        let bare = world.send(&world.request(""), &mut rng);
        let set = bare.set.expect("a session begins");
        assert_eq!(Ok(set.endpoint), bare.result);

        let mut request = world.request("");
        request.cookies = vec![world.cookie(set, START)];
        let pinned = world.send(&request, &mut rng);
        assert_eq!((pinned.result, pinned.set), (bare.result, None));
    }
}

#[test]
fn trap_t03_a_session_ends_at_its_ttl_however_busy_it_was() {
    let world = World::parse("cookie ttl=1800 | eu: a b");
    for minute in 0..30 {
        let request = world.request(&format!("cookie=b after={}", minute * 60));
        let exchange = world.send(&request, &mut First);
        assert_eq!((exchange.result, exchange.set), (Ok(world.endpoint("b")), None), "{minute}");
    }
    for (after, expected) in [
        (1799, "session=b → b"),
        (1800, "session=expired pool=eu endpoint=a → a, sets a"),
        (1801, "session=expired pool=eu endpoint=a → a, sets a"),
    ] {
        check("cookie ttl=1800 | eu: a b", &format!("cookie=b after={after}"), expected);
    }
}

#[test]
fn trap_t05_without_failover_a_pinned_client_sees_the_error_and_others_do_not() {
    let world = "cookie | eu: a b c";
    check(world, "cookie=a refused:a", "session=a failed=a:refused gave_up=refused → 521");
    check(
        world,
        "refused:a",
        "session=none pool=eu endpoint=a failed=a:refused retry endpoint=b → b, sets b",
    );
}

#[test]
fn trap_t06_temporary_comes_back_and_sticky_moves() {
    for (failover, moved) in [("temporary", false), ("sticky", true)] {
        let world = World::parse(&format!("cookie {failover} | eu: b a"));
        let [a, b] = ["a", "b"].map(|name| world.endpoint(name));
        let once = world.send(&world.request("cookie=a refused:a"), &mut First);
        assert_eq!(once.result, Ok(b), "{failover}");
        assert_eq!(once.set.map(|set| set.endpoint), moved.then_some(b), "{failover}");

        let mut next = world.request("cookie=a");
        if let Some(set) = once.set {
            next.cookies = vec![world.cookie(set, START)];
        }
        let next = world.send(&next, &mut First);
        assert_eq!((next.result, next.set), (Ok(if moved { b } else { a }), None), "{failover}");
    }
}

#[test]
fn trap_t08_two_refusals_end_it_though_a_third_would_serve() {
    let world = World::parse("across | eu: a b c | us: d");
    let exchange = world.send(&world.request("refused:a refused:b"), &mut First);
    let attempts: Vec<_> = exchange.dialled.iter().map(|target| target.attempt).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(exchange.result.unwrap_err().status(), 521);
}

#[test]
fn trap_t09_the_retry_leaves_the_pool_only_when_told_to() {
    let pools = "| A: a | B: b";
    let first = "session=off pool=A endpoint=a failed=a:refused retry";
    check(pools, "refused:a", &format!("{first} gave_up=refused → 521"));
    let across = format!("{first} pool=A:tried pool=B endpoint=b → b");
    check(&format!("across {pools}"), "refused:a", &across);
}

#[test]
fn trap_t12_a_retry_does_not_ask_for_the_method_or_the_body() {
    // The facts of a request hold neither, and a plan is told only of what happens before the
    // first byte: a POST is retried like anything else.
    for failure in ["refused", "timed_out", "unreachable", "tls", "certificate"] {
        let world = World::parse("| eu: a b");
        let exchange = world.send(&world.request(&format!("{failure}:a")), &mut First);
        assert_eq!(exchange.result, Ok(world.endpoint("b")), "{failure}");
        assert_eq!(exchange.dialled.len(), 2, "{failure}");
    }
}

#[test]
fn trap_t13_unknown_is_down_with_a_monitor_and_ignored_without() {
    check(
        "| eu: a? b? | last spare: z?",
        "",
        "session=off pool=eu:critical fallback=last endpoint=z → z",
    );
    check("| eu unmonitored: a? b? | last spare: z?", "", "session=off pool=eu endpoint=a → a");
}

#[test]
fn trap_t14_without_a_monitor_dead_endpoints_keep_their_traffic() {
    let world = World::parse("| one unmonitored: a b | two unmonitored: c");
    let mut rng = Seeded(14);
    for _ in 0..100 {
        let exchange = world.send(&world.request("refused:a refused:b"), &mut rng);
        assert_eq!(exchange.result.unwrap_err().status(), 521);
        assert!(exchange.dialled.iter().all(|target| target.pool == world.lb().default_pools[0]));
    }
}

#[test]
fn trap_t15_the_fallback_serves_unhealthy_and_is_530_when_disabled() {
    let down = "session=off pool=eu:critical pool=us:critical fallback=last";
    let pools = "| eu: a! | us: b!";
    check(&format!("{pools} | last spare: z!"), "", &format!("{down} endpoint=z → z"));
    let gone = format!("{down} gave_up=no_endpoint → 530/1016");
    check(&format!("{pools} | last spare disabled: z"), "", &gone);
    check(&format!("{pools} | last spare: z-"), "", &gone);
}

#[test]
fn trap_t16_below_its_minimum_a_pool_gets_nothing() {
    let critical = "session=off pool=eu:critical pool=us endpoint=c → c";
    check("| eu min=2: a b! | us: c", "", critical);
    check("| eu min=1: b! a | us: c", "", "session=off pool=eu endpoint=a → a");
}

#[test]
fn trap_t17_weight_0_counts_as_healthy_and_is_never_drawn() {
    // Without a's vote the pool would miss its minimum.
    let world = World::parse("| eu min=2: a=0 b | us: c");
    assert_eq!(world.view.health.endpoint(world.endpoint("a")).verdict, Verdict::Healthy);
    let mut rng = Seeded(17);
    for _ in 0..10_000 {
        let exchange = world.send(&world.request(""), &mut rng);
        assert_eq!(exchange.result, Ok(world.endpoint("b")));
    }
}

#[test]
fn trap_t44_a_name_that_does_not_resolve_moves_only_that_request() {
    let world = World::parse("cookie | eu: a b");
    let before = world.view.health.clone();
    let request = world.request("cookie=a unresolved:a");
    let exchange = world.send(&request, &mut First);
    assert_eq!((exchange.result, exchange.set), (Ok(world.endpoint("b")), None));
    assert_eq!(exchange.dialled.len(), 1);
    assert_eq!(exchange.dialled[0].attempt, 1);

    let next = world.send(&world.request("cookie=a"), &mut First);
    assert_eq!((next.result, next.set), (Ok(world.endpoint("a")), None));
    for (ix, _) in world.config().endpoints_indexed() {
        assert_eq!(world.view.health.endpoint(ix), before.endpoint(ix));
    }
}

#[test]
fn trap_t07_what_an_endpoint_answers_itself_is_its_answer() {
    // A plan is told of connections that did not come to stand, and of nothing else: there is no
    // failure to report for a 503, or a 521 of the endpoint's own.
    let world = World::parse("| eu: a b");
    let exchange = world.send(&world.request(""), &mut First);
    assert_eq!(exchange.dialled.len(), 1);
    assert_eq!(exchange.result, Ok(world.endpoint("a")));
}

#[test]
fn trap_t11_only_the_documented_conditions_are_retried() {
    use evenkeel_decision::DialFailure::{self, Certificate, Refused, TimedOut, Tls, Unreachable};
    let all = [Refused, TimedOut, Unreachable, Tls, Certificate];
    let statuses = all.map(DialFailure::status);
    assert_eq!(statuses, [521, 522, 523, 525, 526], "never 520, 524 or 530");
}

#[test]
fn trap_t38_a_disabled_load_balancer_serves_nobody() {
    let world = World::parse("disabled | eu: a | last spare: z");
    assert_eq!(world.config().find_host(crate::notation::HOST), None);
}

#[test]
fn trap_t48_none_without_secure_is_never_our_own_idea() {
    // The pair as configured is refused by the API; `Auto` must not lead to it either.
    use evenkeel_model::{CookieSameSite, CookieSecure};
    for secure in [CookieSecure::Auto, CookieSecure::Always, CookieSecure::Never] {
        let world = World::with("cookie | eu: a", |lb, _| {
            lb.affinity.same_site = CookieSameSite::Auto;
            lb.affinity.secure = secure;
        });
        let set = world.send(&world.request(""), &mut First).set.expect("a session");
        for https in [true, false] {
            let mut value = Vec::new();
            set.write_value(&world.view, START, https, &mut value);
            let value = String::from_utf8(value).expect("text");
            assert!(!value.contains("SameSite=None") || value.contains("; Secure"), "{value}");
        }
    }
}

#[test]
fn trap_t50_traffic_on_the_fallback_is_named_so() {
    for (world, label) in [("| eu: a! | last spare: z", "last (Fallback)"), ("| eu: a", "eu")] {
        let world = World::parse(world);
        let exchange = world.send(&world.request(""), &mut First);
        assert_eq!(exchange.dialled[0].pool_label(&world.view).to_string(), label);
    }
}
