//! Connections between requests: reuse, bounds, time limits, and the end of a worker
//! (behaviour.md 10).

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use evenkeel_model::Verdict;

use crate::client::{Client, End};
use crate::endpoint::Endpoint;
use crate::world::{Plan, World, ms};

const GET: &str = "GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n";

/// Answers each request with the number of its connection, but only once it may.
fn numbered() -> (Endpoint, mpsc::Sender<()>) {
    let (go, may_answer) = mpsc::channel();
    let may_answer = Mutex::new(may_answer);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            may_answer.lock().unwrap().recv().unwrap();
            let number = conversation.connection.to_string();
            conversation.answer(&number);
        }
    });
    (endpoint, go)
}

/// As many endpoint connections at once as there are clients, all idle afterwards.
fn open(world: &World, endpoint: &Endpoint, go: &mpsc::Sender<()>, count: usize) -> Vec<Client> {
    let before = endpoint.requests().len();
    let mut clients: Vec<Client> = (0..count).map(|_| world.client()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    endpoint.wait_for_requests(before + count);
    for _ in 0..count {
        go.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    clients
}

#[test]
fn the_connection_used_last_is_reused_first() {
    let (endpoint, go) = numbered();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut clients = open(&world, &endpoint, &go, 3);
    world.wait_for_idle(3);
    for client in &mut clients {
        // Two in flight at once use two connections; whatever they are, the last one given back is
        // the one that serves next.
        client.send(GET);
        go.send(()).unwrap();
        let last = client.response().text().to_owned();
        for _ in 0..3 {
            go.send(()).unwrap();
            assert_eq!(client.get("").text(), last);
        }
    }
    assert_eq!(endpoint.connections(), 3);
    assert_eq!(world.metrics.upstream_reused.get(), 12);
}

#[test]
fn no_more_connections_are_kept_than_the_bound_says() {
    let (endpoint, go) = numbered();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.idle_per_endpoint_max = 2;
    let world = World::start(plan);
    let _clients = open(&world, &endpoint, &go, 5);
    endpoint.wait_for_ends(3);
    assert_eq!((endpoint.ends(), world.metrics.upstream_idle.get()), (3, 2));
}

#[test]
fn a_bound_of_zero_means_no_reuse() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.idle_per_endpoint_max = 0;
    let world = World::start(plan);
    let mut client = world.client();
    for _ in 0..3 {
        assert_eq!(client.get("").status, 200);
    }
    endpoint.wait_for_ends(3);
    assert_eq!((endpoint.connections(), world.metrics.upstream_idle.get()), (3, 0));
}

#[test]
fn idle_connections_end_after_their_time() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.upstream_idle = ms(200);
    let world = World::start(plan);
    let mut client = world.client();
    client.get("");
    let idle_since = Instant::now();
    endpoint.wait_for_ends(1);
    assert!(idle_since.elapsed() >= ms(200), "{:?}", idle_since.elapsed());
    world.wait_for_idle(0);
    assert_eq!(client.get("").status, 200);
    assert_eq!(endpoint.connections(), 2);
}

