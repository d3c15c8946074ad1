//! Requests and responses that nothing goes wrong with.

use evenkeel_model::AffinityKind;

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
fn trap_t02_every_request_without_a_cookie_gets_one() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    let mut client = world.client();
    let mut session = String::new();
    for _ in 0..100 {
        session = client.get("").session().expect("a session").to_owned();
    }
    for _ in 0..100 {
        assert_eq!(client.get(&format!("Cookie: {session}\r\n")).session(), None);
    }
}
