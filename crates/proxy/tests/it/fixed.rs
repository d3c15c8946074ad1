//! Answers that a rule prescribes.

use evenkeel_model::{AffinityKind, Expression, FixedResponse, Rule, RuleAction};

use crate::client::{Client, End};
use crate::endpoint::Endpoint;
use crate::world::{Plan, World};

/// `/gone` answers 410 with a body, `/moved` leads elsewhere, `/empty` has nothing to say.
fn world() -> (World, Endpoint) {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    plan.tune = |load_balancer| {
        let rule = |path: &str, response: FixedResponse| Rule {
            name: path.to_owned(),
            condition: Expression::parse(&format!("http.request.uri.path eq \"{path}\"")).unwrap(),
            action: RuleAction::Respond(response),
        };
        let response = |status, body: &str| FixedResponse {
            status,
            content_type: None,
            location: None,
            body: body.to_owned(),
        };
        load_balancer.rules = vec![
            rule(
                "/gone",
                FixedResponse {
                    content_type: Some("application/json".to_owned()),
                    ..response(410, "{\"gone\":true}")
                },
            ),
            rule(
                "/moved",
                FixedResponse {
                    location: Some("https://example.com/".to_owned()),
                    ..response(302, "")
                },
            ),
            rule("/text", response(200, "plain words")),
            rule("/empty", response(204, "never sent")),
        ];
    };
    (World::start(plan), endpoint)
}

fn ask(client: &mut Client, method: &str, path: &str) {
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
}

#[test]
fn they_come_over_one_connection_and_no_endpoint_hears_of_them() {
    let (world, endpoint) = world();
    let mut client = world.client();
    for (path, status, content_type, body) in [
        ("/gone", 410, &["application/json"][..], "{\"gone\":true}"),
        ("/moved", 302, &[], ""),
        ("/text?x=1", 200, &["text/plain; charset=utf-8"], "plain words"),
        ("/empty", 204, &[], ""),
        ("/gone", 410, &["application/json"], "{\"gone\":true}"),
    ] {
        ask(&mut client, "GET", path);
        let response = client.response();
        assert_eq!((response.status, response.text()), (status, body), "{path}");
        assert_eq!(response.all("content-type"), content_type, "{path}");
        assert_eq!(response.all("set-cookie"), [""; 0], "{path}");
        assert_eq!(response.all("cf-ray").len(), 1, "{path}");
        assert_eq!(response.all("location").len(), usize::from(status == 302), "{path}");
    }
    assert_eq!(endpoint.connections(), 0);
    // The other paths are served as ever.
    assert_eq!(client.get("").text(), "a");
}

#[test]
fn head_gets_the_head() {
    let (world, _) = world();
    let mut client = world.client();
    ask(&mut client, "HEAD", "/gone");
    let response = client.head().unwrap();
    assert_eq!((response.status, response.all("content-length")), (410, vec!["13"]));
    // What follows is the next response, not a body.
    ask(&mut client, "GET", "/text");
    assert_eq!(client.response().text(), "plain words");
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection() {
    let (world, _) = world();
    let mut client = world.client();
    client.send("POST /gone HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 5\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.all("connection")), (410, vec!["close"]));
    client.send("abcde");
    assert_eq!(client.end(), End::Closed);
}

#[test]
fn http_1_0_is_told_that_the_connection_stays() {
    let (world, _) = world();
    let mut client = world.client();
    client.send("GET /text HTTP/1.0\r\nHost: lb.test\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.response().all("connection"), ["keep-alive"]);
    client.send("GET /text HTTP/1.0\r\nHost: lb.test\r\n\r\n");
    assert_eq!(client.response().all("connection"), ["close"]);
    assert_eq!(client.end(), End::Closed);
}
