//! Tables: one line per state of behaviour.md 1.3, 1.4, 1.6, 4.7 and 5.1.

use evenkeel_decision::{
    Decision, Env, GiveUp, NoLoads, NoSessions, RequestFacts, Trail, UNRESOLVED_MAX, Unavailable,
    affinity::SESSION_COOKIES_MAX, decide,
};

use crate::notation::{First, START, World, check};

#[test]
fn off_takes_the_first_eligible_pool() {
    for (world, expected) in [
        ("| eu: a | us: b", "session=off pool=eu endpoint=a → a"),
        ("| eu: a! | us: b", "session=off pool=eu:critical pool=us endpoint=b → b"),
        ("| eu: a? | us: b", "session=off pool=eu:critical pool=us endpoint=b → b"),
        ("| eu: a- | us: b", "session=off pool=eu:critical pool=us endpoint=b → b"),
        ("| eu disabled: a | us: b", "session=off pool=eu:disabled pool=us endpoint=b → b"),
        ("| eu min=2: a a2! | us: b", "session=off pool=eu:critical pool=us endpoint=b → b"),
        ("| eu: a=0 a2=0 | us: b", "session=off pool=eu:no_weight pool=us endpoint=b → b"),
        ("| eu: a=0 a2=0.01! | us: b", "session=off pool=eu:no_weight pool=us endpoint=b → b"),
        ("| eu unmonitored: a! a2? | us: b", "session=off pool=eu endpoint=a → a"),
    ] {
        check(world, "", expected);
    }
}

#[test]
fn random_draws_among_the_eligible_and_takes_weight_0_last() {
    for (world, expected) in [
        ("random | eu: a! | us: b", "session=off pool=eu:critical pool=us endpoint=b → b"),
        ("random eu=0 | eu: a | us: b", "session=off pool=us endpoint=b → b"),
        ("random eu=0 | eu: a | us: b!", "session=off pool=us:critical pool=eu endpoint=a → a"),
        ("random default=0 | eu: a | us: b", "session=off pool=eu endpoint=a → a"),
        (
            "random default=0 | eu: a! | us: b",
            "session=off pool=eu:critical pool=us endpoint=b → b",
        ),
    ] {
        check(world, "", expected);
    }
}

#[test]
fn the_fallback_serves_whatever_its_health() {
    let down = "session=off pool=eu:critical";
    for (world, expected) in [
        ("| eu: a! | last spare: z!", format!("{down} fallback=last endpoint=z → z")),
        ("| eu: a! | last spare: z- y?", format!("{down} fallback=last endpoint=y → y")),
        ("| eu: a! | last spare min=9: z", format!("{down} fallback=last endpoint=z → z")),
        ("| eu: a! | last spare: z=0 y=0.1!", format!("{down} fallback=last endpoint=y → y")),
        ("| eu: a! | last spare: z=0 y=0", format!("{down} fallback=last endpoint=z → z")),
        ("| eu: a!", format!("{down} fallback=eu endpoint=a → a")),
        (
            "| eu: a! | last spare disabled: z",
            format!("{down} fallback=last gave_up=no_endpoint → 530/1016"),
        ),
        (
            "| eu: a! | last spare: z-",
            format!("{down} fallback=last gave_up=no_endpoint → 530/1016"),
        ),
        ("| eu: a! | last spare:", format!("{down} fallback=last gave_up=no_endpoint → 530/1016")),
    ] {
        check(world, "", &expected);
    }
}

#[test]
fn hosts_that_are_not_served_are_told_apart() {
    for (world, host, reason) in [
        ("| eu: a", "other.example.com", Unavailable::UnknownHost),
        ("dns-only | eu: a", "shop.example.com", Unavailable::DnsOnly),
    ] {
        let world = World::parse(world);
        let facts = RequestFacts::new(host, [127, 0, 0, 1].into());
        let mut trail = Trail::new();
        let (rng, loads, sessions) = (&mut First, &NoLoads, &mut NoSessions);
        let mut env = Env { now: START, rng, loads, ejections: None, sessions };
        let decision = decide(&world.view, &facts, &mut env, &mut trail);
        assert!(matches!(decision, Decision::Unavailable(found) if found == reason), "{host}");
        assert_eq!((reason.status(), reason.error_code()), (409, 1018));
        let gave_up = format!("gave_up={}", reason.as_str());
        assert_eq!(trail.describe(&world.view).to_string(), gave_up);
    }
}

