//! What endpoints answer: framing in all its forms, interim responses, and hostile answers
//! (hostile-inputs.md row 17), after which the connection must not be used again.

use std::io::Write;

use crate::client::End;
use crate::endpoint::{Endpoint, values};
use crate::world::{Plan, World, ms};

const GET: &str = "GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n";

/// A proxy in front of an endpoint that answers the first request of each connection with these
/// bytes and leaves the connection open.
fn answering(response: impl Into<Vec<u8>>) -> (Endpoint, World) {
    let response = response.into();
    let endpoint = Endpoint::scripted(move |mut conversation| {
        if conversation.request().is_some() {
            conversation.send(&response);
            conversation.wait_for_end();
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    (endpoint, world)
}

#[test]
fn every_framing_arrives_whole_and_leaves_the_client_connection_open() {
    for (response, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nh\r\n4\r\nello\r\n000\r\n\r\n",
            "hello",
        ),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "hello"),
        ("HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"),
    ] {
        let endpoint = Endpoint::saying_once(response);
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        for _ in 0..2 {
            let answer = client.get("");
            assert_eq!((answer.status, answer.text()), (200, body), "{response:?}");
            assert!(answer.all("connection").is_empty(), "{response:?}");
        }
    }
}

#[test]
fn trailers_of_a_response_arrive() {
    let (_endpoint, world) = answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
         5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nX-Other: 2\r\n\r\n",
    );
    let response = world.client().get("TE: trailers\r\n");
    assert_eq!((response.text(), response.all("trailer")), ("hello", vec!["X-Sum"]));
    assert_eq!(response.trailers, "X-Sum: 1\r\nX-Other: 2\r\n");
}

#[test]
fn answers_without_a_body_keep_both_connections() {
    for (method, response, length) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", vec!["500"]),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", vec![]),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n", vec![]),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", vec![]),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", vec![]),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: x\r\n\r\n", vec!["500"]),
    ] {
        let endpoint = Endpoint::saying(response);
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        for _ in 0..3 {
            client.send(format!("{method} / HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
            let head = client.head().unwrap();
            assert_eq!(head.all("content-length"), length, "{response:?}");
            assert!(head.all("transfer-encoding").is_empty(), "{response:?}");
        }
        assert_eq!(endpoint.connections(), 1, "{response:?}");
    }
}

#[test]
fn interim_responses_are_passed_on_and_http10_is_spared_them() {
    let response = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nContent-Length: 9\r\n\r\n\
                    HTTP/1.1 102 Processing\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let endpoint = Endpoint::saying(response);
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for _ in 0..2 {
        client.send(GET);
        let early = client.head().unwrap();
        assert_eq!((early.status, early.all("link")), (103, vec!["</a.css>"]));
        assert!(early.all("content-length").is_empty());
        assert_eq!(client.head().unwrap().status, 102);
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, "ok"));
        assert_eq!(early.all("cf-ray"), response.all("cf-ray"));
    }
    assert_eq!(endpoint.connections(), 1);
    let mut client = world.client();
    client.send("GET / HTTP/1.0\r\nHost: lb.test\r\n\r\n");
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_100_continue_makes_the_round_before_the_body() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let head = conversation.request_head().unwrap();
        assert_eq!(head.all("expect"), ["100-continue"]);
        conversation.send("HTTP/1.1 100 Continue\r\n\r\n");
        let request = conversation.body_of(head).unwrap();
        conversation.answer(request.text());
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    assert_eq!(client.head().unwrap().status, 100);
    client.send("hello");
    assert_eq!(client.response().text(), "hello");
}

#[test]
fn an_expectation_may_be_answered_without_the_body() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.send("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    let response = client.response();
    assert_eq!((response.status, response.text()), (401, "no"));
    // The client may still send the body or not: the connection has no boundary any more.
    assert_eq!((response.all("connection"), client.end()), (vec!["close"], End::Closed));
}

#[test]
fn row17_answers_that_are_none_are_a_520_and_end_the_connection() {
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\n{many}\r\n");
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000);
    let chunked = |body| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "{\"error\": true}",
        &chunked("x\r\nhello\r\n0\r\n\r\n"),
        &chunked("FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        &chunked("5\nhello\r\n0\r\n\r\n"),
        &chunked("-1\r\nhello\r\n0\r\n\r\n"),
        &large,
        &many,
        &interim,
    ] {
        let text = &response[..response.len().min(100)];
        let (endpoint, world) = answering(response);
        for connections in 1..=2 {
            let mut client = world.client();
            client.send(GET);
            let mut answer = client.head().unwrap();
            while answer.status == 103 {
                answer = client.head().unwrap();
            }
            assert_eq!((answer.status, answer.all("server")), (520, vec!["evenkeel"]), "{text:?}");
            assert!(answer.all("connection").is_empty(), "the client's connection is in order");
            endpoint.wait_for_ends(connections);
            assert_eq!(endpoint.connections(), connections, "{text:?}");
        }
        assert_eq!(world.metrics.upstream_idle.get(), 0, "{text:?}");
    }
}

