//! Tokens: how they are made and told, and what they may do.

use super::*;
use crate::server::Peer;

/// The identifier of a permission group.
async fn group(api: &Api, name: &str) -> String {
    let groups = api.get("/user/tokens/permission_groups").await.result();
    let groups = groups.as_array().unwrap();
    let found = groups.iter().find(|group| group["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {groups:?}"))["id"].as_str().unwrap().to_owned()
}

/// `effect group, group: resource, resource`, the resources without what they all begin with.
async fn policy(api: &Api, line: &str) -> Value {
    let (effect, rest) = line.split_once(' ').unwrap();
    let (groups, resources) = rest.split_once(" on ").unwrap();
    let mut ids = Vec::new();
    for name in groups.split(", ") {
        ids.push(json!({"id": group(api, name).await}));
    }
    let resources: serde_json::Map<_, _> = resources
        .split(", ")
        .map(|name| (format!("com.cloudflare.api.{name}"), json!("*")))
        .collect();
    json!({"effect": effect, "permission_groups": ids, "resources": resources})
}

async fn body(api: &Api, policies: &[&str]) -> Value {
    let mut made = Vec::new();
    for line in policies {
        made.push(policy(api, line).await);
    }
    json!({"name": "limited", "policies": made})
}

/// Makes a token with these policies and returns its secret and its identifier.
pub(super) async fn token(api: &Api, policies: &[&str]) -> (String, String) {
    let made = api.post("/user/tokens", body(api, policies).await).await.result();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("value"), text("id"))
}

/// The outcome of a GET of whoever holds a token.
async fn look(api: &Api, token: &str, path: &str) -> String {
    status(&api.ask_as(token, "GET", path, Body::empty()).await)
}

fn status(answer: &Answered) -> String {
    if answer.status == 200 { "200".to_owned() } else { answer.failure() }
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let api = Api::start().await;
    let (value, id) =
        token(&api, &[&format!("allow Load Balancers Read on account.{ACCOUNT}")]).await;
    let path = format!("/user/tokens/{id}");
    let got = api.get(&path).await.result();
    assert_eq!((&got["name"], &got["status"]), (&json!("limited"), &json!("active")));
    assert!(got.get("value").is_none() && got.get("last_used_on").is_none(), "{got}");
    let group = &got["policies"][0]["permission_groups"][0];
    assert_eq!(group["name"], "Load Balancers Read");
    let verified = api.ask_as(&value, "GET", "/user/tokens/verify", Body::empty()).await.result();
    assert_eq!(verified, json!({"id": id, "status": "active"}));
    assert!(api.get(&path).await.result()["last_used_on"].is_string());
    let stored = api.store.snapshot();
    let stored = stored.document("token", &id).unwrap();
    assert!(!String::from_utf8_lossy(&stored.body).contains(&value));

    let rolled = api.raw("PUT", &format!("{path}/value"), "{}").await.result();
    let rolled = rolled.as_str().unwrap();
    for (secret, outcome) in [(&*value, "401/10000"), (rolled, "200")] {
        assert_eq!(look(&api, secret, "/user").await, outcome);
    }
}

/// Policies, and what comes of requests: method, path, outcome.
type Row = (Vec<String>, Vec<(&'static str, String, &'static str)>);

fn row(policies: &[&str], asked: &[(&'static str, String, &'static str)]) -> Row {
    (policies.iter().map(|line| (*line).to_owned()).collect(), asked.to_vec())
}

