//! PROXY headers to endpoints: every client has connections of its own there (behaviour.md 9.1, 10).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use evenkeel_model::EndpointTls::Full;
use evenkeel_net::proxy_protocol::receive;
use evenkeel_proxy::{Fronts, ProxyProtocol};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::endpoint::Endpoint;
use crate::upstream_server::{Authority, HTTPS, accept, read_head, secured};
use crate::world::{Plan, World};

/// What headers said: who connected, and to where.
type Told = Arc<Mutex<Vec<(SocketAddr, SocketAddr)>>>;

/// An endpoint that reads a PROXY header, then speaks TLS if it has a certificate.
fn told_by_headers(tls: Option<rustls::ServerConfig>) -> (SocketAddr, Told) {
    let told = Told::default();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let seen = Arc::clone(&told);
    let address = accept(move |mut tcp| {
        let (seen, tls) = (Arc::clone(&seen), tls.clone());
        async move {
            let Ok(header) = receive(&mut tcp).await else { return };
            seen.lock().unwrap().push(header.addresses.unwrap());
            match tls {
                Some(tls) => answer(tls.accept(tcp).await.unwrap()).await,
                None => answer(tcp).await,
            }
        }
    });
    (address, told)
}

async fn answer(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    while read_head(&mut stream).await.is_ok() {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let _ = stream.flush().await;
    }
}

#[test]
fn each_client_is_introduced_once_and_shares_its_connections_with_nobody() {
    for version in [ProxyProtocol::V1, ProxyProtocol::V2] {
        let (address, told) = told_by_headers(None);
        let mut plan = Plan::pool(&[address]);
        plan.settings.proxy_protocol = version;
        let world = World::start(plan);
        let mut clients = [world.client(), world.client()];
        for _ in 0..3 {
            for client in &mut clients {
                assert_eq!(client.get("").text(), "ok");
            }
        }
        let expected = clients.each_ref().map(|client| {
            (client.stream.local_addr().unwrap(), client.stream.peer_addr().unwrap())
        });
        assert_eq!(*told.lock().unwrap(), expected);
        assert_eq!(world.metrics.upstream_idle.get(), 0);
    }
}

#[test]
fn an_introduced_connection_ends_with_its_client() {
    let endpoint = Endpoint::named("x");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.proxy_protocol = ProxyProtocol::V1;
    let world = World::start(plan);
    let mut client = world.client();
    // The header makes the first line of this endpoint's head.
    client.get("");
    assert!(endpoint.request().line().starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    drop(client);
    endpoint.wait_for_ends(1);
}

#[test]
fn the_header_comes_before_tls() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(&["h2", "http/1.1"]);
    let (address, told) = told_by_headers(Some(config));
    let mut plan = secured(Full, &[address], &authority);
    plan.settings.proxy_protocol = ProxyProtocol::V2;
    let world = World::start(plan);
    let mut client = world.client();
    for _ in 0..2 {
        assert_eq!(client.get(HTTPS).text(), "ok");
    }
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[test]
fn a_client_behind_a_trusted_proxy_is_introduced_by_its_own_address() {
    let (address, told) = told_by_headers(None);
    let mut plan = Plan::pool(&[address]);
    plan.settings.proxy_protocol = ProxyProtocol::V1;
    plan.settings.fronts =
        Fronts { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..Fronts::default() };
    let world = World::start(plan);
    // One connection of the proxy in front carries requests of several clients.
    let mut front = world.client();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
        let line = format!("X-Forwarded-For: {client}\r\n");
        assert_eq!(front.get(&line).text(), "ok");
    }
    let told: Vec<_> = told.lock().unwrap().iter().map(|(source, _)| *source).collect();
    let client = |last| SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 0));
    assert_eq!(told, [client(1), client(2), client(1)]);
}
