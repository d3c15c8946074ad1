//! What happens before the first request of a connection, and what a request's connection allows:
//! PROXY headers, proxies in front, TLS, redirects to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use evenkeel_model::TlsVersion;
use evenkeel_net::certificate::Identity;
use evenkeel_net::tls::server::{ClientAuth, Identities, Terminator};
use evenkeel_proxy::Fronts;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::client::{Client, End};
use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually, ms};

/// A world whose listener speaks TLS, and the certificate it shows.
struct TlsWorld {
    world: World,
    certificate: CertificateDer<'static>,
}

impl TlsWorld {
    fn start(plan: Plan) -> Self {
        let made = rcgen::generate_simple_self_signed(["lb.test".to_owned()]).unwrap();
        let key = made.signing_key.serialize_pem();
        let identity = Identity::from_pem(made.cert.pem().as_bytes(), key.as_bytes(), None);
        let identities = Identities::default();
        identities.publish(&[], Some(Arc::new(identity.unwrap())));
        let tls = Terminator::new(identities, &ClientAuth::off()).unwrap();
        let world = World::start(Plan { tls: Some(tls), ..plan });
        Self { world, certificate: made.cert.der().clone() }
    }

    fn connect(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("lb.test").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(client, TcpStream::connect(self.world.address).unwrap())
    }

