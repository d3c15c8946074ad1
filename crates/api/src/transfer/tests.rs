//! Files that move in, again, changed, and pruned.

use alloc::string::ToString;
use alloc::vec;

use serde_json::json;

use super::*;
use crate::context::Limits;
use crate::problem::Problem;

const NOW: &str = "2026-01-05T09:10:11.123456Z";
const LATER: &str = "2026-02-05T09:10:11.123456Z";
const ACCOUNT: &str = "00c0ffee00c0ffee00c0ffee00c0ffee";

/// An id that ends with this digit.
fn id(last: u8) -> String {
    alloc::format!("{last:032x}")
}

/// One of every kind, each naming another.
fn file() -> Value {
    json!({ "format": 1, "accounts": [{
        "account": { "id": ACCOUNT, "name": "one" },
        "monitors": [{ "id": id(1), "description": "live", "type": "http", "expected_codes": "200" }],
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
            "mechanisms": { "webhooks": [{ "id": id(10) }] }, "created": "2020-01-01T00:00:00Z",
        }],
        "zones": [{
            "zone": { "id": id(5), "name": "Example.com", "account": { "id": "someone else's" } },
            "load_balancers": [{
                "id": id(6), "name": "www.example.com", "default_pools": [id(3), id(4)],
                "fallback_pool": id(4), "rules": [{ "name": "r", "overrides": { "default_pools": [id(4)] } }],
            }],
            "dns_records": [
                { "id": id(7), "name": "mail.example.com", "type": "A", "content": "192.0.2.9", "ttl": 300 },
            ],
        }],
    }]})
}

fn accounts() -> Vec<Account> {
    vec![Account::new(ACCOUNT, "one", NOW)]
}

fn planned(
    file: &Value,
    there: &Installation,
    prune: bool,
    now: &str,
) -> Result<Plan, Vec<Problem>> {
    let (accounts, limits) = (accounts(), Limits::default());
    let options = Options { prune, accounts: &accounts, name_servers: &[], limits: &limits, now };
    plan(file, there, &options)
}

/// What there is once a plan is carried out.
fn carried_out(mut there: Installation, plan: Plan) -> Installation {
    for step in plan.steps {
        let key = (step.document().kind(), step.document().id().to_owned());
        there.documents.remove(&key);
        if let Some(document) = step.after {
            there.insert(step.place, document);
        }
    }
    there
}

