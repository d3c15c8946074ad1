//! Bodies of requests: who is let in is known before one is read, and how long they may be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::*;

/// A body that counts how often it is asked for more.
struct Counted {
    asked: Arc<AtomicUsize>,
    /// Chunks that are still to come.
    left: usize,
    /// What it says of its length beforehand.
    announced: SizeHint,
}

const CHUNK: &[u8] = &[b' '; 64 * 1024];
/// As many make 100 MiB.
const CHUNKS: usize = 1600;

/// A length as a client tells it beforehand: nobody reads so much to be polite.
fn long() -> SizeHint {
    SizeHint::with_exact((CHUNKS * CHUNK.len()) as u64)
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
    }
}

/// Sends a body of 100 MiB with whatever headers, and returns the outcome and how often the body was
/// asked for more until then.
async fn send_long(
    api: &Api,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    announced: SizeHint,
) -> (String, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let body = Counted { asked: Arc::clone(&asked), left: CHUNKS, announced };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = api.send(request.body(Body::new(body)).unwrap()).await;
    (answer.failure(), asked.load(Ordering::Relaxed))
}

/// Every operation that wants credentials, as the descriptions have it.
async fn operations() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let api: Value = serde_json::from_str(&served_openapi().await).unwrap();
    let own: Value = serde_json::from_str(super::super::explain::OPENAPI).unwrap();
    for (document, base) in [(api, "/client/v4"), (own, "")] {
        for (path, methods) in document["paths"].as_object().unwrap() {
            let parts =
                path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part });
            let path = format!("{base}{}", parts.collect::<Vec<_>>().join("/"));
            for (method, operation) in methods.as_object().unwrap() {
                if operation["security"] != json!([]) {
                    found.push((method.to_uppercase(), path.clone()));
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn no_operation_reads_the_body_of_a_stranger() {
    let api = Api::start().await;
    let operations = operations().await;
    assert!(operations.len() > 90, "{}", operations.len());
    for form in ["application/json", "multipart/form-data; boundary=b"] {
        for (method, path) in &operations {
            let refused = if path.ends_with("/tokens/verify") { "401/1000" } else { "401/10000" };
            for credentials in ["Bearer nobodys-token", ""] {
                let headers = [("content-type", form), ("authorization", credentials)];
                let headers = if credentials.is_empty() { &headers[..1] } else { &headers };
                let sent = send_long(&api, method, path, headers, long()).await;
                assert_eq!(sent, (refused.to_owned(), 0), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn nor_the_body_of_whoever_may_not() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let groups = api.get("/user/tokens/permission_groups").await.result();
    let groups = groups.as_array().unwrap();
    let group = groups.iter().find(|group| group["name"] == "Load Balancers Read").unwrap();
    let resources = json!({(format!("com.cloudflare.api.account.{ACCOUNT}")): "*"});
    let body = json!({"name": "reader", "policies": [
        {"effect": "allow", "permission_groups": [{"id": group["id"]}], "resources": resources},
    ]});
    let made = api.post("/user/tokens", body).await.result();
    let bearer = format!("Bearer {}", made["value"].as_str().unwrap());
    for (method, path) in [
        ("PUT", "/evenkeel/v1/documents".to_owned()),
        ("POST", format!("/client/v4{}", pools())),
        ("POST", format!("/client/v4/zones/{zone}/load_balancers")),
        ("POST", format!("/client/v4/zones/{zone}/dns_records/import")),
    ] {
        let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
        let sent = send_long(&api, method, &path, &headers, long()).await;
        assert_eq!(sent, ("403/10000".to_owned(), 0), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_are_as_long_as_the_installation_allows() {
    let settings = ServerSettings { body_bytes_max: 64, ..ServerSettings::default() };
    let api = Api::start_as(Limits::default(), settings).await;
    let answer = api.raw("POST", "/zones", format!("{:65}", "{}")).await;
    assert_eq!(answer.failure(), "413/1002");
    assert!(answer.message().contains("64 bytes"), "{answer:?}");
    assert_eq!(api.raw("POST", "/zones", format!("{:64}", "{}")).await.failure(), "400/1002");
}

#[tokio::test]
async fn of_one_that_is_too_long_no_more_is_kept_than_is_allowed() {
    let settings = ServerSettings { body_bytes_max: 1024 * 1024, ..ServerSettings::default() };
    let api = Api::start_as(Limits::default(), settings).await;
    let zone = api.zone("example.com").await;
    let import = format!("/client/v4/zones/{zone}/dns_records/import");
    let bearer = format!("Bearer {TOKEN}");
    for (method, path, form, announced, chunks_max) in [
        ("POST", "/client/v4/zones", "application/json", long(), 0),
        ("POST", "/client/v4/zones", "application/json", SizeHint::default(), 17),
        ("POST", &import, "multipart/form-data; boundary=b", SizeHint::default(), 17),
    ] {
        let headers = [("content-type", form), ("authorization", &*bearer)];
        let (outcome, asked) = send_long(&api, method, path, &headers, announced).await;
        assert_eq!(outcome, "413/1002", "{path}");
        assert!(asked <= chunks_max, "{path}: {asked}");
    }
}
