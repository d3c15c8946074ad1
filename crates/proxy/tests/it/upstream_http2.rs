//! HTTP/2 with endpoints: streams of one connection, what is said on them, and what becomes of a
//! request when they break (behaviour.md 5.3, 9.6).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use evenkeel_model::EndpointTls::Full;
use evenkeel_proxy::CleartextHttp2;
use h2::Reason;
use http::{HeaderMap, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, End};
use crate::endpoint::Endpoint;
use crate::h2_client::run;
use crate::upstream_server::{
    Authority, Call, HTTPS, Seen, Server, accept, read_head, secured, serve_http2,
};
use crate::world::{Plan, World, eventually, ms, spec};

const BOTH: &[&str] = &["h2", "http/1.1"];

/// A world whose only endpoint answers each request in HTTP/2 by a function.
fn world<F, Fut>(answer: F) -> (World, Server)
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    world_with(h2::server::Builder::new(), |_| {}, answer)
}

fn world_with<F, Fut>(
    builder: h2::server::Builder,
    change: impl FnOnce(&mut Plan),
    answer: F,
) -> (World, Server)
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let authority = Authority::new();
    let server = Server::http2_with(authority.certify("lb.test").server(BOTH), builder, answer);
    let mut plan = secured(Full, &[server.address], &authority);
    change(&mut plan);
    (World::start(plan), server)
}