#[test]
fn a_session_stays_where_it_is_usable() {
    for (world, expected) in [
        ("cookie | eu: a | us: b", "session=b → b"),
        ("cookie | eu: a | us: b=0", "session=b → b"),
        ("cookie random us=0 | eu: a | us: b", "session=b → b"),
        ("cookie | eu: a | us unmonitored: b!", "session=b → b"),
        ("| eu: a | us: b", "session=off pool=eu endpoint=a → a"),
        ("cookie | eu: a | us: b!", "session=pool_unfit pool=eu endpoint=a → a, sets a"),
        ("cookie | eu: a | us: b! c", "session=endpoint_unfit pool=eu endpoint=a → a, sets a"),
        ("cookie | eu: a | us: b- c", "session=endpoint_unfit pool=eu endpoint=a → a, sets a"),
        ("cookie | eu: a | us disabled: b", "session=pool_unfit pool=eu endpoint=a → a, sets a"),
        ("cookie | eu: a | us min=2: b", "session=pool_unfit pool=eu endpoint=a → a, sets a"),
        ("cookie fallback=eu | eu: a | us spare: b", "session=gone pool=eu endpoint=a → a, sets a"),
    ] {
        check(world, "cookie=b", expected);
    }
}

#[test]
fn a_session_on_the_fallback_lasts_as_long_as_the_fallback_serves() {
    for (world, expected) in [
        ("cookie | eu: a! | last spare: z b!", "session=b → b"),
        ("cookie | eu: a! | last spare: z b=0", "session=b → b"),
        ("cookie | eu: a | last spare: b", "session=fallback_over pool=eu endpoint=a → a, sets a"),
        (
            "cookie | eu: a! | last spare: z b-",
            "session=endpoint_unfit pool=eu:critical fallback=last endpoint=z → z, sets z",
        ),
        (
            "cookie | eu: a! | last spare disabled: b",
            "session=pool_unfit pool=eu:critical fallback=last gave_up=no_endpoint → 530/1016",
        ),
        // A default pool that is the fallback too: first by the ordinary rules, then as fallback.
        ("cookie | eu: a | last: z b", "session=b → b"),
        ("cookie | eu: a! | last: z! b!", "session=b → b"),
        ("cookie | eu: a | last: z! b!", "session=pool_unfit pool=eu endpoint=a → a, sets a"),
    ] {
        check(world, "cookie=b", expected);
    }
}

#[test]
fn a_session_survives_renaming_and_reordering_but_not_removal() {
    let before = World::parse("cookie | eu: a b c");
    let request = before.request("cookie=b");
    for (after, expected) in [
        ("cookie | eu: c b a", "session=b → b"),
        ("cookie | eu: d b=0.3", "session=b → b"),
        ("cookie | eu: c a", "session=gone pool=eu endpoint=c → c, sets c"),
    ] {
        let after = World::parse(after);
        assert_eq!(after.describe(&after.send(&request, &mut First)), expected);
    }
}

#[test]
fn the_first_cookie_that_holds_wins() {
    let world = World::parse("cookie | eu: a b c");
    let [b, c] =
        ["b", "c"].map(|name| String::from_utf8(world.session(world.endpoint(name))).unwrap());
    let forged = {
        let end = if b.ends_with('A') { 'B' } else { 'A' };
        format!("{}{end}", &b[..b.len() - 1])
    };
    let many = "__cflb=junk; ".repeat(SESSION_COOKIES_MAX);
    for (lines, expected) in [
        (vec![b.clone()], "session=b → b"),
        (vec![format!("x=1; {b}; {c}")], "session=b → b"),
        (vec!["x=1".into(), c.clone(), b.clone()], "session=c → c"),
        (vec![format!("__cflb=; {forged}; {c}")], "session=c → c"),
        (vec![forged.clone()], "session=bad_mac pool=eu endpoint=a → a, sets a"),
        (vec!["__cflb=1".into(), forged], "session=malformed pool=eu endpoint=a → a, sets a"),
        (vec!["x=1; y".into()], "session=none pool=eu endpoint=a → a, sets a"),
        (vec![format!("{many}{b}")], "session=malformed pool=eu endpoint=a → a, sets a"),
    ] {
        let mut request = world.request("");
        request.cookies = lines.iter().map(|line| line.clone().into_bytes()).collect();
        assert_eq!(world.describe(&world.send(&request, &mut First)), expected, "{lines:?}");
    }
}

