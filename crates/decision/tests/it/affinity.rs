//! Sessions that are not plain cookies, and endpoints that drain (behaviour.md 4.5–4.8).

use evenkeel_decision::{NoLoads, NoSessions, SessionTable};
use evenkeel_model::{Address, Timestamp};

use crate::notation::{Exchange, First, Request, START, Seeded, World, check};

/// Sends into a world with a table of its own.
fn send(world: &World, table: &mut SessionTable, request: &Request, seed: u64) -> Exchange {
    world.send_with(request, &mut Seeded(seed), &NoLoads, table)
}

#[test]
fn trap_t04_a_session_by_header_lasts_as_long_as_it_is_used() {
    let world = World::parse("header=x-user ttl=60 | eu: a b c d e");
    let mut table = SessionTable::new(10);
    let mut request = world.request("header=x-user/ada");
    let first = send(&world, &mut table, &request, 0).result;
    for n in 1..=12 {
        request.after_s = n * 50;
        let exchange = send(&world, &mut table, &request, n);
        assert_eq!((exchange.result, exchange.set), (first, None), "{n}");
        assert!(exchange.trail.starts_with("session=") && !exchange.trail.contains("pool="));
    }
    request.after_s += 60;
    let after = send(&world, &mut table, &request, 13);
    assert!(after.trail.starts_with("session=none pool=eu"), "{}", after.trail);
}

#[test]
fn nodes_agree_on_the_first_endpoint_of_a_session_by_header() {
    let world = World::parse("random header=x-user | eu: a b | us: c d");
    let mut seen = std::collections::BTreeSet::new();
    for user in 0..50 {
        let request = world.request(&format!("header=X-User/{user}"));
        let nodes = [1, 2, 3].map(|seed| {
            send(&world, &mut SessionTable::new(10), &request, seed).result.expect("an answer")
        });
        assert!(nodes.iter().all(|endpoint| *endpoint == nodes[0]), "{user}");
        seen.insert(nodes[0]);
    }
    assert_eq!(seen.len(), 4, "the sessions spread");
}

#[test]
fn which_headers_make_a_session_and_which_are_the_same() {
    // Sessions are the same if and only if a full table of one finds the other.
    let is_same = |settings: &str, first: &str, second: &str| {
        let world = World::parse(&format!("{settings} | eu: a b c d e f g h"));
        let mut table = SessionTable::new(10);
        let request = world.request(first);
        send(&world, &mut table, &request, 1).result.expect("an answer");
        let second = send(&world, &mut table, &world.request(second), 2);
        !second.trail.starts_with("session=none ") && !second.trail.starts_with("session=no_key ")
    };
    let one = "header=x-user";
    assert!(is_same(one, "header=x-user/ada", "header=X-User/ada header=x-other/1"));
    assert!(!is_same(one, "header=x-user/ada", "header=x-user/bob"));
    assert!(!is_same(one, "header=x-other/ada", "header=x-other/ada"));
    assert!(is_same(one, "header=x-user/", "header=x-user/"));
    // Repeated lines are one value, joined by commas.
    assert!(is_same(one, "header=x-user/a header=x-user/b", "header=x-user/a,b"));
    let two = "header=x-user,x-team";
    assert!(is_same(two, "header=x-user/ada", "header=x-user/ada"));
    assert!(!is_same(two, "header=x-user/ada", "header=x-user/ada header=x-team/one"));
    assert!(!is_same(two, "header=x-user/ada", "header=x-team/ada"));
    let all = "header=x-user,x-team all-headers";
    assert!(!is_same(all, "header=x-user/ada", "header=x-user/ada"));
    let both = "header=x-user/ada header=x-team/one";
    assert!(is_same(all, both, both));
}

#[test]
fn cookies_make_sessions_by_header_too() {
    let is_same = |settings: &str, first: &str, second: &str| {
        let world = World::parse(&format!("{settings} | eu: a b c d e f g h"));
        let mut table = SessionTable::new(10);
        let [first, second] = [first, second].map(|line| {
            let mut request = world.request("");
            request.cookies = vec![line.into()];
            request
        });
        send(&world, &mut table, &first, 1).result.expect("an answer");
        let second = send(&world, &mut table, &second, 2);
        !second.trail.starts_with("session=none ") && !second.trail.starts_with("session=no_key ")
    };
    assert!(is_same("header=cookie:sid", "sid=1; theme=dark", "theme=light; sid=1"));
    assert!(!is_same("header=cookie:sid", "sid=1", "sid=2"));
    assert!(!is_same("header=cookie:sid", "theme=dark", "theme=dark"));
    assert!(is_same("header=cookie:sid+uid", "sid=1; uid=2", "uid=2; sid=1"));
    assert!(!is_same("header=cookie:sid+uid", "sid=1", "uid=1"));
    assert!(is_same("header=cookie", "a=1", "a=1"));
    assert!(!is_same("header=cookie", "a=1", "a=1; b=2"));
}

#[test]
fn without_its_headers_a_request_is_steered_by_itself() {
    check("header=x-user | eu: a b", "", "session=no_key pool=eu endpoint=a → a");
}

