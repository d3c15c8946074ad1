//! What is said to endpoints and to clients (behaviour.md 11.1, 11.2 and 9.3).

use evenkeel_model::AffinityKind;

use crate::client::Response;
use crate::endpoint::{Endpoint, Received, values};
use crate::world::{Plan, World};

/// The request as the endpoint gets it.
fn forwarded(lines: &str) -> Received {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    assert_eq!(world.client().get(lines).status, 200);
    endpoint.request()
}

/// The response as the client gets it.
fn answered(lines: &str) -> Response {
    let endpoint =
        Endpoint::saying_once(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok"));
    let world = World::start(Plan::pool(&[endpoint.address]));
    world.client().get("")
}

fn is_ray(ray: &str) -> bool {
    let (digits, pop) = ray.split_once('-').unwrap();
    digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) && pop == "LOC"
}

#[test]
fn the_whole_head_that_an_endpoint_gets() {
    let request = forwarded("Accept: */*\r\nX-Odd:  spaced \t\r\nx-lower: 1\r\nEmpty:\r\n");
    let ray = request.all("cf-ray")[0];
    let expected = format!(
        "GET / HTTP/1.1\r\nHost: lb.test\r\nAccept: */*\r\nX-Odd:  spaced \t\r\nx-lower: 1\r\nEmpty:\r\n\
         X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nCF-Connecting-IP: 127.0.0.1\r\n\
         CF-IPCountry: XX\r\nCF-Visitor: {{\"scheme\":\"http\"}}\r\nCF-Ray: {ray}\r\n\
         CDN-Loop: evenkeel; node=0000000000000000\r\nConnection: Keep-Alive\r\n"
    );
    assert_eq!(request.head, expected);
}

#[test]
fn rows_of_the_request_table() {
    // (what the client sends, the field looked at, what the endpoint gets)
    let table: [(&str, &str, &[&str]); 27] = [
        ("CF-Connecting-IP: 1.2.3.4\r\n", "cf-connecting-ip", &["127.0.0.1"]),
        (
            "cf-connecting-ip: 1.2.3.4\r\nCF-Connecting-IP: 5.6.7.8\r\n",
            "cf-connecting-ip",
            &["127.0.0.1"],
        ),
        ("CF-Connecting-IPv6: ::1\r\n", "cf-connecting-ipv6", &[]),
        ("CF-Pseudo-IPv4: 1.2.3.4\r\n", "cf-pseudo-ipv4", &[]),
        ("", "x-forwarded-for", &["127.0.0.1"]),
        ("X-Forwarded-For: 1.2.3.4\r\n", "x-forwarded-for", &["1.2.3.4, 127.0.0.1"]),
        (
            "X-Forwarded-For: a, b\r\nA: b\r\nx-forwarded-for: c\r\n",
            "x-forwarded-for",
            &["a, b, c, 127.0.0.1"],
        ),
        ("X-Forwarded-For:\r\n", "x-forwarded-for", &["127.0.0.1"]),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: wss\r\n", "x-forwarded-proto", &["http"]),
        ("CF-IPCountry: DE\r\n", "cf-ipcountry", &["XX"]),
        ("CF-Visitor: {}\r\n", "cf-visitor", &["{\"scheme\":\"http\"}"]),
        (
            "CDN-Loop: other; v=1\r\nCDN-Loop: third\r\n",
            "cdn-loop",
            &["other; v=1, third, evenkeel; node=0000000000000000"],
        ),
        ("True-Client-IP: 1.2.3.4\r\n", "true-client-ip", &[]),
        ("CF-EW-Via: 15\r\nCF-Worker: x\r\n", "cf-ew-via", &[]),
        ("CF-EW-Via: 15\r\nCF-Worker: x\r\n", "cf-worker", &[]),
        ("Accept-Encoding: zstd\r\n", "accept-encoding", &["zstd"]),
        ("X-Real-IP: 1.2.3.4\r\n", "x-real-ip", &[]),
        ("Forwarded: for=1.2.3.4\r\n", "forwarded", &["for=1.2.3.4"]),
        ("Via: 1.0 fred\r\n", "via", &["1.0 fred"]),
        ("Authorization: Basic x\r\n", "authorization", &["Basic x"]),
        ("Connection: close\r\n", "connection", &["Keep-Alive"]),
        ("Keep-Alive: timeout=5\r\n", "keep-alive", &[]),
        ("Proxy-Connection: keep-alive\r\n", "proxy-connection", &[]),
        ("TE: gzip\r\n", "te", &[]),
        ("TE: gzip, trailers\r\nConnection: TE\r\n", "te", &["trailers"]),
        ("Upgrade: websocket\r\n", "upgrade", &[]),
        ("Connection: Upgrade\r\n", "connection", &["Keep-Alive"]),
    ];
    for (lines, name, expected) in table {
        assert_eq!(forwarded(lines).all(name), expected, "{name} of {lines:?}");
    }
}

