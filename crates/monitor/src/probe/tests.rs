//! Probes against real servers on loopback.

mod grpc;
mod mail;
mod namespace;
mod pings;
mod reasons;
mod servers;
mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel_model::{Address, EndpointSpec, FailureReason, Method, Monitor, MonitorKind};

use super::*;
use crate::testing::{HttpAsk, POOL, endpoint, monitor, target};
use servers::{Reply, Server};

/// Long enough for loopback on a busy machine.
const SOON_MS: u32 = 10_000;

/// Short, for tests whose outcome is that time runs out.
const BRIEF_MS: u32 = 150;

fn network() -> Prober {
    Prober::new(Arc::new(RootCertStore::empty()), Vec::new())
}

/// A network where every name has these addresses; ports come from whoever dials.
fn network_with_names(names: &'static [(&str, &str)], own: Vec<SocketAddr>) -> Prober {
    let lookup = move |name: &str, port: u16| {
        let found = names.iter().filter(|(known, _)| *known == name);
        Ok(found.map(|(_, ip)| SocketAddr::new(ip.parse().unwrap(), port)).collect())
    };
    Prober { resolver: Resolver::with_lookup(own, Arc::new(lookup)), ..network() }
}

fn at(address: SocketAddr) -> EndpointSpec {
    endpoint(&address.ip().to_string(), address.port())
}

fn http(ask: HttpAsk<'_>, timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(ask.into()) }
}

async fn probe(network: &Prober, monitor: Monitor, endpoint: EndpointSpec) -> Probe {
    let target = target(monitor, endpoint);
    let ProbeResult { health, phases, .. } = network.probe(target.ask()).await;
    assert_ne!(health.verdict, Verdict::Unknown, "this machine can probe: {phases:?}");
    let has_passed = health.reason == FailureReason::NoFailures;
    let last = phases.last().expect("something was done");
    assert_eq!(last.failed, !has_passed, "{phases:?}");
    Probe {
        reason: health.reason,
        response_code: health.response_code,
        rtt: health.rtt_us.map(|us| Duration::from_micros(us.into())),
    }
}

/// Probes a server that replies thus, and returns the reason and the code.
async fn outcome(ask: HttpAsk<'_>, reply: Reply) -> (FailureReason, u16) {
    let server = Server::http(move |_| reply.clone()).await;
    let probe = probe(&network(), http(ask, SOON_MS), at(server.address)).await;
    assert_eq!(probe.rtt.is_some(), probe.reason == FailureReason::NoFailures);
    (probe.reason, probe.response_code)
}

fn say(response: &[u8]) -> Reply {
    Reply::Say(response.to_vec())
}

#[tokio::test]
async fn responses_are_judged_by_their_code() {
    use FailureReason::{HttpInvalidResponse, NoFailures, ResponseCodeMismatch};
    let codes = |codes| HttpAsk { codes, ..HttpAsk::default() };
    let endless_head = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 100_000]].concat();
    for (ask, reply, reason, code) in [
        (codes("200"), Reply::status(200), NoFailures, 200),
        (codes("2xx"), Reply::status(204), NoFailures, 204),
        (codes("200,204,3XX"), Reply::status(304), NoFailures, 304),
        (codes("200"), Reply::status(204), ResponseCodeMismatch, 204),
        (codes("200"), Reply::status(503), ResponseCodeMismatch, 503),
        (codes("200"), say(b"HTTP/1.0 200 OK\r\n\r\nhello"), NoFailures, 200),
        (
            codes("200"),
            say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
            NoFailures,
            200,
        ),
        (codes("200"), Reply::SayAndHang(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), NoFailures, 200),
        (codes("200"), say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), NoFailures, 200),
        (codes("200"), say(b""), HttpInvalidResponse, 0),
        (codes("200"), say(b"HTTP/1.1 20"), HttpInvalidResponse, 0),
        (codes("200"), say(b"SSH-2.0-OpenSSH_9.9\r\n"), HttpInvalidResponse, 0),
        (codes("200"), say(b"<html>hello</html>"), HttpInvalidResponse, 0),
        (codes("200"), Reply::Say(endless_head), HttpInvalidResponse, 0),
    ] {
        let what = format!("{} for {reply:.80?}", ask.codes);
        assert_eq!(outcome(ask, reply).await, (reason, code), "{what}");
    }
}

