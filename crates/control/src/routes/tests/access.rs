//! Who gets in, and what needs no credentials.

use super::*;

/// Credentials in, status and codes out (api.md 1.3, 1.4, 9 item 27).
#[tokio::test]
async fn credentials_are_told_apart() {
    let api = Api::start().await;
    let bearer = format!("Bearer {TOKEN}");
    let long = format!("Bearer {}", "x".repeat(5000));
    for (headers, outcome) in [
        (&[][..], "401/10000"),
        (&[("authorization", &*bearer)], "200"),
        (&[("authorization", &*bearer.replace("Bearer", "bearer"))], "200"),
        (&[("authorization", "Bearer wrong-token-of-some-length")], "401/10000"),
        (&[("authorization", &bearer[..bearer.len() - 1])], "401/10000"),
        (&[("authorization", TOKEN)], "400/6003"),
        (&[("authorization", "Bearer ")], "400/6003"),
        (&[("authorization", "")], "400/6003"),
        (&[("authorization", "Basic YTpi")], "400/6003"),
        (&[("authorization", "Bearer '--; DROP TABLE")], "400/6003"),
        (&[("authorization", &*long)], "400/6003"),
        (&[("x-auth-email", "admin@example.com"), ("x-auth-key", TOKEN)], "200"),
        (&[("x-auth-email", "ADMIN@example.com"), ("x-auth-key", TOKEN)], "200"),
        (&[("x-auth-email", "other@example.com"), ("x-auth-key", TOKEN)], "401/10000"),
        (&[("x-auth-email", "admin@example.com"), ("x-auth-key", "wrong")], "401/10000"),
        (&[("x-auth-email", "admin@example.com"), ("x-auth-key", "a b")], "400/6003"),
        (&[("x-auth-email", "admin@example.com")], "401/10000"),
        (&[("x-auth-key", TOKEN)], "401/10000"),
        (&[("x-auth-user-service-key", TOKEN)], "401/10000"),
        // A token decides alone.
        (
            &[
                ("authorization", "Bearer wrong"),
                ("x-auth-email", "admin@example.com"),
                ("x-auth-key", TOKEN),
            ],
            "401/10000",
        ),
    ] {
        let mut request = Request::builder().uri("/client/v4/user");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        let got = if answer.status == 200 { "200".to_owned() } else { answer.failure() };
        assert_eq!(got, outcome, "{headers:?}");
        if outcome == "400/6003" {
            let error = &answer.body["errors"][0];
            assert_eq!(error["message"], "Invalid request headers");
            let legacy = headers.iter().any(|(name, _)| *name == "x-auth-key");
            let chain = if legacy {
                json!([{"code": 6103, "message": "Invalid format for X-Auth-Key header"}])
            } else {
                json!([{"code": 6111, "message": "Invalid format for Authorization header"}])
            };
            assert_eq!(error["error_chain"], chain, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn every_route_wants_credentials() {
    let api = Api::start().await;
    let pools = pools();
    for (method, path) in [
        ("GET", "/zones"),
        ("POST", "/zones"),
        ("GET", "/accounts"),
        ("GET", "/user"),
        ("GET", &*pools),
        ("POST", &*pools),
        ("PATCH", &*pools),
        ("DELETE", &*format!("{pools}/{NOBODY}")),
        ("DELETE", &*format!("/zones/{NOBODY}")),
    ] {
        let request = Request::builder().method(method).uri(format!("/client/v4{path}"));
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.failure(), "401/10000", "{method} {path}");
    }
    let request = Request::builder().uri("/client/v4/user/tokens/verify");
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.failure().as_str(), answer.message()), ("401/1000", "Invalid API Token"));
}

#[tokio::test]
async fn probes_and_metrics_are_open() {
    let api = Api::start().await;
    let get =
        |path: &'static str| api.send(Request::builder().uri(path).body(Body::empty()).unwrap());
    assert_eq!(get("/healthz").await.status, 200);
    assert_eq!(get("/readyz").await.status, 503);
    api.ready.send_replace(true);
    assert_eq!(get("/readyz").await.status, 200);
    let metrics = get("/metrics").await;
    assert_eq!((metrics.status, metrics.body), (200, json!("evenkeel_up 1\n")));
    assert!(metrics.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(get("/elsewhere").await.failure(), "404/7003,7000");
}
