//! Failures on the way to an endpoint and what is tried again (behaviour.md 5.1 to 5.3, 1.6).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use evenkeel_model::Reach;

use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually, ms, spec_by_name};

/// A plan whose first endpoint is this one; further ones in a second pool take its retries.
fn with_second(first: SocketAddr, second: SocketAddr) -> Plan {
    let mut plan = Plan::pools(&[&[first], &[second]]);
    plan.failover_across_pools = true;
    plan.settings.timeouts.connect = ms(300);
    plan
}

#[test]
fn failures_to_connect_have_their_own_statuses() {
    for (address, status) in [
        (Endpoint::refusing(), 521),
        (Endpoint::unanswering(), 522),
        (Endpoint::unreachable(), 523),
    ] {
        let mut plan = Plan::pool(&[address]);
        plan.settings.timeouts.connect = ms(300);
        let world = World::start(plan);
        let mut client = world.client();
        for _ in 0..2 {
            let response = client.get("");
            assert_eq!((response.status, response.all("retry-after")), (status, vec!["120"]));
        }
        assert_eq!(world.metrics.failovers.get(), 0);
    }
}

#[test]
fn any_method_and_body_is_tried_on_the_next_endpoint_when_there_was_no_connection() {
    let second = Endpoint::named("second");
    for first in [Endpoint::refusing(), Endpoint::unanswering(), Endpoint::unreachable()] {
        let world = World::start(with_second(first, second.address));
        let mut client = world.client();
        assert_eq!(client.get("").text(), "second");
        let before = second.requests().len();
        assert_eq!(client.post("", "once").text(), "second");
        let requests = second.requests();
        assert_eq!((requests.len(), requests[before].text()), (before + 1, "once"));
        assert_eq!(world.metrics.failovers.get(), 2);
    }
}

#[test]
fn the_second_endpoint_gets_its_own_host() {
    let second = Endpoint::named("second");
    let mut plan = with_second(Endpoint::refusing(), second.address);
    plan.pools[0][0].host = Some("first.example".into());
    plan.pools[1][0].host = Some("second.example".into());
    let world = World::start(plan);
    world.client().post("", "x");
    assert_eq!(second.request().all("host"), ["second.example"]);
}

#[test]
fn when_both_fail_the_second_failure_is_reported() {
    let world = World::start(with_second(Endpoint::refusing(), Endpoint::unanswering()));
    assert_eq!(world.client().get("").status, 522);
    assert_eq!(world.metrics.failovers.get(), 1);
}

#[test]
fn broken_answers_are_a_520_and_late_ones_a_524() {
    let closing = Endpoint::saying_once("");
    let half = Endpoint::saying_once("HTTP/1.1 200 OK\r\nContent-Le");
    let reset = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.reset();
    });
    let mute = Endpoint::mute();
    let slow_head = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\n");
        conversation.wait_for_end();
    });
    for (endpoint, status, retry_after) in [
        (&closing, 520, "60"),
        (&half, 520, "60"),
        (&reset, 520, "60"),
        (&mute, 524, "120"),
        (&slow_head, 524, "120"),
    ] {
        let second = Endpoint::named("second");
        let mut plan = with_second(endpoint.address, second.address);
        plan.settings.timeouts.upstream_read = ms(200);
        let world = World::start(plan);
        let mut client = world.client();
        let response = client.get("");
        assert_eq!((response.status, response.all("retry-after")), (status, vec![retry_after]));
        assert_eq!(client.post("", "body").status, status, "the client's connection goes on");
        assert_eq!(second.connections(), 0);
        assert_eq!(endpoint.connections(), 2);
    }
}

#[test]
fn a_name_that_does_not_resolve_is_a_530_when_nobody_else_is_left() {
    let mut plan = Plan::pool(&[]);
    plan.pools[0].push(spec_by_name("does-not-exist.invalid", 80));
    let world = World::start(plan);
    let response = world.client().get("Accept: application/json\r\n");
    assert_eq!(response.status, 530);
    assert!(response.text().contains("\"error_code\":1016"));
}

#[test]
fn a_name_that_resolves_is_dialled() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[]);
    plan.pools[0].push(spec_by_name("localhost", endpoint.address.port()));
    let world = World::start(plan);
    assert_eq!(world.client().get("").text(), "a");
    assert_eq!(endpoint.request().all("host"), ["lb.test"]);
}

#[test]
fn a_name_that_leads_where_nothing_may_lead_does_not_resolve() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[]);
    plan.pools[0].push(spec_by_name("localhost", endpoint.address.port()));
    plan.settings.reach = Reach { private: false, link_local: false };
    let world = World::start(plan);
    assert_eq!(world.client().get("").status, 530);
    assert_eq!(endpoint.connections(), 0);
}

/// Serves one request per connection, takes the next one and ends, by a FIN or a reset; every
/// second connection serves for ever.
fn going_stale(resets: bool) -> Endpoint {
    Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            conversation.answer("fresh");
            if conversation.connection % 2 == 1 {
                conversation.request_head();
                if resets {
                    conversation.reset();
                }
                return;
            }
        }
    })
}

#[test]
fn idempotent_requests_survive_a_stale_connection() {
    for resets in [false, true] {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
            let endpoint = going_stale(resets);
            let world = World::start(Plan::pool(&[endpoint.address]));
            let mut client = world.client();
            client.get("");
            client.send(format!(
                "{method} /x HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 0\r\n\r\n"
            ));
            assert_eq!(client.head().unwrap().status, 200, "{method}");
            assert_eq!(endpoint.requests().last().unwrap().line(), format!("{method} /x HTTP/1.1"));
            assert_eq!((endpoint.connections(), world.metrics.stale_retries.get()), (2, 1));
            assert_eq!(world.metrics.failovers.get(), 0, "a stale connection costs no retry");
        }
    }
}

