//! `grpc` and `grpcs` probes against the health service as servers have it.

use ::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::servers::Authority;
use super::*;

fn grpc(service: Option<&str>, timeout_ms: u32) -> Monitor {
    let kind = MonitorKind::Grpc {
        tls: false,
        allow_insecure: false,
        service: service.map(str::to_owned),
        headers: vec![("X-Token".to_owned(), vec!["a".to_owned()])],
    };
    Monitor { timeout_ms, ..monitor(kind) }
}

fn grpcs(allow_insecure: bool) -> Monitor {
    let kind = MonitorKind::Grpc { tls: true, allow_insecure, service: None, headers: Vec::new() };
    Monitor { timeout_ms: SOON_MS, ..monitor(kind) }
}

/// How a server answers a call.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// With a message and a `grpc-status`.
    Message(&'static [u8], &'static str),
    /// With a `grpc-status` in the head and nothing else.
    Refusal(&'static str),
    /// With a status of HTTP.
    Http(u16),
    /// With a message and no trailers.
    Unfinished(&'static [u8]),
    /// Not at all.
    Silence,
}

const SERVING: Answer = Answer::Message(&[0, 0, 0, 0, 2, 8, 1], "0");

/// Serves calls; each is noted with its message.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

async fn serve(answer: Answer, tls: Option<rustls::ServerConfig>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, log) = (tls.clone(), Arc::clone(&log));
            connections.spawn(async move {
                match tls {
                    None => converse(stream, answer, log).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, answer, log).await;
                        }
                    }
                }
            });
        }
    });
    Server { address, seen, _tasks: tasks }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Answer,
    log: Arc<Mutex<Vec<String>>>,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut kept = Vec::new();
    while let Some(Ok((mut request, mut respond))) = connection.accept().await {
        let (head, headers) = (request.uri().clone(), request.headers().clone());
        let mut message = Vec::new();
        while message.len() < 5 {
            match request.body_mut().data().await {
                Some(Ok(data)) => message.extend_from_slice(&data),
                _ => break,
            }
        }
        log.lock().unwrap().push(format!("{head} {headers:?} {message:?}"));
        let response = |status| {
            let mut response = Response::new(());
            *response.status_mut() = ::http::StatusCode::from_u16(status).unwrap();
            response
        };
        let ended = |status: &'static str| {
            HeaderMap::from_iter([(
                ::http::HeaderName::from_static("grpc-status"),
                HeaderValue::from_static(status),
            )])
        };
        match answer {
            Answer::Silence => kept.push(respond),
            Answer::Http(status) => drop(respond.send_response(response(status), true)),
            Answer::Refusal(status) => {
                let mut response = response(200);
                *response.headers_mut() = ended(status);
                let _ = respond.send_response(response, true);
            }
            Answer::Message(message, status) => {
                if let Ok(mut stream) = respond.send_response(response(200), false) {
                    let _ = stream.send_data(Bytes::from_static(message), false);
                    let _ = stream.send_trailers(ended(status));
                }
            }
            Answer::Unfinished(message) => {
                if let Ok(mut stream) = respond.send_response(response(200), false) {
                    let _ = stream.send_data(Bytes::from_static(message), true);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_server_is_asked_for_a_service_or_itself() {
    let server = serve(SERVING, None).await;
    for (service, message) in
        [(None, "[0, 0, 0, 0, 0]"), (Some("a.B"), "[0, 0, 0, 0, 5, 10, 3, 97, 46, 66]")]
    {
        let passed = probe(&network(), grpc(service, SOON_MS), at(server.address)).await;
        assert_eq!((passed.reason, passed.response_code), (FailureReason::NoFailures, 200));
        let seen = server.seen.lock().unwrap().pop().unwrap();
        let address = server.address;
        let uri = format!("http://{address}/grpc.health.v1.Health/Check ");
        assert!(seen.starts_with(&uri) && seen.ends_with(message), "{seen}");
        for header in [
            "\"content-type\": \"application/grpc\"",
            "\"te\": \"trailers\"",
            "\"grpc-timeout\": \"10000m\"",
            "\"x-token\": \"a\"",
            "pool-id: 1717171717171717)",
        ] {
            assert!(seen.contains(header), "{header}: {seen}");
        }
    }
}

#[tokio::test]
async fn calls_are_judged_by_their_status_and_answers_by_theirs() {
    use FailureReason::{
        HttpInvalidResponse, HttpTimeout, NoFailures, ResponseBodyMismatch, ResponseCodeMismatch,
    };
    for (answer, reason, code) in [
        (SERVING, NoFailures, 200),
        (Answer::Message(&[0, 0, 0, 0, 2, 8, 2], "0"), ResponseBodyMismatch, 200),
        (Answer::Message(&[0, 0, 0, 0, 0], "0"), ResponseBodyMismatch, 200),
        (Answer::Message(&[0, 0, 0, 0, 2, 8, 1], "13"), ResponseCodeMismatch, 13),
        (Answer::Refusal("5"), ResponseCodeMismatch, 5),
        (Answer::Refusal("12"), ResponseCodeMismatch, 12),
        (Answer::Refusal("0"), HttpInvalidResponse, 0),
        (Answer::Http(404), ResponseCodeMismatch, 404),
        (Answer::Unfinished(&[0, 0, 0, 0, 2, 8, 1]), HttpInvalidResponse, 0),
        (Answer::Message(&[0xff; 9000], "0"), HttpInvalidResponse, 0),
        (Answer::Silence, HttpTimeout, 0),
    ] {
        let timeout_ms = if reason == HttpTimeout { BRIEF_MS } else { SOON_MS };
        let server = serve(answer, None).await;
        let found = probe(&network(), grpc(None, timeout_ms), at(server.address)).await;
        assert_eq!((found.reason, found.response_code), (reason, code), "{answer:.60?}");
    }
}

#[tokio::test]
async fn what_is_no_http_2_fails() {
    let plain = servers::Server::http(|_| Reply::status(200)).await;
    let (garbage, _garbage) = servers::raw(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    let (closing, _closing) = servers::raw(b"").await;
    let reset = servers::resetting().await;
    for (address, reason) in [
        (garbage, FailureReason::HttpInvalidResponse),
        (closing, FailureReason::HttpInvalidResponse),
        (reset.0, FailureReason::ConnectionReset),
        (servers::refusing(), FailureReason::TcpConnectionFailed),
    ] {
        let failed = probe(&network(), grpc(None, SOON_MS), at(address)).await;
        assert_eq!(failed.reason, reason);
    }
    let failed = probe(&network(), grpc(None, BRIEF_MS), at(plain.address)).await;
    assert_ne!(failed.reason, FailureReason::NoFailures);
    let no_port = probe(&network(), grpc(None, SOON_MS), endpoint("127.0.0.1", 0)).await;
    assert_eq!(no_port.reason, FailureReason::MonitorConfig);
}

#[tokio::test]
async fn over_tls_http_2_must_be_agreed_on_and_the_certificate_be_right() {
    let authority = Authority::new();
    let network = Prober::new(authority.roots(), Vec::new());
    let with = |names: &[&str], alpn: &[&str]| {
        let mut config = authority.server(names);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    };
    for (config, insecure, reason) in [
        (with(&["e.example"], &["h2"]), false, FailureReason::NoFailures),
        (with(&["e.example"], &["http/1.1", "h2"]), false, FailureReason::NoFailures),
        (with(&["e.example"], &["http/1.1"]), false, FailureReason::TlsProtocol),
        (with(&["e.example"], &[]), false, FailureReason::TlsProtocol),
        (with(&["other.example"], &["h2"]), false, FailureReason::TlsNameMismatch),
        (with(&["other.example"], &["h2"]), true, FailureReason::NoFailures),
    ] {
        let server = serve(SERVING, Some(config)).await;
        let endpoint = EndpointSpec { host: Some("e.example".to_owned()), ..at(server.address) };
        let found = probe(&network, grpcs(insecure), endpoint).await;
        assert_eq!(found.reason, reason);
    }
}
