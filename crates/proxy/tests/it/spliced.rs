//! Long bodies between plain sockets, which move without being looked at: every way in which one
//! can end, and what is left of the two connections then.

use std::io::Write;
use std::net::Shutdown;
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use crate::bodies::{FLOOD_BYTES, MIB, pattern, push};
use crate::client::{Client, End};
use crate::endpoint::{Conversation, Endpoint};
use crate::world::{Plan, World, ms};

/// Long enough to be spliced, and for several turns of it.
const LONG: usize = 3 * MIB + 1;

const GET: &str = "GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n";

fn post(bytes: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: {bytes}\r\n\r\n")
}

fn ok(bytes: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")
}

/// Starts a long response and goes no further than its middle.
fn half_an_answer(conversation: &mut Conversation<'_>) {
    conversation.request().unwrap();
    conversation.send(ok(LONG));
    conversation.send(&pattern(LONG)[..LONG / 2]);
}

/// Sends without waiting for anything to be read.
fn sending(client: &Client, bytes: Vec<u8>) -> JoinHandle<std::io::Result<()>> {
    let mut stream = client.stream.try_clone().unwrap();
    std::thread::spawn(move || stream.write_all(&bytes))
}

#[test]
fn both_connections_go_on_after_long_bodies_whose_next_request_waits_behind_them() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        while let Some(request) = conversation.request() {
            conversation.send(ok(request.body.len()));
            conversation.send(request.body);
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let lengths = [LONG, 5, MIB, 0, 300_000, LONG];
    let mut requests = Vec::new();
    for bytes in lengths {
        requests.extend(post(bytes).bytes().chain(pattern(bytes)));
    }
    let sending = sending(&client, requests);
    for bytes in lengths {
        assert!(client.response().body == pattern(bytes), "{bytes} bytes");
    }
    sending.join().unwrap().unwrap();
    assert!(client.get("").status == 200 && endpoint.connections() == 1);
}

#[test]
fn a_body_that_is_invited_goes_up_whole() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let head = conversation.request_head().unwrap();
        conversation.send("HTTP/1.1 100 Continue\r\n\r\n");
        let request = conversation.body_of(head).unwrap();
        conversation.answer(if request.body == pattern(LONG) { "whole" } else { "not" });
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(post(LONG).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(client.head().unwrap().status, 100);
    client.send(pattern(LONG));
    assert_eq!(client.response().text(), "whole");
    world.wait_for_idle(1);
}

