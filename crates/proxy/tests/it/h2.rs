//! HTTP/2 from clients (RFC 9113): requests and responses, one or many at a time.

use bytes::Bytes;
use evenkeel_model::AffinityKind;
use http::{HeaderMap, Request};

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, get, next, post, receive, run, upload_all};
use crate::world::{Plan, World, spec};

#[test]
fn a_request_reaches_the_endpoint_and_its_answer_the_client() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let request = Request::get("http://lb.test/x?y").header("x-a", "b").body(()).unwrap();
    let answer = run(async { H2Client::connect(world.address).await.ask(request).await });
    assert_eq!((answer.status, answer.text()), (200, "a"));
    assert_eq!(answer.field("content-length"), Some("1"));
    assert!(answer.field("cf-ray").is_some() && answer.field("date").is_some());
    assert_eq!(answer.field("connection"), None);
    let request = endpoint.request();
    assert_eq!(request.line(), "GET /x?y HTTP/1.1");
    assert_eq!((request.all("host"), request.all("x-a")), (vec!["lb.test"], vec!["b"]));
    assert!(
        request.all("transfer-encoding").is_empty() && request.all("content-length").is_empty()
    );
    world.wait_for_quiet();
    assert_eq!((world.metrics.h2_streams.get(), world.metrics.h2_streams_open.get()), (1, 0));
}

#[test]
fn http_1_and_2_share_a_plain_listener() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        assert_eq!(client.ask(get("/")).await.status, 200);
        assert_eq!(world.client().get("").status, 200);
        assert_eq!(client.ask(get("/")).await.status, 200);
    });
}

#[test]
fn an_offer_to_upgrade_to_http_2_is_dropped() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let response = client.get(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n",
    );
    assert_eq!((response.status, response.text()), (200, "a"));
    let request = endpoint.request();
    assert!(request.all("upgrade").is_empty() && request.all("http2-settings").is_empty());
}

#[test]
fn requests_are_answered_side_by_side() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        while let Some(request) = conversation.request() {
            let path = request.line().split(' ').nth(1).unwrap().to_owned();
            conversation.answer(&path);
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for round in 0..5 {
            let asked = (0..100).map(|n| {
                let client = client.clone();
                tokio::spawn(async move {
                    let path = format!("/{round}/{n}");
                    assert_eq!(client.ask(get(&path)).await.text(), path);
                })
            });
            for asked in asked.collect::<Vec<_>>() {
                asked.await.unwrap();
            }
        }
    });
    assert_eq!(endpoint.requests().len(), 500);
    assert!(endpoint.connections() <= 100);
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 200)] {
        let endpoint = Endpoint::scripted(move |mut conversation| {
            while let Some(request) = conversation.request() {
                let has_length = request.line().starts_with("HEAD") || status == 304;
                let length = if has_length { "Content-Length: 10\r\n" } else { "" };
                let length =
                    if status == 200 && !has_length { "Content-Length: 0\r\n" } else { length };
                conversation.send(format!("HTTP/1.1 {status} X\r\n{length}ETag: \"e\"\r\n\r\n"));
            }
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        run(async {
            let client = H2Client::connect(world.address).await;
            for _ in 0..2 {
                let request =
                    Request::builder().method(method).uri("http://lb.test/").body(()).unwrap();
                let (response, _) = client.begin(request, true).await;
                let response = response.await.unwrap();
                assert_eq!(response.status(), status);
                assert!(response.body().is_end_stream(), "{method} {status}");
                let length =
                    response.headers().get("content-length").map(http::HeaderValue::as_bytes);
                let expected = match (method, status) {
                    ("HEAD", _) | (_, 304) => Some(&b"10"[..]),
                    (_, 200) => Some(&b"0"[..]),
                    _ => None,
                };
                assert_eq!(length, expected, "{method} {status}");
            }
        });
        assert_eq!(endpoint.connections(), 1);
    }
}

#[test]
fn bodies_stream_both_ways_at_once() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let request = conversation.request_head().unwrap();
        conversation.note(&request);
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..3 {
            // A chunk of five bytes, which goes back as it is.
            let chunk = conversation.read(10);
            conversation.send(chunk);
        }
        assert_eq!(conversation.read(5), b"0\r\n\r\n");
        conversation.send("0\r\n\r\n");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(post("/"), false).await;
        let mut receive = response.await.unwrap().into_body();
        for word in ["first", "other", "third"] {
            upload.send_data(Bytes::from(word), false).unwrap();
            assert_eq!(next(&mut receive).await.unwrap().unwrap(), word);
        }
        upload.send_data(Bytes::new(), true).unwrap();
        assert!(next(&mut receive).await.is_none_or(|data| data.unwrap().is_empty()));
    });
    assert_eq!(endpoint.request().all("transfer-encoding"), ["chunked"]);
}

#[test]
fn trailers_pass_both_ways() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        while conversation.request().is_some() {
            conversation.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n\
                 2\r\nhi\r\n0\r\nGrpc-Status: 0\r\nGrpc-Message: fine\r\nContent-Length: 3\r\n\r\n",
            );
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let request = Request::post("http://lb.test/").header("te", "trailers").body(()).unwrap();
        let (response, mut upload) = client.begin(request, false).await;
        upload.send_data("body".into(), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "abc".parse().unwrap());
        trailers.insert("host", "evil".parse().unwrap());
        upload.send_trailers(trailers).unwrap();
        let answer = receive(response).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "hi"));
        assert_eq!(answer.field("trailer"), Some("Grpc-Status"));
        let trailers = answer.trailers.unwrap();
        assert_eq!(
            (&trailers["grpc-status"], &trailers["grpc-message"]),
            (&"0".parse().unwrap(), &"fine".parse().unwrap())
        );
        assert_eq!(trailers.len(), 2);
    });
    let request = endpoint.request();
    assert_eq!((request.text(), request.all("te")), ("body", vec!["trailers"]));
    assert_eq!(request.trailers, "x-checksum: abc\r\n");
}

