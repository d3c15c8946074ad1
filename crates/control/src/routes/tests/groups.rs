//! Monitor groups among the monitors they name and the pools that name them (api.md 2.4, 2.7).

use super::*;

#[tokio::test]
async fn a_group_holds_its_monitors_and_its_pools_hold_it() {
    let api = Api::start().await;
    let (one, other) = (api.monitor().await, api.monitor().await);
    let group = api.create(&groups(), group_body(&[&one, &other])).await;
    let at = format!("{}/{group}", groups());
    assert_eq!(api.delete(&format!("{}/{one}", monitors())).await.failure(), "412/1005");

    let pool = api.pool("eu").await;
    let watched = format!("{}/{pool}", pools());
    api.patch(&watched, json!({"monitor_group": group})).await.result();
    let refused = api.delete(&at).await;
    assert_eq!(refused.failure(), "412/1005");
    assert!(refused.message().contains("referenced by other objects"), "{refused:?}");
    let refused = api.patch(&watched, json!({"monitor": one, "monitor_group": group})).await;
    assert_eq!(refused.failure(), "400/1002", "either one or the other");
    assert_eq!(refused.body["errors"][0]["source"]["pointer"], "/monitor_group");
    let moved = api.patch(&watched, json!({"monitor": one})).await.result();
    assert_eq!((&moved["monitor"], moved.get("monitor_group")), (&json!(one), None));

    let before = api.get(&at).await.result();
    assert_eq!(api.delete(&at).await.result(), before, "the whole group");
    assert_eq!(api.delete(&format!("{}/{one}", monitors())).await.failure(), "412/1005");
    api.delete(&format!("{}/{other}", monitors())).await.result();
}

#[tokio::test]
async fn a_group_names_only_monitors_of_its_account() {
    let api = Api::start().await;
    let monitor = api.monitor().await;
    let pool = api.pool("eu").await;
    for id in [NOBODY, &pool, "x"] {
        let refused = api.post(&groups(), group_body(&[&monitor, id])).await;
        assert_eq!(refused.failure(), "400/1002", "{id}");
        assert_eq!(refused.body["errors"][0]["source"]["pointer"], "/members/1/monitor_id");
        let refused = api.patch(&format!("{}/{pool}", pools()), json!({"monitor_group": id})).await;
        assert_eq!(refused.failure(), "400/1002", "{id}");
        assert_eq!(refused.body["errors"][0]["source"]["pointer"], "/monitor_group");
    }
    let refused = api.post(&groups(), group_body(&[&monitor, &monitor])).await;
    assert_eq!(refused.failure(), "400/1003");
}

#[tokio::test]
async fn references_go_through_the_group() {
    let api = Api::start().await;
    let monitor = json!({"type": "tcp", "port": 80, "description": "Login page"});
    let monitor = api.create(&monitors(), monitor).await;
    let group = api.create(&groups(), group_body(&[&monitor])).await;
    let mut body = pool_body("eu");
    body["monitor_group"] = json!(group);
    let pool = api.create(&pools(), body).await;
    let end = |way: &str, kind: &str, id: &str, name: &str| {
        json!({"reference_type": way, "resource_type": kind, "resource_id": id,
            "resource_name": name})
    };
    for (path, found) in [
        (
            format!("{}/{group}", groups()),
            json!([
                end("referrer", "pool", &pool, "eu"),
                end("referral", "monitor", &monitor, "Login page")
            ]),
        ),
        (
            format!("{}/{monitor}", monitors()),
            json!([end("referrer", "monitor_group", &group, "checkout")]),
        ),
        (
            format!("{}/{pool}", pools()),
            json!([end("referral", "monitor_group", &group, "checkout")]),
        ),
    ] {
        let answer = api.get(&format!("{path}/references")).await;
        assert_eq!(answer.body["result_info"]["total_count"], found.as_array().unwrap().len());
        assert_eq!(answer.result(), found, "{path}");
    }
    let missing = format!("{}/{NOBODY}/references", groups());
    assert_eq!(api.get(&missing).await.failure(), "404/1001");
}

/// A user's own copies of what the user's first account has (api.md 2, row 24). There are none of
/// load balancers, groups, regions and searches.
#[tokio::test]
async fn the_twins_below_user_are_the_accounts() {
    let api = Api::start().await;
    let monitor =
        api.create("/user/load_balancers/monitors", json!({"type": "tcp", "port": 80})).await;
    let pool = api.pool("eu").await;
    let (mine, whole) =
        (format!("/user/load_balancers/pools/{pool}"), format!("{}/{pool}", pools()));
    let patched = api.patch(&mine, json!({"monitor": monitor})).await.result();
    assert_eq!(api.get(&whole).await.result(), patched);
    for path in ["", "/references"] {
        let twin = api.get(&format!("{mine}{path}")).await;
        assert_eq!(twin.result(), api.get(&format!("{whole}{path}")).await.result(), "{path}");
    }
    let path = format!("/user/load_balancers/monitors/{monitor}/references");
    assert_eq!(api.get(&path).await.result()[0]["resource_id"], pool);
    let clear = json!({"notification_email": ""});
    assert_eq!(api.patch("/user/load_balancers/pools", clear).await.result(), json!([]));
    assert_eq!(api.delete(&mine).await.result(), json!({"id": pool}));
    for path in ["", "/monitor_groups", "/regions", "/search"] {
        let answer = api.get(&format!("/user/load_balancers{path}")).await;
        assert_eq!(answer.failure(), "404/7003,7000", "{path}");
    }
}
