//! TLS with endpoints (behaviour.md 9.5).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use evenkeel_model::EndpointTls::{Full, Strict};
use evenkeel_net::certificate::Identity;
use evenkeel_net::tls::client::{Outbound, ZoneTrust};
use tokio::io::AsyncWriteExt;

use crate::endpoint::Endpoint;
use crate::upstream_server::{Authority, HTTPS, Server, accept, read_head, secured};
use crate::world::{Plan, World, ms, spec, spec_by_name};

#[test]
fn requests_over_https_go_on_over_tls_and_others_do_not() {
    let authority = Authority::new();
    let server = Server::http1(authority.certify("other.test").server(&[]), "over tls");
    let plain = Endpoint::named("plain");
    let mut plan = secured(Full, &[server.address], &authority);
    plan.pools.push(vec![spec(&plain.address)]);
    let world = World::start(plan);
    let mut client = world.client();
    for _ in 0..3 {
        assert_eq!(client.get(HTTPS).text(), "over tls");
    }
    assert_eq!(client.post(HTTPS, "abc").text(), "over tls");
    assert_eq!(server.seen.connections(), 1, "session tickets are no reason to close");
    assert_eq!(server.seen.names(), [Some("lb.test".to_owned())]);
    assert_eq!(world.metrics.upstream_reused.get(), 3);
    // The same endpoint is asked in plain text for a client that came so.
    assert_eq!(client.get("").status, 520);
}

#[test]
fn trap_t52_an_expired_certificate_is_a_200_in_full_and_a_526_with_one_retry_in_strict() {
    let authority = Authority::new();
    let expired =
        || Server::http1(authority.certify_expired("lb.test").server(&["http/1.1"]), "expired");
    let (first, second) = (expired(), expired());
    let addresses = [first.address, second.address];
    let world = World::start(secured(Full, &addresses, &authority));
    assert_eq!(world.client().get(HTTPS).text(), "expired");

    let world = World::start(secured(Strict, &addresses, &authority));
    let response = world.client().get(HTTPS);
    assert_eq!(response.status, 526);
    assert_eq!(world.metrics.failovers.get(), 1);
    assert_eq!(world.metrics.upstream_tls_failed.get(), 2);

    let valid = Server::http1(authority.certify("lb.test").server(&["http/1.1"]), "valid");
    let mut plan = secured(Strict, &[first.address], &authority);
    plan.pools.push(vec![spec(&valid.address)]);
    plan.fallback = 1;
    plan.failover_across_pools = true;
    let world = World::start(plan);
    assert_eq!(world.client().post(HTTPS, "once").text(), "valid");
    assert_eq!(valid.seen.requests(), 1);
}

#[test]
fn a_strict_certificate_is_for_the_host_asked_for_or_the_endpoint_and_from_a_known_authority() {
    let authority = Authority::new();
    for (name, status) in
        [("lb.test", 200), ("renamed.test", 200), ("localhost", 200), ("127.0.0.1", 526)]
    {
        let server = Server::http1(authority.certify(name).server(&[]), name);
        let mut plan = secured(Strict, &[], &authority);
        plan.pools[0] = vec![spec_by_name("localhost", server.address.port())];
        plan.pools[0][0].host = Some("renamed.test:8443".to_owned());
        let world = World::start(plan);
        assert_eq!(world.client().get(HTTPS).status, status, "{name}");
    }
    let server = Server::http1(authority.certify("127.0.0.1").server(&[]), "by address");
    let world = World::start(secured(Strict, &[server.address], &authority));
    assert_eq!(world.client().get(HTTPS).text(), "by address");

    let stranger = Server::http1(Authority::new().certify("lb.test").server(&[]), "stranger");
    let world = World::start(secured(Strict, &[stranger.address], &authority));
    assert_eq!(world.client().get(HTTPS).status, 526);
}

#[test]
fn the_name_asked_for_is_that_of_the_host_sent() {
    let authority = Authority::new();
    let server = Server::http1(authority.certify("x.test").server(&[]), "named");
    let mut plan = secured(Full, &[server.address], &authority);
    plan.pools[0][0].host = Some("renamed.test:8443".to_owned());
    let world = World::start(plan);
    assert_eq!(world.client().get(HTTPS).status, 200);
    assert_eq!(server.seen.names(), [Some("renamed.test".to_owned())]);
}

#[test]
fn no_handshake_is_a_525_and_tried_elsewhere() {
    let authority = Authority::new();
    let valid = Server::http1(authority.certify("lb.test").server(&[]), "valid");
    let plain = Endpoint::named("plain");
    let closing = accept(|stream| async move { drop(stream) });
    let silent = accept(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    });
    for address in [plain.address, closing, silent] {
        let mut plan = secured(Full, &[address], &authority);
        plan.settings.timeouts.connect = ms(300);
        let world = World::start(plan);
        let start = Instant::now();
        assert_eq!(world.client().get(HTTPS).status, 525);
        assert!(start.elapsed() < ms(5_000));

        let mut plan = secured(Full, &[address], &authority);
        plan.pools.push(vec![spec(&valid.address)]);
        plan.fallback = 1;
        plan.failover_across_pools = true;
        plan.settings.timeouts.connect = ms(1_000);
        let world = World::start(plan);
        assert_eq!(world.client().post(HTTPS, "once").text(), "valid");
    }
    assert_eq!(valid.seen.requests(), 3);
}

