//! The audit log: what is told of a change, and how it is asked for.

use super::*;

fn logs(query: &str) -> String {
    format!("/accounts/{ACCOUNT}/audit_logs{query}")
}

/// Every line as `action type: old → new`, names for values.
async fn told(api: &Api, query: &str) -> Vec<String> {
    let lines = api.get(&logs(query)).await.result();
    let lines = lines.as_array().unwrap().iter().map(|line| {
        let name = |member: &str| line[member]["name"].as_str().unwrap_or("-").to_owned();
        let (old, new) = (name("oldValueJson"), name("newValueJson"));
        let word = |pointer: &str| line.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        format!("{} {}: {old} → {new}", word("/action/type"), word("/resource/type"))
    });
    lines.collect()
}

#[tokio::test]
async fn every_change_is_told_with_who_when_and_what() {
    let api = Api::start().await;
    let pool = api.pool("before").await;
    let path = format!("{}/{pool}", pools());
    api.patch(&path, json!({"name": "after"})).await.result();
    let refused = api.patch(&path, json!({"name": ""})).await;
    assert_eq!(refused.status, 400);
    api.delete(&path).await.result();
    assert_eq!(
        told(&api, "").await,
        [
            "delete pool: after → -",
            "update pool: before → after",
            "create pool: - → before",
            "create token: - → Administrator",
            "create user: - → -",
            "create account: - → Evenkeel",
        ]
    );
    let line = api.get(&logs("?per_page=1")).await.result()[0].clone();
    let user = api.get("/user").await.result();
    assert_eq!(line["action"], json!({"result": true, "type": "delete"}));
    assert_eq!(
        line["actor"],
        json!({"email": "admin@example.com", "id": user["id"], "ip": "", "type": "user"})
    );
    assert_eq!((&line["interface"], &line["owner"]), (&json!("API"), &json!({"id": ACCOUNT})));
    assert_eq!(line["resource"], json!({"id": pool, "type": "pool"}));
    assert_eq!(line["metadata"]["method"], "DELETE");
    assert_eq!(line["metadata"]["path"], path);
    assert_eq!(line["metadata"]["token_name"], "Administrator");
    assert_eq!((&line["newValue"], &line["newValueJson"]), (&json!(""), &Value::Null));
    let old: Value = serde_json::from_str(line["oldValue"].as_str().unwrap()).unwrap();
    assert_eq!((&old, &old["id"]), (&line["oldValueJson"], &json!(pool)));
    line["when"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
}

#[tokio::test]
async fn lines_are_found_by_what_they_say() {
    let api = Api::start().await;
    let start = crate::ids::now();
    let zone = api.zone("mine.example").await;
    let pool = api.pool("p").await;
    api.load_balancer(&zone, "www.mine.example", &pool).await;
    let made = api.post(
        "/user/tokens",
        json!({"name": "t", "policies": [{"effect": "allow",
        "permission_groups": [{"id": "4d871183d6483fe97752df3d25c2ec1a"}],
        "resources": {"com.cloudflare.api.account.*": "*"}}]}),
    );
    made.await.result();
    let all = [
        "create token: - → t",
        "create load_balancer: - → www.mine.example",
        "create pool: - → p",
        "create zone: - → mine.example",
    ];
    let since = format!("since={start}");
    for (query, lines) in [
        (String::new(), &all[..]),
        ("&hide_user_logs=true".into(), &all[1..]),
        ("&action.type=delete".into(), &[]),
        ("&action.type=create".into(), &all[..]),
        ("&zone.name=mine.example".into(), &[all[1], all[3]]),
        ("&actor.email=Admin@example.com".into(), &all[..]),
        ("&actor.email=nobody@example.com".into(), &[]),
        ("&actor.ip=192.0.2.0/24".into(), &[]),
        ("&per_page=2".into(), &all[..2]),
        ("&per_page=3&page=2".into(), &all[3..]),
        ("&page=2".into(), &[]),
        ("&direction=asc&per_page=1".into(), &all[3..]),
        ("&before=2001-01-01".into(), &[]),
    ] {
        assert_eq!(told(&api, &format!("?{since}{query}")).await, lines, "{query}");
    }
    let first = api.get(&logs("?per_page=1")).await.result()[0]["id"].clone();
    let found = told(&api, &format!("?id={}", first.as_str().unwrap())).await;
    assert_eq!(found, all[..1]);
    assert_eq!(api.get("/user/audit_logs?per_page=1").await.result()[0]["id"], first);
    for query in ["?per_page=0", "?per_page=1001", "?since=yesterday", "?actor.ip=here"] {
        assert_eq!(api.get(&logs(query)).await.failure(), "400/1002", "{query}");
    }
}

#[tokio::test]
async fn secrets_are_not_told() {
    let api = Api::start().await;
    let header = json!({"Host": ["example.com"], "Authorization": ["Bearer very-secret"]});
    let monitor = json!({"type": "http", "expected_codes": "200", "header": header});
    api.create(&monitors(), monitor).await;
    let line = api.get(&logs("?per_page=1")).await.result()[0].clone();
    assert_eq!(line["newValueJson"]["header"]["Host"], json!(["example.com"]));
    let everything = api.get(&logs("?per_page=1000")).await.result().to_string();
    assert!(!everything.contains("very-secret"));
    let hash = crate::ids::hex(&crate::auth::token_hash(TOKEN));
    assert!(!everything.contains(&hash));
}

#[tokio::test]
async fn deleting_a_zone_tells_of_everything_that_went() {
    let api = Api::start().await;
    let zone = api.zone("mine.example").await;
    let pool = api.pool("p").await;
    api.load_balancer(&zone, "www.mine.example", &pool).await;
    api.delete(&format!("/zones/{zone}")).await.result();
    let mut lines = told(&api, "?per_page=2").await;
    lines.sort();
    assert_eq!(
        lines,
        ["delete load_balancer: www.mine.example → -", "delete zone: mine.example → -"]
    );
}

#[tokio::test]
async fn the_log_is_exported_as_csv() {
    let api = Api::start().await;
    let described = json!({"name": "p", "description": "a, \"b\"",
        "origins": [{"name": "a", "address": "192.0.2.10"}]});
    api.create(&pools(), described).await;
    let answer = api.get(&logs("?per_page=1&export=true")).await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let text = answer.body.as_str().unwrap().to_owned();
    let lines: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("id,when,actor_type"), "{text}");
    assert!(lines[1].contains(",create,true,pool,"), "{text}");
    assert!(lines[1].contains(r#"""description"":""a, \""b\""""#), "{text}");
}
