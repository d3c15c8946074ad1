//! Requests in flight and open connections, as endpoints are steered by them.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::endpoint::{Endpoint, read_request};
use crate::world::{Plan, World};

/// Sends what it is told to, piece by piece; says when a request has arrived.
fn told() -> (Endpoint, Sender<&'static str>, Receiver<()>) {
    let (pieces, inbox) = channel::<&'static str>();
    let (arrived, arrivals) = channel();
    let inbox = Arc::new(Mutex::new(inbox));
    let endpoint = Endpoint::scripted(move |mut stream, seen| {
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read_request(&mut reader) {
            seen(request);
            arrived.send(()).unwrap();
            while let Ok(piece) = inbox.lock().unwrap().recv() {
                if piece.is_empty() {
                    break;
                }
                stream.write_all(piece.as_bytes()).unwrap();
            }
        }
    });
    (endpoint, pieces, arrivals)
}

/// Waits until an endpoint's requests and connections are these.
#[track_caller]
fn becomes(world: &World, endpoint: usize, requests: u32, connections: u32) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let load = world.load(endpoint);
        if (load.requests, load.connections) == (requests, connections) {
            return;
        }
        assert!(Instant::now() < deadline, "endpoint {endpoint}: {load:?}");
        std::thread::yield_now();
    }
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
    let response = client.head().unwrap();
    becomes(&world, 0, 1, 1);
    pieces.send("cd").unwrap();
    pieces.send("").unwrap();
    assert_eq!(client.body_of(response).text(), "abcd");
    becomes(&world, 0, 0, 1);
}

#[test]
fn a_client_that_goes_away_takes_its_count_along() {
    let (endpoint, pieces, arrivals) = told();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    arrivals.recv().unwrap();
    becomes(&world, 0, 1, 1);
    drop(client);
    pieces.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nab").unwrap();
    // More than all buffers hold: the worker meets the closed client.
    static MORE: [u8; 65_536] = [b'x'; 65_536];
    for _ in 0..64 {
        pieces.send(std::str::from_utf8(&MORE).unwrap()).unwrap();
    }
    becomes(&world, 0, 0, 0);
}

#[test]
fn a_broken_answer_ends_the_count() {
    let endpoint = Endpoint::answering(|_, _| false);
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
    let endpoint = Endpoint::scripted(|mut stream, seen| {
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        seen(read_request(&mut reader).unwrap());
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let _ = reader.read_to_end(&mut Vec::new());
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 101);
    becomes(&world, 0, 1, 1);
    drop(client);
    becomes(&world, 0, 0, 0);
}