#[test]
fn lengths_that_are_known_are_passed_on() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let request =
            Request::post("http://lb.test/").header("content-length", "5").body(()).unwrap();
        assert_eq!(client.send(request, b"hello").await.status, 200);
        assert_eq!(client.send(post("/"), b"hello").await.status, 200);
        assert_eq!(client.send(post("/"), b"").await.status, 200);
        assert_eq!(client.ask(post("/")).await.status, 200);
    });
    let seen: Vec<_> = endpoint
        .requests()
        .iter()
        .map(|request| {
            let lengths = [request.all("content-length"), request.all("transfer-encoding")];
            (lengths.concat().join(","), request.text().to_owned())
        })
        .collect();
    let expected = [("5", "hello"), ("chunked", "hello"), ("chunked", ""), ("", "")];
    let expected = expected.map(|(length, body)| (length.to_owned(), body.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn interim_responses_are_passed_on() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let request = conversation.request_head().unwrap();
        conversation
            .send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        conversation.body_of(request).unwrap();
        conversation.answer("done");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let request = Request::post("http://lb.test/").header("expect", "100-continue");
        let (mut response, mut upload) = client.begin(request.body(()).unwrap(), false).await;
        let mut interim = Vec::new();
        while interim.last() != Some(&100) {
            let informed =
                std::future::poll_fn(|context| response.poll_informational(context)).await;
            interim.push(informed.unwrap().unwrap().status().as_u16());
        }
        assert_eq!(interim, [103, 100]);
        upload_all(&mut upload, "body".into(), true).await.unwrap();
        let answer = receive(response).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "done"));
    });
    let request = endpoint.request();
    assert_eq!((request.text(), request.all("expect")), ("body", vec!["100-continue"]));
}

#[test]
fn crumbs_of_cookies_are_one_line() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    run(async {
        let client = H2Client::connect(world.address).await;
        let answer = client.ask(get("/")).await;
        let session = answer.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        assert!(session.starts_with("__cflb="));
        let request = Request::get("http://lb.test/")
            .header("cookie", "a=1")
            .header("cookie", session)
            .header("cookie", "b=2")
            .body(())
            .unwrap();
        let answer = client.ask(request).await;
        assert_eq!(answer.field("set-cookie"), None, "the session is known");
    });
    assert_eq!(endpoint.requests()[1].all("cookie"), ["a=1; b=2"]);
}

#[test]
fn requests_of_one_connection_are_balanced_each_for_itself() {
    let endpoints = [Endpoint::named("a"), Endpoint::named("b")];
    let world = World::start(Plan::pool(&[endpoints[0].address, endpoints[1].address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for _ in 0..40 {
            assert_eq!(client.ask(get("/")).await.status, 200);
        }
    });
    assert!(endpoints.iter().all(|endpoint| !endpoint.requests().is_empty()));
}

#[test]
fn requests_are_tried_again_as_over_http_1() {
    let endpoint = Endpoint::named("a");
    let refusing = Endpoint::refusing();
    let mut plan = Plan::pools(&[&[refusing], &[endpoint.address]]);
    plan.failover = evenkeel_model::ZeroDowntimeFailover::Temporary;
    plan.failover_across_pools = true;
    plan.pools[0] = vec![spec(&refusing)];
    let world = World::start(plan);
    run(async {
        let client = H2Client::connect(world.address).await;
        assert_eq!(client.ask(get("/")).await.text(), "a");
        assert_eq!(client.send(post("/"), b"body").await.text(), "a");
    });
    assert_eq!(endpoint.requests()[1].text(), "body");
}

#[test]
fn authorities_and_hosts_have_to_agree() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for (uri, host, status) in [
            ("http://lb.test/", Some("lb.test"), 200),
            ("http://LB.test:80/", Some("lb.test"), 200),
            ("http://lb.test/", Some("other.test"), 400),
            ("http://lb.test/", Some(""), 400),
            ("http://other.test/", None, 409),
            ("http://user@lb.test/", None, 400),
        ] {
            let mut request = Request::get(uri);
            if let Some(host) = host {
                request = request.header("host", host);
            }
            let answer = client.ask(request.body(()).unwrap()).await;
            assert_eq!(answer.status, status, "{uri} {host:?}");
        }
    });
}

#[test]
fn our_own_answers_have_the_form_of_http_2() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let answer = client.ask(get("/")).await;
        assert_eq!(answer.status, 521);
        assert!(answer.text().contains("521"));
        assert_eq!(answer.field("content-length").unwrap(), answer.body.len().to_string());
        assert_eq!(answer.field("connection"), None);
        let head = Request::head("http://lb.test/").body(()).unwrap();
        let answer = client.ask(head).await;
        assert_eq!((answer.status, answer.body.len()), (521, 0));
        // A body that nobody reads does not get in the way of the answer.
        let answer = client.send(post("/"), &vec![0; 100_000]).await;
        assert_eq!(answer.status, 521);
        assert_eq!(client.ask(get("/")).await.status, 521);
    });
}

#[test]
fn methods_that_are_not_forwarded_are_refused() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for (request, status) in [
            (Request::builder().method("TRACE").uri("http://lb.test/"), 405),
            (Request::connect("lb.test:443"), 405),
            (
                Request::connect("http://lb.test/")
                    .extension(h2::ext::Protocol::from_static("connect-udp")),
                501,
            ),
        ] {
            assert_eq!(client.ask(request.body(()).unwrap()).await.status, status);
        }
    });
    assert_eq!(endpoint.connections(), 0);
}