#[tokio::test]
async fn bodies_are_searched_as_far_as_they_come() {
    use FailureReason::{HttpInvalidResponse, NoFailures, ResponseBodyMismatch};
    let ok = HttpAsk { body: "OK", ..HttpAsk::default() };
    let head = HttpAsk { method: Method::Head, ..ok };
    let chunked = |chunks: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Reply::SayAndHang(format!("{head}{chunks}").into_bytes())
    };
    for (ask, reply, reason) in [
        (ok, Reply::body("all OK"), NoFailures),
        (ok, Reply::body("all well"), ResponseBodyMismatch),
        (ok, Reply::status(200), ResponseBodyMismatch),
        (ok, chunked("5\r\nall o\r\n1\r\nk\r\n"), NoFailures),
        (ok, chunked("1\r\no\r\n0\r\n\r\n"), ResponseBodyMismatch),
        (ok, chunked("2\r\nokay\r\n"), NoFailures),
        (ok, chunked("nonsense\r\n"), HttpInvalidResponse),
        (ok, say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), NoFailures),
        (ok, say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno"), HttpInvalidResponse),
        (ok, say(b"HTTP/1.1 200 OK\r\n\r\nok"), NoFailures),
        (ok, say(b"HTTP/1.1 200 OK\r\n\r\nno"), ResponseBodyMismatch),
        (head, say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), NoFailures),
    ] {
        let what = format!("{reply:.120?}");
        assert_eq!(outcome(ask, reply).await, (reason, 200), "{what}");
    }
}

#[tokio::test]
async fn trap_t27_only_a_timeout_is_tried_again() {
    let retrying = |timeout_ms| Monitor { retries: 2, ..http(HttpAsk::default(), timeout_ms) };

    let server = Server::http(|_| Reply::status(503)).await;
    let failed = probe(&network(), retrying(SOON_MS), at(server.address)).await;
    assert_eq!(failed.reason, FailureReason::ResponseCodeMismatch);
    assert_eq!(server.seen().len(), 1);

    let server = Server::http(|_| Reply::SayAndHang(Vec::new())).await;
    let started = Instant::now();
    let failed = probe(&network(), retrying(BRIEF_MS), at(server.address)).await;
    assert_eq!((failed.reason, failed.rtt), (FailureReason::HttpTimeout, None));
    assert_eq!(server.seen().len(), 3);
    assert!(started.elapsed() >= 3 * Duration::from_millis(BRIEF_MS.into()));

    let server = Server::http(|n| match n {
        0 => Reply::SayAndHang(Vec::new()),
        _ => Reply::status(200),
    })
    .await;
    let passed = probe(&network(), retrying(1_000), at(server.address)).await;
    assert_eq!(passed.reason, FailureReason::NoFailures);
    assert_eq!(server.seen().len(), 2);
    assert!(passed.rtt.unwrap() < Duration::from_millis(1_000), "of the attempt that passed");
}

#[tokio::test]
async fn trap_t28_body_is_searched_without_case_in_the_first_10240_bytes() {
    let ok = HttpAsk { body: "OK", ..HttpAsk::default() };
    let padded = |before: usize| [vec![b'.'; before], b"ok".to_vec()].concat();
    for (body, reason) in [
        (b"ok".to_vec(), FailureReason::NoFailures),
        (padded(10_238), FailureReason::NoFailures),
        (padded(10_239), FailureReason::ResponseBodyMismatch),
        (padded(10_240), FailureReason::ResponseBodyMismatch),
        (padded(1_000_000), FailureReason::ResponseBodyMismatch),
    ] {
        let bytes = body.len();
        assert_eq!(outcome(ok, Reply::body(body)).await, (reason, 200), "{bytes} bytes");
    }
}

#[tokio::test]
async fn trap_t29_a_redirect_not_followed_is_judged_itself() {
    let to = || Reply::to("/elsewhere");
    let ask = |codes| HttpAsk { codes, ..HttpAsk::default() };
    assert_eq!(outcome(ask("2xx"), to()).await, (FailureReason::ResponseCodeMismatch, 302));
    assert_eq!(outcome(ask("302"), to()).await, (FailureReason::NoFailures, 302));
}

#[tokio::test]
async fn redirects_are_followed_when_asked_for() {
    let follow = HttpAsk { follow: true, codes: "2xx", path: "/a/b", ..HttpAsk::default() };
    let server = Server::http(|n| match n {
        0 => Reply::to("c"),
        _ => Reply::status(200),
    })
    .await;
    let passed = probe(&network(), http(follow, SOON_MS), at(server.address)).await;
    assert_eq!((passed.reason, passed.response_code), (FailureReason::NoFailures, 200));
    assert!(server.seen()[1].starts_with("GET /a/c HTTP/1.1\r\n"), "{:?}", server.seen());

    let server = Server::http(|_| Reply::to("/again")).await;
    let failed = probe(&network(), http(follow, SOON_MS), at(server.address)).await;
    assert_eq!((failed.reason, failed.response_code), (FailureReason::ResponseCodeMismatch, 302));
    assert_eq!(server.seen().len(), 11, "one request and ten redirects");

    for (reply, reason, code) in [
        (Reply::status(302), FailureReason::ResponseCodeMismatch, 302),
        (Reply::to("ftp://e.example/"), FailureReason::HttpInvalidResponse, 0),
        (Reply::to("http://no.example/"), FailureReason::DnsUnknownHost, 0),
    ] {
        let what = format!("{reply:?}");
        let server = Server::http(move |_| reply.clone()).await;
        let network = network_with_names(&[], Vec::new());
        let failed = probe(&network, http(follow, SOON_MS), at(server.address)).await;
        assert_eq!((failed.reason, failed.response_code), (reason, code), "{what}");
    }
}