#[test]
fn sessions_are_resumed() {
    let authority = Authority::new();
    let server =
        Server::new(authority.certify("lb.test").server(&[]), |mut stream, _| async move {
            read_head(&mut stream).await.unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        });
    let world = World::start(secured(Strict, &[server.address], &authority));
    for _ in 0..3 {
        assert_eq!(world.client().get(HTTPS).status, 200);
    }
    assert_eq!(server.seen.connections(), 3);
    assert_eq!(server.seen.resumed.load(Ordering::SeqCst), 2);
}

#[test]
fn an_endpoint_that_closes_an_idle_connection_is_noticed() {
    let authority = Authority::new();
    let server =
        Server::new(authority.certify("lb.test").server(&[]), |mut stream, _| async move {
            read_head(&mut stream).await.unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        });
    let world = World::start(secured(Full, &[server.address], &authority));
    let mut client = world.client();
    assert_eq!(client.get(HTTPS).status, 200);
    world.wait_for_idle(0);
    assert_eq!(client.post(HTTPS, "not lost").status, 200);
    assert_eq!(world.metrics.stale_retries.get(), 0);
}

#[test]
fn the_zones_certificate_is_shown_to_endpoints_if_it_shall_be() {
    let authority = Authority::new();
    let credentials = authority.certify("lb.test");
    let server = Server::http1(credentials.server_asking_for(&authority), "known");
    let mut plan = secured(Full, &[server.address], &authority);
    let own = authority.certify("node.test");
    let pem = |label: &str, der: &[u8]| {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
    };
    let chain = pem("CERTIFICATE", &own.certificate);
    let identity = Identity::from_pem(&chain, &pem("PRIVATE KEY", &own.key), None).unwrap();
    let identity = Some(Arc::clone(identity.key()));
    let outbound = authority.outbound();
    outbound.publish([([0; 16], ZoneTrust { identity, ..ZoneTrust::default() })]);
    plan.outbound = Some(outbound);
    let mut world = World::start(plan);
    assert_eq!(world.client().get(HTTPS).status, 525);
    world.change(|plan| {
        plan.tune = |lb| {
            lb.edge.endpoint_tls = Full;
            lb.edge.endpoint_certificate = true;
        };
    });
    assert_eq!(world.client().get(HTTPS).text(), "known");
}

#[test]
fn a_change_of_whom_a_zone_trusts_holds_for_the_next_request() {
    let authority = Authority::new();
    let credentials = authority.certify("lb.test");
    for protocol in ["http/1.1", "h2"] {
        let config = credentials.server(&[protocol]);
        let server = match protocol {
            "h2" => Server::http2(config, |mut call| async move { call.answer("trusted") }),
            _ => Server::http1(config, "trusted"),
        };
        let mut plan = secured(Strict, &[server.address], &authority);
        let outbound = Outbound::new(Authority::new().roots());
        let trusting = |authorities| [([0; 16], ZoneTrust { authorities, ..ZoneTrust::default() })];
        outbound.publish(trusting(vec![authority.certificate()]));
        plan.outbound = Some(outbound.clone());
        let world = World::start(plan);
        for _ in 0..2 {
            assert_eq!(world.client().get(HTTPS).text(), "trusted");
        }
        outbound.publish(trusting(Vec::new()));
        assert_eq!(world.client().get(HTTPS).status, 526, "{protocol}");
        outbound.publish(trusting(vec![authority.certificate()]));
        assert_eq!(world.client().get(HTTPS).text(), "trusted");
    }
}

#[test]
fn a_zone_may_give_its_endpoints_less_time_to_answer() {
    let mute = Endpoint::mute();
    let mut plan = Plan::pool(&[mute.address]);
    plan.tune = |lb| lb.edge.upstream_read_ms = Some(200);
    let world = World::start(plan);
    let start = Instant::now();
    assert_eq!(world.client().get("").status, 524);
    assert!(start.elapsed() < ms(10_000));
}

#[test]
fn a_body_longer_than_the_zone_lets_through_is_a_413_however_it_comes() {
    let authority = Authority::new();
    let credentials = authority.certify("lb.test");
    let one = Server::http1(credentials.server(&["http/1.1"]), "one");
    let two = Server::http2(credentials.server(&["h2"]), |mut call| async move {
        let (body, _) = call.body().await;
        call.answer(body);
    });
    for server in [&one, &two] {
        let mut plan = secured(Full, &[server.address], &authority);
        plan.tune = |lb| {
            lb.edge.endpoint_tls = Full;
            lb.edge.request_body_bytes_max = Some(10);
        };
        let world = World::start(plan);
        let post = |body: &str| {
            let mut client = world.client();
            client.send(format!(
                "POST / HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}Transfer-Encoding: chunked\r\n\r\n{body}"
            ));
            client.response().status
        };
        assert_eq!(post("6\r\n123456\r\n5\r\n12345\r\n0\r\n\r\n"), 413);
        assert_eq!(world.client().post(HTTPS, "12345678901").status, 413);
        assert_eq!(world.client().post(HTTPS, "1234567890").status, 200);
    }
}
