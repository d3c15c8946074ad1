//! Endpoints that real traffic has found out: who is left alone, and where that counts for nothing.

use std::collections::BTreeSet;

use evenkeel_decision::{
    Answered, Decision, Env, NoLoads, NoSessions, RequestFacts, Trail, answer, decide,
};

use crate::notation::{First, HOST, START, World, check, query};

#[test]
fn an_ejected_endpoint_is_left_alone_inside_its_pool() {
    for (world, request, expected) in [
        ("| eu: a b | us: c", "ejected:a", "session=off pool=eu endpoint=b → b"),
        ("| eu: a b c", "ejected:a ejected:b", "session=off pool=eu endpoint=c → c"),
        ("| eu lor: a b", "ejected:a", "session=off pool=eu endpoint=b → b"),
        ("| eu: a b=0.01", "ejected:a", "session=off pool=eu endpoint=b → b"),
        ("| eu unmonitored: a! b!", "ejected:a", "session=off pool=eu endpoint=b → b"),
        // It counts in its own pool alone.
        ("| eu: a | us: b", "ejected:b", "session=off pool=eu endpoint=a → a"),
    ] {
        check(world, request, expected);
    }
}

#[test]
fn an_ejection_never_takes_the_last_endpoint() {
    for (world, request, expected) in [
        // So it moves no request to another pool either.
        ("| eu: a | us: b", "ejected:a", "session=off pool=eu endpoint=a → a"),
        ("| eu: a b | us: c", "ejected:a ejected:b", "session=off pool=eu endpoint=a → a"),
        ("| eu: a b! c- d=0", "ejected:a", "session=off pool=eu endpoint=a → a"),
        // What the user and the probes say comes first.
        ("| eu: a b!", "ejected:b", "session=off pool=eu endpoint=a → a"),
        (
            "| eu: a! | last spare: y z",
            "ejected:y",
            "session=off pool=eu:critical fallback=last endpoint=y → y",
        ),
    ] {
        check(world, request, expected);
    }
}

#[test]
fn a_retry_leaves_it_alone_too_while_there_is_another() {
    let retry = "session=off pool=eu endpoint=a failed=a:refused retry";
    for (world, request, expected) in [
        ("| eu: a b c", "refused:a ejected:b", format!("{retry} endpoint=c → c")),
        ("| eu: a b", "refused:a ejected:b", format!("{retry} endpoint=b → b")),
        (
            "| eu: a b c",
            "unresolved:a ejected:b",
            "session=off pool=eu endpoint=a unresolved=a endpoint=c → c".into(),
        ),
    ] {
        check(world, request, &expected);
    }
}

#[test]
fn a_session_leaves_an_ejected_endpoint_as_it_leaves_an_unhealthy_one() {
    let moved = "session=endpoint_ejected pool=eu";
    for (world, request, expected) in [
        ("cookie | eu: a b", "cookie=a ejected:a", format!("{moved} endpoint=b → b, sets b")),
        ("cookie | eu: a b c", "cookie=b ejected:b", format!("{moved} endpoint=a → a, sets a")),
        (
            "cookie | eu: a | us: b c",
            "cookie=b ejected:b",
            format!("{moved} endpoint=a → a, sets a"),
        ),
        ("ip_cookie | eu: a b", "cookie=a ejected:a", format!("{moved} endpoint=b → b, sets b")),
        (
            "cookie drain=600 | eu: a- b c",
            "cookie=a ejected:a",
            format!("{moved} endpoint=b → b, sets b"),
        ),
        // Another one's ejection is no concern of the session's.
        ("cookie | eu: a b", "cookie=a ejected:b", "session=a → a".into()),
        // Nobody else could serve it.
        ("cookie | eu: a b!", "cookie=a ejected:a", "session=a → a".into()),
        ("cookie | eu: a b", "cookie=a ejected:a ejected:b", "session=a → a".into()),
        ("cookie | eu: a | us: b", "cookie=a ejected:a", "session=a → a".into()),
        ("cookie | eu: a b=0", "cookie=a ejected:a", "session=a → a".into()),
        // The probes' word comes first.
        (
            "cookie | eu: a! b c",
            "cookie=a ejected:a",
            "session=endpoint_unfit pool=eu endpoint=b → b, sets b".into(),
        ),
    ] {
        check(world, request, &expected);
    }
}

#[test]
fn a_client_s_hash_moves_only_while_its_endpoint_is_ejected() {
    let world = World::parse("| eu hash: a b c");
    for client in 0..30 {
        let ask = |ejected: &str| {
            let request = world.request(&format!("from=192.0.2.{client} {ejected}"));
            world.describe(&world.send(&request, &mut First)).rsplit(' ').next().unwrap().to_owned()
        };
        let own = ask("");
        for other in ["a", "b", "c"] {
            let is_kept = ask(&format!("ejected:{other}")) == own;
            assert_eq!(is_kept, own != other, "{client}");
        }
    }
}

#[test]
fn a_thorough_trail_says_who_was_ejected_and_why() {
    for (world, ejected, expected) in [
        (
            "| eu: a b! c",
            "ejected:a ejected:b",
            "session=off pool=eu endpoint=b:unhealthy endpoint=a:ejected_for_server_errors endpoint=c",
        ),
        // Where it counts for nothing there is nothing to say.
        ("| eu: a", "ejected:a", "session=off pool=eu endpoint=a"),
    ] {
        let world = World::parse(world);
        let request = world.request(ejected);
        let (rng, loads, sessions) = (&mut First, &NoLoads, &mut NoSessions);
        let mut env = Env { now: START, rng, loads, ejections: request.ejections(), sessions };
        let mut trail = Trail::thorough();
        let facts = RequestFacts::new(HOST, [192, 0, 2, 1].into());
        let decision = decide(&world.view, &facts, &mut env, &mut trail);
        assert!(matches!(decision, Decision::Forward(_)));
        assert_eq!(world.trail(&trail), expected, "{}", world.text);
    }
}

#[test]
fn dns_answers_leave_it_out_while_another_can_answer() {
    const A: u16 = 1;
    const AAAA: u16 = 28;
    for (world, ejected, qtype, expected) in [
        ("dns-only | eu: a b c", "ejected:a", A, "b c"),
        ("dns-only | eu: a b", "ejected:a ejected:b", A, "a b"),
        ("dns-only | eu: a b=0.5 c=0.1", "ejected:a ejected:b", A, "c"),
        ("dns-only | eu: a b=0.5", "ejected:a ejected:b", A, "a"),
        ("dns-only | eu: a<192.0.2.1> b<2001:db8::1>", "ejected:a", A, "a"),
        ("dns-only | eu: a<192.0.2.1> b<2001:db8::1>", "ejected:a", AAAA, "b"),
        ("dns-only | eu: a! | last spare: y z", "ejected:y", A, "y z"),
    ] {
        let world = World::parse(world);
        let request = world.request(ejected);
        let (loads, ejections) = (&NoLoads, request.ejections());
        let (rng, sessions) = (&mut First, &mut NoSessions);
        let mut env = Env { now: START, rng, loads, ejections, sessions };
        let facts = query(qtype, "192.0.2.53");
        let found = answer(&world.view, &facts, &mut env, &mut Trail::new()).expect("the name");
        let Answered::Endpoints(endpoints) = found.answered else { panic!("{}", world.text) };
        let names: BTreeSet<_> =
            endpoints.iter().map(|ix| &*world.config().endpoint(*ix).name).collect();
        let names: Vec<_> = names.into_iter().collect();
        assert_eq!(names.join(" "), expected, "{} {ejected}", world.text);
    }
}