#[tokio::test]
async fn another_host_gets_its_own_name_and_no_headers_of_the_monitor() {
    let other = Server::http(|_| Reply::status(200)).await;
    let url = format!("http://other.example:{}/there", other.address.port());
    let first = Server::http(move |_| Reply::to(&url)).await;
    let ask = HttpAsk {
        follow: true,
        headers: &[("Authorization", "secret"), ("Host", "m.example")],
        ..HttpAsk::default()
    };
    let network = network_with_names(&[("other.example", "127.0.0.1")], Vec::new());
    let passed = probe(&network, http(ask, SOON_MS), at(first.address)).await;
    assert_eq!(passed.reason, FailureReason::NoFailures);
    assert!(first.seen()[0].contains("\r\nAuthorization: secret\r\n"));
    let seen = &other.seen()[0];
    let host = format!("\r\nHost: other.example:{}\r\n", other.address.port());
    assert!(seen.contains(&host) && !seen.contains("secret"), "{seen}");
}

/// Neither by its own address, nor by a name, nor by a redirect.
#[tokio::test]
async fn no_way_leads_out_of_reach() {
    let (private, public) = (Reach::EVERYWHERE, Reach { private: false, ..Reach::EVERYWHERE });
    let no_link_local = Reach { link_local: false, ..private };
    let names = &[("inside.example", "127.0.0.1")];
    let network = |reach| network_with_names(names, Vec::new()).within(reach);
    let inside = Server::http(|_| Reply::status(200)).await;
    let port = inside.address.port();
    let in_network = |spec| EndpointSpec { virtual_network: Some("v".to_owned()), ..spec };
    let (literal, named) = (at(inside.address), endpoint("inside.example", port));
    let (reached, refused) = (FailureReason::NoFailures, FailureReason::Other);
    for (reach, endpoint, expected) in [
        (private, literal.clone(), reached),
        (private, named.clone(), reached),
        (public, literal.clone(), refused),
        (public, named.clone(), refused),
        (public, in_network(literal), reached),
        (public, in_network(named), reached),
    ] {
        let what = format!("{reach:?} {endpoint:?}");
        let ask = http(HttpAsk::default(), SOON_MS);
        assert_eq!(probe(&network(reach), ask, endpoint).await.reason, expected, "{what}");
    }
    let so_far = inside.seen().len();
    for (reach, location, expected) in [
        (private, format!("http://127.0.0.1:{port}/"), reached),
        (public, format!("http://127.0.0.1:{port}/"), reached),
        (public, format!("http://127.0.0.2:{port}/"), refused),
        (public, format!("http://inside.example:{port}/"), refused),
        (public, format!("http://[::ffff:127.0.0.2]:{port}/"), refused),
        (no_link_local, format!("http://0.0.0.0:{port}/"), refused),
        (no_link_local, format!("http://[::]:{port}/"), refused),
    ] {
        let what = format!("{reach:?} {location}");
        let first = Server::http(move |_| Reply::to(&location)).await;
        let ask = http(HttpAsk { follow: true, ..HttpAsk::default() }, SOON_MS);
        let found = probe(&network(reach), ask, in_network(at(first.address))).await;
        assert_eq!(found.reason, expected, "{what}");
    }
    assert_eq!(inside.seen().len(), so_far + 2);
}