#[tokio::test]
async fn policies_decide_what_is_allowed() {
    let api = Api::start().await;
    let mine = api.zone("mine.example").await;
    let other = api.zone("other.example").await;
    let pool = api.pool("p").await;
    let lb = api.load_balancer(&mine, "www.mine.example", &pool).await;
    let account = format!("account.{ACCOUNT}");
    let elsewhere = format!("account.{NOBODY}");
    let everything = "Load Balancers Write, Zone Edit";
    let (pools, user) = (pools(), "/user/load_balancers/pools".to_owned());
    let lbs = |zone: &str| format!("/zones/{zone}/load_balancers");
    for (policies, asked) in [
        row(
            &[&format!("allow Load Balancing: Monitors and Pools Read on {account}")],
            &[
                ("GET", pools.clone(), "200"),
                ("GET", user.clone(), "200"),
                ("GET", format!("{pools}/{pool}"), "200"),
                ("POST", pools.clone(), "403/10000"),
                ("PATCH", pools.clone(), "403/10000"),
                ("DELETE", format!("{pools}/{pool}"), "403/10000"),
                ("GET", lbs(&mine), "403/10000"),
                ("GET", format!("/zones/{mine}"), "403/10000"),
                ("GET", "/user/tokens".into(), "403/10000"),
                ("GET", format!("/accounts/{ACCOUNT}/audit_logs"), "403/10000"),
                ("GET", "/user/audit_logs".into(), "403/10000"),
                ("GET", format!("/accounts/{NOBODY}/load_balancers/pools"), "403/10000"),
                ("POST", "/zones".into(), "403/10000"),
            ],
        ),
        row(
            &[&format!("allow {everything} on account.zone.{mine}")],
            &[
                ("GET", lbs(&mine), "200"),
                ("GET", format!("{}/{lb}", lbs(&mine)), "200"),
                ("GET", lbs(&other), "403/10000"),
                ("GET", format!("/zones/{other}"), "403/10000"),
                ("GET", lbs(NOBODY), "403/10000"),
                ("GET", pools.clone(), "403/10000"),
                ("POST", "/zones".into(), "403/10000"),
            ],
        ),
        row(
            &[&format!("allow {everything} on {account}")],
            &[
                ("GET", lbs(&mine), "200"),
                ("GET", format!("/accounts/{ACCOUNT}/load_balancers"), "200"),
                ("POST", "/zones".into(), "400/1002"),
                ("GET", lbs(NOBODY), "403/10000"),
            ],
        ),
        row(
            &[
                "allow Load Balancers Read on account.zone.*",
                &format!("deny Load Balancers Read on account.zone.{other}"),
            ],
            &[
                ("GET", lbs(&mine), "200"),
                ("GET", lbs(&other), "403/10000"),
                ("GET", lbs(NOBODY), "404/1001"),
            ],
        ),
        row(
            &[
                "allow Load Balancers Write on account.*",
                &format!("deny Load Balancers Write on {account}"),
            ],
            &[("GET", lbs(&mine), "200"), ("POST", lbs(&mine), "403/10000")],
        ),
        row(
            &[&format!("allow Load Balancing: Monitors and Pools Write on {elsewhere}")],
            &[("GET", pools.clone(), "403/10000"), ("GET", user, "403/10000")],
        ),
    ] {
        let lines: Vec<_> = policies.iter().map(String::as_str).collect();
        let (value, _) = token(&api, &lines).await;
        for (method, path, outcome) in asked {
            let answer = api.ask_as(&value, method, &path, "{}").await;
            assert_eq!(status(&answer), outcome, "{policies:?}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn lists_show_what_the_caller_may_see() {
    let api = Api::start().await;
    let mine = api.zone("mine.example").await;
    api.zone("other.example").await;
    let account = format!("allow Zone Read on account.{ACCOUNT}");
    for (line, zones, accounts) in [
        (format!("allow Zone Read on account.zone.{mine}"), 1, 0),
        (account.clone(), 2, 1),
        (format!("allow Zone Read on account.{NOBODY}"), 0, 0),
        (format!("allow DNS Read on account.{ACCOUNT}"), 0, 1),
    ] {
        let (value, _) = token(&api, &[&line]).await;
        for (path, count) in [("/zones", zones), ("/accounts", accounts)] {
            let answer = api.ask_as(&value, "GET", path, Body::empty()).await.result();
            assert_eq!(answer.as_array().unwrap().len(), count, "{line}: {path}");
        }
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let api = Api::start().await;
    let user = api.get("/user").await.result()["id"].as_str().unwrap().to_owned();
    let zone = api.zone("mine.example").await;
    let account = format!("account.{ACCOUNT}");
    let own = [
        format!("allow API Tokens Write on user.{user}"),
        format!("allow Load Balancers Write on {account}"),
    ];
    let lines: Vec<_> = own.iter().map(String::as_str).collect();
    let (maker, maker_id) = token(&api, &lines).await;
    for (line, outcome) in [
        (format!("allow Load Balancers Read on {account}"), "200"),
        (format!("allow Load Balancers Write on account.zone.{zone}"), "200"),
        (format!("deny Zone Edit on {account}"), "200"),
        (format!("allow API Tokens Write on user.{user}"), "200"),
        ("allow Load Balancers Read on account.*".to_owned(), "403/10000"),
        ("allow Load Balancers Read on account.zone.*".to_owned(), "403/10000"),
        (format!("allow Load Balancers Read on account.zone.{NOBODY}"), "403/10000"),
        (format!("allow Zone Read on {account}"), "403/10000"),
        (format!("allow API Tokens Write on user.{NOBODY}"), "403/10000"),
    ] {
        let body = body(&api, &[&line]).await.to_string();
        let answer = api.ask_as(&maker, "POST", "/user/tokens", body.clone()).await;
        assert_eq!(status(&answer), outcome, "{line}");
        let own = format!("/user/tokens/{maker_id}");
        if outcome != "200" {
            let answer = api.ask_as(&maker, "PUT", &own, body).await;
            assert_eq!(status(&answer), outcome, "{line}");
        }
    }
    // The administrator's secret is not for the rolling.
    let tokens = api.get("/user/tokens?per_page=50").await.result();
    let administrator =
        tokens.as_array().unwrap().iter().find(|token| token["name"] == "Administrator");
    let id = administrator.unwrap()["id"].as_str().unwrap();
    let answer = api.ask_as(&maker, "PUT", &format!("/user/tokens/{id}/value"), "{}").await;
    assert_eq!(status(&answer), "403/10000");
    let answer = api.ask_as(&maker, "PUT", &format!("/user/tokens/{maker_id}/value"), "{}").await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn what_is_made_does_not_outlive_or_outrun_its_maker() {
    let api = Api::start().await;
    let user = api.get("/user").await.result()["id"].as_str().unwrap().to_owned();
    let line = format!("allow API Tokens Write on user.{user}");
    let mut wanted = body(&api, &[&line]).await;
    wanted["expires_on"] = json!("2999-01-01T00:00:00Z");
    wanted["condition"] = json!({"request_ip": {"not_in": ["192.0.2.0/24"]}});
    let made = api.post("/user/tokens", wanted.clone()).await.result();
    // Without an address nothing that is demanded of it holds.
    let value = made["value"].as_str().unwrap();
    let ask = |ip: &'static str, body: Value| {
        let mut request = Request::post("/client/v4/user/tokens")
            .header("authorization", format!("Bearer {value}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        request.extensions_mut().insert(Peer(ip.parse().unwrap()));
        let answer = api.send(request);
        async move { status(&answer.await) }
    };
    assert_eq!(ask("192.0.2.9", wanted.clone()).await, "403/9109");
    assert_eq!(ask("198.51.100.1", wanted.clone()).await, "200");
    for (member, value) in [
        ("expires_on", json!("2999-01-01T00:00:01Z")),
        ("expires_on", Value::Null),
        ("condition", Value::Null),
    ] {
        let mut more = wanted.clone();
        more[member] = value;
        assert_eq!(ask("198.51.100.1", more).await, "403/10000", "{member}");
    }
}

#[tokio::test]
async fn times_and_status_are_looked_at() {
    let api = Api::start().await;
    let line = format!("allow Zone Read on account.{ACCOUNT}");
    for (member, value, answered, outcome) in [
        ("expires_on", json!("2001-01-01T00:00:00Z"), "expired", "401/10000"),
        ("not_before", json!("2999-01-01T00:00:00Z"), "active", "401/10000"),
        ("status", json!("disabled"), "disabled", "401/10000"),
        ("status", json!("active"), "active", "200"),
        ("expires_on", json!("2999-01-01T00:00:00+01:00"), "active", "200"),
    ] {
        let mut wanted = body(&api, &[&line]).await;
        wanted[member] = value.clone();
        let made = api.post("/user/tokens", wanted).await.result();
        assert_eq!(made["status"], answered, "{member} {value}");
        let value = made["value"].as_str().unwrap();
        let answer = api.ask_as(value, "GET", "/zones", Body::empty()).await;
        assert_eq!(status(&answer), outcome, "{member}");
    }
}

#[tokio::test]
async fn an_accounts_tokens_are_the_accounts() {
    let api = Api::start().await;
    let tokens = format!("/accounts/{ACCOUNT}/tokens");
    let wanted = body(&api, &["allow Zone Read on account.*"]).await;
    let made = api.post(&tokens, wanted).await.result();
    let (id, value) = (made["id"].as_str().unwrap(), made["value"].as_str().unwrap());
    assert_eq!(look(&api, value, "/zones").await, "200");
    assert_eq!(look(&api, value, "/user/tokens/verify").await, "200");
    let count =
        |listed: Value| listed.as_array().unwrap().iter().filter(|token| token["id"] == id).count();
    assert_eq!(count(api.get(&tokens).await.result()), 1);
    assert_eq!(count(api.get("/user/tokens").await.result()), 0);
    assert_eq!(api.get(&format!("/user/tokens/{id}")).await.failure(), "404/1001");
    let answer = api.get(&format!("/accounts/{NOBODY}/tokens")).await;
    assert_eq!(answer.failure(), "404/1001");
    assert_eq!(api.delete(&format!("{tokens}/{id}")).await.result(), json!({"id": id}));
    assert_eq!(look(&api, value, "/zones").await, "401/10000");
}

#[tokio::test]
async fn the_administrator_is_a_token_like_others_until_it_is_limited() {
    let api = Api::start().await;
    let listed = api.get("/user/tokens").await.result();
    let (id, shown) = (listed[0]["id"].as_str().unwrap(), &listed[0]);
    let path = format!("/user/tokens/{id}");
    assert_eq!(shown["policies"][0]["permission_groups"].as_array().unwrap().len(), 9);
    // Sent back as it came it may still do everything, and what it makes may as well.
    api.put(&path, shown.clone()).await.result();
    let made = api.post("/user/tokens", json!({"name": "second", "policies": shown["policies"]}));
    let made = made.await.result();
    let value = made["value"].as_str().unwrap();
    assert_eq!(status(&api.ask_as(value, "GET", &pools(), Body::empty()).await), "200");
    let limited = body(&api, &[&format!("allow Zone Read on account.{ACCOUNT}")]).await;
    api.put(&path, limited).await.result();
    assert_eq!(api.get(&pools()).await.failure(), "403/10000");
}
