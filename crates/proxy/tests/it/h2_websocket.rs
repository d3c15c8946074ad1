//! WebSockets that are opened over HTTP/2 (RFC 8441).

use std::io::Read;

use bytes::Bytes;
use h2::ext::Protocol;
use http::Request;

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, next, receive, run, upload_all};
use crate::world::{Plan, World};

/// The accept of the key that the endpoint was sent, as another program says it.
fn accept_of(key: &str) -> String {
    use base64::Engine;
    use sha1::{Digest, Sha1};
    let hash = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    base64::engine::general_purpose::STANDARD.encode(hash)
}

fn opening() -> Request<()> {
    Request::connect("http://lb.test/chat?x")
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "chat")
        .header("origin", "https://lb.test")
        .body(())
        .unwrap()
}

#[test]
fn a_websocket_is_opened_and_bytes_pass_both_ways() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let request = conversation.request().unwrap();
        let accept = accept_of(request.all("sec-websocket-key")[0]);
        conversation.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello"
        ));
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = (&conversation.stream).read(&mut bytes) {
            conversation.send(&bytes[..read]);
        }
        conversation.send("bye");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(opening(), false).await;
        let response = response.await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
        for name in ["sec-websocket-accept", "upgrade", "connection"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        let mut body = response.into_body();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "hello");
        for n in 0..50 {
            let message = Bytes::from(format!("message {n}"));
            upload.send_data(message.clone(), false).unwrap();
            assert_eq!(next(&mut body).await.unwrap().unwrap(), message);
        }
        // Ending one direction leaves the other.
        upload_all(&mut upload, Bytes::new(), true).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "bye");
        assert!(next(&mut body).await.is_none_or(|data| data.unwrap().is_empty()));
    });
    let request = endpoint.request();
    assert_eq!(request.line(), "GET /chat?x HTTP/1.1");
    assert_eq!(request.all("upgrade"), ["websocket"]);
    assert_eq!(request.all("connection"), ["Upgrade"]);
    assert_eq!(request.all("sec-websocket-version"), ["13"]);
    assert!(
        request.all("transfer-encoding").is_empty() && request.all("content-length").is_empty()
    );
    endpoint.wait_for_ends(1);
}

#[test]
fn an_endpoint_that_declines_is_heard() {
    let endpoint = Endpoint::saying("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, _upload) = client.begin(opening(), false).await;
        let answer = receive(response).await.unwrap();
        assert_eq!((answer.status, answer.text()), (403, "no"));
    });
}

#[test]
fn an_endpoint_that_knows_no_websockets_opens_none() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, _upload) = client.begin(opening(), false).await;
        assert_eq!(receive(response).await.unwrap().status, 520);
    });
}

#[test]
fn a_handshake_that_does_not_answer_ours_is_cut() {
    let endpoint = Endpoint::saying(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    );
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, _upload) = client.begin(opening(), false).await;
        let error = receive(response).await.unwrap_err();
        assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
    });
    endpoint.wait_for_ends(1);
}

#[test]
fn a_websocket_the_client_resets_is_closed_at_the_endpoint() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        let request = conversation.request().unwrap();
        let accept = accept_of(request.all("sec-websocket-key")[0]);
        conversation.send(format!(
            "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ));
        conversation.wait_for_end();
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(opening(), false).await;
        assert_eq!(response.await.unwrap().status(), 200);
        upload.send_reset(h2::Reason::CANCEL);
        while endpoint.ends() == 0 {
            tokio::time::sleep(crate::world::ms(1)).await;
        }
    });
}
