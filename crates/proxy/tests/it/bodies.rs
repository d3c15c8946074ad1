//! Request and response bodies: streamed both ways with bounded memory, re-framed where the two
//! sides frame differently.

use std::io::{ErrorKind, Write};
use std::sync::{Mutex, mpsc};

use crate::client::{Client, End};
use crate::endpoint::Endpoint;
use crate::world::{Plan, World, ms};

pub(crate) const MIB: usize = 1024 * 1024;

/// More than both sides' sockets may hold on their own, so that who does not read is noticed.
pub(crate) const FLOOD_BYTES: usize = 128 * MIB;

/// A body in which every misplaced byte shows.
pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    let mut pattern = (0..251).collect::<Vec<u8>>().repeat(bytes / 251 + 1);
    pattern.truncate(bytes);
    pattern
}

/// Writes until the whole body is out or nothing moves any more; returns what went out.
pub(crate) fn push(stream: &mut impl Write, body: &[u8]) -> usize {
    let mut sent = 0;
    while sent < body.len() {
        match stream.write(&body[sent..]) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("after {sent} bytes: {error}"),
        }
    }
    sent
}

fn echo() -> Endpoint {
    Endpoint::scripted(|mut conversation| {
        while let Some(request) = conversation.request() {
            let length = request.body.len();
            conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
            conversation.send(request.body);
        }
    })
}

#[test]
fn bodies_of_every_size_arrive_as_they_were_sent() {
    let endpoint = echo();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for bytes in [0, 1, 4095, 16_384, 16_385, 65_536, 262_144, 262_145, 3 * MIB, 16 * MIB] {
        let body = pattern(bytes);
        let mut sender = client.stream.try_clone().unwrap();
        let sending = std::thread::spawn({
            let body = body.clone();
            move || {
                let head = "POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length:";
                sender.write_all(format!("{head} {bytes}\r\n\r\n").as_bytes()).unwrap();
                sender.write_all(&body).unwrap();
            }
        });
        assert!(client.response().body == body, "{bytes} bytes");
        sending.join().unwrap();
    }
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn an_endpoint_that_does_not_read_stops_the_client() {
    let (go, may_read) = mpsc::channel::<()>();
    let may_read = Mutex::new(may_read);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        let head = conversation.request_head().unwrap();
        may_read.lock().unwrap().recv().unwrap();
        let request = conversation.body_of(head).unwrap();
        conversation.answer(if request.body == pattern(FLOOD_BYTES) { "whole" } else { "not" });
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let body = pattern(FLOOD_BYTES);
    client
        .send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: {FLOOD_BYTES}\r\n\r\n"));
    client.stream.set_write_timeout(Some(ms(500))).unwrap();
    let sent = push(&mut client.stream, &body);
    assert!(sent < FLOOD_BYTES / 2, "{sent} bytes were taken for an endpoint that reads none");
    go.send(()).unwrap();
    client.stream.set_write_timeout(None).unwrap();
    client.send(&body[sent..]);
    assert_eq!(client.response().text(), "whole");
}

#[test]
fn a_client_that_does_not_read_stops_the_endpoint() {
    let (stalled, has_stalled) = mpsc::channel();
    for chunked in [false, true] {
        let stalled = stalled.clone();
        let endpoint = Endpoint::scripted(move |mut conversation| {
            conversation.request().unwrap();
            let body = pattern(FLOOD_BYTES);
            conversation.stream.set_write_timeout(Some(ms(500))).unwrap();
            let framing = if chunked {
                format!("Transfer-Encoding: chunked\r\n\r\n{FLOOD_BYTES:x}\r\n")
            } else {
                format!("Content-Length: {FLOOD_BYTES}\r\n\r\n")
            };
            conversation.send(format!("HTTP/1.1 200 OK\r\n{framing}"));
            let sent = push(&mut conversation.stream, &body);
            stalled.send(sent).unwrap();
            conversation.stream.set_write_timeout(None).unwrap();
            conversation.send(&body[sent..]);
            conversation.send(if chunked { "\r\n0\r\n\r\n" } else { "" });
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
        let sent: usize = has_stalled.recv().unwrap();
        assert!(sent < FLOOD_BYTES / 2, "{sent} bytes were taken for a client that reads none");
        assert!(client.response().body == pattern(FLOOD_BYTES));
    }
}

#[test]
fn chunks_are_framed_anew_however_they_are_split() {
    let endpoint = echo();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let body = "5;x=\"y;z\"\r\nhello\r\n1\r\n \r\n0005\r\nworld\r\n00\r\nX-Sum: 1\r\n\r\n";
    let request =
        format!("POST / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    for step in [1, 2, 3, 7, 40, 1000] {
        for piece in request.as_bytes().chunks(step) {
            client.send(piece);
        }
        assert_eq!(client.response().text(), "hello world", "pieces of {step}");
    }
    let requests = endpoint.requests();
    assert!(requests.iter().all(|request| request.text() == "hello world"));
    assert!(requests.iter().all(|request| request.trailers == "X-Sum: 1\r\n"));
    // Extensions do not survive, and small chunks are joined.
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn many_small_chunks_leave_as_few() {
    let (read, was_read) = mpsc::channel();
    let endpoint = Endpoint::scripted(move |mut conversation| {
        conversation.request_head().unwrap();
        let mut raw = Vec::new();
        while !raw.ends_with(b"0\r\n\r\n") {
            raw.extend(conversation.read(1));
        }
        read.send(raw).unwrap();
        conversation.answer("ok");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let chunks = "1\r\nx\r\n".repeat(1000);
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    ));
    assert_eq!(client.response().text(), "ok");
    let raw = was_read.recv().unwrap();
    assert!(raw.len() < 1100, "{} bytes for a body of 1000", raw.len());
}

#[test]
fn an_early_answer_arrives_while_the_upload_runs() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.answer("early");
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 100000\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.all("connection")), ("early", vec!["close"]));
    // The client may go on sending without losing the answer to a reset; nobody waits for it.
    client.try_send(vec![b'x'; 50_000]);
    assert_eq!(client.end(), End::Closed);
    endpoint.wait_for_ends(1);
    assert_eq!(world.metrics.upstream_idle.get(), 0);
}

#[test]
fn both_bodies_run_at_once() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..20 {
            let chunk = conversation.read("4\r\nping\r\n".len());
            assert_eq!(chunk, b"4\r\nping\r\n");
            conversation.send("4\r\npong\r\n");
        }
        assert_eq!(conversation.read(5), b"0\r\n\r\n");
        conversation.send("0\r\n\r\n");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 200);
    for _ in 0..20 {
        client.send("4\r\nping\r\n");
        assert_eq!(client.read(9), b"4\r\npong\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.rest(), (b"0\r\n\r\n".to_vec(), End::Closed));
}

#[test]
fn an_endpoint_that_answers_and_closes_in_the_middle_of_the_upload_is_heard() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation
            .send("HTTP/1.1 413 Enough\r\nContent-Length: 6\r\nConnection: close\r\n\r\nenough");
        conversation.stream.shutdown(std::net::Shutdown::Write).unwrap();
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 10000000\r\n\r\n");
    let mut sender = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.write_all(&pattern(10_000_000)));
    let response = client.response();
    assert_eq!((response.status, response.text()), (413, "enough"));
    let _ = sending.join().unwrap();
}

