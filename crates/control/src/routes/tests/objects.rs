//! Load balancers, pools and monitors through all verbs.

use super::*;

/// The same life for every kind of object, in zones and in accounts.
#[tokio::test]
async fn every_object_lives_through_all_verbs() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("in-use").await;
    let in_zone = format!("/zones/{zone}/load_balancers");
    let in_account = format!("/accounts/{ACCOUNT}/load_balancers");
    let monitor = json!({"type": "https", "expected_codes": "2xx", "path": "/live"});
    let (one, other) = (api.monitor().await, api.monitor().await);
    let described = |mut body: Value| {
        body["description"] = json!("");
        body
    };
    for (path, create, replace) in [
        (&in_zone, lb_body("a.example.com", &pool), lb_body("b.example.com", &pool)),
        (&in_account, lb_body("private.internal", &pool), lb_body("other.internal", &pool)),
        (&pools(), pool_body("one"), pool_body("two")),
        (&monitors(), monitor, json!({"type": "tcp", "port": 25})),
        (&groups(), group_body(&[&one]), described(group_body(&[&other, &one]))),
    ] {
        let created = api.post(path, create.clone()).await.result();
        let one = format!("{path}/{}", created["id"].as_str().unwrap());
        assert_eq!(created["created_on"], created["modified_on"], "{one}");
        assert_eq!(api.get(&one).await.result(), created, "{one}");
        let list = api.get(path).await.result();
        assert!(list.as_array().unwrap().contains(&created), "{one}");

        let patched = api.patch(&one, json!({"description": "patched"})).await.result();
        let mut wanted = created.clone();
        wanted["description"] = json!("patched");
        wanted["modified_on"] = patched["modified_on"].clone();
        assert_eq!(patched, wanted, "{one}");
        assert!(patched["modified_on"].as_str() > created["modified_on"].as_str(), "{one}");

        let replaced = api.put(&one, replace.clone()).await.result();
        for (member, value) in replace.as_object().unwrap() {
            if member != "origins" && member != "members" {
                assert_eq!(&replaced[member], value, "{one}");
            }
        }
        assert_eq!(replaced["description"], "", "PUT returns to defaults: {one}");
        for kept in ["id", "created_on"] {
            assert_eq!(replaced[kept], created[kept], "{one}");
        }
        assert_eq!(api.get(&one).await.result(), replaced, "{one}");

        // A body is neither wanted nor looked at.
        let deleted = api.raw("DELETE", &one, "{}").await.result();
        // Groups are answered whole (api.md 7, row 22).
        let whole = if path == &groups() { replaced } else { json!({"id": created["id"]}) };
        assert_eq!(deleted, whole, "{one}");
        for answer in [
            api.get(&one).await,
            api.put(&one, replace).await,
            api.patch(&one, json!({})).await,
            api.delete(&one).await,
        ] {
            assert_eq!(answer.failure(), "404/1001", "{one}");
        }
    }
}

#[tokio::test]
async fn an_object_is_only_found_where_it_stands() {
    let api = Api::start().await;
    let (one, other) = (api.zone("one.example").await, api.zone("other.example").await);
    let pool = api.pool("eu").await;
    let lb = api.load_balancer(&one, "www.one.example", &pool).await;
    for path in [
        format!("/zones/{other}/load_balancers/{lb}"),
        format!("/accounts/{ACCOUNT}/load_balancers/{lb}"),
        format!("{}/{lb}", pools()),
        format!("{}/{pool}", monitors()),
    ] {
        assert_eq!(api.get(&path).await.failure(), "404/1001", "{path}");
        assert_eq!(api.delete(&path).await.failure(), "404/1001", "{path}");
    }
    assert_eq!(api.get(&format!("/zones/{other}/load_balancers")).await.result(), json!([]));
    api.get(&format!("/zones/{one}/load_balancers/{lb}")).await.result();
}

