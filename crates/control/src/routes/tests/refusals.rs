//! Every class of error, and hostile input (hostile-inputs rows 39 and 40): a refusal in the API's
//! own shape and never a fault of ours.

use super::*;
use crate::server::BODY_BYTES_MAX;

/// Method, path, body, and the status and codes that follow.
#[tokio::test]
async fn requests_are_refused_by_class() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("taken").await;
    let lb = api.load_balancer(&zone, "www.example.com", &pool).await;
    let lbs = format!("/zones/{zone}/load_balancers");
    let pools = pools();
    let lb_with = |members: Value| {
        let mut body = lb_body("new.example.com", &pool);
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body.to_string()
    };
    let deep = "[".repeat(100_000);
    let short = "f9138c5d07c2e2f4df57b1f61d4196";
    for (method, path, body, outcome) in [
        // Paths that name nothing.
        ("GET", "", "", "404/7003,7000"),
        ("GET", "/", "", "404/7003,7000"),
        ("GET", "/nowhere", "", "404/7003,7000"),
        ("GET", "/zones/", "", "404/7003,7000"),
        ("GET", "/accounts//load_balancers/pools", "", "404/7003,7000"),
        ("GET", "/accounts/x/load_balancers/pools", "", "404/7003,7000"),
        ("GET", &format!("/accounts/{ACCOUNT}/load_balancers/searches"), "", "404/7003,7000"),
        ("GET", &format!("{pools}/{short}"), "", "404/7003,7000"),
        ("GET", &format!("{pools}/{}", pool.to_uppercase()), "", "404/7003,7000"),
        ("GET", &format!("{pools}/..%2F..%2Fetc"), "", "404/7003,7000"),
        ("GET", &format!("{pools}/'--"), "", "404/7003,7000"),
        ("GET", &format!("{pools}/%ff%fe"), "", "404/7003,7000"),
        ("GET", &format!("{pools}/%00"), "", "404/7003,7000"),
        // Objects that are not there.
        ("GET", &format!("{pools}/{NOBODY}"), "", "404/1001"),
        ("GET", &format!("/zones/{NOBODY}"), "", "404/1001"),
        ("GET", &format!("/zones/{NOBODY}/load_balancers"), "", "404/1001"),
        ("POST", &format!("/zones/{NOBODY}/load_balancers"), &lb_with(json!({})), "404/1001"),
        ("GET", &format!("/accounts/{NOBODY}"), "", "404/1001"),
        ("GET", &format!("/accounts/{NOBODY}/load_balancers/pools"), "", "404/1001"),
        ("GET", &format!("/accounts/{NOBODY}/tokens/verify"), "", "404/1001"),
        ("POST", &format!("/accounts/{NOBODY}/load_balancers/pools"), "{}", "404/1001"),
        // Methods that a path does not take.
        ("PUT", &pools, "{}", "405/10405"),
        ("DELETE", &pools, "", "405/10405"),
        ("POST", &format!("{pools}/{pool}"), "{}", "405/10405"),
        ("PATCH", &lbs, "{}", "405/10405"),
        ("PUT", &format!("/zones/{zone}"), "{}", "405/10405"),
        ("OPTIONS", &pools, "", "405/10405"),
        ("TRACE", &pools, "", "405/10405"),
        ("BREW", &pools, "", "405/10405"),
        // Bodies that are no document.
        ("POST", &pools, "", "400/1002"),
        ("POST", &pools, "{", "400/1002"),
        ("POST", &pools, "null", "400/1002"),
        ("POST", &pools, "[]", "400/1002"),
        ("POST", &pools, r#"{"name": NaN}"#, "400/1002"),
        ("POST", &pools, "{\"name\": \"\u{0}\"}", "400/1002"),
        ("POST", &pools, &deep, "400/1002"),
        ("PATCH", &format!("{lbs}/{lb}"), "{", "400/1002"),
        ("PUT", &format!("{pools}/{pool}"), "", "400/1002"),
        // Values that are taken.
        ("POST", &pools, &pool_body("taken").to_string(), "400/1003"),
        ("POST", &lbs, &lb_body("www.example.com", &pool).to_string(), "400/1003"),
        ("POST", &lbs, &lb_body("WWW.example.com.", &pool).to_string(), "400/1003"),
        ("POST", "/zones", r#"{"name": "example.com"}"#, "400/1061"),
        // Values that are wrong.
        ("POST", &lbs, &lb_body("www.elsewhere.org", &pool).to_string(), "400/1002"),
        ("POST", &lbs, &lb_with(json!({"fallback_pool": NOBODY})), "400/1002"),
        ("POST", &lbs, &lb_with(json!({"fallback_pool": short})), "400/1002"),
        ("POST", &lbs, &lb_with(json!({"steering_policy": "GEO"})), "400/1002"),
        ("POST", &lbs, &lb_with(json!({"ttl": "30"})), "400/1002"),
        ("POST", "/zones", r#"{"name": "not a name"}"#, "400/1002"),
        (
            "POST",
            "/zones",
            &json!({"name": "a.org", "account": {"id": NOBODY}}).to_string(),
            "400/1002",
        ),
        // Still referenced.
        ("DELETE", &format!("{pools}/{pool}"), "", "412/1005"),
    ] {
        let answer = api.raw(method, path, body.to_owned()).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!(answer.failure(), outcome, "{method} {path} {shown}");
    }
}

#[tokio::test]
async fn a_malformed_identifier_is_told_with_its_path() {
    let api = Api::start().await;
    let answer = api.get("/accounts/x/load_balancers/pools").await;
    let message = "Could not route to /accounts/x/load_balancers/pools, perhaps your object \
                   identifier is invalid?";
    assert_eq!((answer.failure().as_str(), answer.message()), ("404/7003,7000", message));
    assert_eq!(answer.body["errors"][1]["message"], "No route for that URI");
    let answer = api.get(&format!("/{}", "x".repeat(10_000))).await;
    assert!(answer.message().len() < 400, "long paths are cut");
}

#[tokio::test]
async fn refused_methods_come_with_those_that_are_not() {
    let api = Api::start().await;
    for method in ["HEAD", "OPTIONS", "PUT"] {
        let answer = api.raw(method, &pools(), "").await;
        assert_eq!(answer.status, 405, "{method}");
        let mut allowed: Vec<_> = answer.headers["allow"].to_str().unwrap().split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "PATCH", "POST"], "{method}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_must_claim_to_be_json() {
    let api = Api::start().await;
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    assert_eq!(api.raw("POST", &pools(), large).await.failure(), "413/1002");
    let content_types = [
        ("application/json", "200"),
        ("application/json; charset=utf-8", "200"),
        ("Application/JSON", "200"),
        ("application/merge-patch+json", "200"),
        ("application/x-www-form-urlencoded", "200"),
        ("text/plain", "415/1002"),
        ("application/xml", "415/1002"),
        ("multipart/form-data; boundary=x", "415/1002"),
        ("", "415/1002"),
    ];
    for (number, (content_type, outcome)) in content_types.into_iter().enumerate() {
        let name = format!("p{number}");
        let request = Request::builder()
            .method("POST")
            .uri(format!("/client/v4{}", pools()))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", content_type)
            .body(Body::from(pool_body(&name).to_string()))
            .unwrap();
        let answer = api.send(request).await;
        let got = if answer.status == 200 { "200".to_owned() } else { answer.failure() };
        assert_eq!(got, outcome, "{content_type:?}");
    }
}

/// PATCH with null on every member that an object has: a default or a refusal, and the object can
/// still be read.
#[tokio::test]
async fn null_on_every_member_is_a_default_or_a_refusal() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("one").await;
    let lb = api.load_balancer(&zone, "www.example.com", &pool).await;
    let monitor = api.monitor().await;
    let group = api.create(&groups(), group_body(&[&monitor])).await;
    for path in [
        format!("/zones/{zone}/load_balancers/{lb}"),
        format!("{}/{pool}", pools()),
        format!("{}/{monitor}", monitors()),
        format!("{}/{group}", groups()),
        format!("/zones/{zone}"),
    ] {
        let document = api.get(&path).await.result();
        for member in document.as_object().unwrap().keys() {
            let answer = api.patch(&path, json!({ member.as_str(): null })).await;
            let fine = answer.status == 200 || answer.failure() == "400/1002";
            assert!(fine, "{path} {member}: {answer:?}");
            assert_eq!(api.get(&path).await.result()["id"], document["id"]);
        }
    }
}

/// Row 40: the API refuses with 5xx, reads go on, and so it does once there is room again.
#[tokio::test]
async fn a_full_disk_refuses_changes_and_nothing_else() {
    let api = Api::start().await;
    let pool = api.pool("one").await;
    let at = format!("{}/{pool}", pools());
    let before = api.get(&at).await.result();
    api.store.is_full.store(true, Ordering::Relaxed);
    let refused = api.patch(&at, json!({"description": "new"})).await;
    assert_eq!(refused.failure(), "503/10013");
    assert_eq!(refused.message(), "The change was not stored: no space is left to write to.");
    assert_eq!(api.post(&pools(), pool_body("two")).await.failure(), "503/10013");
    assert_eq!(api.get(&at).await.result(), before);
    api.store.is_full.store(false, Ordering::Relaxed);
    api.pool("two").await;
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let api = Api::start().await;
    let answer = api.get(&format!("{}?per_page=abc", pools())).await;
    assert_eq!(answer.failure(), "400/1002");
    assert!(answer.message().starts_with("per_page: "), "{}", answer.message());
    for (coding, outcome) in [("gzip", 415), ("br, gzip", 415), ("identity", 200)] {
        let request = Request::post(format!("/client/v4{}", pools()))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-encoding", coding)
            .body(pool_body("encoded").to_string().into())
            .unwrap();
        assert_eq!(api.send(request).await.status, outcome, "{coding}");
    }
}