#[test]
fn a_session_by_header_moves_when_its_endpoint_is_unfit_and_not_for_one_failure() {
    let text = "header=x-user sticky | eu: a b";
    let world = World::parse(text);
    let mut table = SessionTable::new(10);
    let request = world.request("header=x-user/ada");
    let home = send(&world, &mut table, &request, 1).result.expect("an answer");
    let name = &world.config().endpoint(home).name;

    // Sticky is temporary here: the session stays where it is.
    let failing = world.request(&format!("header=x-user/ada refused:{name}"));
    let failed = send(&world, &mut table, &failing, 2);
    assert_ne!(failed.result, Ok(home));
    assert_eq!(send(&world, &mut table, &request, 3).result, Ok(home));

    let sick = World::parse(&text.replace(&format!(" {name}"), &format!(" {name}!")));
    let moved = send(&sick, &mut table, &request, 4);
    assert!(moved.trail.starts_with("session=endpoint_unfit"), "{}", moved.trail);
    assert_ne!(moved.result, Ok(home));
    // The entry was overwritten: recovery does not bring the session back.
    assert_eq!(send(&world, &mut table, &request, 5).result, moved.result);
}

#[test]
fn an_ip_cookie_begins_where_the_address_says() {
    let world = World::parse("random ip_cookie | eu: a b | us: c=0.5 d");
    let mut seen = std::collections::BTreeSet::new();
    for client in 0..40u8 {
        let request = world.request(&format!("from=192.0.2.{client}"));
        let [one, two] = [1, 2].map(|seed| world.send(&request, &mut Seeded(seed)));
        assert_eq!(one, two, "without its cookie it comes back to the same endpoint");
        let set = one.set.expect("a cookie");
        seen.insert(one.result.expect("an answer"));

        // The cookie wins over the address: the client may move.
        let mut moved = world.request("from=198.51.100.77");
        moved.cookies = vec![world.cookie(set, START)];
        let moved = world.send(&moved, &mut First);
        assert_eq!((moved.result, moved.set), (one.result, None));
    }
    assert_eq!(seen.len(), 4, "the clients spread");
}

#[test]
fn trap_t33_a_draining_endpoint_keeps_its_sessions_for_a_while() {
    // Disabled at the moment the sessions began.
    let world = "cookie drain=600 | eu: a- b";
    for (request, expected) in [
        ("cookie=a", "session=a:draining → a"),
        ("cookie=a after=599", "session=a:draining → a"),
        ("cookie=a after=600", "session=endpoint_unfit pool=eu endpoint=b → b, sets b"),
        ("cookie=a after=601", "session=endpoint_unfit pool=eu endpoint=b → b, sets b"),
        ("", "session=none pool=eu endpoint=b → b, sets b"),
        ("cookie=a refused:a", "session=a:draining failed=a:refused gave_up=refused → 521"),
    ] {
        check(world, request, expected);
    }
    check("cookie | eu: a- b", "cookie=a", "session=endpoint_unfit pool=eu endpoint=b → b, sets b");
}

#[test]
fn draining_needs_an_enabled_pool_but_not_enough_others() {
    check("cookie drain=600 | eu min=2: a- b", "cookie=a", "session=a:draining → a");
    check("cookie drain=600 | eu: a-", "cookie=a", "session=a:draining → a");
    check(
        "cookie drain=600 | eu disabled: a- b | us: c",
        "cookie=a",
        "session=pool_unfit pool=eu:disabled pool=us endpoint=c → c, sets c",
    );
}

#[test]
fn the_draining_endpoint_never_gets_new_clients() {
    let world = World::parse("cookie drain=600 | eu: a- b c");
    let mut rng = Seeded(33);
    for _ in 0..1_000 {
        let exchange = world.send(&world.request("after=10"), &mut rng);
        assert_ne!(exchange.result, Ok(world.endpoint("a")));
    }
}

#[test]
fn trap_t46_a_stream_has_no_session_and_no_retry() {
    let world = "cookie sticky across | eu: a b | us: c";
    check(world, "stream cookie=b", "session=off pool=eu endpoint=a → a");
    let failed = "session=off pool=eu endpoint=a failed=a:refused gave_up=refused → 521";
    check(world, "stream refused:a", failed);
    // Always proxied, whatever the load balancer is for its own name.
    check("dns-only | eu: a", "stream", "session=off pool=eu endpoint=a → a");
}

#[test]
fn a_table_full_of_sessions_forgets_only_the_oldest() {
    let world = World::parse("header=x-user | eu: a b");
    let mut table = SessionTable::new(3);
    for user in 0..10 {
        send(&world, &mut table, &world.request(&format!("header=x-user/{user}")), 1);
        assert!(table.len() <= 3);
    }
    let known = send(&world, &mut table, &world.request("header=x-user/9"), 2);
    assert!(!known.trail.contains("pool="), "{}", known.trail);
}

#[test]
fn trap_t34_health_after_the_decision_does_not_touch_what_is_open() {
    // A plan holds on to the view it was made on: a newer one changes nothing about it.
    let before = World::parse("cookie | eu: a b");
    let after = World::parse("cookie | eu: a! b");
    let request = before.request("cookie=a");
    let open = before.send(&request, &mut First);
    assert_eq!(open.result, Ok(before.endpoint("a")));
    let next = after.send_with(&request, &mut First, &NoLoads, &mut NoSessions);
    assert_eq!(next.result, Ok(after.endpoint("b")));
}

#[test]
fn the_notation_knows_addresses() {
    let world = World::parse("| eu: a<192.0.2.1> b");
    assert_eq!(world.config().endpoints[0].address, Address::parse("192.0.2.1"));
    assert_eq!(world.config().endpoints[1].address, Address::parse("b.example"));
    assert!(START > Timestamp(0));
}
