//! Against a collector that answers as it is told and decodes what it is sent.

use std::convert::Infallible;
use std::sync::Mutex;

use evenkeel_telemetry::{RequestEnd, RequestRecord, TraceParent, TraceShare, Tracer};
use http::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::wire::{
    AnyValue, ExportTracePartialSuccess, ExportTraceServiceRequest, KeyValue, Span, SpanKind, Value,
};

/// Long enough for every machine, and only waited for where something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

struct Taken {
    headers: HeaderMap,
    path: String,
    message: ExportTraceServiceRequest,
}

/// Status, fields and body.
type Said = (u16, Vec<(&'static str, &'static str)>, Vec<u8>);

/// A collector. Answers in turn, the last one for ever.
async fn collector(answers: Vec<Said>) -> (String, mpsc::UnboundedReceiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (taken, inbox) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(answers));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (taken, answers) = (taken.clone(), Arc::clone(&answers));
            let service = service_fn(move |request: Request<Incoming>| {
                let (taken, answers) = (taken.clone(), Arc::clone(&answers));
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let message = ExportTraceServiceRequest::decode(body).unwrap();
                    let path = head.uri.path().to_owned();
                    let _ = taken.send(Taken { headers: head.headers, path, message });
                    let (status, fields, body) = {
                        let mut answers = answers.lock().unwrap();
                        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
                    };
                    let mut response = Response::builder().status(status);
                    for (name, value) in fields {
                        response = response.header(name, value);
                    }
                    let body = Full::new(Bytes::from(body));
                    Ok::<_, Infallible>(response.body(body).unwrap())
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, inbox)
}

fn exporter(url: &str, stats: &Arc<TraceStats>) -> Exporter {
    let mut collector = Collector::new(url).unwrap();
    collector.add_header("x-key=secret").unwrap();
    let roots = Arc::new(RootCertStore::empty());
    let (version, instance) = ("1.2.3".to_owned(), "node".to_owned());
    let options = ExportOptions { collector, roots, version, instance };
    Exporter::new(options, Arc::clone(stats), Duration::from_millis(1))
}

fn record() -> RequestRecord<'static> {
    RequestRecord {
        at_us: 1_772_323_199_500_001,
        total_us: 1234,
        ray: "0123456789abcdef-LIS",
        client: "192.0.2.7".parse().unwrap(),
        client_port: 50_000,
        country: "PT",
        protocol: "HTTP/2.0",
        tls: Some("TLSv1.3"),
        method: b"GET",
        scheme: "https",
        host: "shop.example",
        target: b"/cart?q=1",
        referer: b"",
        user_agent: b"curl/8",
        status: 503,
        end: RequestEnd::Whole,
        received_bytes: 0,
        sent_bytes: 512,
        load_balancer: Some("shop.example"),
        pool: Some("eu"),
        endpoint: Some("a"),
        endpoint_address: Some("[2001:db8::1]:8080".parse().unwrap()),
        endpoint_status: Some(503),
        attempts: 2,
        is_reused: true,
        connect_us: None,
        first_byte_us: Some(900),
        trail: &"pool eu → a",
    }
}

fn texts(span: &Span) -> Vec<(String, String)> {
    let text = |value: &Option<AnyValue>| match value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::Text(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
    };
    let pair = |KeyValue { key, value }: &KeyValue| (key.clone(), text(value));
    span.attributes.iter().map(pair).collect()
}

