//! Whole runs on loopback: what the client does with servers that close, refuse, stall or go away.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use crate::args::{self, Load, Parsed};
use crate::outcome::{Counters, Kind};
use crate::run::{self, Finished};
use crate::serve::Serving;
use crate::{http1, report};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Runs on one thread with a limit that nothing here comes near to.
fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let limited = tokio::time::timeout(Duration::from_secs(120), work);
        LocalSet::new().run_until(limited).await.expect("in time")
    })
}

fn load(line: &str) -> Load {
    match args::parse(line.split_whitespace().map(str::to_owned)).expect(line) {
        Parsed::Load(load) => *load,
        other => panic!("{line}: {other:?}"),
    }
}

async fn sent(line: &str) -> Finished {
    run::run(&load(line)).await.expect(line)
}

async fn endpoints(line: &str) -> Serving {
    let words = std::iter::once("serve").chain(line.split_whitespace()).map(str::to_owned);
    match args::parse(words).expect(line) {
        Parsed::Serve(serve) => Serving::start(&serve).await.expect(line),
        other => panic!("{line}: {other:?}"),
    }
}

/// Listens and gives each connection to `serve`.
async fn listening<F: Future<Output = ()> + 'static>(
    serve: impl Fn(TcpStream) -> F + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream));
        }
    });
    address
}

/// Reads one request without a body; false at the end.
async fn request_read(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let mut held = Vec::new();
    while !held.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut held).await {
            Ok(1..) => {}
            _ => return false,
        }
    }
    true
}

fn acceptor(alpn: &[u8]) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a pair");
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config).into()
}

#[test]
fn everything_sent_is_served_and_counted() {
    on_one_thread(async {
        for (options, present) in [
            ("--rate 2000 --requests 200 --arrivals uniform", 200),
            ("--rate 5000 --requests 300 --warm-up 0.01 --method HEAD", 300),
            ("--closed --connections 7 --requests 210", 210),
            ("--closed --connections 3 --requests 30 --new-connections", 30),
            ("--closed --connections 3 --requests 30 --body-bytes 70000 --chunked", 30),
            ("--closed --connections 3 --requests 30 --body-bytes 70000", 30),
        ] {
            let serving = endpoints("--endpoints 1 --mean-ms 0.1").await;
            let run = sent(&format!("http://{}/ {options}", serving.addresses[0])).await;
            let tally = &run.tally;
            assert_eq!((tally.requests, tally.errors()), (present, 0), "{options}: {tally:?}");
            assert_eq!(tally.statuses, [(200, present)].into(), "{options}");
            let bytes = if options.contains("HEAD") { 0 } else { 1_024 * present };
            assert_eq!(tally.body_bytes, bytes, "{options}");
            let counts = serving.counts();
            let served = counts["endpoints"][0]["served"].as_u64().expect("a count");
            assert!(served >= present && (options.contains("warm") || served == present));
            let opened = counts["endpoints"][0]["connections"].as_u64().expect("a count");
            assert_eq!(opened, run.counters.connections.get(), "{options}");
            if options.contains("--new") {
                assert_eq!(opened, present, "{options}");
            }
        }
    });
}

#[test]
fn latency_begins_when_a_request_was_meant_to_be_sent() {
    // One server, 20 ms each, requests 1 ms apart on one connection: the last of ten has waited
    // for nine others, which its time on the connection does not show.
    on_one_thread(async {
        let serving = endpoints("--endpoints 1 --service fixed --mean-ms 20 --concurrency 1").await;
        let line = format!(
            "http://{}/ --rate 1000 --arrivals uniform --requests 10 --connections 1",
            serving.addresses[0]
        );
        let run = sent(&line).await;
        let latency = run.tally.latency.percentiles().expect("some");
        assert!(latency.max >= 10 * 20_000 - 10_000, "{latency:?}");
        let all = 10.0 * run.tally.service.percentiles().expect("some").mean;
        assert!(all <= run.duration.as_secs_f64() * 1e6, "{all}");
        assert!(run.counters.waits.get() >= 1);
    });
}

