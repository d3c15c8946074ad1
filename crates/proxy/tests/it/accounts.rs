//! Every request is counted once, where it belongs, in whatever way it ends.

use evenkeel_model::{AffinityKind, Edge, Verdict};
use h2::Reason;

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, get, run};
use crate::world::{Plan, World, eventually, ms};

/// Labels of the load balancer, and of the first pool and its endpoints.
const LB: &str = "load_balancer=\"lb.test\"";
const POOL: &str = "pool=\"pool-1\"";
const ENDPOINT: &str = "pool=\"pool-1\",endpoint=\"endpoint\"";

impl World {
    /// Waits until nothing is being answered, and says of each metric what its lines are.
    fn expect(&self, lines: &[String]) {
        eventually("every request settled", || self.metrics.requests_open.get() == 0);
        lines.iter().for_each(|line| self.tells(line));
    }
}

fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
    let named =
        |line: &str| line.replace("ENDPOINT", ENDPOINT).replace("LB", LB).replace("POOL", POOL);
    lines.into_iter().map(|line| format!("evenkeel_{}", named(line))).collect()
}

#[test]
fn a_request_is_counted_where_it_belongs() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    for _ in 0..3 {
        client.post("", "12345");
    }
    world.expect(&lines([
        "requests_total{class=\"2xx\"} 3",
        "requests_ended_total{end=\"whole\"} 3",
        "load_balancer_requests_total{LB,class=\"2xx\"} 3",
        "load_balancer_received_bytes_total{LB} 15",
        "load_balancer_retries_total{LB} 0",
        "load_balancer_request_duration_seconds_count{LB} 3",
        "pool_requests_total{POOL,class=\"2xx\"} 3",
        "endpoint_requests_total{ENDPOINT,class=\"2xx\"} 3",
        "endpoint_connections_opened_total{ENDPOINT} 1",
        "endpoint_connections_reused_total{ENDPOINT} 2",
        "endpoint_connections_idle{ENDPOINT} 1",
        "endpoint_received_bytes_total{ENDPOINT} 3",
        "endpoint_connect_duration_seconds_count{ENDPOINT} 1",
        "endpoint_first_byte_duration_seconds_count{ENDPOINT} 3",
    ]));
}

#[test]
fn an_endpoint_that_refuses_and_the_one_that_answers_instead() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pools(&[&[Endpoint::refusing()], &[endpoint.address]]));
    let world = {
        let mut world = world;
        world.change(|plan| plan.failover_across_pools = true);
        world
    };
    assert_eq!(world.client().get("").text(), "a");
    world.expect(&lines([
        "requests_total{class=\"2xx\"} 1",
        "load_balancer_retries_total{LB} 1",
        "load_balancer_failovers_total{LB} 1",
        "endpoint_connect_failures_total{ENDPOINT,reason=\"refused\"} 1",
        "endpoint_requests_total{ENDPOINT,class=\"none\"} 1",
        "endpoint_requests_total{pool=\"pool-2\",endpoint=\"endpoint\",class=\"2xx\"} 1",
        "pool_requests_total{pool=\"pool-2\",class=\"2xx\"} 1",
    ]));
    assert!(!world.page().contains("pool_requests_total{pool=\"pool-1\""), "{}", world.page());
}

