//! Answers to the letter, as api.md records them.

use super::*;

/// Checks an answer against the recorded one; `"…"` stands for what differs every time.
#[track_caller]
fn check(found: &Value, wanted: &Value) {
    fn blank(found: &Value, wanted: &Value) -> Value {
        match (found, wanted) {
            (_, Value::String(text)) if text == "…" => wanted.clone(),
            (Value::Object(found), Value::Object(wanted)) => found
                .iter()
                .map(|(name, value)| {
                    (name.clone(), blank(value, wanted.get(name).unwrap_or(&Value::Null)))
                })
                .collect(),
            (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
                found.iter().zip(wanted).map(|(found, wanted)| blank(found, wanted)).collect()
            }
            _ => found.clone(),
        }
    }
    assert_eq!(blank(found, wanted), *wanted);
}

#[tokio::test]
async fn created_objects_have_the_recorded_members() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let monitor = api
        .post(&monitors(), json!({"type": "https", "expected_codes": "2xx", "path": "/live"}))
        .await;
    check(
        &monitor.body,
        &json!({"success": true, "errors": [], "messages": [], "result": {
            "id": "…", "type": "https", "description": "", "method": "GET", "path": "/live",
            "header": {}, "interval": 60, "timeout": 5, "retries": 2, "expected_codes": "2xx",
            "expected_body": "", "follow_redirects": false, "allow_insecure": false,
            "probe_zone": "", "created_on": "…", "modified_on": "…"}}),
    );
    let pool = api.post(&pools(), pool_body("eu-west")).await;
    check(
        &pool.body,
        &json!({"success": true, "errors": [], "messages": [], "result": {
            "id": "…", "name": "eu-west", "description": "", "enabled": true, "minimum_origins": 1,
            "check_regions": null, "health_sources": null, "notification_email": "",
            "networks": ["cloudflare"], "created_on": "…", "modified_on": "…",
            "origins": [{"name": "a", "address": "192.0.2.10", "enabled": true, "weight": 1,
                "flatten_cname": true}]}}),
    );
    let pool = pool.body["result"]["id"].as_str().unwrap();
    let lb =
        api.post(&format!("/zones/{zone}/load_balancers"), lb_body("shop.example.com", pool)).await;
    check(
        &lb.body,
        &json!({"success": true, "errors": [], "messages": [], "result": {
            "id": "…", "name": "shop.example.com", "description": "", "created_on": "…",
            "modified_on": "…", "enabled": true, "proxied": false, "ttl": 30,
            "networks": ["cloudflare"], "zone_name": "example.com", "default_pools": [pool],
            "fallback_pool": pool, "region_pools": {}, "pop_pools": {}, "steering_policy": "off",
            "session_affinity": "none",
            "session_affinity_attributes": {"samesite": "Auto", "secure": "Auto",
                "drain_duration": 0, "zero_downtime_failover": "none"},
            "adaptive_routing": {"failover_across_pools": false},
            "location_strategy": {"mode": "pop", "prefer_ecs": "proximity"},
            "random_steering": {"default_weight": 1}}}),
    );
}

#[tokio::test]
async fn neighbours_have_the_members_that_clients_need() {
    let api = Api::start().await;
    let zone = api.post("/zones", json!({"name": "Example.COM."})).await.result();
    check(
        &zone,
        &json!({"id": "…", "name": "example.com", "status": "active", "paused": false,
            "type": "full", "development_mode": 0, "name_servers": ["ns1.example.net"],
            "original_name_servers": null, "original_registrar": null, "original_dnshost": null,
            "vanity_name_servers": [], "modified_on": "…", "created_on": "…", "activated_on": "…",
            "meta": {}, "owner": {"id": ACCOUNT, "name": "Evenkeel", "type": "organization"},
            "account": {"id": ACCOUNT, "name": "Evenkeel"}, "permissions": [],
            "plan": {"id": "enterprise", "name": "Enterprise"}}),
    );
    let account = json!({"id": ACCOUNT, "name": "Evenkeel", "type": "enterprise",
        "settings": {"enforce_twofactor": false}, "created_on": "…"});
    check(&api.get(&format!("/accounts/{ACCOUNT}")).await.result(), &account);
    check(&api.get("/accounts").await.result(), &json!([account]));
    check(
        &api.get("/user").await.result(),
        &json!({"id": "…", "email": "admin@example.com", "first_name": null, "last_name": null,
            "username": "admin@example.com", "two_factor_authentication_enabled": false,
            "suspended": false, "organizations": [{"id": ACCOUNT, "name": "Evenkeel"}]}),
    );
    for path in ["/user/tokens/verify", &format!("/accounts/{ACCOUNT}/tokens/verify")] {
        check(
            &api.get(path).await.body,
            &json!({"success": true, "errors": [],
                "messages": [{"code": 10000, "message": "This API Token is valid and active"}],
                "result": {"id": "…", "status": "active"}}),
        );
    }
}

#[tokio::test]
async fn problems_point_into_the_body() {
    let api = Api::start().await;
    let refused = api.post(&monitors(), json!({"type": "tcp", "port": 1, "interval": 5})).await;
    assert_eq!(refused.status, 400);
    check(
        &refused.body,
        &json!({"success": false, "messages": [], "result": null, "errors": [{
            "code": 1002, "message": "interval is not in range [10, 3600]: validation failed",
            "source": {"pointer": "/interval"}}]}),
    );
}

/// Settings that are allowed and hardly meant come with a remark (behaviour.md 7.2).
#[tokio::test]
async fn a_probe_longer_than_its_interval_is_worth_a_remark() {
    let api = Api::start().await;
    let body = |retries| json!({"type": "tcp", "port": 1, "interval": 10, "retries": retries});
    let quiet = api.post(&monitors(), body(1)).await;
    assert_eq!(quiet.body["messages"], json!([]));
    let loud = api.post(&monitors(), body(2)).await;
    let remark = "A probe may take 15 s, retries included, which is longer than the interval of \
                  10 s: the next one then waits.";
    assert_eq!(loud.body["messages"], json!([{"code": 1102, "message": remark}]));
    let at = format!("{}/{}", monitors(), loud.result()["id"].as_str().unwrap());
    assert_eq!(api.get(&at).await.body["messages"], json!([]), "told once, to who wrote it");
    assert_eq!(api.put(&at, body(2)).await.body["messages"][0]["message"], remark);
}
