//! The edge: rate limits and browsers.

use super::*;
use crate::server::RateLimit;

async fn started(settings: ServerSettings) -> Api {
    Api::start_as(Limits::default(), settings).await
}

fn limited(requests: u32) -> ServerSettings {
    let rate_limit = Some(RateLimit { requests, seconds: 300 });
    ServerSettings { rate_limit, ..ServerSettings::default() }
}

#[tokio::test]
async fn every_caller_has_a_limit_of_its_own() {
    let api = started(limited(2)).await;
    for (token, outcome, remaining) in [
        (TOKEN, "200", "1"),
        (TOKEN, "200", "0"),
        ("someone-elses-token", "401/10000", "1"),
        (TOKEN, "429/10429", "0"),
        ("another-token", "401/10000", "0"),
        ("yet-another-token", "429/10429", "0"),
    ] {
        let answer = api.ask_as(token, "GET", "/user", Body::empty()).await;
        let got = if answer.status == 200 { "200".into() } else { answer.failure() };
        assert_eq!(got, outcome, "{token}");
        assert_eq!(answer.headers["x-ratelimit-limit"], "2");
        assert_eq!(answer.headers["x-ratelimit-remaining"], remaining);
        let wait = answer.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(wait, (answer.status == 429).then_some("300"));
    }
    let probe = Request::get("/healthz").body(Body::empty()).unwrap();
    let answer = api.send(probe).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn no_limit_is_told_where_there_is_none() {
    let answer = Api::start().await.get("/user").await;
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
}

/// A request of a page, `preflight` when the browser asks first.
async fn page(api: &Api, origin: &str, preflight: bool) -> Answered {
    let method = if preflight { "OPTIONS" } else { "GET" };
    let mut request = Request::builder()
        .method(method)
        .uri("/client/v4/user")
        .header("origin", origin)
        .header("authorization", format!("Bearer {TOKEN}"));
    if preflight {
        request = request.header("access-control-request-method", "PATCH");
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_are_let_in_when_their_origin_is_named() {
    const ORIGIN: &str = "https://ui.example";
    let allowed = |answer: &Answered| {
        let header = answer.headers.get("access-control-allow-origin");
        header.map(|value| value.to_str().unwrap().to_owned())
    };
    let off = Api::start().await;
    for preflight in [false, true] {
        let answer = page(&off, ORIGIN, preflight).await;
        assert_eq!((answer.status, allowed(&answer)), (if preflight { 405 } else { 200 }, None));
        assert!(!answer.headers.contains_key("vary"));
    }
    for (origins, origin, told) in [
        (&[ORIGIN][..], ORIGIN, Some(ORIGIN)),
        (&[ORIGIN], "https://other.example", None),
        (&[ORIGIN], "null", None),
        (&["https://other.example", ORIGIN], ORIGIN, Some(ORIGIN)),
        (&["*"], ORIGIN, Some(ORIGIN)),
    ] {
        let cors_origins = origins.iter().map(ToString::to_string).collect();
        let api = started(ServerSettings { cors_origins, ..ServerSettings::default() }).await;
        for preflight in [false, true] {
            let answer = page(&api, origin, preflight).await;
            assert_eq!(allowed(&answer).as_deref(), told, "{origins:?} {origin}");
            assert_eq!(answer.status, if preflight { 204 } else { 200 });
            assert_eq!(answer.headers["vary"], "origin");
            let methods = answer.headers.get("access-control-allow-methods");
            assert_eq!(methods.is_some(), preflight && told.is_some());
        }
    }
}