#[test]
fn row17_a_body_that_breaks_off_or_goes_wrong_resets_the_client() {
    let (length, chunked) = ("Content-Length: 9", "Transfer-Encoding: chunked");
    for (field, body, rest) in [
        (length, "half", ""),
        (chunked, "9\r\nhalf", ""),
        (chunked, "4\r\nhalf\r\n", ""),
        (chunked, "4\r\nhalf\r\n0\r\n", ""),
        (chunked, "4\r\nhalf\r\n", "zzz\r\n"),
        (chunked, "4\r\nhalf", "XX"),
    ] {
        let (go, may_go_on) = std::sync::mpsc::channel();
        let may_go_on = std::sync::Mutex::new(may_go_on);
        let endpoint = Endpoint::scripted(move |mut conversation| {
            conversation.request().unwrap();
            conversation.send(format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{body}"));
            may_go_on.lock().unwrap().recv().unwrap();
            conversation.send(rest);
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send(GET);
        let head = client.head().unwrap();
        assert_eq!(head.status, 200);
        if field == chunked {
            client.read(3);
        }
        assert_eq!(client.read(4), b"half", "{body:?}");
        go.send(()).unwrap();
        assert_eq!(client.rest().1, End::Reset, "{body:?} then {rest:?}");
    }
}

#[test]
fn row17_a_reset_within_a_body_without_length_does_not_pass_for_its_end() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\n\r\nhalf");
        // The client asks again when it has read that much.
        conversation.request_head();
        conversation.reset();
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.upstream_read = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client.send(GET);
    assert_eq!(client.head().unwrap().all("transfer-encoding"), ["chunked"]);
    assert_eq!(client.read(9), b"4\r\nhalf\r\n");
    assert_eq!(client.rest(), (vec![], End::Reset));
}

#[test]
fn row17_bytes_beyond_the_response_never_reach_anyone() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for (method, response) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n"),
    ] {
        // In the same packet, and later.
        for parts in [vec![format!("{response}{evil}")], vec![response.into(), evil.into()]] {
            let endpoint = Endpoint::scripted(move |mut conversation| {
                conversation.request().unwrap();
                for part in &parts {
                    conversation.stream.write_all(part.as_bytes()).unwrap();
                }
                conversation.wait_for_end();
            });
            let world = World::start(Plan::pool(&[endpoint.address]));
            for connections in 1..=2 {
                let mut client = world.client();
                client.send(format!(
                    "{method} / HTTP/1.1\r\nHost: lb.test\r\nConnection: close\r\n\r\n"
                ));
                let (answer, _) = client.rest();
                let answer = String::from_utf8(answer).unwrap();
                assert!(!answer.contains("evil"), "{answer}");
                // Whatever came behind the response ends the endpoint's connection.
                endpoint.wait_for_ends(connections);
            }
            assert_eq!(world.metrics.upstream_reused.get(), 0, "{response:?}");
        }
    }
}

#[test]
fn http10_clients_get_the_end_of_the_connection_instead_of_chunks() {
    for response in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    ] {
        let endpoint = Endpoint::saying_once(response);
        let world = World::start(Plan::pool(&[endpoint.address]));
        for keep_alive in ["", "Connection: keep-alive\r\n"] {
            let mut client = world.client();
            client.send(format!("GET / HTTP/1.0\r\nHost: lb.test\r\n{keep_alive}\r\n"));
            let head = client.head().unwrap();
            assert!(head.all("transfer-encoding").is_empty(), "{response:?}");
            assert_eq!(head.all("connection"), ["close"], "{response:?}");
            assert_eq!(client.rest(), (b"hello".to_vec(), End::Closed));
        }
    }
}

#[test]
fn http10_clients_are_kept_when_they_ask_and_the_length_is_known() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for _ in 0..3 {
        client.send("GET / HTTP/1.0\r\nHost: lb.test\r\nConnection: keep-alive\r\n\r\n");
        let response = client.response();
        assert_eq!((response.text(), response.all("connection")), ("a", vec!["keep-alive"]));
        assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    client.send("GET / HTTP/1.0\r\nHost: lb.test\r\n\r\n");
    assert_eq!(client.response().all("connection"), ["close"]);
    assert_eq!(client.end(), End::Closed);
    let head = &endpoint.requests()[0].head;
    assert!(head.starts_with("GET / HTTP/1.1\r\n"), "our own version");
    assert_eq!(values(head, "connection"), ["Keep-Alive"]);
}

#[test]
fn reasons_and_unusual_statuses_pass_unchanged() {
    for line in [
        "HTTP/1.1 299 Fine, really",
        "HTTP/1.1 999 Odd",
        "HTTP/1.1 418 I'm a teapot",
        "HTTP/1.1 200 \u{e9}t\u{e9}",
    ] {
        let endpoint = Endpoint::saying_once(format!("{line}\r\nContent-Length: 0\r\n\r\n"));
        let world = World::start(Plan::pool(&[endpoint.address]));
        assert_eq!(world.client().get("").head.lines().next().unwrap(), line);
    }
}