async fn receive(inbox: &mut mpsc::UnboundedReceiver<Taken>) -> Taken {
    timeout(PATIENCE, inbox.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_request_becomes_two_spans_of_the_callers_trace() {
    let (url, mut inbox) = collector(vec![(200, vec![], vec![])]).await;
    let (tracer, mut queue) = Tracer::new(TraceShare::ALL);
    let caller = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = tracer.begin(Some(caller), [1, 2, 3]);
    tracer.end(&context, &record());
    let (stop, mut stopping) = watch::channel(false);
    let stats = Arc::clone(tracer.stats());
    let running = tokio::spawn({
        let exporter = exporter(&url, &stats);
        async move { exporter.run(&mut queue, &mut stopping).await }
    });
    let taken = receive(&mut inbox).await;
    assert_eq!(taken.path, "/v1/traces");
    assert_eq!(taken.headers[CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(taken.headers["x-key"], "secret");
    let of_resource = &taken.message.resource_spans[0];
    let resource = of_resource.resource.as_ref().unwrap();
    assert_eq!(resource.attributes[0].key, "service.name");
    let [server, client] = &of_resource.scope_spans[0].spans[..] else { panic!() };

    let mut told = Vec::new();
    context.write_traceparent(&mut told);
    let told = TraceParent::parse(&told).unwrap();
    assert_eq!((told.trace_id.as_slice(), told.is_sampled), (&server.trace_id[..], true));
    assert_eq!(told.span_id.as_slice(), client.span_id);
    assert_eq!((&client.parent_span_id, &client.trace_id), (&server.span_id, &server.trace_id));
    assert_eq!(server.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_ne!(server.span_id, client.span_id);
    assert_eq!((server.kind(), client.kind()), (SpanKind::Server, SpanKind::Client));
    assert_eq!((server.flags, client.flags), (0x301, 0x101));
    assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 1_234_000);

    for (span, key, value) in [
        (server, "http.request.method", "GET"),
        (server, "url.path", "/cart"),
        (server, "url.query", "q=1"),
        (server, "server.address", "shop.example"),
        (server, "client.address", "192.0.2.7"),
        (server, "network.protocol.version", "2"),
        (server, "tls.protocol.version", "1.3"),
        (server, "http.response.status_code", "503"),
        (server, "error.type", "503"),
        (server, "evenkeel.ray", "0123456789abcdef-LIS"),
        (server, "evenkeel.trail", "pool eu → a"),
        (client, "network.peer.address", "2001:db8::1"),
        (client, "network.peer.port", "8080"),
        (client, "http.request.resend_count", "1"),
        (client, "evenkeel.endpoint", "a"),
        (client, "evenkeel.first_byte_us", "900"),
    ] {
        let pair = (key.to_owned(), value.to_owned());
        assert!(texts(span).contains(&pair), "{pair:?} missing in {:?}", texts(span));
    }
    stop.send_replace(true);
    timeout(PATIENCE, running).await.unwrap().unwrap();
    assert_eq!((stats.spans_exported(), stats.spans_dropped()), (2, 0));
}

#[tokio::test]
async fn a_collector_is_asked_again_when_it_says_so_and_not_else() {
    let rejected = ExportTracePartialSuccess { rejected_spans: 1, error_message: "x".to_owned() };
    let partial = ExportTraceServiceResponse { partial_success: Some(rejected) }.encode_to_vec();
    let later = |status| (status, vec![], vec![]);
    for (answers, tries, exported, dropped) in [
        (vec![later(200)], 1, 2, 0),
        (vec![later(429), later(502), later(503), later(504), later(200)], 5, 2, 0),
        (vec![(503, vec![("retry-after", "0")], vec![]), later(200)], 2, 2, 0),
        (vec![later(503)], 5, 0, 2),
        (vec![later(400)], 1, 0, 2),
        (vec![later(500)], 1, 0, 2),
        (vec![(200, vec![], partial)], 1, 1, 1),
    ] {
        let what = format!("{answers:?}");
        let (url, mut inbox) = collector(answers).await;
        let (tracer, mut queue) = Tracer::new(TraceShare::ALL);
        tracer.end(&tracer.begin(None, [1, 2, 3]), &record());
        let mut batch = Vec::new();
        queue.take(&mut batch, BATCH_MAX).await;
        let outcome = exporter(&url, tracer.stats()).export(&mut batch, TRIES_MAX).await;
        assert_eq!(outcome.is_ok(), exported > 0, "{what}");
        let mut asked = 0;
        while inbox.try_recv().is_ok() {
            asked += 1;
        }
        let stats = tracer.stats();
        let have = (asked, stats.spans_exported(), stats.spans_dropped());
        assert_eq!(have, (tries, exported, dropped), "{what}");
    }
}

#[tokio::test]
async fn what_waits_is_sent_in_the_end() {
    let (url, mut inbox) = collector(vec![(200, vec![], vec![])]).await;
    let (tracer, mut queue) = Tracer::new(TraceShare::ALL);
    let requests = 2 * BATCH_MAX + 1;
    for n in 0..requests as u64 {
        tracer.end(&tracer.begin(None, [n, n, n]), &RequestRecord { attempts: 0, ..record() });
    }
    let (_stop, mut stopping) = watch::channel(true);
    exporter(&url, tracer.stats()).run(&mut queue, &mut stopping).await;
    let mut spans = 0;
    while let Ok(taken) = inbox.try_recv() {
        spans += taken.message.resource_spans[0].scope_spans[0].spans.len();
    }
    assert_eq!((spans, tracer.stats().spans_exported()), (requests, requests as u64));
}

#[tokio::test]
async fn nobody_waits_for_a_collector_that_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (tracer, mut queue) = Tracer::new(TraceShare::ALL);
    let mut ended = 0;
    while tracer.stats().spans_dropped() == 0 {
        tracer.end(&tracer.begin(None, [0, 0, ended]), &record());
        ended += 1;
    }
    let (_stop, mut stopping) = watch::channel(true);
    exporter(&url, tracer.stats()).run(&mut queue, &mut stopping).await;
    let stats = tracer.stats();
    assert_eq!((stats.spans_exported(), stats.spans_dropped()), (0, 2 * ended));
    assert!(stats.exports_failed() > 0);
}

#[test]
fn only_a_share_of_new_traces_is_recorded_and_callers_decide_for_theirs() {
    let (never, _queue) = Tracer::new(TraceShare::new(0.0).unwrap());
    let (half, _queue) = Tracer::new(TraceShare::new(0.5).unwrap());
    let sampled = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let unsampled = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    assert!(never.begin(Some(sampled), [0; 3]).is_sampled);
    assert!(!half.begin(Some(unsampled), [0; 3]).is_sampled);
    assert!(half.begin(Some(sampled), [0; 3]).continues_trace());
    for (low, is_sampled) in [(0, true), ((1 << 55) - 1, true), (1 << 55, false), (u64::MAX, false)]
    {
        let context = half.begin(Some(b"not valid"), [u64::MAX, low, 1]);
        assert_eq!((context.is_sampled, context.continues_trace()), (is_sampled, false), "{low:x}");
        assert!(!never.begin(None, [1, low, 1]).is_sampled);
    }
    let zero = half.begin(None, [0; 3]);
    assert!(zero.trace_id != [0; 16] && zero.server_id != [0; 8] && zero.client_id != [0; 8]);
}