#[test]
fn an_endpoint_that_ends_within_its_response_cuts_it_short() {
    let ends: [fn(Conversation<'_>); 3] = [
        |conversation| drop(conversation),
        |mut conversation| {
            conversation.stream.shutdown(Shutdown::Write).unwrap();
            conversation.wait_for_end();
        },
        |conversation| conversation.reset(),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let (go, may_end) = mpsc::channel::<()>();
        let may_end = Mutex::new(may_end);
        let endpoint = Endpoint::scripted(move |mut conversation| {
            half_an_answer(&mut conversation);
            may_end.lock().unwrap().recv().unwrap();
            end(conversation);
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send(GET);
        assert_eq!(client.head().unwrap().status, 200);
        // What has come arrives before it is known that no more comes.
        assert!(client.read(LONG / 2) == pattern(LONG)[..LONG / 2]);
        go.send(()).unwrap();
        assert_eq!(client.end(), End::Reset, "way {n}");
        endpoint.wait_for_ends(1);
        world.wait_for_quiet();
        assert_eq!(world.metrics.upstream_idle.get(), 0);
    }
}

#[test]
fn an_endpoint_that_stalls_within_its_response_cuts_it_short() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        half_an_answer(&mut conversation);
        conversation.wait_for_end();
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.upstream_read = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client.send(GET);
    assert_eq!(client.head().unwrap().status, 200);
    assert!(client.read(LONG / 2) == pattern(LONG)[..LONG / 2]);
    assert_eq!(client.end(), End::Reset);
    endpoint.wait_for_ends(1);
}

#[test]
fn a_client_that_leaves_within_a_response_ends_the_endpoints_connection() {
    let ends: [fn(Client); 2] = [drop, Client::reset];
    for end in ends {
        let endpoint = Endpoint::scripted(|mut conversation| {
            conversation.request().unwrap();
            conversation.send(ok(FLOOD_BYTES));
            // Fails once nobody takes it any more.
            conversation.send(pattern(FLOOD_BYTES));
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send(GET);
        assert_eq!(client.head().unwrap().status, 200);
        client.read(LONG);
        end(client);
        endpoint.wait_for_ends(1);
        world.wait_for_quiet();
        assert_eq!(world.metrics.upstream_idle.get(), 0);
    }
}

#[test]
fn a_client_that_takes_no_more_of_a_response_is_let_go() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send(ok(FLOOD_BYTES));
        conversation.send(pattern(FLOOD_BYTES));
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_write = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client.send(GET);
    assert_eq!(client.head().unwrap().status, 200);
    endpoint.wait_for_ends(1);
    world.wait_for_quiet();
    let (_, end) = client.rest();
    assert_eq!(end, End::Reset);
}

#[test]
fn a_slow_client_gets_all_of_a_response_in_its_own_time() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.stream.set_write_timeout(Some(ms(200))).unwrap();
        conversation.send(ok(FLOOD_BYTES));
        let body = pattern(FLOOD_BYTES);
        let mut sent = 0;
        while sent < body.len() {
            sent += push(&mut conversation.stream, &body[sent..]);
        }
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(GET);
    assert!(client.response().body == pattern(FLOOD_BYTES));
    world.wait_for_idle(1);
}

#[test]
fn a_client_that_ends_within_its_request_sends_none() {
    let ends: [fn(&Client); 2] =
        [Client::half_close, |client| client.stream.shutdown(Shutdown::Both).unwrap()];
    for end in ends {
        let (read, was_read) = mpsc::channel();
        let endpoint = Endpoint::scripted(move |mut conversation| {
            conversation.request_head().unwrap();
            conversation.read(LONG / 2);
            read.send(()).unwrap();
            assert!(conversation.rest().is_empty());
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send(post(LONG));
        client.send(&pattern(LONG)[..LONG / 2]);
        was_read.recv().unwrap();
        end(&client);
        endpoint.wait_for_ends(1);
        world.wait_for_quiet();
        assert_eq!(world.metrics.upstream_idle.get(), 0);
    }
}

#[test]
fn a_client_that_stalls_within_its_request_is_told() {
    let endpoint = Endpoint::mute();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_body = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client.send(post(LONG));
    client.send(&pattern(LONG)[..LONG / 2]);
    assert_eq!(client.response().status, 408);
    assert_eq!(client.end(), End::Closed);
    endpoint.wait_for_ends(1);
}

#[test]
fn an_endpoint_that_closes_within_a_long_request_is_still_heard() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.read(LONG / 2);
        conversation
            .send("HTTP/1.1 413 Enough\r\nContent-Length: 6\r\nConnection: close\r\n\r\nenough");
        conversation.stream.shutdown(Shutdown::Write).unwrap();
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let sending =
        sending(&client, post(LONG).into_bytes().into_iter().chain(pattern(LONG)).collect());
    let response = client.response();
    assert_eq!((response.status, response.text()), (413, "enough"));
    let _ = sending.join().unwrap();
}

#[test]
fn a_body_until_the_end_of_the_connection_is_whole_unless_that_end_is_a_reset() {
    let ends: [(fn(Conversation<'_>), End); 2] = [
        (|conversation| drop(conversation), End::Closed),
        (|conversation| conversation.reset(), End::Reset),
    ];
    for (end, expected) in ends {
        let (go, may_end) = mpsc::channel::<()>();
        let may_end = Mutex::new(may_end);
        let endpoint = Endpoint::scripted(move |mut conversation| {
            conversation.request().unwrap();
            conversation.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            conversation.send(pattern(LONG));
            may_end.lock().unwrap().recv().unwrap();
            end(conversation);
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.send("GET / HTTP/1.0\r\nHost: lb.test\r\n\r\n");
        assert_eq!(client.head().unwrap().status, 200);
        assert!(client.read(LONG) == pattern(LONG));
        go.send(()).unwrap();
        assert_eq!(client.end(), expected);
    }
}

#[test]
fn a_tunnel_carries_much_and_little_in_turn() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation
            .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        loop {
            let bytes = conversation.read_some();
            if bytes.is_empty() {
                break;
            }
            conversation.send(bytes);
        }
        conversation.send("bye");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 101);
    for bytes in [10, LONG, 1, MIB, 20_000, LONG, 3] {
        let message = pattern(bytes);
        let sending = sending(&client, message.clone());
        assert!(client.read(bytes) == message, "{bytes} bytes");
        sending.join().unwrap().unwrap();
    }
    client.half_close();
    assert_eq!(client.rest(), (b"bye".to_vec(), End::Closed));
}