#[test]
fn other_requests_do_not() {
    for request in [
        "POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 0\r\n\r\n",
        "PATCH / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 0\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: lb.test\r\n\r\n",
        // Idempotent, but their bodies are gone.
        "PUT / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 1\r\n\r\nx",
        "PUT / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let endpoint = going_stale(false);
        let mut plan = Plan::pool(&[endpoint.address]);
        // A request that is sent only in parts would otherwise take its time to fail.
        plan.settings.timeouts.upstream_read = ms(500);
        let world = World::start(plan);
        let mut client = world.client();
        client.get("");
        client.send(request);
        assert_eq!(client.response().status, 520, "{request:?}");
        assert_eq!(world.metrics.stale_retries.get(), 0);
    }
}

#[test]
fn a_put_whose_body_is_still_to_come_survives_a_stale_connection() {
    for framing in [
        "Content-Length: 4\r\n\r\n|body",
        "Transfer-Encoding: chunked\r\n\r\n|4\r\nbody\r\n0\r\n\r\n",
    ] {
        let endpoint = going_stale(false);
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.get("");
        let (head, body) = framing.split_once('|').unwrap();
        client.send(format!("PUT / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-continue\r\n{head}"));
        eventually("a second connection", || endpoint.connections() == 2);
        client.send(body);
        assert_eq!(client.response().text(), "fresh", "{framing:?}");
        assert_eq!(endpoint.requests().last().unwrap().text(), "body");
    }
}

#[test]
fn a_stale_connection_is_made_good_once() {
    // Every connection serves one request only, but promises more.
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        if conversation.connection != 2 {
            conversation.answer("ok");
            conversation.request_head();
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    assert_eq!(client.get("").status, 200);
    assert_eq!(client.get("").status, 520);
    assert_eq!(endpoint.connections(), 2);
}

/// An endpoint that serves one request and, asked again, stops listening before it hangs up.
fn leaving() -> Arc<Endpoint> {
    let own = Arc::new(OnceLock::<Weak<Endpoint>>::new());
    let seen_from_inside = Arc::clone(&own);
    let endpoint = Arc::new(Endpoint::scripted(move |mut conversation| {
        conversation.request().unwrap();
        conversation.answer("before");
        conversation.request_head();
        seen_from_inside.get().unwrap().upgrade().unwrap().stop_listening();
    }));
    own.set(Arc::downgrade(&endpoint)).unwrap();
    endpoint
}

#[test]
fn an_endpoint_that_went_away_behind_a_stale_connection_is_failed_over() {
    for (request, body) in [
        ("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n", ""),
        ("PUT / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 0\r\n\r\n", ""),
        ("PUT / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 4\r\n\r\n|body", "body"),
        (
            "PUT / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n|4\r\nbody\r\n0\r\n\r\n",
            "body",
        ),
    ] {
        let first = leaving();
        let second = Endpoint::named("second");
        let mut plan = with_second(first.address, second.address);
        plan.pools[1][0].host = Some("second.example".into());
        let world = World::start(plan);
        let mut client = world.client();
        assert_eq!(client.get("").text(), "before");
        let (head, rest) = request.split_once('|').unwrap_or((request, ""));
        client.send(head);
        eventually("failover", || world.metrics.failovers.get() == 1);
        client.send(rest);
        assert_eq!(client.response().text(), "second", "{request:?}");
        let received = second.request();
        assert_eq!((received.text(), received.all("host")), (body, vec!["second.example"]));
        assert_eq!(received.line(), head.lines().next().unwrap());
        assert_eq!(client.get("").text(), "second", "the client's connection is in order");
    }
}

#[test]
fn a_request_that_is_never_acknowledged_is_a_522_and_tried_elsewhere_if_it_can_be() {
    // The endpoint's machine is there, but nobody reads: its window shuts within the head.
    let shut = Endpoint::deaf();
    let second = Endpoint::named("second");
    let mut plan = with_second(shut, second.address);
    plan.settings.timeouts.upstream_ack = ms(300);
    let world = World::start(plan);
    let padding = format!("X-Padding: {}\r\n", "x".repeat(120_000));
    let mut client = world.client();
    assert_eq!(client.get(&padding).text(), "second");
    assert_eq!(client.post(&padding, "body").status, 522);
    assert_eq!(second.requests().len(), 1);

    let mut plan = Plan::pool(&[shut]);
    plan.settings.timeouts.upstream_ack = ms(300);
    let world = World::start(plan);
    assert_eq!(world.client().get(&padding).status, 522);
}

/// A killed process loses its connections before its listener: for a moment the kernel accepts and
/// resets what nobody will serve.
#[test]
fn an_endpoint_killed_between_two_requests_fails_no_get() {
    let is_dead = Arc::new(AtomicBool::new(false));
    let dead = Arc::clone(&is_dead);
    let dying = Endpoint::scripted(move |mut talk| {
        while !dead.load(Ordering::SeqCst) && talk.request().is_some() {
            if dead.load(Ordering::SeqCst) {
                break;
            }
            talk.answer("dying");
        }
        talk.reset();
    });
    let other = Endpoint::named("other");
    let world = World::start(Plan::pool(&[dying.address, other.address]));
    let mut client = world.client();
    while client.get("").text() != "dying" {}
    is_dead.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        let response = client.get("");
        assert_eq!(response.status, 200, "{}", response.head);
    }
    assert!(world.metrics.failovers.get() > 0);
}
