//! Notification policies and webhooks over the whole API (api.md 6.4).

use super::*;

fn policies() -> String {
    format!("/accounts/{ACCOUNT}/alerting/v3/policies")
}

fn webhooks() -> String {
    format!("/accounts/{ACCOUNT}/alerting/v3/destinations/webhooks")
}

fn policy(webhook: &str) -> Value {
    json!({"name": "on call", "alert_type": "load_balancing_health_alert", "enabled": true,
        "mechanisms": {"webhooks": [{"id": webhook}]}})
}

#[tokio::test]
async fn policies_and_webhooks_live_through_all_verbs() {
    let api = Api::start().await;
    let hook = json!({"name": "chat", "url": "https://hooks.slack.com/a", "secret": "s3cret"});
    let answer = api.post(&webhooks(), hook).await.result();
    let webhook = answer["id"].as_str().unwrap();
    assert_eq!(answer, json!({ "id": webhook }), "nothing but the identifier");
    let one = format!("{}/{webhook}", webhooks());
    let got = api.get(&one).await.result();
    assert_eq!((&got["type"], &got["name"]), (&json!("slack"), &json!("chat")));
    assert!(!got.to_string().contains("s3cret"));
    assert_eq!(api.get(&webhooks()).await.result(), json!([got]));
    let renamed = json!({"name": "room", "url": "https://example.com/a"});
    assert_eq!(api.put(&one, renamed).await.result(), answer);
    let got = api.get(&one).await.result();
    assert_eq!((&got["type"], &got["name"]), (&json!("generic"), &json!("room")));

    let pool = api.pool("eu").await;
    let mut sent = policy(webhook);
    sent["filters"] = json!({"pool_id": [pool], "new_health": ["Unhealthy"]});
    let answer = api.post(&policies(), sent.clone()).await.result();
    let policy_path = format!("{}/{}", policies(), answer["id"].as_str().unwrap());
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let got = api.get(&policy_path).await.result();
    for (member, value) in sent.as_object().unwrap() {
        assert_eq!(&got[member], value, "{member}");
    }
    assert_eq!(got["created"], got["modified"]);
    assert_eq!(api.get(&policies()).await.result(), json!([got]));

    // Who is told by a webhook is not silently told no more; a pool is nobody's receiver.
    let refused = api.delete(&one).await;
    assert_eq!(refused.failure(), "412/1005");
    api.delete(&format!("{}/{pool}", pools())).await.result();
    sent["enabled"] = json!(false);
    assert_eq!(api.put(&policy_path, sent.clone()).await.result(), answer);
    let replaced = api.get(&policy_path).await.result();
    assert_eq!((&replaced["enabled"], &replaced["created"]), (&json!(false), &got["created"]));

    assert_eq!(api.delete(&policy_path).await.result(), answer);
    assert_eq!(api.delete(&one).await.result(), json!({ "id": webhook }));
    for answer in [
        api.get(&one).await,
        api.delete(&one).await,
        api.get(&policy_path).await,
        api.put(&policy_path, policy(webhook)).await,
        api.delete(&policy_path).await,
    ] {
        assert_eq!(answer.failure(), "404/1001");
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_refused() {
    let api = Api::start().await;
    for (path, body, pointer) in [
        (policies(), policy(NOBODY), "/mechanisms/webhooks/0/id"),
        (policies(), json!({"name": "a", "enabled": true, "mechanisms": {}}), "/alert_type"),
        (webhooks(), json!({"name": "a", "url": "http://169.254.169.254/"}), "/url"),
        (webhooks(), json!({"url": "http://192.0.2.1/"}), "/name"),
    ] {
        let answer = api.post(&path, body).await;
        assert_eq!(answer.body["errors"][0]["source"]["pointer"], pointer, "{answer:?}");
        assert_eq!(answer.status, 400);
    }
    let nobody = policies().replace(ACCOUNT, NOBODY);
    assert_eq!(api.get(&nobody).await.failure(), "404/1001");
}

#[tokio::test]
async fn the_available_alerts_are_those_that_policies_take() {
    let api = Api::start().await;
    let path = format!("/accounts/{ACCOUNT}/alerting/v3/available_alerts");
    let available = api.get(&path).await.result();
    for alert in available["Load Balancing"].as_array().unwrap() {
        let mut body = policy("");
        body["alert_type"] = alert["type"].clone();
        body["mechanisms"] = json!({"email": [{"id": "ops@example.com"}]});
        body["filters"] = json!({});
        for option in alert["filter_options"].as_array().unwrap() {
            body["filters"][option["Key"].as_str().unwrap()] =
                option["AvailableValues"].as_array().map_or(json!([]), |values| json!(values));
        }
        api.post(&policies(), body).await.result();
    }
}