fn moved_in() -> Installation {
    let plan = planned(&file(), &Installation::default(), false, NOW).unwrap();
    carried_out(Installation::default(), plan)
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn a_file_moves_in_with_its_ids_and_dates_each_document_after_those_it_names() {
    let plan = planned(&file(), &Installation::default(), false, NOW).unwrap();
    let ids: Vec<_> = plan.steps.iter().map(|step| step.document().id().to_owned()).collect();
    assert_eq!(ids, [5, 1, 2, 3, 4, 6, 7, 10, 11].map(id));
    let there = carried_out(Installation::default(), plan);
    let Some((_, Document::Pool(pool))) = there.get(Kind::Pool, &id(3)) else { panic!("no pool") };
    assert_eq!(
        (pool.created_on.as_str(), pool.modified_on.as_str()),
        ("2020-01-01T00:00:00Z", NOW)
    );
    let Some((_, Document::Zone(zone))) = there.get(Kind::Zone, &id(5)) else { panic!("no zone") };
    assert_eq!((zone.name.as_str(), zone.account.id.as_str()), ("example.com", ACCOUNT));
}

#[test]
fn what_is_there_comes_out_and_moves_in_again_without_a_change() {
    let there = moved_in();
    let exported = export(&accounts(), &there);
    for file in [file(), exported.clone()] {
        let again = planned(&file, &there, true, LATER).unwrap();
        assert_eq!((again.steps.len(), again.unchanged), (0, 9), "{:?}", again.steps);
    }
    // Elsewhere it becomes the same, dates included.
    let elsewhere = planned(&exported, &Installation::default(), false, LATER).unwrap();
    let elsewhere = carried_out(Installation::default(), elsewhere);
    let there = export(&accounts(), &elsewhere);
    assert_eq!(there, exported);
}

#[test]
fn a_change_is_told_by_its_fields_and_keeps_the_rest() {
    let there = moved_in();
    let mut file = export(&accounts(), &there);
    file["accounts"][0]["pools"][0]["origins"][0]["weight"] = json!(0.5);
    let plan = planned(&file, &there, true, LATER).unwrap();
    let [step] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    let [field] = step.fields().try_into().unwrap();
    let expected = FieldChange {
        path: "origins.a.weight".to_owned(),
        before: Some(json!(1)),
        after: Some(json!(0.5)),
    };
    assert_eq!((field, plan.unchanged), (expected, 8));
    let Some(Document::Pool(pool)) = &step.after else { panic!("a pool") };
    assert_eq!(
        (pool.created_on.as_str(), pool.modified_on.as_str()),
        ("2020-01-01T00:00:00Z", LATER)
    );
}

#[test]
fn only_what_a_file_speaks_of_is_pruned() {
    let there = moved_in();
    let gone = |file: &Value, prune| {
        let plan = planned(file, &there, prune, LATER).unwrap();
        plan.steps.iter().map(|step| step.document().id().to_owned()).collect::<Vec<_>>()
    };
    let empty = json!({ "format": 1, "accounts": [{
        "account": { "id": ACCOUNT }, "monitors": [], "monitor_groups": [], "pools": [], "zones": [],
    }]});
    assert_eq!(gone(&empty, false), [""; 0]);
    assert_eq!(gone(&empty, true), [id(7), id(6), id(4), id(3), id(2), id(1), id(5)]);
    let silent = json!({ "format": 1, "accounts": [{ "account": { "id": ACCOUNT } }] });
    assert_eq!(gone(&silent, true), [""; 0]);
    let zones = json!({ "format": 1, "accounts": [{ "account": { "id": ACCOUNT }, "zones": [] }] });
    assert_eq!(gone(&zones, true), [id(7), id(6), id(5)], "a zone takes along what is in it");
    // The load balancer stays, because nothing is said of zones, and names the pools.
    let pools = json!({ "format": 1, "accounts": [{ "account": { "id": ACCOUNT }, "pools": [] }] });
    let problems = planned(&pools, &there, true, LATER).unwrap_err();
    assert!(problems[0].message.contains(r#"load balancer "www.example.com", which stays"#));
}

#[test]
fn everything_wrong_is_told_with_its_place_in_the_file() {
    let mut file = file();
    let account = &mut file["accounts"][0];
    account["pools"][0]["monitor"] = json!(id(9));
    account["pools"][1]["name"] = json!("eu");
    account["zones"][0]["load_balancers"][0]["fallback_pool"] = json!(id(1));
    account["zones"][0]["load_balancers"][0]["name"] = json!("www.example.org");
    account["monitors"].as_array_mut().unwrap().push(json!({ "id": "7" }));
    account["zones"][0]["dns_records"].as_array_mut().unwrap().push(json!(
        { "id": id(8), "name": "mail.example.com", "type": "CNAME", "content": "a.example", "ttl": 1 }
    ));
    let problems = check(&file, &Limits::default(), NOW).unwrap_err();
    let told = told(&problems);
    for expected in [
        "/accounts/0/monitors/1/id: id must be 32",
        "/accounts/0/pools/0/monitor: monitor ",
        "/accounts/0/pools/0/name: value not unique",
        "/accounts/0/pools/1/name: value not unique",
        "/accounts/0/zones/0/load_balancers/0/name: invalid hostname",
        "/accounts/0/zones/0/load_balancers/0/fallback_pool: ",
        "/accounts/0/zones/0/dns_records/1/name: ",
    ] {
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n{told:#?}");
    }
    for (file, expected) in [
        (json!([]), "the file must be a JSON object: validation failed"),
        (json!({}), "/format: format must be 1: validation failed"),
        (json!({ "format": 2 }), "/format: format must be 1: validation failed"),
        (
            json!({ "format": 1, "accounts": {} }),
            "/accounts: accounts must be a list: validation failed",
        ),
        (
            json!({ "format": 1, "accounts": [{}] }),
            "/accounts/0/account/id: id is required: validation failed",
        ),
        (
            json!({ "format": 1, "accounts": [7] }),
            "/accounts/0/account/id: id is required: validation failed",
        ),
    ] {
        let problems = check(&file, &Limits::default(), NOW).unwrap_err();
        assert_eq!(problems[0].to_string(), expected, "{file}");
    }
}

#[test]
fn ids_and_names_of_what_is_there_are_respected() {
    let there = moved_in();
    let pool = |last: u8, name: &str| {
        let pool = json!({ "id": id(last), "name": name, "origins": [{ "name": "a", "address": "192.0.2.1" }] });
        json!({ "format": 1, "accounts": [{ "account": { "id": ACCOUNT }, "pools": [pool] }] })
    };
    let problems = planned(&pool(9, "eu"), &there, false, LATER).unwrap_err();
    assert_eq!(told(&problems), ["/accounts/0/pools/0/name: value not unique"]);
    assert!(planned(&pool(3, "eu"), &there, false, LATER).is_ok(), "it may keep its own");
    let mut file = file();
    file["accounts"][0]["zones"][0]["zone"]["name"] = json!("example.org");
    let problems = planned(&file, &there, false, LATER).unwrap_err();
    assert!(told(&problems)[0].starts_with("/accounts/0/zones/0/zone/name: a zone keeps its name"));
    let stranger = json!({ "format": 1, "accounts": [{ "account": { "id": id(9) } }] });
    let problems = planned(&stranger, &there, false, LATER).unwrap_err();
    assert!(told(&problems)[0].contains("does not exist"));
}

#[test]
fn quotas_hold_for_what_will_be_there() {
    let accounts = accounts();
    let none = Limits {
        load_balancer_quota: Some(0),
        pool_quota: Some(1),
        monitor_quota: Some(0),
        monitor_group_quota: Some(0),
        dns_record_quota: Some(0),
        ..Limits::default()
    };
    let enough = Limits {
        load_balancer_quota: Some(1),
        pool_quota: Some(2),
        monitor_quota: Some(1),
        monitor_group_quota: Some(1),
        dns_record_quota: Some(1),
        ..Limits::default()
    };
    let planned = |file: &Value, there: &Installation, limits: &Limits| {
        let accounts = &accounts;
        let options = Options { prune: false, accounts, name_servers: &[], limits, now: NOW };
        plan(file, there, &options).map(|plan| plan.steps.len())
    };
    let nothing = Installation::default();
    assert_eq!(planned(&file(), &nothing, &enough), Ok(9));
    let problems = planned(&file(), &nothing, &none).unwrap_err();
    let exceeded = [
        ("monitors", "monitor"),
        ("monitor_groups", "monitor group"),
        ("pools", "pool"),
        ("zones/0/load_balancers", "load balancer"),
        ("zones/0/dns_records", "DNS record"),
    ];
    let exceeded = exceeded.map(|(list, noun)| {
        alloc::format!("/accounts/0/{list}: {noun} quota exceeded: validation failed")
    });
    assert_eq!(told(&problems), exceeded);
    // What is there may stay as it is, and change.
    let mut file = file();
    file["accounts"][0]["pools"][0]["description"] = json!("first");
    assert_eq!(planned(&file, &moved_in(), &none), Ok(1));
}

#[test]
fn a_secret_is_in_no_file_and_stays_where_it_is() {
    let mut there = moved_in();
    let key = (Kind::NotificationWebhook, id(10));
    let Some((_, Document::NotificationWebhook(stored))) = there.documents.get_mut(&key) else {
        panic!("no webhook")
    };
    stored.secret = Some("hush".to_owned());
    let mut file = export(&accounts(), &there);
    assert!(!file.to_string().contains("hush"));
    assert_eq!(planned(&file, &there, true, LATER).unwrap().steps, []);
    file["accounts"][0]["notification_webhooks"][0]["name"] = json!("other");
    let plan = planned(&file, &there, true, LATER).unwrap();
    let Some(Document::NotificationWebhook(stored)) = &plan.steps[0].after else { panic!() };
    assert_eq!(stored.secret.as_deref(), Some("hush"));
    file["accounts"][0]["notification_webhooks"] = json!([]);
    let problems = planned(&file, &there, true, LATER).unwrap_err();
    assert!(told(&problems)[0].starts_with("/accounts/0/notification_policies/0/mechanisms"));
}