    /// One request over TLS of one version; the whole answer.
    fn get(&self, version: &'static SupportedProtocolVersion, lines: &str) -> String {
        let mut stream = self.connect(version);
        write!(stream, "GET / HTTP/1.1\r\nHost: lb.test\r\nConnection: close\r\n{lines}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn requests_over_tls_of_either_version_reach_endpoints_as_https() {
    let endpoint = Endpoint::named("a");
    let tls = TlsWorld::start(Plan::pool(&[endpoint.address]));
    for (n, version) in [&TLS12, &TLS13].into_iter().enumerate() {
        assert!(tls.get(version, "").ends_with("\r\n\r\na"));
        let seen = &endpoint.requests()[n];
        assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
        assert_eq!(seen.all("cf-visitor"), ["{\"scheme\":\"https\"}"]);
    }
    assert_eq!(tls.world.metrics.tls_handshakes.get(), 2);
}

#[test]
fn a_response_cut_short_over_tls_does_not_look_whole() {
    let endpoint =
        Endpoint::saying_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let tls = TlsWorld::start(Plan::pool(&[endpoint.address]));
    let mut stream = tls.connect(&TLS13);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    assert!(stream.read_to_end(&mut answer).is_err(), "ended as if nothing were missing");
}

#[test]
fn a_handshake_that_stalls_is_ended_and_plain_http_is_told_so() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.handshake = ms(300);
    let tls = TlsWorld::start(plan);
    let start = Instant::now();
    let mut stalled = tls.world.client();
    stalled.send([22, 3, 1]);
    assert_eq!(stalled.end(), End::Closed);
    assert!(start.elapsed() >= ms(250));
    assert_eq!(tls.world.client().get("").status, 400);
    eventually("both counted", || tls.world.metrics.tls_handshakes_failed.get() == 2);
    assert!(tls.get(&TLS13, "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_zone_that_asks_for_more_than_the_connection_has_is_misdirected() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.tune = |lb| lb.edge.tls_min = TlsVersion::Tls13;
    let tls = TlsWorld::start(plan);
    assert!(tls.get(&TLS12, "").starts_with("HTTP/1.1 421"));
    assert!(tls.get(&TLS13, "").starts_with("HTTP/1.1 200"));
}

#[test]
fn clients_without_tls_are_sent_to_it_where_the_zone_says_so() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.tune = |lb| lb.edge.always_use_https = true;
    plan.settings.https_port = Some(8443);
    let world = World::start(plan);
    for (host, location) in
        [("lb.test", "https://lb.test/a?b=c"), ("LB.test:8080", "https://lb.test:8443/a?b=c")]
    {
        let mut client = world.client();
        client.send(format!("GET /a?b=c HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let response = client.response();
        assert_eq!((response.status, response.all("location")), (301, vec![location]));
    }
    let mut client = world.client();
    client.send("OPTIONS * HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    assert_eq!(client.response().all("location"), ["https://lb.test"]);
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn zones_bound_bodies_and_let_no_websockets_through_if_they_say_so() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.tune = |lb| {
        lb.edge.request_body_bytes_max = Some(4);
        lb.edge.websockets = false;
    };
    let world = World::start(plan);
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 4\r\n\r\nabcd", 200),
        ("POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 5\r\n\r\nabcde", 413),
        (
            "GET / HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            403,
        ),
    ] {
        let mut client = world.client();
        client.send(request);
        assert_eq!(client.response().status, status, "{request}");
    }
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn authorities_find_the_answer_to_their_challenge_before_any_redirect() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.tune = |lb| lb.edge.always_use_https = true;
    let world = World::start(plan);
    world.shared.challenges.begin("lb.test", "token", "token.thumbprint");
    let ask = |path: &str| {
        let mut client = world.client();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
        client.response()
    };
    assert_eq!(ask("/.well-known/acme-challenge/token").text(), "token.thumbprint");
    assert_eq!(ask("/.well-known/acme-challenge/other").status, 301);
}

/// A world that has a load balancer of each kind in front.
fn fronted(endpoint: &Endpoint, proxy_protocol: &str, trusted: &str) -> World {
    let networks = |text: &str| text.split_whitespace().map(|net| net.parse().unwrap()).collect();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.fronts =
        Fronts { proxy_protocol: networks(proxy_protocol), trusted: networks(trusted) };
    plan.settings.timeouts.handshake = ms(300);
    World::start(plan)
}

#[test]
fn a_proxy_header_names_the_client_and_only_from_peers_that_send_one() {
    let endpoint = Endpoint::named("a");
    let world = fronted(&endpoint, "127.0.0.2/32", "");
    let from = |peer: &str| Client::connect_from(peer.parse().unwrap(), world.address);
    let header = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n";
    let mut client = from("127.0.0.2");
    client.send(header);
    assert_eq!(client.get("").status, 200);
    assert_eq!(client.get("").status, 200);
    for request in endpoint.requests() {
        assert_eq!(request.all("cf-connecting-ip"), ["192.0.2.7"]);
        assert_eq!(request.all("x-forwarded-for"), ["192.0.2.7"]);
    }
    let mut stranger = from("127.0.0.3");
    stranger.send(header);
    assert_eq!(stranger.response().status, 400);
    for broken in ["GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n", "PROXY TCP4 192.0.2.7\r\n", "PROXY "]
    {
        let mut peer = from("127.0.0.2");
        peer.send(broken);
        assert_eq!(peer.rest().0, b"", "{broken}");
    }
    eventually("all counted", || world.metrics.proxy_headers_bad.get() == 3);
}

#[test]
fn a_trusted_proxy_speaks_for_its_clients_and_nobody_else_does() {
    let endpoint = Endpoint::named("a");
    let world = fronted(&endpoint, "", "127.0.0.2/32");
    let said = "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    for (peer, client, proto) in
        [("127.0.0.2", "192.0.2.7", "https"), ("127.0.0.3", "127.0.0.3", "http")]
    {
        let mut connection = Client::connect_from(peer.parse().unwrap(), world.address);
        assert_eq!(connection.get(said).status, 200);
        let request = endpoint.requests().pop().unwrap();
        assert_eq!(request.all("cf-connecting-ip"), [client]);
        assert_eq!(request.all("x-forwarded-proto"), [proto]);
        assert_eq!(request.all("x-forwarded-for"), [format!("6.6.6.6, 192.0.2.7, {peer}")]);
    }
}

#[test]
fn one_address_has_its_share_of_connections() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.crowd.per_address_max = Some(2);
    let world = World::start(plan);
    let held = [world.client(), world.client()];
    eventually("both in", || world.metrics.downstream_accepted.get() == 2);
    assert_eq!(world.client().rest().0, b"");
    let other = Client::connect_from("127.0.0.9".parse().unwrap(), world.address).get("").status;
    assert_eq!((other, world.metrics.downstream_shed_address.get()), (200, 1));
    drop(held);
    world.wait_for_quiet();
    assert_eq!(world.client().get("").status, 200);
}