#[test]
fn fields_named_in_connection_stay_here() {
    let request = forwarded(
        "Connection: close, X-Hop, x-other\r\nX-Hop: 1\r\nX-Stays: 2\r\nConnection: X-Third\r\n\
         X-OTHER: 3\r\nX-Third: 4\r\nX-Hop: 5\r\n",
    );
    for name in ["x-hop", "x-other", "x-third"] {
        assert!(request.all(name).is_empty(), "{}", request.head);
    }
    assert_eq!(request.all("x-stays"), ["2"]);
}

#[test]
fn the_ray_is_the_same_on_both_sides_and_new_for_each_request() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let rays: Vec<String> =
        (0..2).map(|_| client.get("CF-Ray: forged-XXX\r\n").all("cf-ray").concat()).collect();
    for (ray, request) in rays.iter().zip(endpoint.requests()) {
        assert!(is_ray(ray), "{ray}");
        assert_eq!(request.all("cf-ray"), [ray]);
    }
    assert_ne!(rays[0], rays[1]);
}

#[test]
fn a_request_that_comes_back_is_a_loop() {
    let mut plan = Plan::pool(&[Endpoint::refusing()]);
    plan.settings.node = "00000000000000aa".into();
    let world = World::start(plan);
    let ours = "evenkeel; node=00000000000000aa";
    for lines in [
        format!("CDN-Loop: {ours}\r\n"),
        format!("CDN-Loop: other, {ours} ,third; x\r\n"),
        format!("cdn-loop: other\r\nCDN-LOOP: {ours}\r\n"),
    ] {
        let response = world.client().get(&format!("{lines}Accept: application/json\r\n"));
        assert_eq!(response.status, 508, "{lines:?}");
        assert!(response.text().contains("\"error_code\":1019"));
    }
    for lines in ["CDN-Loop: evenkeel; node=00000000000000ab\r\n", "CDN-Loop: evenkeel\r\n"] {
        assert_eq!(world.client().get(lines).status, 521, "another node's entry: {lines:?}");
    }
}

#[test]
fn a_real_loop_ends_at_once() {
    let first = Plan::pool(&[Endpoint::refusing()]);
    let mut world = World::start(first);
    let own = world.address;
    world.change(|plan| plan.pools[0] = vec![crate::world::spec(&own)]);
    let response = world.client().get("");
    assert_eq!(response.status, 508);
    assert_eq!(world.metrics.upstream_opened.get(), 1);
}

#[test]
fn only_our_cookie_is_taken_out_and_the_rest_keeps_its_bytes() {
    // (what the client sends, the lines that the endpoint gets)
    let table: [(&str, &[&str]); 5] = [
        ("Cookie: __cflb=x\r\n", &[]),
        ("Cookie: a=1; __cflb=x; b=\"2\" ;c\r\n", &["a=1; b=\"2\" ;c"]),
        ("cookie: a=1;b=__cflb\r\n", &["a=1;b=__cflb"]),
        ("Cookie: a=1\r\nCookie: __cflb=x\r\nCookie: b=2\r\n", &["a=1", "b=2"]),
        ("Cookie: __cflb=x; __cflb=y; z=\r\n", &["z="]),
    ];
    for (sent, left) in table {
        assert_eq!(forwarded(sent).all("cookie"), left, "{sent:?}");
    }
    // Without affinity the name means nothing.
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    world.client().get("Cookie: __cflb=x\r\n");
    assert_eq!(endpoint.request().all("cookie"), ["__cflb=x"]);
}

