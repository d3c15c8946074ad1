//! Upgrades and the tunnels behind them (behaviour.md 9.6).

use std::sync::mpsc;
use std::time::Instant;

use evenkeel_model::{AffinityKind, Verdict};

use crate::client::{Client, End};
use crate::endpoint::{Endpoint, Received};
use crate::world::{Plan, World, ms};

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n";

/// Switches protocols and sends back what comes, until the other side ends.
fn echoing() -> Endpoint {
    Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send(SWITCHING);
        loop {
            let bytes = conversation.read_some();
            if bytes.is_empty() {
                break;
            }
            conversation.send(bytes);
        }
        conversation.send("bye");
    })
}

fn upgraded(world: &World) -> Client {
    let mut client = world.client();
    client.send(HANDSHAKE);
    assert_eq!(client.head().unwrap().status, 101);
    client
}

#[test]
fn the_handshake_passes_and_bytes_follow_both_ways() {
    let endpoint = echoing();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    let mut client = world.client();
    client.send(HANDSHAKE);
    let switched = client.head().unwrap();
    assert_eq!((switched.status, switched.all("connection")), (101, vec!["Upgrade"]));
    assert_eq!(switched.all("upgrade"), ["websocket"]);
    assert_eq!(switched.all("sec-websocket-accept"), ["y"]);
    assert!(switched.session().is_some(), "a session may start with a tunnel");
    let request = endpoint.request();
    assert_eq!(
        (request.all("connection"), request.all("upgrade")),
        (vec!["Upgrade"], vec!["websocket"])
    );
    assert_eq!(request.all("sec-websocket-key"), ["x"]);
    for n in 0..50 {
        let message = format!("message {n}");
        client.send(&message);
        assert_eq!(client.read(message.len()), message.as_bytes());
    }
    // Ending one direction leaves the other.
    client.half_close();
    assert_eq!(client.rest(), (b"bye".to_vec(), End::Closed));
    endpoint.wait_for_ends(1);
    world.wait_for_quiet();
    assert_eq!(world.metrics.upstream_idle.get(), 0, "a tunnel is never reused");
}

#[test]
fn the_endpoint_may_end_its_direction_first() {
    let (heard, was_heard) = mpsc::channel();
    let endpoint = Endpoint::scripted(move |mut conversation| {
        conversation.request().unwrap();
        conversation.send(SWITCHING);
        conversation.send("all I say");
        conversation.stream.shutdown(std::net::Shutdown::Write).unwrap();
        heard.send(conversation.rest()).unwrap();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = upgraded(&world);
    assert_eq!(client.rest(), (b"all I say".to_vec(), End::Closed));
    client.send("still heard");
    client.half_close();
    assert_eq!(was_heard.recv().unwrap(), b"still heard");
    world.wait_for_quiet();
}

#[test]
fn bytes_sent_with_the_handshake_arrive_behind_it() {
    let endpoint = echoing();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(format!("{HANDSHAKE}early bird"));
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(client.read(10), b"early bird");
    // And what the endpoint sends in the same packet as its answer.
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send(format!("{SWITCHING}worm"));
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    assert_eq!(upgraded(&world).rest(), (b"worm".to_vec(), End::Closed));
}

#[test]
fn megabytes_pass_both_ways_at_once() {
    let endpoint = echoing();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = upgraded(&world);
    let body: Vec<u8> = (0..8 * 1024 * 1024).map(|at| (at % 251) as u8).collect();
    let mut sender = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn({
        let body = body.clone();
        move || std::io::Write::write_all(&mut sender, &body).unwrap()
    });
    assert!(client.read(body.len()) == body);
    sending.join().unwrap();
}

#[test]
fn an_ordinary_answer_leaves_ordinary_connections() {
    let endpoint = Endpoint::named("no");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(format!("{HANDSHAKE}GET /next HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
    for _ in 0..2 {
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, "no"));
    }
    let requests = endpoint.requests();
    let lines: Vec<&str> = requests.iter().map(Received::line).collect();
    assert_eq!(lines, ["GET /ws HTTP/1.1", "GET /next HTTP/1.1"]);
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn a_silent_tunnel_ends() {
    let endpoint = echoing();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.tunnel_idle = ms(400);
    let world = World::start(plan);
    let mut client = upgraded(&world);
    let mut start = Instant::now();
    for _ in 0..6 {
        // Talking keeps it open beyond the limit.
        std::thread::sleep(ms(100));
        client.send("x");
        assert_eq!(client.read(1), b"x");
        start = Instant::now();
    }
    let (rest, _) = client.rest();
    assert!(start.elapsed() >= ms(350), "{:?}", start.elapsed());
    assert!(rest.is_empty() || rest == b"bye");
    endpoint.wait_for_ends(1);
    world.wait_for_quiet();
}

#[test]
fn either_sides_reset_ends_the_other() {
    let endpoint = echoing();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let client = upgraded(&world);
    client.reset();
    endpoint.wait_for_ends(1);
    world.wait_for_quiet();

    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send(SWITCHING);
        conversation.read(1);
        conversation.reset();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = upgraded(&world);
    client.send("x");
    assert_eq!(client.rest().1, End::Reset);
    world.wait_for_quiet();
}

#[test]
fn trap_t34_a_tunnel_outlives_the_health_of_its_endpoint() {
    let (first, second) = (echoing(), Endpoint::named("second"));
    let mut plan = Plan::pools(&[&[first.address], &[second.address]]);
    plan.is_monitored = true;
    let mut world = World::start(plan);
    world.verdicts(&[Verdict::Healthy, Verdict::Healthy]);
    let mut client = upgraded(&world);
    world.verdicts(&[Verdict::Unhealthy, Verdict::Healthy]);
    assert_eq!(world.client().get("").text(), "second");
    client.send("still here");
    assert_eq!(client.read(10), b"still here");
    world.change(|plan| plan.pools[0][0].enabled = false);
    client.send("and here");
    assert_eq!(client.read(8), b"and here");
}

#[test]
fn a_drain_cuts_tunnels_at_its_deadline() {
    let endpoint = echoing();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.drain = ms(300);
    let world = World::start(plan);
    let mut client = upgraded(&world);
    world.drain();
    client.send("goodbye");
    assert_eq!(client.read(7), b"goodbye");
    world.join();
    client.rest();
    endpoint.wait_for_ends(1);
}

#[test]
fn an_answer_before_the_whole_question_switches_nothing() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.send(SWITCHING);
        conversation.wait_without_reading();
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.limits.head_bytes = 32 * 1024 * 1024;
    let world = World::start(plan);
    let mut client = world.client();
    let field = "x".repeat(16 * 1024 * 1024);
    client.send(HANDSHAKE.replace("Sec-WebSocket-Key: x", &format!("X: {field}")));
    assert_eq!(client.response().status, 520);
}
