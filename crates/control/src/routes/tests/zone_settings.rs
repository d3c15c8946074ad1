//! Settings of zones over the whole API, up to the view.

use evenkeel_model::{Edge, EndpointTls};

use super::*;

/// What the live load balancers carry.
fn edges(api: &Api) -> Vec<Edge> {
    api.live.load().config.load_balancers.iter().map(|lb| lb.edge).collect()
}

#[tokio::test]
async fn settings_are_answered_and_live_when_they_are_written() {
    let api = Api::start().await;
    let (zone, other) = (api.zone("example.com").await, api.zone("example.org").await);
    let pool = api.pool("eu").await;
    api.load_balancer(&zone, "a.example.com", &pool).await;
    let all = format!("/zones/{zone}/settings");
    let list = api.get(&all).await;
    assert_eq!(list.body["result_info"]["total_count"], 10);
    let unset = list.result();
    assert_eq!(
        unset[6],
        json!({"id": "ssl", "value": "off", "editable": true, "modified_on": null})
    );
    assert_eq!(edges(&api), [Edge::default()]);

    let answer = api.patch(&format!("{all}/ssl"), json!({"value": "full"})).await.result();
    assert_eq!((&answer["id"], &answer["value"]), (&json!("ssl"), &json!("full")));
    assert!(answer["modified_on"].is_string());
    assert_eq!(api.get(&format!("{all}/ssl")).await.result(), answer);
    let full = Edge { endpoint_tls: EndpointTls::Full, ..Edge::default() };
    assert_eq!(edges(&api), [full], "answered when it is live");

    let items = json!({"items": [{"id": "always_use_https", "value": "on"}, {"id": "tls_1_3", "value": "off"}]});
    let answer = api.patch(&all, items).await;
    let message = answer.body["messages"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("tls_1_3 is kept, not acted on"), "{message}");
    assert_eq!(answer.result().as_array().unwrap().len(), 2);
    assert_eq!(edges(&api), [Edge { always_use_https: true, ..full }]);

    assert_eq!(api.get(&format!("/zones/{other}/settings")).await.result(), unset);
    api.delete(&format!("/zones/{zone}")).await.result();
    assert!(api.app.catalog().zone_settings.rows().next().is_none(), "they go with their zone");
}

#[tokio::test]
async fn what_is_no_setting_is_told_in_the_words_that_clients_know() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let all = format!("/zones/{zone}/settings");
    for (answer, failure, message) in [
        (api.get(&format!("{all}/mirage")).await, "400/1003", "Undefined zone setting: mirage"),
        (
            api.patch(&format!("{all}/mirage"), json!({"value": "on"})).await,
            "400/1006",
            "Unrecognized zone setting name: mirage",
        ),
        (
            api.patch(&format!("{all}/ssl"), json!({"value": "best"})).await,
            "400/1007",
            "Invalid value for zone setting ssl: it must be one of off, flexible, full, strict",
        ),
        (api.patch(&all, json!({"ssl": "full"})).await, "400/1004", "Missing 'items'"),
        (api.get(&format!("/zones/{NOBODY}/settings")).await, "404/1001", "zone not found"),
        (
            api.patch(&format!("/zones/{NOBODY}/settings/ssl"), json!({"value": "full"})).await,
            "404/1001",
            "zone not found",
        ),
        (api.put(&format!("{all}/ssl"), json!({})).await, "405/10405", "Method not allowed"),
    ] {
        assert_eq!((&*answer.failure(), answer.message()), (failure, message));
    }
    assert!(api.app.catalog().zone_settings.rows().next().is_none(), "nothing was written");
}

#[tokio::test]
async fn settings_have_a_permission_of_their_own() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let groups = api.get("/user/tokens/permission_groups").await.result();
    let id = |name: &str| {
        let group = groups.as_array().unwrap().iter().find(|group| group["name"] == name);
        group.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let resources = json!({ format!("com.cloudflare.api.account.zone.{zone}"): "*" });
    let token = |name: &str| {
        let groups = [json!({"id": id(name)})];
        json!({"name": name, "policies": [
            {"effect": "allow", "permission_groups": groups, "resources": resources}]})
    };
    let settings = format!("/zones/{zone}/settings/ssl");
    let certificates = format!("/zones/{zone}/custom_certificates");
    for (name, outcomes) in [
        ("Zone Settings Read", ["200", "403/10000", "403/10000"]),
        ("Zone Settings Write", ["200", "200", "403/10000"]),
        ("SSL and Certificates Read", ["403/10000", "403/10000", "200"]),
        ("Zone Read", ["403/10000", "403/10000", "403/10000"]),
    ] {
        let made = api.post("/user/tokens", token(name)).await.result();
        let token = made["value"].as_str().unwrap();
        let body = json!({"value": "full"}).to_string();
        let answers = [
            api.ask_as(token, "GET", &settings, Body::empty()).await,
            api.ask_as(token, "PATCH", &settings, body).await,
            api.ask_as(token, "GET", &certificates, Body::empty()).await,
        ];
        let got = answers
            .map(|answer| if answer.status == 200 { "200".into() } else { answer.failure() });
        assert_eq!(got, outcomes, "{name}");
    }
}
