//! Requests and responses that nothing goes wrong with.

use crate::endpoint::Endpoint;
use crate::world::{Plan, World};

#[test]
fn a_request_reaches_the_endpoint_and_its_answer_the_client() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let response = world.client().get("");
    assert_eq!((response.status, response.text()), (200, "a"));
}

#[test]
fn keep_alive_on_both_sides() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for _ in 0..100 {
        assert_eq!(client.get("").text(), "a");
    }
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order_one_after_the_other() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        while let Some(request) = conversation.request() {
            let path = request.line().split(' ').nth(1).unwrap().to_owned();
            conversation.answer(&path);
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let one = |n| format!("GET /{n} HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    client.send((0..50).map(one).collect::<String>());
    for n in 0..50 {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn a_request_in_single_bytes_is_the_same_request() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for byte in b"POST /x HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc" {
        client.send([*byte]);
    }
    assert_eq!(client.response().status, 200);
    let request = endpoint.request();
    assert_eq!((request.line(), request.text()), ("POST /x HTTP/1.1", "abc"));
    assert_eq!(request.all("x-a"), ["b"]);
}

#[test]
fn workers_end_with_their_metrics_at_zero() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    world.client().get("");
    world.wait_for_quiet();
    let metrics = std::sync::Arc::clone(&world.metrics);
    world.drain();
    world.join();
    assert_eq!((metrics.downstream_open.get(), metrics.downstream_accepted.get()), (0, 1));
    assert_eq!(metrics.upstream_opened.get(), 1);
}
