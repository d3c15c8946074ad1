//! gRPC calls through the proxy, from a client and to an endpoint that speak HTTP/2
//! (behaviour.md 9.6): messages both ways, trailers, deadlines, cancellation, refusals.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use evenkeel_model::EndpointTls::Full;
use evenkeel_proxy::CleartextHttp2;
use h2::Reason;
use http::{HeaderMap, Request, Response};

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, receive, run};
use crate::upstream_server::{Authority, Call, Seen, Server, accept, secured, serve_http2};
use crate::world::{Plan, World, eventually, ms};

/// A world whose only endpoint is a plain one that speaks HTTP/2.
fn world<F, Fut>(answer: F) -> (World, Arc<Seen>)
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let seen = Arc::<Seen>::default();
    let (told, answer) = (Arc::clone(&seen), Arc::new(answer));
    let address = accept(move |stream| {
        let builder = h2::server::Builder::new();
        serve_http2(stream, Arc::clone(&told), builder, Arc::clone(&answer))
    });
    let mut plan = Plan::pool(&[address]);
    plan.settings.cleartext_http2 = CleartextHttp2::Grpc;
    (World::start(plan), seen)
}

fn call(path: &str) -> Request<()> {
    Request::post(format!("http://lb.test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "10S")
        .body(())
        .unwrap()
}

fn status(value: &str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.append("grpc-status", value.parse().unwrap());
    fields
}

fn started() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

#[test]
fn a_call_and_its_status_pass() {
    let authority = Authority::new();
    let config = authority.certify("lb.test").server(&["h2"]);
    let server = Server::http2(config, |mut call| async move {
        assert_eq!(call.request.headers()["te"], "trailers");
        assert_eq!(call.request.headers()["grpc-timeout"], "10S");
        assert!(!call.request.headers().contains_key("content-length"));
        let (body, _) = call.body().await;
        let mut answer = call.head(started());
        answer.send_data(Bytes::from(body), false).unwrap();
        answer.send_trailers(status("0")).unwrap();
    });
    let world = World::start(secured(Full, &[server.address], &authority));
    run(async {
        let client = H2Client::connect(world.address).await;
        for n in 0..3 {
            let mut request = call("/echo");
            request.headers_mut().append("x-forwarded-proto", "https".parse().unwrap());
            let message = format!("message {n}");
            let answer = client.send(request, message.as_bytes()).await;
            assert_eq!((answer.status, answer.text()), (200, &*message));
            assert_eq!(answer.trailers.unwrap()["grpc-status"], "0");
        }
    });
    assert_eq!(server.seen.connections(), 1);
}

#[test]
fn an_answer_of_trailers_alone_stays_one() {
    let (world, _) = world(|mut call| async move {
        let mut response = started();
        response.headers_mut().extend(status("5"));
        call.respond.send_response(response, true).unwrap();
    });
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, _upload) = client.begin(call("/none"), true).await;
        let response = response.await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "5");
        assert!(response.body().is_end_stream());
    });
}

#[test]
fn messages_pass_both_ways_while_the_call_is_open() {
    let (world, _) = world(|mut call| async move {
        let mut answer = call.head(started());
        while let Some(Ok(message)) = call.request.body_mut().data().await {
            let flow = call.request.body_mut().flow_control();
            flow.release_capacity(message.len()).unwrap();
            answer.send_data(message, false).unwrap();
        }
        answer.send_trailers(status("0")).unwrap();
    });
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(call("/chat"), false).await;
        let mut answer = response.await.unwrap().into_body();
        for n in 0..20 {
            let message = Bytes::from(format!("message {n}"));
            upload.send_data(message.clone(), false).unwrap();
            assert_eq!(answer.data().await.unwrap().unwrap(), message);
            answer.flow_control().release_capacity(message.len()).unwrap();
        }
        upload.send_data(Bytes::new(), true).unwrap();
        assert!(answer.data().await.is_none());
        assert_eq!(answer.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    });
}