#[test]
fn a_body_that_stalls_is_a_408_and_ends_the_endpoints_connection() {
    let endpoint = Endpoint::mute();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_body = ms(300);
    let world = World::start(plan);
    for head in ["Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"] {
        let mut client = world.client();
        client.send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\n{head}"));
        assert_eq!(client.response().status, 408);
        assert_eq!(client.end(), End::Closed);
    }
    endpoint.wait_for_ends(2);
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn a_client_that_ends_its_side_within_the_body_sends_no_request() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 10\r\n\r\nhalf");
    client.half_close();
    assert_eq!(client.end(), End::Reset);
    endpoint.wait_for_ends(1);
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn an_endpoint_that_stops_reading_is_a_524() {
    let mut plan = Plan::pool(&[Endpoint::deaf()]);
    plan.settings.timeouts.upstream_write = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client
        .send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: {FLOOD_BYTES}\r\n\r\n"));
    let mut sender = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.write_all(&pattern(FLOOD_BYTES)));
    assert_eq!(client.response().status, 524);
    drop(client);
    sending.join().unwrap().unwrap_err();
}

#[test]
fn http10_requests_with_a_length_are_whole_and_keep_the_connection() {
    let endpoint = echo();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for _ in 0..2 {
        client.send(
            "POST / HTTP/1.0\r\nHost: lb.test\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        );
        assert_eq!(client.response().text(), "hello");
    }
}

#[test]
fn expectations_are_passed_on_only_where_the_client_waits_for_an_answer() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    for (request, expected) in [
        (
            "POST / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
            vec!["100-Continue"],
        ),
        // RFC 9110 section 10.1.1: ignored in HTTP/1.0, and without a body there is nothing to wait for.
        (
            "POST / HTTP/1.0\r\nHost: lb.test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
            vec![],
        ),
        (
            "POST / HTTP/1.0\r\nHost: lb.test\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\nx",
            vec![],
        ),
        ("GET / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-continue\r\n\r\n", vec![]),
    ] {
        let mut client = world.client();
        client.send(request);
        assert_eq!(client.response().status, 200);
        assert_eq!(endpoint.requests().last().unwrap().all("expect"), expected, "{request}");
    }
}

#[test]
fn what_is_sent_behind_a_last_request_does_not_cost_its_answer() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let rest = "x".repeat(300_000);
    for head in [
        "POST / HTTP/1.0\r\nHost: lb.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\nConnection: close\r\n\r\n",
    ] {
        let mut client: Client = world.client();
        client.send(format!("{head}{rest}"));
        assert_eq!(client.response().text(), "a");
        assert_eq!(client.end(), End::Closed, "{head}");
    }
}