#[tokio::test]
async fn trap_t30_host_of_the_endpoint_before_that_of_the_monitor() {
    let server = Server::http(|_| Reply::status(200)).await;
    let named = HttpAsk { headers: &[("Host", "m.example")], ..HttpAsk::default() };
    let plain = HttpAsk::default();
    let by_address = server.address.to_string();
    for (n, (own, ask, host)) in [
        (Some("e.example"), named, "e.example"),
        (Some("e.example"), plain, "e.example"),
        (None, named, "m.example"),
        (None, plain, by_address.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let endpoint = EndpointSpec { host: own.map(str::to_owned), ..at(server.address) };
        assert_eq!(probe(&network(), http(ask, SOON_MS), endpoint).await.response_code, 200);
        let seen = &server.seen()[n];
        assert!(seen.contains(&format!("\r\nHost: {host}\r\n")), "{host}: {seen}");
    }
}

#[tokio::test]
async fn a_probe_introduces_itself_and_closes() {
    let server = Server::http(|_| Reply::status(200)).await;
    let headers = &[("user-agent", "mine"), ("X-Probe", "1")];
    let ask = HttpAsk { path: "/health?deep=1", headers, ..HttpAsk::default() };
    probe(&network(), http(ask, SOON_MS), at(server.address)).await;
    let agent = format!(
        "Mozilla/5.0 (compatible; Evenkeel-Traffic-Manager/1.0; \
         +https://github.com/evenkeel/evenkeel; pool-id: {})",
        &POOL.to_string()[..16]
    );
    assert_eq!(
        server.seen(),
        [format!(
            "GET /health?deep=1 HTTP/1.1\r\nHost: {}\r\nUser-Agent: {agent}\r\n\
             Accept-Encoding: identity\r\nConnection: close\r\nX-Probe: 1\r\n\r\n",
            server.address
        )]
    );
}

#[tokio::test]
async fn trap_t49_a_name_with_both_families_is_probed_once_on_ipv4() {
    let server = Server::http(|_| Reply::status(200)).await;
    let names = &[("both.example", "::1"), ("both.example", "127.0.0.1"), ("six.example", "::1")];
    let network = network_with_names(names, Vec::new());
    let both = endpoint("both.example", server.address.port());
    assert_eq!(probe(&network, http(HttpAsk::default(), SOON_MS), both).await.response_code, 200);
    assert_eq!(server.seen().len(), 1);
    let six = Address::Name("six.example".to_owned());
    let deadline = Instant::now() + Duration::from_secs(10);
    let attempt = Attempt { deadline, trace: &Trace::off() };
    let six = Place { address: &six, port: 80, in_virtual_network: false };
    let resolved = network.resolver.resolve(six, attempt);
    assert_eq!(resolved.await.unwrap(), "[::1]:80".parse().unwrap());
}

#[tokio::test]
async fn names_are_resolved_anew_by_each_probe() {
    let server = Server::http(|_| Reply::status(200)).await;
    let address = server.address;
    let asked = AtomicUsize::new(0);
    let lookup = move |_: &str, _: u16| match asked.fetch_add(1, Ordering::Relaxed) {
        1 => Err(std::io::Error::other("no such name")),
        _ => Ok(vec![address]),
    };
    let resolver = Resolver::with_lookup(Vec::new(), Arc::new(lookup));
    let network = Prober { resolver, ..network() };
    for reason in
        [FailureReason::NoFailures, FailureReason::DnsUnknownHost, FailureReason::NoFailures]
    {
        let endpoint = endpoint("e.example", address.port());
        let probe = probe(&network, http(HttpAsk::default(), SOON_MS), endpoint).await;
        assert_eq!(probe.reason, reason);
    }
}

#[tokio::test]
async fn an_impossible_monitor_asks_nothing() {
    let server = Server::http(|_| Reply::status(200)).await;
    let ask = |ask: HttpAsk<'_>| monitor(ask.into());
    for monitor in [
        ask(HttpAsk { path: "no-slash", ..HttpAsk::default() }),
        ask(HttpAsk { path: "/a b", ..HttpAsk::default() }),
        ask(HttpAsk { headers: &[("X\r\nY", "1")], ..HttpAsk::default() }),
        ask(HttpAsk { headers: &[("X", "1\r\nY: 2")], ..HttpAsk::default() }),
        ask(HttpAsk { headers: &[("Host", "a\nb")], ..HttpAsk::default() }),
        ask(HttpAsk { tls: true, headers: &[("Host", "a b")], ..HttpAsk::default() }),
    ] {
        let what = format!("{:?}", monitor.kind);
        let probe = probe(&network(), monitor, at(server.address)).await;
        assert_eq!(probe.reason, FailureReason::MonitorConfig, "{what}");
    }
    let no_port = endpoint("127.0.0.1", 0);
    let probe = probe(&network(), monitor(MonitorKind::Tcp), no_port).await;
    assert_eq!(probe.reason, FailureReason::MonitorConfig);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn the_monitors_port_comes_before_the_endpoints() {
    let server = Server::http(|_| Reply::status(200)).await;
    let monitor = Monitor { port: server.address.port(), ..http(HttpAsk::default(), SOON_MS) };
    let endpoint = endpoint("127.0.0.1", servers::refusing().port());
    assert_eq!(probe(&network(), monitor, endpoint).await.response_code, 200);
    let ask = |tls, port| {
        let monitor = monitor_of(tls);
        target(monitor, crate::testing::endpoint("127.0.0.1", port)).ask().port()
    };
    assert_eq!([ask(false, 0), ask(true, 0), ask(true, 81)], [Some(80), Some(443), Some(81)]);
}

fn monitor_of(tls: bool) -> Monitor {
    monitor(HttpAsk { tls, ..HttpAsk::default() }.into())
}
