//! Requests in flight and open connections, as endpoints are steered by them.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually};

/// An endpoint that sends what it is told to, piece by piece, and says when a request has arrived.
/// After an empty piece it waits for the next request.
fn told() -> (Endpoint, Sender<&'static str>, Receiver<()>) {
    let (pieces, inbox) = channel::<&'static str>();
    let (arrived, arrivals) = channel();
    let inbox = Mutex::new(inbox);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            arrived.send(()).unwrap();
            while let Ok(piece) = inbox.lock().unwrap().recv() {
                if piece.is_empty() {
                    break;
                }
                conversation.send(piece);
            }
        }
    });
    (endpoint, pieces, arrivals)
}

/// Waits until an endpoint's requests and connections are these.
#[track_caller]
fn becomes(world: &World, endpoint: usize, requests: u32, connections: u32) {
    eventually(&format!("{requests} requests, {connections} connections"), || {
        let load = world.load(endpoint);
        (load.requests, load.connections) == (requests, connections)
    });
}

#[test]
fn a_request_counts_until_its_body_is_whole_and_a_connection_while_idle() {
    let (endpoint, pieces, arrivals) = told();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    becomes(&world, 0, 0, 0);
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    arrivals.recv().unwrap();
    becomes(&world, 0, 1, 1);
    pieces.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab").unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    becomes(&world, 0, 1, 1);
    pieces.send("cd").unwrap();
    pieces.send("").unwrap();
    assert_eq!(client.read(4), b"abcd");
    becomes(&world, 0, 0, 1);
}

#[test]
fn a_client_that_goes_away_takes_its_count_along() {
    // More than all buffers hold: the worker meets the closed client.
    static MORE: [u8; 65_536] = [b'x'; 65_536];
    let (endpoint, pieces, arrivals) = told();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    arrivals.recv().unwrap();
    becomes(&world, 0, 1, 1);
    drop(client);
    pieces.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nab").unwrap();
    for _ in 0..64 {
        pieces.send(std::str::from_utf8(&MORE).unwrap()).unwrap();
    }
    becomes(&world, 0, 0, 0);
}

#[test]
fn a_broken_answer_ends_the_count() {
    let endpoint = Endpoint::saying_once("");
    let world = World::start(Plan::pool(&[endpoint.address]));
    assert_eq!(world.client().get("").status, 520);
    becomes(&world, 0, 0, 0);
}

#[test]
fn a_retry_moves_the_count() {
    let (endpoint, pieces, arrivals) = told();
    let mut plan = Plan::pools(&[&[Endpoint::refusing()], &[endpoint.address]]);
    plan.failover_across_pools = true;
    let world = World::start(plan);
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    arrivals.recv().unwrap();
    becomes(&world, 0, 0, 0);
    becomes(&world, 1, 1, 1);
    pieces.send("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    pieces.send("").unwrap();
    assert_eq!(client.response().status, 204);
    becomes(&world, 1, 0, 1);
}

#[test]
fn a_tunnel_counts_until_it_is_closed() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n";
        conversation.send(format!("{answer}Connection: Upgrade\r\n\r\n"));
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    let upgrade = "Upgrade: echo\r\nConnection: Upgrade\r\n";
    client.send(format!("GET / HTTP/1.1\r\nHost: lb.test\r\n{upgrade}\r\n"));
    assert_eq!(client.head().unwrap().status, 101);
    becomes(&world, 0, 1, 1);
    drop(client);
    becomes(&world, 0, 0, 0);
}
