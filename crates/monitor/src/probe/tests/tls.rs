//! `https` probes: whom they believe, which name they send, and what went wrong.

use super::servers::Authority;
use super::*;

const HTTPS: HttpAsk<'_> = HttpAsk {
    tls: true,
    allow_insecure: false,
    method: Method::Get,
    path: "/",
    headers: &[],
    codes: "200",
    body: "",
    follow: false,
};

fn named(address: SocketAddr, host: &str) -> EndpointSpec {
    EndpointSpec { host: Some(host.to_owned()), ..at(address) }
}

#[tokio::test]
async fn certificates_are_judged_unless_insecurity_is_allowed() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let network = Prober::new(authority.roots(), Vec::new());
    for (config, host, reason) in [
        (authority.server(&["e.example"]), "e.example", FailureReason::NoFailures),
        (authority.server(&["127.0.0.1"]), "127.0.0.1", FailureReason::NoFailures),
        (authority.server(&["*.e.example"]), "f.e.example:8443", FailureReason::NoFailures),
        (authority.server(&["e.example"]), "other.example", FailureReason::TlsNameMismatch),
        (authority.server(&["e.example"]), "127.0.0.1", FailureReason::TlsNameMismatch),
        (stranger.server(&["e.example"]), "e.example", FailureReason::TlsUntrustedCertificate),
        (
            authority.expired_server(&["e.example"]),
            "e.example",
            FailureReason::TlsUntrustedCertificate,
        ),
    ] {
        let server = Server::https(config, |_| Reply::status(200)).await;
        let strict = probe(&network, http(HTTPS, SOON_MS), named(server.address, host)).await;
        assert_eq!(strict.reason, reason, "{host}");
        let lax = HttpAsk { allow_insecure: true, ..HTTPS };
        let lax = probe(&network, http(lax, SOON_MS), named(server.address, host)).await;
        assert_eq!(lax.reason, FailureReason::NoFailures, "{host}, insecure");
    }
}

#[tokio::test]
async fn sni_is_the_effective_host_if_that_is_a_name() {
    let server = Server::https(Authority::new().server(&["x"]), |_| Reply::status(200)).await;
    let by_monitor = &[("Host", "m.example:8443")];
    let network = network_with_names(&[("a.example", "127.0.0.1")], Vec::new());
    let port = server.address.port();
    for (n, (endpoint, headers, sni)) in [
        (at(server.address), &[][..], "None"),
        (endpoint("a.example", port), &[], "Some(\"a.example\")"),
        (endpoint("a.example", port), by_monitor, "Some(\"m.example\")"),
        (named(server.address, "e.example"), by_monitor, "Some(\"e.example\")"),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = HttpAsk { allow_insecure: true, headers, ..HTTPS };
        probe(&network, http(ask, SOON_MS), endpoint).await;
        let seen = &server.seen()[n];
        assert!(seen.starts_with(&format!("SNI {sni}\n")), "{sni}: {seen}");
    }
}

#[tokio::test]
async fn what_breaks_inside_tls_has_the_same_names_as_outside() {
    let authority = Authority::new();
    let network = Prober::new(authority.roots(), Vec::new());
    for (reply, reason) in [
        (Reply::body("ok"), FailureReason::NoFailures),
        (Reply::status(503), FailureReason::ResponseCodeMismatch),
        (say(b"nonsense\r\n\r\n"), FailureReason::HttpInvalidResponse),
        (Reply::SayAndReset(b""), FailureReason::ConnectionReset),
    ] {
        let what = format!("{reply:?}");
        let server = Server::https(authority.server(&["e.example"]), move |_| reply.clone()).await;
        let endpoint = named(server.address, "e.example");
        let probe = probe(&network, http(HTTPS, SOON_MS), endpoint).await;
        assert_eq!(probe.reason, reason, "{what}");
    }
}