#[test]
fn an_endpoints_own_idle_limit_is_kept_with_time_to_spare() {
    for (promise, is_reused) in [
        ("timeout=60", true),
        ("max=5, timeout=2", true),
        ("timeout=1", false),
        ("timeout=0", false),
    ] {
        let endpoint = Endpoint::scripted(move |mut conversation| {
            while conversation.request().is_some() {
                conversation.send(format!(
                    "HTTP/1.1 200 OK\r\nKeep-Alive: {promise}\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
                ));
            }
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.get("");
        let idle_since = Instant::now();
        client.get("");
        assert_eq!(endpoint.connections() == 1, is_reused, "{promise}");
        if promise.ends_with("=2") {
            endpoint.wait_for_ends(1);
            assert!(idle_since.elapsed() >= ms(900), "{:?}", idle_since.elapsed());
        }
    }
}

#[test]
fn an_endpoints_close_is_honoured() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, CLOSE\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let endpoint = Endpoint::saying(response);
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        for connections in 1..=2 {
            assert_eq!(client.get("").status, 200);
            // It is we who hang up.
            endpoint.wait_for_ends(connections);
        }
        assert_eq!(world.metrics.upstream_reused.get(), 0, "{response:?}");
    }
    let endpoint =
        Endpoint::saying("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.get("");
    client.get("");
    assert_eq!(endpoint.connections(), 1, "HTTP/1.0 may stay when it says so");
}

#[test]
fn an_end_or_bytes_on_an_idle_connection_are_noticed() {
    for unasked in ["", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "x"] {
        let (go, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let endpoint = Endpoint::scripted(move |mut conversation| {
            while conversation.request().is_some() {
                conversation.answer("ok");
                if conversation.connection == 1 {
                    may_go_on.lock().unwrap().recv().unwrap();
                    conversation.send(unasked);
                    return;
                }
            }
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.get("");
        world.wait_for_idle(1);
        go.send(()).unwrap();
        world.wait_for_idle(0);
        assert_eq!(client.post("", "x").text(), "ok", "{unasked:?}");
        assert_eq!((world.metrics.stale_retries.get(), endpoint.connections()), (0, 2));
    }
}

#[test]
fn idle_connections_follow_the_view() {
    let endpoints = [Endpoint::named("a"), Endpoint::named("b")];
    let mut plan = Plan::pools(&[&[endpoints[0].address], &[endpoints[1].address]]);
    plan.is_monitored = true;
    let mut world = World::start(plan);
    world.verdicts(&[Verdict::Healthy, Verdict::Healthy]);
    let mut client = world.client();
    assert_eq!(client.get("").text(), "a");
    world.wait_for_idle(1);
    world.verdicts(&[Verdict::Unhealthy, Verdict::Healthy]);
    endpoints[0].wait_for_ends(1);
    assert_eq!(client.get("").text(), "b");
    world.wait_for_idle(1);
    world.change(|plan| plan.pools[1][0].enabled = false);
    endpoints[1].wait_for_ends(1);
    world.wait_for_idle(0);
}

#[test]
fn a_connection_that_was_busy_when_its_endpoint_left_finishes_and_ends() {
    for leaves in [
        |world: &mut World| world.verdicts(&[Verdict::Unhealthy]),
        |world: &mut World| {
            world.change(|plan| plan.pools[0][0].enabled = false);
        },
        |world: &mut World| world.change(|plan| plan.pools[0].clear()),
    ] {
        let (endpoint, go) = numbered();
        let mut plan = Plan::pool(&[endpoint.address]);
        plan.is_monitored = true;
        let mut world = World::start(plan);
        world.verdicts(&[Verdict::Healthy]);
        let mut client = world.client();
        client.send(GET);
        endpoint.wait_for_requests(1);
        leaves(&mut world);
        // The new view has been taken in once a request is refused by it, or goes to the fallback.
        go.send(()).unwrap();
        assert_eq!(client.response().status, 200);
        endpoint.wait_for_ends(1);
        world.wait_for_idle(0);
    }
}

#[test]
fn a_client_connection_may_be_idle_for_its_time() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_idle = ms(200);
    let world = World::start(plan);
    for requests in 0..=1 {
        let mut client = world.client();
        let start = Instant::now();
        for _ in 0..requests {
            client.get("");
        }
        assert_eq!(client.end(), End::Closed);
        assert!(start.elapsed() >= ms(200));
    }
}

#[test]
fn a_head_that_takes_too_long_is_a_408() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_head = ms(500);
    let world = World::start(plan);
    for before in [0, 1] {
        let mut client = world.client();
        for _ in 0..before {
            client.get("");
        }
        let start = Instant::now();
        client.send("GET / HTTP/1.1\r\n");
        // A byte now and then buys no time.
        client.stream.set_read_timeout(Some(ms(50))).unwrap();
        while client.stream.peek(&mut [0]).is_err() {
            client.try_send("X: y\r\n");
            assert!(start.elapsed() < Duration::from_secs(10));
        }
        client.stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(client.response().status, 408);
        assert_eq!(client.end(), End::Closed);
    }
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn clients_beyond_the_bound_are_closed_at_once() {
    let endpoint = Endpoint::mute();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.crowd.connections_max = 2;
    let world = World::start(plan);
    let mut busy: Vec<Client> = (0..2).map(|_| world.client()).collect();
    for client in &mut busy {
        client.send(GET);
    }
    endpoint.wait_for_requests(2);
    for n in 1..=8 {
        assert_eq!(world.client().rest().0, b"");
        assert_eq!(world.metrics.downstream_shed.get(), n);
    }
    assert_eq!(world.metrics.downstream_open.get(), 2, "those who are served stay");
    drop(busy);
}

#[test]
fn a_client_that_waits_goes_for_one_that_comes_when_there_is_no_place_left() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.crowd.connections_max = 2;
    let world = World::start(plan);
    let mut waiting: Vec<Client> = (0..2).map(|_| world.client()).collect();
    for client in &mut waiting {
        assert_eq!(client.get("").status, 200);
    }
    assert_eq!(world.client().get("").status, 200);
    assert_eq!(world.metrics.downstream_shed.get(), 0);
    for client in &mut waiting {
        assert_eq!(client.end(), End::Closed);
    }
}

#[test]
fn a_drain_closes_idle_clients_lets_busy_ones_finish_and_then_ends() {
    let (endpoint, go) = numbered();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut idle = open(&world, &endpoint, &go, 2);
    let mut fresh = world.client();
    let mut busy = world.client();
    busy.send(GET);
    endpoint.wait_for_requests(3);
    world.drain();
    for client in &mut idle {
        assert_eq!(client.end(), End::Closed);
    }
    assert_eq!(fresh.end(), End::Closed);
    assert!(std::net::TcpStream::connect(world.address).is_err(), "nobody is let in any more");
    go.send(()).unwrap();
    let response = busy.response();
    assert_eq!((response.status, response.all("connection")), (200, vec!["close"]));
    assert_eq!(busy.end(), End::Closed);
    world.join();
    endpoint.wait_for_ends(endpoint.connections());
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let endpoint = Endpoint::mute();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.drain = ms(300);
    let world = World::start(plan);
    let mut busy = world.client();
    busy.send(GET);
    endpoint.wait_for_requests(1);
    let start = Instant::now();
    world.drain();
    world.join();
    assert!(start.elapsed() >= ms(300) && start.elapsed() < Duration::from_secs(10));
    assert_eq!(busy.rest().0, b"");
}
