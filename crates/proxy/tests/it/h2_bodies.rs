//! Bodies over HTTP/2: flow control, and that one stream does not hold up another.

use bytes::Bytes;
use h2::client::Builder;
use http::Request;

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, get, next, post, receive, run};
use crate::world::{Plan, World};

/// Bytes that show when a piece is missing or in the wrong place.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// Sends each body back.
fn echoing() -> Endpoint {
    Endpoint::scripted(|mut conversation| {
        while let Some(request) = conversation.request() {
            let length = request.body.len();
            conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
            conversation.send(&request.body);
        }
    })
}

#[test]
fn large_bodies_pass_whole_through_windows_of_every_size() {
    let endpoint = echoing();
    let world = World::start(Plan::pool(&[endpoint.address]));
    for (stream_window, connection_window) in
        [(65_535, 65_535), (1_000, 65_535), (4 << 20, 4 << 20), (16_384, 65_535)]
    {
        run(async {
            let mut builder = Builder::new();
            builder.initial_window_size(stream_window);
            builder.initial_connection_window_size(connection_window);
            let client = H2Client::connect_with(world.address, &builder).await;
            let body = Bytes::from(pattern(600_000));
            let asked: Vec<_> = (0..6)
                .map(|_| {
                    let (client, body) = (client.clone(), body.clone());
                    tokio::spawn(async move {
                        let answer = client.send(post("/"), &body).await;
                        assert_eq!(answer.status, 200);
                        assert!(answer.body == body, "the same bytes came back");
                    })
                })
                .collect();
            for asked in asked {
                asked.await.unwrap();
            }
        });
    }
}

#[test]
fn a_hundred_requests_with_bodies_of_all_sizes() {
    let endpoint = echoing();
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let asked: Vec<_> = (0..100_usize)
            .map(|n| {
                let client = client.clone();
                tokio::spawn(async move {
                    let body = pattern([0, 1, 100, 16_384, 16_385, 70_000, 200_000][n % 7] + n);
                    let answer = client.send(post("/"), &body).await;
                    assert!(answer.body == body, "{n}: the same bytes came back");
                })
            })
            .collect();
        for asked in asked {
            asked.await.unwrap();
        }
    });
    world.wait_for_quiet();
    assert_eq!(world.metrics.h2_streams_open.get(), 0);
}

#[test]
fn a_response_that_is_not_read_holds_up_no_other() {
    let large = pattern(1_000_000);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while let Some(request) = conversation.request() {
            if request.line().contains("/large") {
                let length = large.len();
                conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
                conversation.send(&large);
            } else {
                conversation.answer("small");
            }
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let mut builder = Builder::new();
        builder.initial_connection_window_size(16 << 20);
        let client = H2Client::connect_with(world.address, &builder).await;
        let mut held = Vec::new();
        for _ in 0..20 {
            held.push(client.begin(get("/large"), true).await.0.await.unwrap().into_body());
        }
        for _ in 0..10 {
            assert_eq!(client.ask(get("/")).await.text(), "small");
        }
        for mut body in held {
            let mut bytes = 0;
            while let Some(data) = next(&mut body).await {
                bytes += data.unwrap().len();
            }
            assert_eq!(bytes, 1_000_000);
        }
    });
}

#[test]
fn an_upload_that_an_endpoint_does_not_take_holds_up_no_other() {
    let world = World::start(Plan::pool(&[Endpoint::deaf()]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let mut uploads = Vec::new();
        // Two take up half of what may be sent on the connection.
        for _ in 0..2 {
            let (response, mut upload) = client.begin(post("/"), false).await;
            upload.reserve_capacity(256 * 1024);
            while upload.capacity() < 256 * 1024 {
                std::future::poll_fn(|context| upload.poll_capacity(context)).await;
            }
            upload.send_data(vec![0; 256 * 1024].into(), false).unwrap();
            uploads.push((response, upload));
        }
        let unknown = Request::post("http://other.test/").body(()).unwrap();
        let answer = client.send(unknown, &pattern(100_000)).await;
        assert_eq!(answer.status, 409);
    });
}

#[test]
fn an_early_answer_ends_the_upload_without_an_error() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation
            .send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n");
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(post("/"), false).await;
        upload.send_data("some".into(), false).unwrap();
        let answer = receive(response).await.unwrap();
        assert_eq!((answer.status, answer.text()), (413, "no\n"));
        // NO_ERROR: stop sending, what was answered counts (RFC 9113 section 8.1).
        let reason = std::future::poll_fn(|context| upload.poll_reset(context)).await;
        assert_eq!(reason.unwrap(), h2::Reason::NO_ERROR);
        assert_eq!(
            client.ask(Request::get("http://other.test/").body(()).unwrap()).await.status,
            409
        );
    });
}