fn send_get(client: &mut Client) {
    client.send(format!("GET / HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
}

#[test]
fn requests_and_answers_pass_whole() {
    let (world, server) = world(|mut call| async move {
        let (body, trailers) = call.body().await;
        let mut said = format!("{} {}\n", call.request.method(), call.request.uri());
        for (name, value) in call.request.headers() {
            said.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        said.push_str(&format!("{}\n{trailers:?}", String::from_utf8(body).unwrap()));
        let mut interim = Response::new(());
        *interim.status_mut() = http::StatusCode::EARLY_HINTS;
        interim.headers_mut().append("link", "</style.css>".parse().unwrap());
        call.respond.send_informational(interim).unwrap();
        let response = Response::builder().status(201).header("x-own", "1").body(()).unwrap();
        let mut answer = call.head(response);
        answer.send_data(Bytes::from(said), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.append("x-sum", "42".parse().unwrap());
        trailers.append("content-length", "7".parse().unwrap());
        answer.send_trailers(trailers).unwrap();
    });
    let mut client = world.client();
    client.send(format!(
        "POST /a?b HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}TE: trailers\r\nX-Mine: x\r\nCookie: a=b\r\n\
         Keep-Alive: 5\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-End: y\r\n\r\n"
    ));
    let hints = client.head().unwrap();
    assert_eq!((hints.status, hints.all("link")), (103, vec!["</style.css>"]));
    let response = client.response();
    assert_eq!((response.status, response.all("x-own")), (201, vec!["1"]));
    assert_eq!(response.all("transfer-encoding"), ["chunked"]);
    assert_eq!(response.trailers, "x-sum: 42\r\n");
    let text = response.text();
    assert!(text.starts_with("POST https://lb.test/a?b\n"), "{text}");
    for line in ["te: trailers", "x-mine: x", "cookie: a=b", "x-forwarded-proto: https", "abc"] {
        assert!(text.lines().any(|said| said == line), "{line} in {text}");
    }
    for name in ["connection", "keep-alive", "transfer-encoding", "host"] {
        assert!(!text.contains(&format!("\n{name}: ")), "{name} in {text}");
    }
    assert!(text.contains("\"x-end\": \"y\""), "{text}");
    assert_eq!(server.seen.protocols(), [Some("h2".to_owned())]);
}

#[test]
fn answers_without_a_body_are_told_as_such() {
    let (world, server) = world(|mut call| async move {
        let length = call.request.uri().path().trim_start_matches('/').to_owned();
        let mut response = Response::new(());
        response.headers_mut().append("content-length", length.parse().unwrap());
        call.respond.send_response(response, true).unwrap();
    });
    let mut client = world.client();
    client.send(format!("HEAD /12 HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
    assert_eq!(client.head().unwrap().all("content-length"), ["12"]);
    client.send(format!("GET /0 HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
    assert_eq!(client.response().all("content-length"), ["0"]);
    assert_eq!(server.seen.connections(), 1);
}

#[test]
fn trap_t53_fifty_streams_are_one_connection_and_fifty_requests() {
    let (world, server) = world(|mut call| async move {
        call.cancelled().await;
    });
    let mut clients: Vec<_> = (0..50).map(|_| world.client()).collect();
    clients.iter_mut().for_each(send_get);
    server.seen.wait_for_requests(50);
    let load = world.load(0);
    assert_eq!((load.connections, load.requests), (1, 50));
    assert_eq!(server.seen.connections(), 1);
    assert_eq!(world.metrics.upstream_opened.get(), 1);
    clients.into_iter().for_each(Client::reset);
    eventually("no request left", || world.load(0).requests == 0);
    assert_eq!(world.load(0).connections, 1);
}

#[test]
fn where_streams_run_out_another_connection_is_opened() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(10);
    let (world, server) = world_with(
        builder,
        |_| {},
        |mut call| async move {
            while call.seen.requests() < 25 {
                tokio::time::sleep(ms(1)).await;
            }
            call.answer("all here");
        },
    );
    let mut clients: Vec<_> = (0..25).map(|_| world.client()).collect();
    clients.iter_mut().for_each(send_get);
    for client in &mut clients {
        assert_eq!(client.response().text(), "all here");
    }
    let connections = server.seen.connections();
    assert!((3..=6).contains(&connections), "{connections}");
}

#[test]
fn an_endpoint_may_want_one_stream_at_a_time() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(1);
    let answer = |mut call: Call| async move { call.answer("one") };
    let (world, server) = world_with(builder, |_| {}, answer);
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..8).map(|_| world.client()).collect();
        clients.iter_mut().for_each(send_get);
        for client in &mut clients {
            assert_eq!(client.response().text(), "one");
        }
    }
    assert!(server.seen.connections() <= 24, "{}", server.seen.connections());
    assert_eq!(server.seen.requests(), 24);
}

#[test]
fn an_endpoint_that_wants_http1_gets_it() {
    let authority = Authority::new();
    for protocols in [&["http/1.1"][..], &[]] {
        let config = authority.certify("lb.test").server(protocols);
        let server = Server::http1(config, "one");
        let world = World::start(secured(Full, &[server.address], &authority));
        let mut clients: Vec<_> = (0..3).map(|_| world.client()).collect();
        for _ in 0..2 {
            clients.iter_mut().for_each(send_get);
            for client in &mut clients {
                assert_eq!(client.response().text(), "one");
            }
        }
        assert!(server.seen.connections() <= 3);
    }
    let server = Server::http1(authority.certify("lb.test").server(BOTH), "asked for");
    let mut plan = secured(Full, &[server.address], &authority);
    plan.tune = |lb| {
        lb.edge.endpoint_tls = Full;
        lb.edge.endpoint_http2 = false;
    };
    let world = World::start(plan);
    assert_eq!(world.client().get(HTTPS).text(), "asked for");
    assert_eq!(server.seen.protocols(), [Some("http/1.1".to_owned())]);
}

#[test]
fn what_an_endpoint_has_not_acted_on_is_sent_again() {
    let (world, server) = world(|mut call| async move {
        if call.seen.requests() == 1 {
            // It was read, but the endpoint says that it was not acted on.
            call.body().await;
            return call.respond.send_reset(Reason::REFUSED_STREAM);
        }
        let (body, _) = call.body().await;
        call.answer(body);
    });
    let mut client = world.client();
    assert_eq!(client.post(HTTPS, "sent twice, done once").text(), "sent twice, done once");
    assert_eq!(world.metrics.stale_retries.get(), 1);
    assert_eq!((server.seen.requests(), server.seen.connections()), (2, 2));
    // The connection that refused stands; the one for this request is not kept beside it.
    server.seen.wait_for_ends(1);
    assert_eq!(world.client().post(HTTPS, "again").text(), "again");
    assert_eq!(server.seen.connections(), 2);
    assert_eq!(world.metrics.failovers.get(), 0);
}

#[test]
fn what_comes_after_a_goaway_is_sent_again_and_what_came_before_is_finished() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(BOTH);
    let server = Server::new(config, |stream, seen| async move {
        if seen.connections() > 1 {
            let answer = Arc::new(|mut call: Call| async move {
                let (body, _) = call.body().await;
                call.answer(body);
            });
            return serve_http2(stream, seen, h2::server::Builder::new(), answer).await;
        }
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        connection.graceful_shutdown();
        tokio::spawn(async move {
            tokio::time::sleep(ms(100)).await;
            let mut answer = respond.send_response(Response::new(()), false).unwrap();
            answer.send_data(Bytes::from_static(b"finished"), true).unwrap();
        });
        while connection.accept().await.is_some() {}
    });
    let world = World::start(secured(Full, &[server.address], &authority));
    assert_eq!(world.client().get(HTTPS).text(), "finished");
    assert_eq!(world.client().post(HTTPS, "later").text(), "later");
    assert_eq!(server.seen.connections(), 2);
}

#[test]
fn a_goaway_below_a_request_lets_it_be_sent_again_whatever_its_method() {
    let authority = Authority::new();
    let server =
        Server::new(authority.certify("lb.test").server(BOTH), |mut stream, seen| async move {
            if seen.connections() > 1 {
                let answer = Arc::new(|mut call: Call| async move {
                    let (body, _) = call.body().await;
                    call.answer(body);
                });
                return serve_http2(stream, seen, h2::server::Builder::new(), answer).await;
            }
            // SETTINGS, then GOAWAY with last stream 0 once something has come.
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            stream.flush().await.unwrap();
            read_head_frames(&mut stream).await;
            let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            stream.write_all(&goaway).await.unwrap();
            stream.flush().await.unwrap();
            let _ = read_head(&mut stream).await;
        });
    let world = World::start(secured(Full, &[server.address], &authority));
    assert_eq!(world.client().post(HTTPS, "sent again").text(), "sent again");
    assert_eq!(server.seen.connections(), 2);
}

/// Reads frames up to the end of a request.
async fn read_head_frames(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    use tokio::io::AsyncReadExt;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        let (kind, flags) = (head[3], head[4]);
        if kind <= 1 && flags & 1 == 1 {
            return;
        }
    }
}

#[test]
fn a_stream_reset_before_its_answer_is_a_520_and_after_its_head_a_cut() {
    let (world, server) = world(|mut call| async move {
        if call.request.uri().path() == "/fine" {
            return call.answer("fine");
        }
        if call.request.uri().path() == "/late" {
            let mut answer = call.head(Response::new(()));
            answer.send_data(Bytes::from_static(b"a part"), false).unwrap();
            tokio::time::sleep(ms(50)).await;
            return answer.send_reset(Reason::INTERNAL_ERROR);
        }
        call.body().await;
        call.respond.send_reset(Reason::INTERNAL_ERROR);
    });
    let mut client = world.client();
    client.send(format!("GET /fine HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
    assert_eq!(client.response().text(), "fine");
    // A connection that has served before is no reason to try again: it stands.
    assert_eq!(client.get(HTTPS).status, 520);
    assert_eq!(client.post(HTTPS, "once").status, 520);
    assert_eq!(server.seen.requests(), 3);
    let mut client = world.client();
    client.send(format!("GET /late HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.rest().1, End::Reset);
    assert_eq!(server.seen.connections(), 1, "the connection goes on");
}

#[test]
fn an_endpoint_that_agrees_to_http2_and_speaks_something_else_is_a_520() {
    let authority = Authority::new();
    for garbage in ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\0\0\0\0\0", ""] {
        let config = authority.certify("lb.test").server(BOTH);
        let server = Server::new(config, move |mut stream, _| async move {
            let _ = stream.write_all(garbage.as_bytes()).await;
            let _ = stream.shutdown().await;
        });
        let world = World::start(secured(Full, &[server.address], &authority));
        assert_eq!(world.client().get(HTTPS).status, 520, "{garbage:?}");
    }
}

#[test]
fn large_bodies_pass_both_ways_and_a_client_that_does_not_read_stops_nobody() {
    let (world, server) = world(|mut call| async move {
        let (body, _) = call.body().await;
        let mut answer = call.head(Response::new(()));
        let mut body = Bytes::from(body);
        while !body.is_empty() {
            answer.reserve_capacity(body.len());
            let room = std::future::poll_fn(|context| answer.poll_capacity(context)).await;
            let Some(Ok(room)) = room else { return };
            answer.send_data(body.split_to(room.min(body.len())), false).unwrap();
        }
        answer.send_data(Bytes::new(), true).unwrap();
    });
    let body: String = (0..4 * 1024 * 1024).map(|at| char::from(b'a' + (at % 23) as u8)).collect();
    let ask = |client: &mut Client| {
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    };
    let mut lazy: Vec<_> = (0..8).map(|_| world.client()).collect();
    lazy.iter_mut().for_each(ask);
    let mut client = world.client();
    ask(&mut client);
    assert!(client.response().body == body.as_bytes());
    for client in &mut lazy {
        assert!(client.response().body == body.as_bytes());
    }
    assert_eq!(server.seen.connections(), 1);
}

#[test]
fn a_client_that_goes_away_cancels_its_stream_and_no_other() {
    let (world, server) = world(|mut call| async move {
        match call.request.uri().path() {
            "/wait" => drop(call.cancelled().await),
            _ => call.answer("fine"),
        }
    });
    let mut waiting = world.client();
    waiting.send(format!("GET /wait HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}\r\n"));
    server.seen.wait_for_requests(1);
    waiting.reset();
    eventually("cancelled", || server.seen.cancelled.load(Ordering::SeqCst) == 1);
    assert_eq!(world.client().get(HTTPS).text(), "fine");
    assert_eq!(server.seen.connections(), 1);
    world.wait_for_quiet();
}

#[test]
fn a_client_that_goes_away_ends_its_request_to_a_plain_endpoint_too() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    endpoint.wait_for_requests(1);
    client.reset();
    endpoint.wait_for_ends(1);
    world.wait_for_quiet();
}

#[test]
fn row26_a_client_that_leaves_in_the_middle_of_its_body_ends_an_answer_that_has_begun() {
    let endpoint = Endpoint::scripted(|mut talk| {
        let request = talk.request_head().unwrap();
        talk.note(&request);
        talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        talk.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let requests = [
        ("Content-Length: 10\r\n\r\nabc", End::Reset),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", End::Closed),
    ];
    for (at, (request, how)) in requests.into_iter().enumerate() {
        let mut client = world.client();
        client.send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\n{request}"));
        assert_eq!(client.head().unwrap().status, 200);
        if how == End::Reset {
            client.reset();
        } else {
            client.half_close();
            client.rest();
        }
        endpoint.wait_for_ends(at + 1);
        world.wait_for_quiet();
    }
}

#[test]
fn a_client_that_ends_only_its_half_still_gets_its_answer() {
    let (world, _) = world(|mut call| async move {
        tokio::time::sleep(ms(200)).await;
        call.answer("still wanted");
    });
    let mut client = world.client();
    send_get(&mut client);
    client.half_close();
    assert_eq!(client.response().text(), "still wanted");
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let limit = ms(500);
    let change = |plan: &mut Plan| plan.settings.timeouts.upstream_idle = limit;
    let (world, server) = world_with(h2::server::Builder::new(), change, |mut call| async move {
        call.answer("x");
    });
    let start = Instant::now();
    assert_eq!(world.client().get(HTTPS).text(), "x");
    server.seen.wait_for_ends(1);
    assert!(start.elapsed() >= limit);
    eventually("nothing open", || world.metrics.upstream_http2.get() == 0);
    assert_eq!(world.load(0).connections, 0);
}

#[test]
fn a_connection_to_an_endpoint_that_is_switched_off_finishes_what_it_carries() {
    let (mut world, server) = world(|mut call| async move {
        while call.seen.cancelled.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(ms(1)).await;
        }
        call.answer("finished");
    });
    let mut client = world.client();
    send_get(&mut client);
    server.seen.wait_for_requests(1);
    world.change(|plan| plan.pools[0][0].enabled = false);
    assert_eq!(world.client().get(HTTPS).status, 530);
    server.seen.cancelled.store(1, Ordering::SeqCst);
    assert_eq!(client.response().text(), "finished");
    server.seen.wait_for_ends(1);
}

#[test]
fn a_switch_of_protocols_is_asked_for_in_http1() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(BOTH);
    let server = Server::new(config, |mut stream, _| async move {
        use tokio::io::AsyncReadExt;
        read_head(&mut stream).await.unwrap();
        let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\n\r\n";
        stream.write_all(switching.as_bytes()).await.unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let world = World::start(secured(Full, &[server.address], &authority));
    let mut client = world.client();
    client.send(format!(
        "GET /ws HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ));
    assert_eq!(client.head().unwrap().status, 101);
    client.send("hello");
    assert_eq!(client.read(5), b"hello");
    assert_eq!(server.seen.protocols(), [Some("http/1.1".to_owned())]);
}

#[test]
fn calls_to_plain_endpoints_are_in_http2_where_that_is_wanted() {
    let seen = Arc::<Seen>::default();
    let told = Arc::clone(&seen);
    let address = accept(move |stream| {
        let answer = Arc::new(|mut call: Call| async move {
            call.answer(call.request.uri().to_string());
        });
        serve_http2(stream, Arc::clone(&told), h2::server::Builder::new(), answer)
    });
    let mut plan = Plan::pool(&[address]);
    plan.settings.cleartext_http2 = CleartextHttp2::Grpc;
    let world = World::start(plan);
    let mut client = world.client();
    let call = client.post("Content-Type: application/grpc\r\n", "x");
    assert_eq!((call.status, call.text()), (200, "http://lb.test/"));
    assert_eq!(client.post("", "x").status, 520);
    assert_eq!(seen.requests(), 1);
}

#[test]
fn an_endpoint_that_never_begins_with_http2_keeps_nobody_waiting_for_ever() {
    let authority = Authority::new();
    let server = Server::new(authority.certify("lb.test").server(BOTH), |stream, _| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    });
    let mut plan = secured(Full, &[server.address], &authority);
    plan.settings.timeouts.connect = ms(300);
    plan.settings.timeouts.upstream_read = ms(300);
    let world = World::start(plan);
    let mut clients: Vec<_> = (0..4).map(|_| world.client()).collect();
    clients.iter_mut().for_each(send_get);
    for client in &mut clients {
        assert_eq!(client.response().status, 524);
    }
}

#[test]
fn an_endpoint_that_asks_for_http1_gets_it_and_so_do_credentials_of_a_connection() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(BOTH);
    let server = Server::new(config, |mut stream, seen| async move {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let answer = Arc::new(|mut call: Call| async move {
                call.respond.send_reset(Reason::HTTP_1_1_REQUIRED);
            });
            return serve_http2(stream, seen, h2::server::Builder::new(), answer).await;
        }
        while read_head(&mut stream).await.is_ok() {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    let world = World::start(secured(Full, &[server.address], &authority));
    assert_eq!(world.client().get(HTTPS).text(), "one");
    let credentials = format!("{HTTPS}Authorization: Negotiate YIIG\r\n");
    assert_eq!(world.client().get(&credentials).text(), "one");
    let protocols: Vec<_> = server.seen.protocols().into_iter().flatten().collect();
    assert_eq!(protocols, ["h2", "http/1.1"]);
}

#[test]
fn a_body_that_was_taken_is_sent_again_in_http1() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(BOTH);
    let server = Server::new(config, |mut stream, seen| async move {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let answer = Arc::new(|mut call: Call| async move {
                call.body().await;
                call.respond.send_reset(Reason::HTTP_1_1_REQUIRED);
            });
            return serve_http2(stream, seen, h2::server::Builder::new(), answer).await;
        }
        read_head(&mut stream).await.unwrap();
        let mut body = Vec::new();
        while !body.ends_with(b"the end") && !body.ends_with(b"0\r\nX-End: y\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0, "{body:?}");
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        stream.flush().await.unwrap();
    });
    let world = World::start(secured(Full, &[server.address], &authority));
    assert_eq!(world.client().post(HTTPS, "up to the end").text(), "up to the end");
    let mut client = world.client();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: lb.test\r\n{HTTPS}Transfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-End: y\r\n\r\n"
    ));
    assert_eq!(client.response().text(), "7\r\nabcdefg\r\n0\r\nX-End: y\r\n\r\n");
}

#[test]
fn what_an_endpoint_that_goes_away_has_not_acted_on_goes_to_another_one() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(BOTH);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let leaving = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.clone()));
    std::thread::spawn(move || {
        run(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            drop(listener);
            let mut connection =
                h2::server::handshake(acceptor.accept(tcp).await.unwrap()).await.unwrap();
            let (_, mut respond) = connection.accept().await.unwrap().unwrap();
            respond.send_reset(Reason::REFUSED_STREAM);
            while connection.accept().await.is_some() {}
        });
    });
    let staying = Server::http2(config, |mut call| async move {
        let host = call.request.uri().host().unwrap_or_default().to_owned();
        let (body, _) = call.body().await;
        call.answer([host.as_bytes(), b" ", &body[..]].concat());
    });
    let mut plan = secured(Full, &[leaving], &authority);
    plan.pools.push(vec![spec(&staying.address)]);
    plan.pools[1][0].host = Some("staying.test".to_owned());
    plan.fallback = 1;
    plan.failover_across_pools = true;
    let world = World::start(plan);
    assert_eq!(world.client().post(HTTPS, "carried over").text(), "staying.test carried over");
    assert_eq!(world.metrics.failovers.get(), 1);
}
