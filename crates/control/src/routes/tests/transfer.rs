//! The whole installation as one file, out and in.

use super::own::{breaches, describe};
use super::*;

const PATH: &str = "/evenkeel/v1/documents";

/// An id that ends with this digit.
fn id(last: u8) -> String {
    format!("{last:032x}")
}

async fn send(api: &Api, token: &str, method: &str, query: &str, body: String) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(format!("{PATH}{query}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body));
    api.send(request.unwrap()).await
}

async fn export(api: &Api) -> Value {
    let answer = send(api, TOKEN, "GET", "", String::new()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let document = describe(api).await;
    let schema = &document["components"]["schemas"]["File"];
    assert_eq!(breaches(&document, schema, &answer.body, ""), [""; 0]);
    answer.body
}

async fn import(api: &Api, query: &str, file: &Value) -> Answered {
    let answer = send(api, TOKEN, "PUT", query, file.to_string()).await;
    if answer.status == 200 {
        let document = describe(api).await;
        let schema = &document["components"]["schemas"]["Imported"];
        assert_eq!(breaches(&document, schema, &answer.body, ""), [""; 0]);
    }
    answer
}

/// How many documents came, changed, went, and were there just so.
#[track_caller]
fn counts(answer: &Answered) -> [u64; 4] {
    assert_eq!(answer.status, 200, "{answer:?}");
    ["added", "changed", "removed", "unchanged"].map(|name| answer.body[name].as_u64().unwrap())
}

/// The pointers of a refusal.
#[track_caller]
fn pointers(answer: &Answered) -> Vec<&str> {
    assert!(answer.failure().starts_with("400/"), "{answer:?}");
    let errors = answer.body["errors"].as_array().unwrap();
    errors.iter().map(|error| error["source"]["pointer"].as_str().unwrap_or_default()).collect()
}

/// One of every kind, each naming another.
fn file() -> Value {
    json!({ "format": 1, "accounts": [{
        "account": { "id": ACCOUNT, "name": "one" },
        "monitors": [{ "id": id(1), "type": "http", "expected_codes": "200" }],
        "monitor_groups": [{ "id": id(2), "description": "all", "members": [
            { "monitor_id": id(1), "enabled": true, "must_be_healthy": false, "monitoring_only": false },
        ]}],
        "pools": [
            { "id": id(3), "name": "eu", "monitor": id(1), "created_on": "2020-01-01T00:00:00Z",
              "origins": [{ "name": "a", "address": "192.0.2.1" }] },
            { "id": id(4), "name": "us", "monitor_group": id(2),
              "origins": [{ "name": "b", "address": "192.0.2.2" }] },
        ],
        "load_balancers": [],
        "notification_webhooks": [{ "id": id(10), "name": "pager", "url": "https://hooks.example/x" }],
        "notification_policies": [{
            "id": id(11), "name": "tell", "alert_type": "load_balancing_health_alert", "enabled": true,
            "mechanisms": { "webhooks": [{ "id": id(10) }] },
        }],
        "zones": [{
            "zone": { "id": id(5), "name": "example.com" },
            "settings": [{ "id": "ssl", "value": "full" }, { "id": "max_upload", "value": 100 }],
            "load_balancers": [{
                "id": id(6), "name": "www.example.com", "default_pools": [id(3), id(4)],
                "fallback_pool": id(4),
            }],
            "dns_records": [
                { "id": id(7), "name": "mail.example.com", "type": "A", "content": "192.0.2.9", "ttl": 300 },
            ],
        }],
    }]})
}

/// A control plane into which [`file`] has moved.
async fn moved_in() -> Api {
    let api = Api::start().await;
    assert_eq!(counts(&import(&api, "", &file()).await), [10, 0, 0, 0]);
    api
}

#[tokio::test]
async fn what_moved_in_is_what_moves_out_and_moving_in_again_changes_nothing() {
    let api = moved_in().await;
    let exported = export(&api).await;
    let sent = file();
    let part = |file: &Value| file["accounts"][0].clone();
    for list in ["monitors", "monitor_groups", "pools", "notification_policies"] {
        let ids = |file: &Value| {
            let items = part(file)[list].as_array().unwrap().clone();
            items.iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&exported), ids(&sent), "{list}");
    }
    assert_eq!(part(&exported)["pools"][0]["created_on"], "2020-01-01T00:00:00Z");

    // Elsewhere the file makes the very same.
    let other = Api::start().await;
    assert_eq!(counts(&import(&other, "", &exported).await), [10, 0, 0, 0]);
    let mut again = export(&other).await;
    // An account is the installation's own.
    again["accounts"][0]["account"] = exported["accounts"][0]["account"].clone();
    assert_eq!(again, exported);

    let revision = api.store.snapshot().revision();
    for query in ["", "?prune=true", "?dry_run=true&prune=true"] {
        assert_eq!(counts(&import(&api, query, &exported).await), [0, 0, 0, 10], "{query}");
    }
    assert_eq!(api.store.snapshot().revision(), revision);

    // And it is in force, as if it had come through the API.
    let lb = api.get(&format!("/zones/{}/load_balancers/{}", id(5), id(6))).await.result();
    assert_eq!(lb["default_pools"], json!([id(3), id(4)]));
    assert_eq!(api.live.load().config.load_balancers.len(), 1);
}

#[tokio::test]
async fn a_change_is_told_by_its_fields_and_a_dry_run_makes_none() {
    let api = moved_in().await;
    let mut sent = file();
    let part = &mut sent["accounts"][0];
    part["pools"][0]["origins"][0]["weight"] = json!(0.5);
    part["zones"][0]["dns_records"] = json!([]);
    for (query, counted, weight) in [
        ("?dry_run=true", [0, 1, 0, 8], 1.0),
        ("?dry_run=true&prune=true", [0, 1, 1, 8], 1.0),
        ("?prune=true", [0, 1, 1, 8], 0.5),
    ] {
        let answer = import(&api, query, &sent).await;
        assert_eq!(counts(&answer), counted, "{query}");
        assert_eq!(answer.body["dry_run"], query.contains("dry_run"));
        let change = &answer.body["changes"][0];
        assert_eq!((&change["action"], &change["kind"]), (&json!("change"), &json!("pool")));
        let fields = &change["fields"];
        assert_eq!(fields[0]["path"], "origins.a.weight", "{fields}");
        let pool = api.get(&format!("{}/{}", pools(), id(3))).await.result();
        assert_eq!(pool["origins"][0]["weight"].as_f64(), Some(weight), "{query}");
    }
    let records = api.get(&format!("/zones/{}/dns_records", id(5))).await.result();
    assert_eq!(records, json!([]));
}

#[tokio::test]
async fn the_settings_of_a_zone_move_as_one_document() {
    let api = moved_in().await;
    let settings = "/accounts/0/zones/0/settings";
    let told = export(&api).await.pointer(settings).unwrap().clone();
    let names: Vec<_> = told.as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(names, ["max_upload", "ssl"], "those that were set");
    let mut sent = file();
    *sent.pointer_mut(settings).unwrap() = json!([{ "id": "ssl", "value": "strict" }]);
    let answer = import(&api, "", &sent).await;
    assert_eq!(counts(&answer), [0, 1, 0, 9]);
    let change = &answer.body["changes"][0];
    assert_eq!((&change["kind"], &change["id"]), (&json!("zone_settings"), &json!(id(5))));
    assert_eq!(
        change["fields"],
        json!([{ "path": "ssl", "before": "full", "after": "strict" },
            { "path": "max_upload", "before": 100 }])
    );
    let edge = api.live.load().config.load_balancers[0].edge;
    assert_eq!(edge.endpoint_tls, evenkeel_model::EndpointTls::Strict);
    assert_eq!(edge.request_body_bytes_max, None);

    *sent.pointer_mut(settings).unwrap() = json!([{ "id": "ssl", "value": "best" }, 7]);
    let answer = import(&api, "", &sent).await;
    let wrong = [format!("{settings}/0/value"), format!("{settings}/1")];
    assert_eq!(pointers(&answer), wrong);
    *sent.pointer_mut(settings).unwrap() = json!([]);
    assert_eq!(counts(&import(&api, "", &sent).await), [0, 0, 0, 9], "there is no need to go");
    assert_eq!(counts(&import(&api, "?prune=true", &sent).await), [0, 0, 1, 9]);
    let zone = api.get(&format!("/zones/{}/settings/ssl", id(5))).await.result();
    assert_eq!((&zone["value"], &zone["modified_on"]), (&json!("off"), &Value::Null));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_place_in_the_file_and_nothing_is_written() {
    let api = moved_in().await;
    let revision = api.store.snapshot().revision();
    let edited = |pointer: &str, value: Value| {
        let mut file = file();
        *file.pointer_mut(pointer).unwrap() = value;
        file
    };
    let account = "/accounts/0";
    let monitor = format!("{account}/pools/0/monitor");
    let fallback = format!("{account}/zones/0/load_balancers/0/fallback_pool");
    let name = format!("{account}/pools/1/name");
    let address = format!("{account}/pools/1/origins/0/address");
    for (file, pointer) in [
        (edited(&monitor, json!(NOBODY)), &*monitor),
        (edited(&fallback, json!(NOBODY)), &*fallback),
        (edited(&name, json!("eu")), &*name),
        (edited(&address, json!("nowhere at all")), &*address),
        (edited("/format", json!(2)), "/format"),
        (edited("/accounts/0/account/id", json!(NOBODY)), "/accounts/0/account/id"),
        (json!([]), ""),
    ] {
        let answer = import(&api, "", &file).await;
        assert!(pointers(&answer).contains(&pointer), "{pointer}: {answer:?}");
    }
    // What a document that stays names does not go.
    let gone =
        json!({ "format": 1, "accounts": [{ "account": { "id": ACCOUNT }, "monitors": [] }] });
    let answer = import(&api, "?prune=true", &gone).await;
    assert_eq!(pointers(&answer), ["", ""], "a pool's and a group's: {answer:?}");
    for body in ["", "{", "[1,", "\u{0}"] {
        let answer = send(&api, TOKEN, "PUT", "", body.to_owned()).await;
        assert_eq!(answer.failure(), "400/1002", "{body}");
        assert!(answer.message().contains("malformed JSON"), "{answer:?}");
    }
    assert_eq!(import(&api, "?prune=perhaps", &file()).await.failure(), "400/1002");
    assert_eq!(api.store.snapshot().revision(), revision);
}

#[tokio::test]
async fn a_file_brings_no_more_than_the_quotas_allow() {
    let limits = Limits {
        load_balancer_quota: Some(1),
        pool_quota: Some(2),
        monitor_quota: Some(1),
        monitor_group_quota: Some(1),
        dns_record_quota: Some(1),
        ..Limits::default()
    };
    let api = Api::start_with(limits).await;
    assert_eq!(counts(&import(&api, "", &file()).await), [10, 0, 0, 0], "as many as allowed");
    let zone = "/accounts/0/zones/0";
    for (list, noun) in [
        ("/accounts/0/monitors".to_owned(), "monitor"),
        ("/accounts/0/monitor_groups".to_owned(), "monitor group"),
        ("/accounts/0/pools".to_owned(), "pool"),
        (format!("{zone}/load_balancers"), "load balancer"),
        (format!("{zone}/dns_records"), "DNS record"),
    ] {
        let mut file = file();
        let documents = file.pointer_mut(&list).unwrap().as_array_mut().unwrap();
        let mut one_more = documents[0].clone();
        one_more["id"] = json!(id(20));
        if one_more["name"].is_string() {
            let name = if noun == "pool" { "more" } else { "more.example.com" };
            one_more["name"] = json!(name);
        }
        documents.push(one_more);
        let answer = import(&api, "", &file).await;
        assert_eq!(pointers(&answer), [&*list]);
        assert_eq!(answer.message(), format!("{noun} quota exceeded: validation failed"));
    }
}

#[tokio::test]
async fn another_accounts_documents_are_not_to_be_had() {
    let api = moved_in().await;
    let mut batch = Batch::default();
    let account = evenkeel_api::Account::new(NOBODY, "two", "2026-01-01T00:00:00.000000Z");
    batch.changes.push(evenkeel_store::Change {
        key: evenkeel_store::Key::new(crate::records::kind::ACCOUNT, NOBODY),
        expected: evenkeel_store::Expected::Absent,
        write: evenkeel_store::Write::Put(serde_json::to_vec(&account).unwrap().into()),
    });
    api.store.commit(batch).await.unwrap();

    // The same ids belong to the first account; and no pool of its can be named from the second.
    let mut stolen = file();
    stolen["accounts"][0]["account"]["id"] = json!(NOBODY);
    let answer = import(&api, "", &stolen).await;
    let refused = pointers(&answer);
    assert!(refused.contains(&"/accounts/0/pools/0/id"), "{answer:?}");
    assert!(refused.contains(&"/accounts/0/zones/0/zone/id"), "{answer:?}");
    let named = json!({ "format": 1, "accounts": [{ "account": { "id": NOBODY }, "pools": [
        { "id": id(21), "name": "own", "monitor": id(1), "origins": [{ "name": "a", "address": "192.0.2.1" }] },
    ]}]});
    assert_eq!(pointers(&import(&api, "", &named).await), ["/accounts/0/pools/0/monitor"]);

    // A file of one account prunes that account alone.
    let empty = json!({ "format": 1, "accounts": [{ "account": { "id": NOBODY }, "pools": [],
        "monitors": [], "monitor_groups": [], "zones": [] }] });
    assert_eq!(counts(&import(&api, "?prune=true", &empty).await), [0, 0, 0, 0]);
    let exported = export(&api).await;
    let accounts = exported["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2);
    let pools = |n: usize| accounts[n]["pools"].as_array().unwrap().len();
    assert_eq!((pools(0), pools(1)), (2, 0));

    // Whoever may do everything in the first only, moves neither.
    let token = token_for(&api, &ALL_GROUPS, ACCOUNT).await;
    for method in ["GET", "PUT"] {
        let answer = send(&api, &token, method, "", file().to_string()).await;
        assert_eq!(answer.failure(), "403/10000", "{method}");
    }
}

const ALL_GROUPS: [&str; 6] = [
    "Load Balancers Write",
    "Load Balancing: Monitors and Pools Write",
    "Zone Edit",
    "Zone Settings Write",
    "DNS Edit",
    "Notifications Write",
];

/// Makes a token with these permissions in an account.
async fn token_for(api: &Api, groups: &[&str], account: &str) -> String {
    let known = api.get("/user/tokens/permission_groups").await.result();
    let ids: Vec<_> = known
        .as_array()
        .unwrap()
        .iter()
        .filter(|group| groups.contains(&group["name"].as_str().unwrap()))
        .map(|group| json!({"id": group["id"]}))
        .collect();
    assert_eq!(ids.len(), groups.len());
    let resources = json!({(format!("com.cloudflare.api.account.{account}")): "*"});
    let policies = json!([{"effect": "allow", "permission_groups": ids, "resources": resources}]);
    let made = api.post("/user/tokens", json!({"name": "mover", "policies": policies})).await;
    made.result()["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_lacks_one_permission_moves_nothing() {
    let api = moved_in().await;
    let allowed = token_for(&api, &ALL_GROUPS, ACCOUNT).await;
    let answer = send(&api, &allowed, "PUT", "", file().to_string()).await;
    assert_eq!(counts(&answer), [0, 0, 0, 10]);
    for lacking in ALL_GROUPS {
        let groups = ALL_GROUPS.map(|group| {
            // To read is not to write.
            let reads = group.replace("Write", "Read").replace("Edit", "Read");
            if group == lacking { reads } else { group.to_owned() }
        });
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let token = token_for(&api, &groups, ACCOUNT).await;
        let answer = send(&api, &token, "GET", "", String::new()).await;
        assert_eq!(answer.status, 200, "{lacking}");
        for query in ["", "?dry_run=true"] {
            let answer = send(&api, &token, "PUT", query, file().to_string()).await;
            assert_eq!(answer.failure(), "403/10000", "{lacking}");
        }
        let others: Vec<_> = ALL_GROUPS.into_iter().filter(|group| *group != lacking).collect();
        let token = token_for(&api, &others, ACCOUNT).await;
        let answer = send(&api, &token, "GET", "", String::new()).await;
        assert_eq!(answer.failure(), "403/10000", "{lacking}");
    }
}