#[test]
fn an_endpoint_that_breaks_off_and_a_client_that_leaves() {
    let cutting = Endpoint::saying_once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let world = World::start(Plan::pool(&[cutting.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    client.rest();
    world.expect(&lines([
        "requests_total{class=\"2xx\"} 1",
        "requests_ended_total{end=\"endpoint_cut\"} 1",
        "load_balancer_requests_total{LB,class=\"2xx\"} 1",
        "endpoint_requests_total{ENDPOINT,class=\"2xx\"} 1",
        "endpoint_received_bytes_total{ENDPOINT} 4",
    ]));
    let mute = Endpoint::mute();
    let world = World::start(Plan::pool(&[mute.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    mute.wait_for_requests(1);
    client.reset();
    world.expect(&lines([
        "requests_ended_total{end=\"client_gone\"} 1",
        "load_balancer_requests_total{LB,class=\"none\"} 1",
        "pool_requests_total{POOL,class=\"none\"} 1",
        "endpoint_requests_total{ENDPOINT,class=\"none\"} 1",
    ]));
    world.tells("evenkeel_requests_total{class=\"2xx\"} 0");
}

#[test]
fn a_request_taken_back_over_http2() {
    let mute = Endpoint::mute();
    let world = World::start(Plan::pool(&[mute.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (_response, mut send) = client.begin(get("/"), true).await;
        while mute.requests().is_empty() {
            tokio::time::sleep(ms(1)).await;
        }
        send.send_reset(Reason::CANCEL);
        while world.metrics.h2_streams_cancelled.get() == 0 {
            tokio::time::sleep(ms(1)).await;
        }
    });
    world.expect(&lines([
        "requests_ended_total{end=\"client_gone\"} 1",
        "load_balancer_requests_total{LB,class=\"none\"} 1",
        "endpoint_requests_total{ENDPOINT,class=\"none\"} 1",
    ]));
}

#[test]
fn a_tunnel_counts_when_it_ends() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(
        "GET /ws HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(world.metrics.requests_open.get(), 1);
    client.send("hello");
    drop(client);
    world.expect(&lines([
        "requests_ended_total{end=\"tunnel\"} 1",
        "requests_total{class=\"1xx\"} 1",
        "load_balancer_requests_total{LB,class=\"1xx\"} 1",
        "load_balancer_received_bytes_total{LB} 5",
    ]));
    assert!(!world.page().contains("request_duration_seconds_count"), "tunnels are left out");
}

#[test]
fn what_never_was_a_request_is_answered_and_counted() {
    let world = World::start(Plan::pool(&[Endpoint::refusing()]));
    let mut client = world.client();
    client.send("nonsense\r\n\r\n");
    assert_eq!(client.response().status, 400);
    world.expect(&lines([
        "requests_total{class=\"4xx\"} 1",
        "requests_ended_total{end=\"own\"} 1",
        "proxy_errors_total{status=\"400\"} 1",
    ]));
    assert!(!world.page().contains("{load_balancer="));
}

#[test]
fn a_barred_request_belongs_to_its_load_balancer_and_nobody_decides_about_it() {
    let mut plan = Plan::pool(&[Endpoint::refusing()]);
    plan.affinity = AffinityKind::Cookie;
    plan.tune = |lb| lb.edge = Edge { always_use_https: true, ..Edge::default() };
    let world = World::start(plan);
    assert_eq!(world.client().get("").status, 301);
    world.expect(&lines([
        "requests_ended_total{end=\"own\"} 1",
        "load_balancer_requests_total{LB,class=\"3xx\"} 1",
    ]));
    let page = world.page();
    assert!(!page.contains("sessions_total{") && !page.contains("{pool="), "{page}");
}

#[test]
fn sessions_begin_stay_and_move() {
    let endpoints = [Endpoint::named("a"), Endpoint::named("b")];
    let mut plan = Plan::pool(&[endpoints[0].address, endpoints[1].address]);
    plan.affinity = AffinityKind::Cookie;
    plan.is_monitored = true;
    let mut world = World::start(plan);
    world.verdicts(&[Verdict::Healthy, Verdict::Unhealthy]);
    let first = world.client().get("");
    assert_eq!(first.text(), "a");
    let cookie = format!("Cookie: {}\r\n", first.session().unwrap());
    world.client().get(&cookie);
    world.verdicts(&[Verdict::Unhealthy, Verdict::Healthy]);
    assert_eq!(world.client().get(&cookie).text(), "b");
    world.expect(&lines([
        "load_balancer_sessions_total{LB,result=\"new\"} 1",
        "load_balancer_sessions_total{LB,result=\"hit\"} 1",
        "load_balancer_sessions_total{LB,result=\"moved\"} 1",
        "sessions_started_total 2",
    ]));
}

#[test]
fn pools_passed_over_and_the_fallback() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pools(&[&[Endpoint::refusing()], &[endpoint.address]]);
    plan.disabled_pool = Some(0);
    plan.is_monitored = true;
    let mut world = World::start(plan);
    world.verdicts(&[Verdict::Unhealthy, Verdict::Unhealthy]);
    assert_eq!(world.client().get("").text(), "a");
    world.expect(&lines([
        "pool_passed_over_total{POOL,reason=\"disabled\"} 1",
        "pool_fallbacks_total{pool=\"pool-2\"} 1",
        "pool_requests_total{pool=\"pool-2\",class=\"2xx\"} 1",
    ]));
}

#[test]
fn counts_go_on_through_a_change_of_the_configuration() {
    let endpoint = Endpoint::named("a");
    let mut world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.get("");
    world.change(|plan| plan.failover_across_pools = true);
    client.get("");
    world.expect(&lines([
        "load_balancer_requests_total{LB,class=\"2xx\"} 2",
        "endpoint_requests_total{ENDPOINT,class=\"2xx\"} 2",
        "endpoint_connections_reused_total{ENDPOINT} 1",
    ]));
}