#[test]
fn another_load_balancers_session_is_absent() {
    let world = World::parse("cookie | eu: a b");
    let request = world.request("cookie=b");
    let mut other = World::parse("cookie | eu: a b");
    let config = std::sync::Arc::get_mut(&mut other.view.config).unwrap();
    config.load_balancers[0].id.0[0] ^= 1;
    assert_eq!(
        other.describe(&other.send(&request, &mut First)),
        "session=other_lb pool=eu endpoint=a → a, sets a"
    );
}

#[test]
fn a_retry_stays_in_the_pool_unless_it_may_leave() {
    let first = "session=off pool=eu endpoint=a failed=a:refused retry";
    for (world, expected) in [
        ("| eu: a b | us: c", format!("{first} endpoint=b → b")),
        ("across | eu: a b | us: c", format!("{first} endpoint=b → b")),
        ("| eu: a b! | us: c", format!("{first} gave_up=refused → 521")),
        ("| eu: a b=0 | us: c", format!("{first} gave_up=refused → 521")),
        ("across | eu: a | us: c", format!("{first} pool=eu:tried pool=us endpoint=c → c")),
        (
            "across random | eu: a | us: c! | asia: d",
            "session=off pool=us:critical pool=eu endpoint=a failed=a:refused retry pool=eu:tried \
             pool=us:critical pool=asia endpoint=d → d"
                .into(),
        ),
        (
            "across | eu: a | us: c! | last spare: z!",
            format!("{first} pool=eu:tried pool=us:critical fallback=last endpoint=z → z"),
        ),
        (
            "across | eu: a | us: c! | last spare disabled: z",
            format!("{first} pool=eu:tried pool=us:critical fallback=last gave_up=refused → 521"),
        ),
        // The same server in another pool is the same server.
        ("across | eu: a | us: a c", format!("{first} pool=eu:tried pool=us endpoint=c → c")),
        (
            "across | eu: a | us: a",
            format!("{first} pool=eu:tried pool=us:tried fallback=us gave_up=refused → 521"),
        ),
    ] {
        check(world, "refused:a", &expected);
    }
}

#[test]
fn the_fallback_retries_among_its_own() {
    let first = "session=off pool=eu:critical fallback=last endpoint=a failed=a:refused retry";
    for (world, expected) in [
        ("| eu: x! | last spare: a b!", format!("{first} endpoint=b → b")),
        ("across | eu: x! | last spare: a b-", format!("{first} gave_up=refused → 521")),
    ] {
        check(world, "refused:a", &expected);
    }
}

#[test]
fn the_error_that_goes_out_is_the_last_one() {
    for (failures, expected) in [
        (
            "refused:a timed_out:b",
            "failed=a:refused retry endpoint=b failed=b:timed_out gave_up=timed_out → 522",
        ),
        (
            "tls:a unreachable:b",
            "failed=a:tls retry endpoint=b failed=b:unreachable gave_up=unreachable → 523",
        ),
        (
            "unreachable:a tls:b",
            "failed=a:unreachable retry endpoint=b failed=b:tls gave_up=tls → 525",
        ),
        (
            "refused:a certificate:b",
            "failed=a:refused retry endpoint=b failed=b:certificate gave_up=certificate → 526",
        ),
        // A retry that finds nobody leaves the failure it was to make good.
        (
            "certificate:a unresolved:b unresolved:c",
            "failed=a:certificate retry endpoint=b unresolved=b endpoint=c unresolved=c \
             gave_up=certificate → 526",
        ),
        ("refused:a unresolved:b", "failed=a:refused retry endpoint=b unresolved=b endpoint=c → c"),
    ] {
        let expected = format!("session=off pool=eu endpoint=a {expected}");
        check("| eu: a b c", failures, &expected);
    }
}

