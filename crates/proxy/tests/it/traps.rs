//! The traps of behaviour.md 13 that lie on the request path.

use std::sync::mpsc;

use evenkeel_model::{AffinityKind, Verdict, ZeroDowntimeFailover};

use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually, ms, spec, spec_by_name};

/// Answers with its name and closes, so that stopping it leaves nothing behind.
fn closing(name: &'static str) -> Endpoint {
    Endpoint::saying_once(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{name}",
        name.len()
    ))
}

fn with_cookies(mut plan: Plan, failover: ZeroDowntimeFailover) -> Plan {
    plan.affinity = AffinityKind::Cookie;
    plan.failover = failover;
    plan
}

/// A session that is pinned to the endpoint of this name.
fn session_on(world: &World, name: &str) -> String {
    let mut client = world.client();
    for _ in 0..200 {
        let response = client.get("");
        if response.text() == name {
            return response.session().expect("a session").to_owned();
        }
    }
    panic!("{name} was never chosen");
}

#[test]
fn trap_t01_each_request_of_a_connection_goes_where_its_own_cookie_says() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let plan = Plan::pool(&[a.address, b.address]);
    let world = World::start(with_cookies(plan, ZeroDowntimeFailover::None));
    let (on_a, on_b) = (session_on(&world, "a"), session_on(&world, "b"));
    let mut client = world.client();
    for _ in 0..20 {
        let response = client.get(&format!("Cookie: {on_a}\r\n"));
        assert_eq!((response.text(), response.session()), ("a", None));
        let response = client.get(&format!("Cookie: x=y; {on_b}\r\n"));
        assert_eq!((response.text(), response.session()), ("b", None));
    }
}

#[test]
fn trap_t02_every_request_without_a_cookie_gets_one() {
    let endpoint = Endpoint::named("a");
    let plan = Plan::pool(&[endpoint.address]);
    let world = World::start(with_cookies(plan, ZeroDowntimeFailover::None));
    let mut client = world.client();
    let mut session = String::new();
    for _ in 0..100 {
        session = client.get("").session().expect("a session").to_owned();
    }
    for _ in 0..100 {
        assert_eq!(client.get(&format!("Cookie: {session}\r\n")).session(), None);
    }
}

#[test]
fn trap_t05_without_failover_a_pinned_request_gets_the_error_and_an_unpinned_one_is_retried() {
    let (a, b) = (closing("a"), Endpoint::named("b"));
    let plan = Plan::pool(&[a.address, b.address]);
    let world = World::start(with_cookies(plan, ZeroDowntimeFailover::None));
    let pinned = session_on(&world, "a");
    a.stop_listening();
    for _ in 0..10 {
        let response = world.client().get(&format!("Cookie: {pinned}\r\n"));
        assert_eq!((response.status, response.session()), (521, None));
        let response = world.client().get("");
        assert_eq!((response.status, response.text()), (200, "b"));
        assert!(response.session().is_some());
    }
}

#[test]
fn trap_t06_temporary_failover_leaves_the_session_and_sticky_moves_it() {
    for failover in [ZeroDowntimeFailover::Temporary, ZeroDowntimeFailover::Sticky] {
        let (a, b) = (closing("a"), Endpoint::named("b"));
        let plan = Plan::pool(&[a.address, b.address]);
        let world = World::start(with_cookies(plan, failover));
        let pinned = session_on(&world, "a");
        a.stop_listening();
        let response = world.client().get(&format!("Cookie: {pinned}\r\n"));
        assert_eq!((response.status, response.text()), (200, "b"));
        match response.session() {
            None => assert_eq!(failover, ZeroDowntimeFailover::Temporary),
            Some(moved) => {
                assert_eq!(failover, ZeroDowntimeFailover::Sticky);
                let response = world.client().get(&format!("Cookie: {moved}\r\n"));
                assert_eq!((response.text(), response.session()), ("b", None));
            }
        }
    }
}

