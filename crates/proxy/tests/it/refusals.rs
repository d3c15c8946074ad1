//! What the proxy answers on its own account (behaviour.md 1.6, 11.5).

use crate::client::{End, Response};
use crate::endpoint::Endpoint;
use crate::world::{Plan, World};

fn refused(accept: &str) -> Response {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let accept = if accept.is_empty() { String::new() } else { format!("Accept: {accept}\r\n") };
    world.client().get(&accept)
}

#[test]
fn the_form_is_what_the_client_accepts() {
    for (accept, content_type, beginning) in [
        ("", "text/html; charset=utf-8", "<!doctype html>"),
        ("*/*", "text/html; charset=utf-8", "<!doctype html>"),
        ("image/png", "text/html; charset=utf-8", "<!doctype html>"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html; charset=utf-8",
            "<!doctype html>",
        ),
        ("application/json", "application/problem+json", "{\"type\":"),
        ("application/problem+json, */*", "application/problem+json", "{\"type\":"),
        ("Application/JSON; charset=utf-8", "application/problem+json", "{\"type\":"),
        ("text/markdown", "text/markdown; charset=utf-8", "# Error 521"),
        ("text/*", "text/markdown; charset=utf-8", "# Error 521"),
    ] {
        let response = refused(accept);
        assert_eq!(response.all("content-type"), [content_type], "{accept}");
        assert!(response.text().starts_with(beginning), "{accept}: {}", response.text());
        let ray = response.all("cf-ray").concat();
        assert!(response.text().contains(&ray), "the ray is in every form: {}", response.text());
    }
}

#[test]
fn the_problem_document_says_everything() {
    let response = refused("application/json");
    assert_eq!(response.status, 521);
    let problem: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    for (name, value) in [
        ("status", serde_json::json!(521)),
        ("error_code", serde_json::json!(521)),
        ("error_name", "origin_down".into()),
        ("error_category", "origin".into()),
        ("ray_id", response.all("cf-ray")[0].into()),
        ("zone", "lb.test".into()),
        ("retryable", true.into()),
        ("retry_after", serde_json::json!(120)),
        ("cloudflare_error", true.into()),
    ] {
        assert_eq!(problem[name], value, "{name}");
    }
    for name in [
        "type",
        "title",
        "detail",
        "instance",
        "timestamp",
        "owner_action_required",
        "what_you_should_do",
        "footer",
    ] {
        assert!(!problem[name].is_null(), "{name}");
    }
}

#[test]
fn heads_of_refusals() {
    let response = refused("");
    assert_eq!(response.head.lines().next().unwrap(), "HTTP/1.1 521 Web server is down");
    for (name, values) in [
        ("retry-after", vec!["120"]),
        ("server", vec!["evenkeel"]),
        ("cache-control", vec!["private, no-store"]),
        ("connection", vec![]),
        ("set-cookie", vec![]),
    ] {
        assert_eq!(response.all(name), values, "{name}");
    }
    assert_eq!((response.all("date").len(), response.all("cf-ray").len()), (1, 1));
}

#[test]
fn a_head_request_gets_the_head_and_the_connection_goes_on() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let mut client = world.client();
    for _ in 0..3 {
        client.send("HEAD / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
        let head = client.head().unwrap();
        assert_eq!(head.status, 521);
        assert_ne!(head.all("content-length"), ["0"], "what GET would have got");
    }
    assert_eq!(client.get("").status, 521);
}

#[test]
fn the_connection_goes_on_unless_a_body_is_in_the_way() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let mut client = world.client();
    for _ in 0..3 {
        assert_eq!(client.get("").status, 521);
        assert_eq!(client.post("", "").status, 521);
    }
    let response = client.post("", "body");
    assert_eq!((response.status, response.all("connection")), (521, vec!["close"]));
    assert_eq!(client.end(), End::Closed);

    let mut client = world.client();
    let response = client.get("Connection: close\r\n");
    assert_eq!((response.status, response.all("connection")), (521, vec!["close"]));
    assert_eq!(client.end(), End::Closed);
}

#[test]
fn a_refusal_arrives_although_the_client_is_still_sending() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let mut client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 4000000\r\n\r\n");
    let mut sender = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut sender, &vec![b'x'; 4_000_000]);
    });
    assert_eq!(client.response().status, 521);
    assert_eq!(client.end(), End::Closed);
    sending.join().unwrap();
}

#[test]
fn http10_clients_know_what_becomes_of_the_connection() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    for keep_alive in ["", "Connection: keep-alive\r\n"] {
        let mut client = world.client();
        client.send(format!("GET / HTTP/1.0\r\nHost: lb.test\r\n{keep_alive}\r\n"));
        let response = client.response();
        assert_eq!((response.status, response.all("connection")), (521, vec!["close"]));
        assert_eq!(client.end(), End::Closed);
    }
}

#[test]
fn unknown_and_dns_only_names_are_a_409_with_their_reason() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for host in ["other.test", "sub.lb.test", "127.0.0.1", "[::1]:80", "lb"] {
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n"));
        let response = client.response();
        assert_eq!(response.status, 409, "{host}");
        assert!(response.text().contains("\"error_code\":1018"), "{}", response.text());
    }
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.proxied = false;
    let world = World::start(plan);
    let response = world.client().get("Accept: text/markdown\r\n");
    assert_eq!(response.status, 409);
    assert!(response.text().starts_with("# Error 1018"), "{}", response.text());
    assert!(response.text().contains("DNS-only"), "{}", response.text());
    assert_eq!(endpoint.connections(), 0);
}

#[test]
fn a_disabled_fallback_is_a_530_and_1016() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.disabled_pool = Some(0);
    let world = World::start(plan);
    let response = world.client().get("");
    assert_eq!((response.status, response.all("retry-after")), (530, vec![]));
    assert!(response.text().contains("Error 1016"), "{}", response.text());
}

#[test]
fn a_method_that_is_not_forwarded_is_told_which_are() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let mut client = world.client();
    client.send("TRACE / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    let response = client.response();
    assert_eq!(response.status, 405);
    assert_eq!(response.all("allow"), ["GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]);
}

#[test]
fn refusals_are_counted_by_status() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    world.client().get("");
    let mut client = world.client();
    client.send("nonsense\r\n\r\n");
    client.response();
    world.tells("evenkeel_proxy_errors_total{status=\"521\"} 1");
    world.tells("evenkeel_proxy_errors_total{status=\"400\"} 1");
    world.tells("evenkeel_requests_total{class=\"5xx\"} 1");
    world.tells("evenkeel_requests_total{class=\"4xx\"} 1");
}