#[test]
fn trap_t30_the_host_is_the_clients_unless_the_endpoint_has_its_own() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    let world = World::start(Plan::pool(&[endpoint.address]));
    for host in ["lb.test", "LB.TEST:8080", "lb.test."] {
        let mut client = world.client();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.response();
        assert_eq!(endpoint.requests().last().unwrap().all("host"), [host]);
    }
    plan.pools[0][0].host = Some("inner.example:81".into());
    let world = World::start(plan);
    world.client().get("");
    assert_eq!(endpoint.requests().last().unwrap().all("host"), ["inner.example:81"]);
}

#[test]
fn absolute_targets_become_paths() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    for (line, forwarded) in [
        ("GET http://lb.test/a?b", "GET /a?b"),
        ("GET http://LB.test:80?b", "GET /?b"),
        ("GET http://lb.test", "GET /"),
        ("OPTIONS http://lb.test", "OPTIONS *"),
        ("OPTIONS *", "OPTIONS *"),
        ("PROPFIND /x", "PROPFIND /x"),
    ] {
        let mut client = world.client();
        client.send(format!("{line} HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
        assert_eq!(client.response().status, 200, "{line}");
        let requests = endpoint.requests();
        assert_eq!(requests.last().unwrap().line(), format!("{forwarded} HTTP/1.1"));
    }
}

#[test]
fn the_whole_head_that_a_client_gets() {
    let response = answered(
        "Server: nginx\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\nX-Odd:  spaced \t\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n",
    );
    let ray = response.all("cf-ray")[0];
    let expected = format!(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\nX-Odd:  spaced \t\r\n\
         set-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\nCF-Ray: {ray}\r\n"
    );
    assert_eq!(response.head, expected);
}

#[test]
fn rows_of_the_response_table() {
    let table: [(&str, &str, &[&str]); 15] = [
        ("X-Accel-Buffering: no\r\n", "x-accel-buffering", &[]),
        ("X-Accel-Charset: x\r\n", "x-accel-charset", &[]),
        ("x-accel-limit-rate: 1\r\n", "x-accel-limit-rate", &[]),
        ("X-Accel-Redirect: /secret\r\n", "x-accel-redirect", &[]),
        ("X-Accel-Expires: 5\r\n", "x-accel-expires", &["5"]),
        ("Keep-Alive: timeout=5\r\n", "keep-alive", &[]),
        ("Proxy-Connection: close\r\n", "proxy-connection", &[]),
        ("Upgrade: h2c\r\n", "upgrade", &[]),
        ("Connection: X-Hop\r\nX-Hop: 1\r\n", "x-hop", &[]),
        ("Connection: X-Hop\r\nX-Hop: 1\r\n", "connection", &[]),
        ("Connection: close\r\n", "connection", &[]),
        ("CF-Cache-Status: HIT\r\n", "cf-cache-status", &["HIT"]),
        ("", "server", &["evenkeel"]),
        ("Server: x\r\n", "server", &["x"]),
        ("Location: http://inner/\r\n", "location", &["http://inner/"]),
    ];
    for (lines, name, expected) in table {
        assert_eq!(answered(lines).all(name), expected, "{name} of {lines:?}");
    }
    let forged = answered("CF-Ray: forged-XXX\r\n");
    assert!(forged.all("cf-ray").len() == 1 && is_ray(forged.all("cf-ray")[0]));
}

#[test]
fn a_date_is_added_where_there_is_none() {
    let response = answered("");
    let date = response.all("date");
    assert!(date.len() == 1 && date[0].len() == 29 && date[0].ends_with(" GMT"), "{date:?}");
}

#[test]
fn the_session_cookie_is_a_line_of_its_own_beside_the_endpoints() {
    let endpoint = Endpoint::saying_once(
        "HTTP/1.1 404 Gone\r\nSet-Cookie: __cflb=theirs\r\nContent-Length: 0\r\n\r\n",
    );
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    let head = world.client().get("").head;
    let cookies = values(&head, "set-cookie");
    assert_eq!((cookies.len(), cookies[0]), (2, "__cflb=theirs"));
    assert!(cookies[1].starts_with("__cflb=") && cookies[1].contains("; HttpOnly"), "{head}");
}
