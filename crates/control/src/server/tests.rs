//! The listener over real sockets of the loopback.

use std::net::SocketAddr;

use evenkeel_store::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::previews::tests::EverythingPasses;
use crate::publisher::Publisher;
use crate::{BootstrapSettings, bootstrap};

const TOKEN: &str = "an-administrator-token-for-tests";

/// A server on a port of its own.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Served {
    async fn start() -> Self {
        let store = Arc::new(MemoryStore::new());
        let token = Some(TOKEN.to_owned());
        let settings = BootstrapSettings { token, ..BootstrapSettings::default() };
        bootstrap(&*store, settings).await.unwrap();
        let (publisher, live, _) = Publisher::new(store.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let options = ControlOptions {
            listener,
            store,
            limits: Limits::default(),
            name_servers: Vec::new(),
            live,
            applied: publisher.applied(),
            metrics: Arc::new(String::new),
            ready: watch::channel(true).1,
            explain: ExplainSources::default(),
            notify_peers: None,
            prober: Arc::new(EverythingPasses),
            settings: ServerSettings::default(),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(options, async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Reads one answer and returns its status line and its body.
async fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let status = lines.next().unwrap().to_owned();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return (status, body.to_owned());
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "cut off: {bytes:?}");
    }
}

#[tokio::test]
async fn a_body_too_long_is_answered_while_it_is_still_being_sent() {
    const LENGTH: usize = 32 * 1024 * 1024;
    let served = Served::start().await;
    let mut stream = served.connect().await;
    let head = format!(
        "POST /client/v4/zones HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {LENGTH}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; LENGTH / 2]).await.unwrap();
    let (status, body) = answer(&mut stream).await;
    assert_eq!(status, "HTTP/1.1 413 Payload Too Large");
    assert!(body.contains(r#""code":1002"#), "{body}");
    // The connection is in step again once the rest has come.
    stream.write_all(&vec![b' '; LENGTH / 2]).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: api\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut stream).await, ("HTTP/1.1 200 OK".into(), "ok\n".into()));
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_costs_no_connection() {
    let served = Served::start().await;
    let missing = "0".repeat(32);
    for (request, bearer, status) in [
        ("POST /client/v4/zones".to_owned(), "nobody", "401 Unauthorized"),
        ("POST /client/v4/nowhere".to_owned(), TOKEN, "404 Not Found"),
        ("POST /client/v4/user".to_owned(), TOKEN, "405 Method Not Allowed"),
        (format!("DELETE /client/v4/zones/{missing}"), TOKEN, "404 Not Found"),
        ("POST /healthz".to_owned(), TOKEN, "405 Method Not Allowed"),
    ] {
        let mut stream = served.connect().await;
        for framing in ["content-length: 2", "transfer-encoding: chunked"] {
            let head = format!(
                "{request} HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {bearer}\r\n\
                 {framing}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // The answer is there before the body is.
            assert_eq!(answer(&mut stream).await.0, format!("HTTP/1.1 {status}"), "{request}");
            let body = if framing.starts_with('c') { "{}" } else { "2\r\n{}\r\n0\r\n\r\n" };
            stream.write_all(body.as_bytes()).await.unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: api\r\n\r\n").await.unwrap();
            assert_eq!(answer(&mut stream).await, ("HTTP/1.1 200 OK".into(), "ok\n".into()));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_held_back_is_not_asked_for_in_vain() {
    let served = Served::start().await;
    let mut stream = served.connect().await;
    let head = "POST /client/v4/zones HTTP/1.1\r\nhost: api\r\nexpect: 100-continue\r\n\
                content-length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{text}");
    assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
}

#[tokio::test]
async fn a_body_without_credentials_is_not_read() {
    let served = Served::start().await;
    let mut stream = served.connect().await;
    let head = "POST /client/v4/zones HTTP/1.1\r\nhost: api\r\ncontent-length: 999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 401 Unauthorized");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the connection is closed");
}

#[tokio::test]
async fn a_shutdown_closes_what_is_idle_and_finishes_what_is_not() {
    let served = Served::start().await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: api\r\n\r\n").await.unwrap();
    answer(&mut idle).await;
    let mut busy = served.connect().await;
    let body = r#"{"name": "example.com"}"#;
    let head = format!(
        "POST /client/v4/zones HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {TOKEN}\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    // The handler waits for the body once it asks for it.
    assert_eq!(answer(&mut busy).await.0, "HTTP/1.1 100 Continue");
    served.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "the idle connection is closed");
    busy.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut busy).await.0, "HTTP/1.1 200 OK");
    served.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}
