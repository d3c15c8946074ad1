//! The table of behaviour.md 7.8: a test for each reason, with everything that an endpoint can do
//! to deserve it.

use super::servers::{Authority, Dialogue, raw, refusing, resetting, silent};
use super::*;

use FailureReason as Reason;

const PLAIN: HttpAsk<'_> = HttpAsk {
    tls: false,
    allow_insecure: false,
    method: Method::Get,
    path: "/",
    headers: &[],
    codes: "200",
    body: "",
    follow: false,
};
const BODY: HttpAsk<'_> = HttpAsk { body: "ok", ..PLAIN };
const FOLLOW: HttpAsk<'_> = HttpAsk { follow: true, ..PLAIN };
const TLS: HttpAsk<'_> = HttpAsk { tls: true, ..PLAIN };

fn tcp(timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(MonitorKind::Tcp) }
}

/// Checks what an HTTP probe says of servers that reply thus.
async fn check(reason: FailureReason, replies: impl IntoIterator<Item = (HttpAsk<'_>, Reply)>) {
    let timeout_ms = if reason == Reason::HttpTimeout { BRIEF_MS } else { SOON_MS };
    for (ask, reply) in replies {
        let what = format!("{ask:?} of {reply:.200?}");
        let server = Server::http(move |_| reply.clone()).await;
        let found = probe(&network(), http(ask, timeout_ms), at(server.address)).await;
        assert_eq!(found.reason, reason, "{what}");
    }
}

/// Checks what a probe says of an endpoint.
async fn check_at(reason: FailureReason, monitor: Monitor, address: SocketAddr) {
    let what = format!("{:?} of {address}", monitor.kind);
    assert_eq!(probe(&network(), monitor, at(address)).await.reason, reason, "{what}");
}

/// The same over TLS, of an endpoint that is called `e.example`.
async fn check_tls(reason: FailureReason, roots: Arc<RootCertStore>, address: SocketAddr) {
    let endpoint = EndpointSpec { host: Some("e.example".to_owned()), ..at(address) };
    let found = probe(&Prober::new(roots, Vec::new()), http(TLS, SOON_MS), endpoint).await;
    assert_eq!(found.reason, reason);
}

fn gzip(body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Reply::Say([head.as_bytes(), body].concat())
}

#[tokio::test]
async fn reason_no_failures() {
    let huge = [b"ok".as_slice(), &vec![b'.'; 10_000_000]].concat();
    let early_hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    check(
        Reason::NoFailures,
        [
            (PLAIN, Reply::status(200)),
            (PLAIN, say(b"HTTP/1.0 200 OK\r\n\r\n")),
            (BODY, say(b"HTTP/1.0 200 OK\r\n\r\nok")),
            (PLAIN, say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")),
            (PLAIN, say(early_hints)),
            (BODY, say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n")),
            (BODY, Reply::body(huge)),
            // Compressed against our wish; the body is not asked for.
            (PLAIN, gzip(b"\x1f\x8b\x08")),
            (PLAIN, Reply::SayAndHang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec())),
        ],
    )
    .await;
    let server = Server::http(|_| Reply::status(200)).await;
    check_at(Reason::NoFailures, tcp(SOON_MS), server.address).await;
}

#[tokio::test]
async fn reason_tcp_connection_failed() {
    check_at(Reason::TcpConnectionFailed, tcp(SOON_MS), refusing()).await;
    check_at(Reason::TcpConnectionFailed, http(PLAIN, SOON_MS), refusing()).await;
    check_at(Reason::TcpConnectionFailed, http(TLS, SOON_MS), refusing()).await;
}

#[tokio::test]
async fn reason_tcp_timeout() {
    let (silent, _listener, _queued) = silent().await;
    check_at(Reason::TcpTimeout, tcp(BRIEF_MS), silent).await;
    check_at(Reason::TcpTimeout, http(PLAIN, BRIEF_MS), silent).await;
    check_at(Reason::TcpTimeout, http(TLS, BRIEF_MS), silent).await;
}

#[tokio::test]
async fn reason_http_timeout() {
    let hang = |response: &[u8]| Reply::SayAndHang(response.to_vec());
    let slow_redirect = Reply::Drip(b"HTTP/1.1 302 Found\r\nLocation: /");
    check(
        Reason::HttpTimeout,
        [
            (PLAIN, hang(b"")),
            (PLAIN, hang(b"HTTP/1.1 200 OK\r\nX: y\r\n")),
            (PLAIN, hang(b"HTTP/1.1 100 Continue\r\n\r\n")),
            (PLAIN, Reply::Drip(b"HTTP/1.1 200 OK\r\nX: ")),
            (FOLLOW, slow_redirect),
            (BODY, hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno")),
            (BODY, Reply::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")),
        ],
    )
    .await;
    // A handshake of TLS without an end.
    let plain = Server::http(|_| Reply::status(200)).await;
    check_at(Reason::HttpTimeout, http(TLS, BRIEF_MS), plain.address).await;
}

#[tokio::test]
async fn reason_http_invalid_response() {
    let endless_head = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 100_000]].concat();
    check(
        Reason::HttpInvalidResponse,
        [
            (PLAIN, say(b"")),
            (PLAIN, say(b"HTTP/1.1 20")),
            (PLAIN, say(b"HTTP/1.1 200 OK\r\nX: y\r\n")),
            (PLAIN, say(b"HTTP/1.1 100 Continue\r\n\r\n")),
            (PLAIN, say(b"SSH-2.0-OpenSSH_9.9\r\n")),
            (PLAIN, say(b"\x15\x03\x03\x00\x02\x02\x28")),
            (PLAIN, say(b"<html>hello</html>")),
            (PLAIN, Reply::Say(endless_head)),
            (BODY, say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")),
            (BODY, say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno")),
            (FOLLOW, Reply::to("ftp://e.example/")),
        ],
    )
    .await;
}

#[tokio::test]
async fn reason_response_code_mismatch() {
    check(
        Reason::ResponseCodeMismatch,
        [
            (PLAIN, Reply::status(503)),
            (PLAIN, Reply::status(204)),
            (PLAIN, Reply::to("/elsewhere")),
            // A loop is left after ten rounds, and its last answer is judged.
            (FOLLOW, Reply::to("/again")),
            (HttpAsk { codes: "204,3xx", ..PLAIN }, Reply::status(200)),
        ],
    )
    .await;
}

#[tokio::test]
async fn reason_response_body_mismatch() {
    let huge = [vec![b'.'; 10_240], b"ok".to_vec(), vec![b'.'; 1_000_000]].concat();
    check(
        Reason::ResponseBodyMismatch,
        [
            (BODY, Reply::body("all well")),
            (BODY, Reply::status(200)),
            (BODY, Reply::body(huge)),
            (
                BODY,
                say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n0\r\n\r\n"),
            ),
            // "ok" compressed; bodies are searched as they come.
            (BODY, gzip(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xcf\x06\0\x47\xdd\xdc\x79\x02\0\0\0")),
        ],
    )
    .await;
}

#[tokio::test]
async fn reason_tls_untrusted_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for config in [
        stranger.server(&["e.example"]),
        authority.expired_server(&["e.example"]),
        authority.early_server(&["e.example"]),
    ] {
        let server = Server::https(config, |_| Reply::status(200)).await;
        check_tls(Reason::TlsUntrustedCertificate, authority.roots(), server.address).await;
    }
}

#[tokio::test]
async fn reason_tls_name_mismatch() {
    let authority = Authority::new();
    for names in [&["other.example"][..], &["*.e.example"], &["127.0.0.1"]] {
        let server = Server::https(authority.server(names), |_| Reply::status(200)).await;
        check_tls(Reason::TlsNameMismatch, authority.roots(), server.address).await;
    }
}

#[tokio::test]
async fn reason_tls_protocol_error() {
    let (plain, _plain) = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let (old, _old) = raw(&[21, 3, 3, 0, 2, 2, 70]).await;
    for address in [plain, old] {
        check_at(Reason::TlsProtocol, http(TLS, SOON_MS), address).await;
    }
    let authority = Authority::new();
    let mut h2_only = authority.server(&["e.example"]);
    h2_only.alpn_protocols = vec![b"h2".to_vec()];
    let server = Server::https(h2_only, |_| Reply::status(200)).await;
    check_tls(Reason::TlsProtocol, authority.roots(), server.address).await;
}

#[tokio::test]
async fn reason_tls_unrecognized_name() {
    let (address, _tasks) = raw(&[21, 3, 3, 0, 2, 2, 112]).await;
    check_at(Reason::TlsUnrecognizedName, http(TLS, SOON_MS), address).await;
}

#[tokio::test]
async fn reason_tls_handshake_failure() {
    let (refused, _refused) = raw(&[21, 3, 3, 0, 2, 2, 40]).await;
    let (closed, _closed) = raw(b"").await;
    for address in [refused, closed] {
        check_at(Reason::TlsHandshakeFailure, http(TLS, SOON_MS), address).await;
    }
}

// `No route to host error`, `Network Unreachable` and `Other Failure`: see `pings`, in a namespace
// of their own.

#[tokio::test]
async fn reason_connection_reset() {
    let (reset, _tasks) = resetting().await;
    check_at(Reason::ConnectionReset, http(PLAIN, SOON_MS), reset).await;
    check_at(Reason::ConnectionReset, http(TLS, SOON_MS), reset).await;
    check(
        Reason::ConnectionReset,
        [
            (PLAIN, Reply::SayAndReset(b"")),
            (PLAIN, Reply::SayAndReset(b"HTTP/1.1 200 OK\r\nX: y\r\n")),
        ],
    )
    .await;
}

#[tokio::test]
async fn reason_dns_unknown_host() {
    let network = network_with_names(&[], Vec::new());
    let found = probe(&network, tcp(SOON_MS), endpoint("no.example", 80)).await;
    assert_eq!(found.reason, Reason::DnsUnknownHost);
    // A resolver that does not come back is not worth a timeout of its own, but a retry.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup = move |_: &str, _: u16| {
        count.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(u64::from(BRIEF_MS) * 2));
        Ok(Vec::new())
    };
    let resolver = Resolver::with_lookup(Vec::new(), Arc::new(lookup));
    let network = Prober { resolver, ..network };
    let slow = Monitor { retries: 1, ..tcp(BRIEF_MS) };
    let found = probe(&network, slow, endpoint("slow.example", 80)).await;
    assert_eq!(found.reason, Reason::DnsUnknownHost);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn reason_dns_internal() {
    let server = Server::http(|_| Reply::status(200)).await;
    let own = vec![server.address, "0.0.0.0:9".parse().unwrap()];
    let network = network_with_names(&[("own.example", "127.0.0.1")], own);
    for port in [server.address.port(), 9] {
        let found = probe(&network, http(PLAIN, SOON_MS), endpoint("own.example", port)).await;
        assert_eq!(found.reason, Reason::DnsInternal);
    }
    assert_eq!(server.seen().len(), 0, "nothing was asked");
}

#[tokio::test]
async fn reason_monitor_config_error() {
    for kind in [MonitorKind::Tcp, MonitorKind::UdpIcmp, MonitorKind::Smtp] {
        let found = probe(&network(), monitor(kind), endpoint("127.0.0.1", 0)).await;
        assert_eq!(found.reason, Reason::MonitorConfig, "no port");
    }
}

#[tokio::test]
async fn phases_tell_what_was_done_and_where_it_ended() {
    use crate::PhaseName::{Body, Connect, FirstByte, Greeting, Head, Hello, Quit, Resolve, Tls};
    let authority = Authority::new();
    let network = Prober {
        connectors: Connectors::new(authority.roots()),
        ..network_with_names(&[("e.example", "127.0.0.1")], Vec::new())
    };
    let server =
        Server::https(authority.server(&["e.example"]), |_| Reply::body("all ok here")).await;
    let by_name = endpoint("e.example", server.address.port());
    let mail = Dialogue::start(&["220 hi\r\n", "250 you\r\n", "500 no\r\n"]).await;
    let smtp = monitor(MonitorKind::Smtp);
    let all = [Resolve, Connect, Tls, FirstByte, Head, Body];
    let https = |ask| http(ask, SOON_MS);
    for (monitor, endpoint, names, last) in [
        (https(HttpAsk { body: "OK", ..TLS }), by_name.clone(), &all[..], "found within 11 bytes"),
        (https(TLS), by_name.clone(), &all[..5], "200"),
        (
            https(HttpAsk { codes: "204", ..TLS }),
            by_name,
            &all[..5],
            "Response code mismatch error: 200",
        ),
        (
            smtp,
            at(mail.address),
            &[Connect, Greeting, Hello, Quit],
            "Response code mismatch error: 500 no",
        ),
    ] {
        let target = target(monitor, endpoint);
        let ProbeResult { phases, address, .. } = network.probe(target.ask()).await;
        let told: Vec<_> = phases.iter().map(|phase| phase.name).collect();
        assert_eq!(told, names, "{phases:?}");
        assert_eq!(phases.last().unwrap().note, last);
        assert_eq!(address, Some("127.0.0.1".parse().unwrap()));
        for pair in phases.windows(2) {
            assert!(pair[0].at_us + pair[0].took_us <= pair[1].at_us, "{phases:?}");
        }
    }
}