#[test]
fn a_pinned_failure_does_what_the_session_says() {
    let first = "session=b failed=b:refused";
    for (settings, rest) in [
        ("cookie", "gave_up=refused → 521"),
        ("cookie temporary", "retry endpoint=a → a"),
        ("cookie sticky", "retry endpoint=a → a, sets a"),
    ] {
        check(&format!("{settings} | eu: a b"), "cookie=b refused:b", &format!("{first} {rest}"));
    }
    for (settings, rest) in [
        ("cookie temporary", "retry gave_up=refused → 521"),
        ("cookie sticky across", "retry pool=eu:tried pool=us endpoint=c → c, sets c"),
        ("cookie temporary across", "retry pool=eu:tried pool=us endpoint=c → c"),
    ] {
        let world = format!("{settings} | eu: b | us: c");
        check(&world, "cookie=b refused:b", &format!("{first} {rest}"));
    }
}

#[test]
fn a_name_that_does_not_resolve_costs_no_retry_and_no_session() {
    for (world, request, expected) in [
        ("cookie | eu: a b", "cookie=b unresolved:b", "session=b unresolved=b endpoint=a → a"),
        (
            "cookie sticky | eu: a b",
            "cookie=b unresolved:b",
            "session=b unresolved=b endpoint=a → a",
        ),
        (
            "cookie | eu: a b c",
            "cookie=b unresolved:b refused:a",
            "session=b unresolved=b endpoint=a failed=a:refused retry endpoint=c → c",
        ),
        (
            "cookie | eu: a b",
            "unresolved:a",
            "session=none pool=eu endpoint=a unresolved=a endpoint=b → b, sets b",
        ),
        (
            "| eu: a | us: b",
            "unresolved:a",
            "session=off pool=eu endpoint=a unresolved=a pool=eu:tried pool=us endpoint=b → b",
        ),
        // One name in two pools does not resolve in either.
        (
            "| eu: a | us: a b",
            "unresolved:a",
            "session=off pool=eu endpoint=a unresolved=a pool=eu:tried pool=us endpoint=b → b",
        ),
        (
            "| eu: a | last spare: z!",
            "unresolved:a",
            "session=off pool=eu endpoint=a unresolved=a pool=eu:tried fallback=last endpoint=z → z",
        ),
        (
            "| eu: a | last spare: z",
            "unresolved:a unresolved:z",
            "session=off pool=eu endpoint=a unresolved=a pool=eu:tried fallback=last endpoint=z \
             unresolved=z gave_up=unresolved → 530/1016",
        ),
        (
            "| eu: a",
            "unresolved:a",
            "session=off pool=eu endpoint=a unresolved=a pool=eu:tried fallback=eu \
             gave_up=unresolved → 530/1016",
        ),
    ] {
        check(world, request, expected);
    }
}

#[test]
fn a_request_gives_up_on_names_at_the_bound() {
    let names = |count: usize| (0..count).map(|n| format!("n{n} ")).collect::<String>();
    for (dead, status) in [(UNRESOLVED_MAX, None), (UNRESOLVED_MAX + 1, Some(530))] {
        let world = World::parse(&format!("| eu: {}alive", names(dead)));
        let mut request = world.request("");
        request.unresolved = (0..dead).map(|n| world.endpoint(&format!("n{n}"))).collect();
        let exchange = world.send(&request, &mut First);
        assert_eq!(exchange.result.err().map(GiveUp::status), status, "{dead}");
        assert!(exchange.trail.contains(" dropped="), "{}", exchange.trail);
    }
}

#[test]
fn a_thorough_trail_says_what_was_considered() {
    let world = World::parse("lor A=0.4 B=0.6 | A: a! b=0 c- d e | B disabled: f");
    let facts = RequestFacts::new(crate::notation::HOST, [192, 0, 2, 1].into());
    let (rng, loads, sessions) = (&mut First, &NoLoads, &mut NoSessions);
    let mut env = Env { now: START, rng, loads, ejections: None, sessions };
    let mut trail = Trail::thorough();
    let decision = decide(&world.view, &facts, &mut env, &mut trail);
    assert!(matches!(decision, Decision::Forward(_)));
    assert_eq!(
        world.trail(&trail),
        "session=off pool=B:disabled pool=A:weight:0.40 pool=A:requests:0,connections:0 pool=A \
         endpoint=a:unhealthy endpoint=b:no_weight endpoint=c:disabled endpoint=d"
    );
}

#[test]
fn a_plan_is_small() {
    // It lives on the stack of each request, of which a worker may hold a hundred thousand.
    assert!(size_of::<evenkeel_decision::Plan<'_>>() <= 512);
}