#[test]
fn a_cancelled_call_is_cancelled_at_the_endpoint() {
    let (world, seen) = world(|mut call| async move {
        if call.request.uri().path() == "/streaming" {
            let mut answer = call.head(started());
            answer.send_data(Bytes::from_static(b"first"), false).unwrap();
            let reset = std::future::poll_fn(|context| answer.poll_reset(context)).await;
            assert_eq!(reset.unwrap(), Reason::CANCEL);
            call.seen.cancelled.fetch_add(1, Ordering::SeqCst);
        } else {
            assert_eq!(call.cancelled().await, Reason::CANCEL);
        }
    });
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(call("/thinking"), true).await;
        while seen.requests() == 0 {
            tokio::time::sleep(ms(1)).await;
        }
        upload.send_reset(Reason::CANCEL);
        assert!(response.await.is_err());

        let (response, mut upload) = client.begin(call("/streaming"), false).await;
        let mut answer = response.await.unwrap().into_body();
        assert_eq!(&answer.data().await.unwrap().unwrap()[..], b"first");
        upload.send_reset(Reason::CANCEL);
    });
    eventually("both cancelled", || seen.cancelled.load(Ordering::SeqCst) == 2);
    assert_eq!(world.load(0).requests, 0);
}

#[test]
fn a_call_that_the_endpoint_gives_up_is_given_up_for_the_client() {
    let (world, _) = world(|mut call| async move {
        let mut answer = call.head(started());
        answer.send_data(Bytes::from_static(b"first"), false).unwrap();
        tokio::time::sleep(ms(50)).await;
        answer.send_reset(Reason::INTERNAL_ERROR);
    });
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, _) = client.begin(call("/broken"), true).await;
        let mut answer = response.await.unwrap().into_body();
        assert_eq!(&answer.data().await.unwrap().unwrap()[..], b"first");
        let error = answer.data().await.unwrap().unwrap_err();
        assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    });
}

#[test]
fn what_the_proxy_refuses_is_a_status_and_no_page() {
    let silent = Endpoint::mute().address;
    for (address, limit, expected) in [
        (Endpoint::refusing(), None, ("14", "521: ")),
        (Endpoint::unanswering(), None, ("14", "522: ")),
        (Endpoint::unreachable(), None, ("14", "523: ")),
        (silent, Some(200), ("4", "524: ")),
    ] {
        let mut plan = Plan::pool(&[address]);
        plan.settings.timeouts.connect = ms(300);
        if limit.is_some() {
            plan.tune = |lb| lb.edge.upstream_read_ms = Some(200);
        }
        let world = World::start(plan);
        let (code, message) = expected;
        run(async {
            let client = H2Client::connect(world.address).await;
            let (response, _) = client.begin(call("/"), true).await;
            let response = response.await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "application/grpc");
            assert_eq!(response.headers()["grpc-status"], code);
            let said = response.headers()["grpc-message"].to_str().unwrap();
            assert!(said.starts_with(message), "{said}");
            assert!(response.body().is_end_stream());
        });
        // In HTTP/1.1 as well, as far as there is such a thing.
        let response = world.client().post("Content-Type: application/grpc+proto\r\n", "x");
        assert_eq!((response.status, response.all("grpc-status")), (200, vec![code]));
    }
}

#[test]
fn a_call_is_sent_again_when_its_connection_says_goodbye_first() {
    let (world, seen) = world(|mut call| async move {
        if call.seen.requests() == 1 {
            call.body().await;
            return call.respond.send_reset(Reason::REFUSED_STREAM);
        }
        let (body, _) = call.body().await;
        let mut answer = call.head(started());
        answer.send_data(Bytes::from(body), false).unwrap();
        answer.send_trailers(status("0")).unwrap();
    });
    run(async {
        let client = H2Client::connect(world.address).await;
        let (response, mut upload) = client.begin(call("/once"), false).await;
        upload.send_data(Bytes::from_static(b"once"), true).unwrap();
        let answer = receive(response).await.unwrap();
        assert_eq!(answer.text(), "once");
        assert_eq!(answer.trailers.unwrap()["grpc-status"], "0");
    });
    assert_eq!(seen.requests(), 2);
}