#[test]
fn trap_t07_statuses_of_the_endpoint_itself_are_passed_through_after_one_attempt() {
    for status in ["500 Oops", "502 Bad", "503 Busy", "521 Literally", "530 Mine"] {
        let endpoints = [0, 1].map(|_| {
            Endpoint::saying_once(format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nmine"))
        });
        let world = World::start(Plan::pool(&endpoints.each_ref().map(|e| e.address)));
        let response = world.client().get("");
        assert_eq!(response.head.lines().next().unwrap(), format!("HTTP/1.1 {status}"));
        assert_eq!(response.text(), "mine");
        assert_eq!(endpoints.iter().map(Endpoint::connections).sum::<usize>(), 1);
        assert_eq!(world.metrics.failovers.get(), 0);
    }
}

#[test]
fn trap_t08_after_two_refusals_a_healthy_third_is_not_tried() {
    let third = Endpoint::named("third");
    let mut plan = Plan::pools(&[&[Endpoint::refusing(), Endpoint::refusing()], &[third.address]]);
    plan.failover_across_pools = true;
    let world = World::start(plan);
    assert_eq!(world.client().get("").status, 521);
    assert_eq!((world.metrics.failovers.get(), third.connections()), (1, 0));
}

#[test]
fn trap_t09_a_retry_leaves_the_pool_only_when_told_to() {
    let other = Endpoint::named("other");
    for (across, status) in [(false, 521), (true, 200)] {
        let mut plan = Plan::pools(&[&[Endpoint::refusing()], &[other.address]]);
        plan.failover_across_pools = across;
        let world = World::start(plan);
        assert_eq!(world.client().get("").status, status, "across pools: {across}");
    }
}

#[test]
fn trap_t11_no_retry_after_520_and_524() {
    let empty: fn() -> Endpoint = || Endpoint::saying_once("");
    let garbage: fn() -> Endpoint = || Endpoint::saying_once("SSH-2.0-OpenSSH_9.2\r\n");
    let reset: fn() -> Endpoint = || {
        Endpoint::scripted(|mut talk| {
            talk.request();
            talk.reset();
        })
    };
    let cases = [(520, empty), (520, garbage), (520, reset), (524, Endpoint::mute)];
    for (status, endpoint) in cases {
        let endpoints = [endpoint(), endpoint()];
        let mut plan = Plan::pool(&endpoints.each_ref().map(|e| e.address));
        plan.settings.timeouts.upstream_read = ms(200);
        let world = World::start(plan);
        assert_eq!(world.client().get("").status, status);
        assert_eq!(endpoints.iter().map(Endpoint::connections).sum::<usize>(), 1, "{status}");
    }
}

#[test]
fn trap_t12_a_streamed_body_reaches_the_second_endpoint_whole_and_once() {
    let second = Endpoint::named("second");
    let mut plan = Plan::pools(&[&[Endpoint::refusing()], &[second.address]]);
    plan.failover_across_pools = true;
    let world = World::start(plan);
    for body in [
        "Content-Length: 10\r\n\r\n|01234|56789",
        "Content-Length: 10\r\n\r\n01234|56789",
        "Transfer-Encoding: chunked\r\n\r\n|5\r\n01234\r\n|5\r\n56789\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5|\r\n56789\r\n0\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n|0123456789",
    ] {
        let seen = second.requests().len();
        let mut client = world.client();
        let mut parts = body.split('|');
        let head = parts.next().unwrap();
        client.send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\n{head}"));
        for part in parts {
            // The first endpoint has refused before the body is sent.
            eventually("failover", || world.metrics.failovers.get() as usize > seen);
            client.send(part);
        }
        assert_eq!(client.response().text(), "second", "{body}");
        let requests = second.requests();
        assert_eq!(requests.len(), seen + 1, "{body}");
        assert_eq!(requests[seen].text(), "0123456789", "{body}");
    }
}

#[test]
fn trap_t14_without_a_monitor_the_first_pool_gets_everything_even_its_errors() {
    let next = Endpoint::named("next");
    let world = World::start(Plan::pools(&[&[Endpoint::refusing()], &[next.address]]));
    let mut client = world.client();
    for _ in 0..20 {
        assert_eq!(client.get("").status, 521);
    }
    assert_eq!(next.connections(), 0);
}

#[test]
fn trap_t15_the_fallback_serves_whatever_its_health_and_gives_530_when_disabled() {
    let (first, last) = (Endpoint::named("first"), Endpoint::named("last"));
    let mut plan = Plan::pools(&[&[first.address], &[last.address]]);
    plan.is_monitored = true;
    let mut world = World::start(plan);
    world.verdicts(&[Verdict::Unhealthy, Verdict::Unhealthy]);
    let mut client = world.client();
    for _ in 0..10 {
        assert_eq!(client.get("").text(), "last");
    }
    world.change(|plan| plan.disabled_pool = Some(1));
    let response = client.get("Accept: application/json\r\n");
    assert_eq!(response.status, 530);
    assert!(response.text().contains("\"error_code\":1016"), "{}", response.text());
    assert_eq!(first.connections(), 0);
}

#[test]
fn trap_t42_a_stale_connection_is_replaced_for_a_get_and_is_a_520_for_a_post() {
    let (closing, closed) = mpsc::channel();
    // The first connection serves one request, takes a second one and closes: what a server does
    // whose idle time ran out just then.
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            conversation.answer("fresh");
            if conversation.connection % 2 == 1 {
                conversation.request();
                closing.send(()).unwrap();
                return;
            }
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    assert_eq!(client.get("").status, 200);
    let response = client.get("");
    closed.recv().unwrap();
    assert_eq!((response.status, response.text()), (200, "fresh"));
    assert_eq!((endpoint.connections(), world.metrics.stale_retries.get()), (2, 1));

    let endpoint = Endpoint::scripted(|mut conversation| {
        if conversation.request().is_some() {
            conversation.answer("fresh");
            conversation.request();
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    assert_eq!(client.get("").status, 200);
    assert_eq!(client.post("", "body").status, 520);
    assert_eq!((endpoint.connections(), world.metrics.stale_retries.get()), (1, 0));
}

#[test]
fn trap_t43_what_a_client_says_about_its_address_is_replaced_or_appended_to() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    world.client().get(
        "CF-Connecting-IP: 198.51.100.1\r\nX-Forwarded-For: 198.51.100.2\r\n\
         X-Forwarded-Proto: gopher\r\n",
    );
    let request = endpoint.request();
    assert_eq!(request.all("cf-connecting-ip"), ["127.0.0.1"]);
    assert_eq!(request.all("x-forwarded-for"), ["198.51.100.2, 127.0.0.1"]);
    assert_eq!(request.all("x-forwarded-proto"), ["http"]);
}

#[test]
fn trap_t44_a_name_that_does_not_resolve_sends_the_request_elsewhere() {
    let other = Endpoint::named("other");
    let mut plan = Plan::pool(&[other.address]);
    plan.pools[0].push(spec_by_name("does-not-exist.invalid", 80));
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    let mut client = world.client();
    for _ in 0..20 {
        let response = client.get("");
        assert_eq!((response.status, response.text()), (200, "other"));
        assert!(response.session().is_some());
    }
    assert_eq!(world.metrics.failovers.get(), 0, "no attempt was used up");
    // A retry is still to be had afterwards.
    let mut plan = Plan::pool(&[Endpoint::refusing()]);
    plan.pools[0].push(spec_by_name("does-not-exist.invalid", 80));
    plan.pools[0].push(spec(&other.address));
    let world = World::start(plan);
    for _ in 0..20 {
        assert_eq!(world.client().get("").text(), "other");
    }
}