/// Pool and monitor deletions while something names them (api.md 2.2, 9 item 16).
#[tokio::test]
async fn what_is_referenced_cannot_be_deleted() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let (pool, other) = (api.pool("one").await, api.pool("two").await);
    let at = format!("{}/{pool}", pools());
    let lbs = format!("/zones/{zone}/load_balancers");
    let name = "www.example.com";
    let rule = json!([{"name": "r", "condition": "", "overrides": {"default_pools": [pool]}}]);
    for naming in [
        json!({"default_pools": [other, pool]}),
        json!({"fallback_pool": pool}),
        json!({"region_pools": {"WEU": [pool]}, "steering_policy": "off"}),
        json!({"country_pools": {"DE": [pool]}, "steering_policy": "off"}),
        json!({"pop_pools": {"LIS": [pool]}}),
        json!({"rules": rule}),
    ] {
        let mut body = lb_body(name, &other);
        body.as_object_mut().unwrap().extend(naming.as_object().unwrap().clone());
        let lb = api.create(&lbs, body).await;
        let refused = api.delete(&at).await;
        assert_eq!(refused.failure(), "412/1005", "{naming}");
        let message = "This object is referenced by other objects, delete them first.";
        assert_eq!(refused.message(), message);
        api.delete(&format!("{lbs}/{lb}")).await.result();
    }
    let monitor = api.monitor().await;
    api.patch(&at, json!({"monitor": monitor})).await.result();
    let watcher = format!("{}/{monitor}", monitors());
    assert_eq!(api.delete(&watcher).await.failure(), "412/1005");
    api.patch(&at, json!({"monitor": null})).await.result();
    api.delete(&watcher).await.result();
    api.delete(&at).await.result();
}

#[tokio::test]
async fn references_are_told_from_both_ends() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let monitor = api
        .create(&monitors(), json!({"type": "tcp", "port": 80, "description": "Login page"}))
        .await;
    let mut body = pool_body("eu");
    body["monitor"] = json!(monitor);
    let pool = api.create(&pools(), body).await;
    let lb = api.load_balancer(&zone, "www.example.com", &pool).await;
    let of_pool = api.get(&format!("{}/{pool}/references", pools())).await.result();
    assert_eq!(
        of_pool,
        json!([
            {"reference_type": "referrer", "resource_type": "load_balancer", "resource_id": lb,
                "resource_name": "www.example.com"},
            {"reference_type": "referral", "resource_type": "monitor", "resource_id": monitor,
                "resource_name": "Login page"}])
    );
    let of_monitor = api.get(&format!("{}/{monitor}/references", monitors())).await.result();
    assert_eq!(
        of_monitor,
        json!([{"reference_type": "referrer", "resource_type": "pool", "resource_id": pool,
            "resource_name": "eu"}])
    );
    assert_eq!(api.get(&format!("{}/{NOBODY}/references", pools())).await.failure(), "404/1001");
}

#[tokio::test]
async fn a_patch_of_all_pools_clears_addresses_and_nothing_else() {
    let api = Api::start().await;
    for (name, email) in [("a", "one@example.com"), ("b", ""), ("c", "two@example.com")] {
        let mut body = pool_body(name);
        body["notification_email"] = json!(email);
        api.create(&pools(), body).await;
    }
    let names = |answer: Answered| {
        let list = answer.result();
        let names = list.as_array().unwrap().iter().map(|pool| pool["name"].as_str().unwrap());
        names.collect::<String>()
    };
    for body in
        [json!({}), json!({"notification_email": "x@example.com"}), json!({"enabled": false})]
    {
        assert_eq!(api.patch(&pools(), body.clone()).await.failure(), "400/1002", "{body}");
    }
    let clear = || json!({"notification_email": ""});
    let some = format!("{}?limit=2&offset=1", pools());
    assert_eq!(names(api.patch(&some, clear()).await), "c");
    let first = format!("{}?page=1&per_page=1", pools());
    assert_eq!(names(api.patch(&first, clear()).await), "a");
    assert_eq!(names(api.patch(&pools(), clear()).await), "");
    let list = api.get(&pools()).await.result();
    assert!(list.as_array().unwrap().iter().all(|pool| pool["notification_email"] == ""));
}

#[tokio::test]
async fn quotas_count_what_an_account_has() {
    let limits = Limits {
        load_balancer_quota: Some(1),
        pool_quota: Some(1),
        monitor_quota: Some(1),
        monitor_group_quota: Some(1),
        ..Limits::default()
    };
    let api = Api::start_with(limits).await;
    let (one, other) = (api.zone("one.example").await, api.zone("other.example").await);
    let pool = api.pool("one").await;
    api.load_balancer(&one, "www.one.example", &pool).await;
    let monitor = api.monitor().await;
    api.create(&groups(), group_body(&[&monitor])).await;
    for (path, body, object) in [
        (groups(), group_body(&[&monitor]), "monitor group"),
        (pools(), pool_body("two"), "pool"),
        (monitors(), json!({"type": "tcp", "port": 1}), "monitor"),
        (
            format!("/zones/{other}/load_balancers"),
            lb_body("www.other.example", &pool),
            "load balancer",
        ),
        (format!("/accounts/{ACCOUNT}/load_balancers"), lb_body("x", &pool), "load balancer"),
    ] {
        let refused = api.post(&path, body).await;
        assert_eq!(refused.failure(), "400/1002", "{path}");
        assert_eq!(refused.message(), format!("{object} quota exceeded: validation failed"));
    }
}