#[test]
fn messages_come_back() {
    on_one_thread(async {
        let serving = endpoints("--endpoints 1 --service none").await;
        for bytes in [1_u64, 125, 126, 70_000] {
            let line = format!(
                "ws://{}/ --closed --websocket --connections 2 --requests 20 --body-bytes {bytes}",
                serving.addresses[0]
            );
            let run = sent(&line).await;
            assert_eq!((run.tally.requests, run.tally.errors()), (20, 0), "{:?}", run.tally);
            assert_eq!(run.tally.body_bytes, 20 * bytes);
            assert_eq!(run.counters.connections.get(), 2);
        }
    });
}

#[test]
fn handshakes_are_resumed_or_full() {
    on_one_thread(async {
        let acceptor = acceptor(b"http/1.1");
        let address = listening(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                while request_read(&mut stream).await {
                    if stream.write_all(ANSWER).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        let options = "--insecure --host localhost --closed --connections 1 --requests 10";
        for (more, resumed, full) in [
            ("--new-connections --tls resumed", 9, 1),
            ("--new-connections --tls full", 0, 10),
            ("", 0, 1),
        ] {
            let run = sent(&format!("https://{address}/ {options} {more}")).await;
            assert_eq!(run.tally.errors(), 0, "{more}: {:?}", run.tally);
            let counters = &run.counters;
            let got = (counters.handshakes_resumed.get(), counters.handshakes_full.get());
            assert_eq!(got, (resumed, full), "{more}");
        }
    });
}

#[test]
fn announced_ends_are_no_errors() {
    on_one_thread(async {
        let address = listening(|mut stream| async move {
            request_read(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        })
        .await;
        let run = sent(&format!("http://{address}/ --closed --connections 2 --requests 20")).await;
        assert_eq!((run.tally.requests, run.tally.errors()), (20, 0), "{:?}", run.tally);
        assert_eq!(run.counters.connections.get(), 20);
    });
}

/// Serves one request, then reads a second one and closes without a word.
async fn second_is_dropped(mut stream: TcpStream) {
    request_read(&mut stream).await;
    let _ = stream.write_all(ANSWER).await;
    request_read(&mut stream).await;
}

#[test]
fn what_met_a_closing_connection_is_stale_or_sent_again() {
    on_one_thread(async {
        let address = listening(second_is_dropped).await;
        let line = format!("http://{address}/ --closed --connections 1 --requests 10");
        let run = sent(&line).await;
        assert_eq!(run.tally.failures, [(Kind::Stale, 5)].into(), "{:?}", run.tally);
        let run = sent(&format!("{line} --retry-stale")).await;
        assert_eq!((run.tally.errors(), run.counters.retries_stale.get()), (0, 9));
    });
}

#[test]
fn a_connection_that_closed_while_idle_is_not_used() {
    on_one_thread(async {
        let closed = Rc::new(tokio::sync::Notify::new());
        let told = Rc::clone(&closed);
        let to = listening(move |mut stream| {
            let told = Rc::clone(&told);
            async move {
                request_read(&mut stream).await;
                let _ = stream.write_all(ANSWER).await;
                drop(stream);
                told.notify_one();
            }
        })
        .await;
        let load = load(&format!("http://{to}/ --closed"));
        let options = http1::Options {
            to,
            request: load.request.http1(false),
            is_head: false,
            new_connections: false,
            retry_stale: false,
            spread: 0,
            websocket: None,
        };
        let counters = Rc::new(Counters::default());
        let client = http1::Client::new(options, None, Rc::clone(&counters));
        for n in 1..=5 {
            client.request().await.expect("a response");
            closed.notified().await;
            assert_eq!(counters.connections.get(), n);
        }
    });
}

#[test]
fn failures_have_kinds() {
    on_one_thread(async {
        let silent =
            listening(|mut stream| async move { while request_read(&mut stream).await {} }).await;
        let half = listening(|mut stream| async move {
            request_read(&mut stream).await;
            let _ = stream.write_all(&ANSWER[..ANSWER.len() - 1]).await;
        })
        .await;
        let mute = listening(|stream| async move { drop(stream) }).await;
        let strange = listening(|mut stream| async move {
            request_read(&mut stream).await;
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n").await;
            request_read(&mut stream).await;
        })
        .await;
        let nobody = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            listener.local_addr().expect("bound")
        };
        for (to, options, kind) in [
            (silent, "--timeout 0.05", Kind::Timeout),
            (half, "", Kind::Closed),
            (mute, "", Kind::Closed),
            (strange, "", Kind::Protocol),
            (nobody, "", Kind::Connect),
        ] {
            let line = format!("http://{to}/ --rate 100 --requests 3 --arrivals uniform {options}");
            let run = sent(&line).await;
            assert_eq!(run.tally.failures, [(kind, 3)].into(), "{kind:?}: {:?}", run.tally);
            assert_eq!(report::json(&load(&line), &run)["errors"], 3);
            let text = report::text(&load(&line), &run);
            assert!(text.contains(kind.as_str()), "{text}");
            assert_eq!(text.contains("the first: "), kind == Kind::Connect, "{text}");
        }
        let line = format!("https://{mute}/ --insecure --rate 100 --requests 2");
        assert_eq!(sent(&line).await.tally.failures, [(Kind::Tls, 2)].into());
    });
}

/// How a server of HTTP/2 leaves after some streams.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaving {
    /// Never.
    Stays,
    /// As RFC 9113 section 6.8 wants it: what is under way is finished.
    Gently,
    /// At once: streams that it has seen and not answered are said to be unprocessed.
    Refusing,
}

/// Serves HTTP/2 and leaves after every tenth stream.
async fn http2_server(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    leaving: Leaving,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut streams = 0;
    while let Some(accepted) = connection.accept().await {
        let Ok((request, mut respond)) = accepted else { return };
        streams += 1;
        if leaving == Leaving::Refusing && streams > 10 {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
            connection.graceful_shutdown();
            continue;
        }
        tokio::task::spawn_local(async move {
            let mut body = request.into_body();
            let mut bytes = 0;
            while let Some(Ok(part)) = body.data().await {
                bytes += part.len();
                let _ = body.flow_control().release_capacity(part.len());
            }
            let response = http::Response::new(());
            if let Ok(mut stream) = respond.send_response(response, false) {
                let _ = stream.send_data(Bytes::from(bytes.to_string()), true);
            }
        });
        if leaving == Leaving::Gently && streams == 10 {
            connection.graceful_shutdown();
        }
    }
}

#[test]
fn http2_goes_on_elsewhere_when_the_server_goes_away() {
    on_one_thread(async {
        for leaving in [Leaving::Stays, Leaving::Gently, Leaving::Refusing] {
            let plain = listening(move |stream| http2_server(stream, leaving)).await;
            let acceptor = acceptor(b"h2");
            let secure = listening(move |stream| {
                let acceptor = acceptor.clone();
                async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    http2_server(stream, leaving).await;
                }
            })
            .await;
            for url in [format!("http://{plain}"), format!("https://{secure} --insecure")] {
                let line = format!(
                    "{url} --protocol h2 --connections 2 --streams 12 --closed --requests 400 \
                     --host localhost --body-bytes 3"
                );
                let run = sent(&line).await;
                let shown =
                    format!("{leaving:?} {line}: {:?} {:?}", run.tally.failures, run.counters);
                assert_eq!((run.tally.requests, run.tally.errors()), (400, 0), "{shown}");
                assert_eq!(run.tally.body_bytes, 400, "{shown}");
                let opened = run.counters.connections.get();
                match leaving {
                    Leaving::Stays => assert_eq!(opened, 2, "{shown}"),
                    Leaving::Gently | Leaving::Refusing => assert!(opened > 2, "{shown}"),
                }
            }
        }
    });
}

#[test]
fn a_connection_per_request_over_http2() {
    on_one_thread(async {
        let to = listening(|stream| http2_server(stream, Leaving::Stays)).await;
        let line = format!(
            "http://{to} --protocol h2 --new-connections --closed --streams 3 --requests 9"
        );
        let run = sent(&line).await;
        assert_eq!((run.tally.errors(), run.counters.connections.get()), (0, 9));
    });
}
