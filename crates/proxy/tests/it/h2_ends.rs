//! How requests and connections over HTTP/2 end before their time, and that nothing is left then.

use std::time::{Duration, Instant};

use h2::Reason;
use h2::client::Builder;

use crate::endpoint::Endpoint;
use crate::h2_client::{
    END_HEADERS, END_STREAM, GOAWAY, H2Client, HEADERS, RST_STREAM, RawClient, SETTINGS,
    WINDOW_UPDATE, frame, get, get_block, next, post, receive, run,
};
use crate::world::{Plan, World, eventually, ms};

#[test]
fn a_request_taken_back_is_taken_back_from_the_endpoint() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for n in 1..=3 {
            let (_response, mut send) = client.begin(get("/"), true).await;
            while endpoint.requests().len() < n {
                tokio::time::sleep(ms(1)).await;
            }
            send.send_reset(Reason::CANCEL);
            tokio::task::yield_now().await;
        }
    });
    endpoint.wait_for_ends(3);
    world.wait_for_quiet();
    assert_eq!(world.metrics.h2_streams_cancelled.get(), 3);
    assert_eq!(world.load(0).requests, 0);
}

#[test]
fn a_download_taken_back_ends_the_endpoints_work() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, send) = client.begin(get("/"), true).await;
        let mut body = response.await.unwrap().into_body();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "x");
        drop((body, send));
        // Only the reset tells; the connection stays.
        while world.metrics.h2_streams_cancelled.get() == 0 {
            tokio::time::sleep(ms(1)).await;
        }
        drop(client);
    });
    endpoint.wait_for_ends(1);
}

#[test]
fn a_connection_that_goes_takes_its_requests_along() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = RawClient::connect(world.address);
    for stream in [1, 3, 5] {
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get_block()));
    }
    endpoint.wait_for_requests(3);
    drop(client);
    endpoint.wait_for_ends(3);
    world.wait_for_quiet();
    assert_eq!(world.metrics.h2_streams_open.get(), 0);
}

#[test]
fn a_response_cut_short_is_a_reset_and_the_connection_stays() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        if conversation.request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        for _ in 0..3 {
            let (response, _) = client.begin(get("/"), true).await;
            let error = receive(response).await.unwrap_err();
            assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
        }
    });
}

#[test]
fn a_drain_lets_requests_finish_and_takes_no_others() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi");
        assert_eq!(conversation.read(4), b"body");
        conversation.send("ne");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let start = Instant::now();
    run(async {
        let client = H2Client::connect(world.address).await;
        let request = http::Request::post("http://lb.test/").header("content-length", "4");
        let (response, mut upload) = client.begin(request.body(()).unwrap(), false).await;
        let response = response.await.unwrap();
        world.drain();
        // The GOAWAY makes it so.
        while client.0.clone().ready().await.is_ok() {
            tokio::time::sleep(ms(1)).await;
        }
        upload.send_data("body".into(), true).unwrap();
        let mut body = response.into_body();
        let mut text = Vec::new();
        while let Some(data) = next(&mut body).await {
            text.extend_from_slice(&data.unwrap());
        }
        assert_eq!(text, b"fine");
    });
    world.join();
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_drain_ends_waiting_connections_at_once() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = RawClient::connect(world.address);
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get_block()));
    client.wait_for(HEADERS).unwrap();
    world.drain();
    assert_eq!(client.goaway(), Some(0));
    world.join();
}

#[test]
fn connections_without_requests_end_after_a_while() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_idle = ms(200);
    let world = World::start(plan);
    let start = Instant::now();
    let mut client = RawClient::connect(world.address);
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get_block()));
    let goaway = client.wait_for(GOAWAY).unwrap();
    assert_eq!(goaway.payload, [0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(client.frame().is_none() && start.elapsed() >= ms(200));
    world.wait_for_quiet();
}

#[test]
fn time_limits_of_heads_hold() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_head = ms(200);
    let world = World::start(plan);
    // A header block without an end, beside other traffic.
    let mut slow = RawClient::connect(world.address);
    slow.send(frame(HEADERS, END_STREAM, 1, &get_block()));
    assert_eq!(slow.goaway(), Some(11));
    // A frame without an end, and nothing at all.
    for begun in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"[..], b"PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut client = world.client();
        client.send(begun);
        eventually("a client that was dropped", || world.metrics.downstream_open.get() <= 1);
    }
}

#[test]
fn a_body_that_stops_coming_is_a_408() {
    let endpoint = Endpoint::mute();
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_body = ms(200);
    let world = World::start(plan);
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(post("/"), false).await;
        upload.send_data("some".into(), false).unwrap();
        assert_eq!(receive(response).await.unwrap().status, 408);
    });
}

#[test]
fn row26_a_closed_window_is_not_waited_for_for_ever() {
    let endpoint = Endpoint::saying("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_write = ms(300);
    let world = World::start(plan);
    run(async {
        let mut builder = Builder::new();
        builder.initial_window_size(0);
        let client = H2Client::connect_with(world.address, &builder).await;
        let held: Vec<_> = futures_of(&client, 50).await;
        for response in held {
            let mut body = response.await.unwrap().into_body();
            let error = next(&mut body).await.unwrap().unwrap_err();
            assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
        }
    });
    endpoint.wait_for_ends(50);
    world.wait_for_quiet();
}

async fn futures_of(client: &H2Client, count: usize) -> Vec<h2::client::ResponseFuture> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(client.begin(get("/"), true).await.0);
    }
    held
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let large =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n{}", "x".repeat(4_000_000));
    let endpoint = Endpoint::saying_once(large);
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_write = ms(300);
    let world = World::start(plan);
    let mut client = RawClient::connect(world.address);
    client.send(frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]));
    client.send(frame(WINDOW_UPDATE, 0, 0, &(0x7000_0000_u32).to_be_bytes()));
    for stream in (1..200).step_by(2) {
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get_block()));
    }
    world.wait_for_quiet();
    endpoint.wait_for_ends(endpoint.connections());
}

#[test]
fn a_stream_reset_for_its_own_fault_takes_its_request_along() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = RawClient::connect(world.address);
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get_block()));
    endpoint.wait_for_requests(1);
    // Increments of nothing are an error of the stream (RFC 9113 section 6.9).
    client.send(frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]));
    assert_eq!(client.wait_for(RST_STREAM).unwrap().payload, [0, 0, 0, 3]);
    endpoint.wait_for_ends(1);
}
