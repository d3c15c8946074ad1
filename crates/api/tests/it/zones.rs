//! Zones, accounts and users.

use evenkeel_api::{Account, Zone};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, Resource, created};

#[test]
fn a_zone_is_active_at_once_and_has_every_member_clients_need() {
    let zone = Zone::create(&json!({"name": "Example.COM."})).unwrap().answer();
    let account = json!({"id": "01a7362d577a6c3019a474fd6f485823", "name": "Main"});
    assert_eq!(
        zone,
        json!({
            "id": NEW, "name": "example.com", "status": "active", "paused": false, "type": "full",
            "development_mode": 0, "name_servers": ["ns1.example"],
            "original_name_servers": null, "original_registrar": null, "original_dnshost": null,
            "vanity_name_servers": [], "modified_on": EARLY, "created_on": EARLY,
            "activated_on": EARLY, "meta": {}, "account": account,
            "owner": {"id": account["id"], "name": "Main", "type": "organization"},
            "permissions": [], "plan": {"id": "enterprise", "name": "Enterprise"},
        })
    );
}

#[test]
fn the_account_is_the_one_named_or_the_first() {
    let second: Zone = created(json!({"account": {"id": "02a7362d577a6c3019a474fd6f485823"}}));
    assert_eq!(second.account.name, "Second");
    assert_eq!(created::<Zone>(json!({"account": {}})).account.name, "Main");
    let problems = Zone::create(&Zone::with(json!({"account": {"id": "x"}}))).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "/account/id: account \"x\" does not exist: validation failed"
    );
}

#[test]
fn zones_are_refused() {
    for (name, code, text) in [
        (json!("taken.example"), 1061, "/name: taken.example already exists"),
        (json!("*.example"), 1002, "/name: invalid hostname: *.example: validation failed"),
        (json!("a b"), 1002, "/name: invalid hostname: a b: validation failed"),
        (Value::Null, 1002, "/name: name is required: validation failed"),
    ] {
        let problems = Zone::create(&json!({ "name": name })).unwrap_err();
        assert_eq!((problems[0].code, problems[0].to_string().as_str()), (code, text));
    }
    let problems = Zone::create(&Zone::with(json!({"type": "half", "paused": 1}))).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_patch_changes_what_can_be_changed() {
    let zone: Zone = created(json!({}));
    let patched = zone
        .patch(json!({"paused": true, "type": "partial", "name": "other.example",
            "vanity_name_servers": ["ns.example.com"], "account": {"id": "x"}}))
        .unwrap();
    let expected = Zone {
        paused: true,
        r#type: patched.r#type,
        vanity_name_servers: vec!["ns.example.com".into()],
        modified_on: LATE.into(),
        ..zone.clone()
    };
    assert_eq!(patched, expected);
    assert_eq!(patched.r#type.as_str(), "partial");
    assert!(patched.patch(json!({})).unwrap().paused, "absent is unchanged");
    zone.patch(json!({"vanity_name_servers": ["a b"]})).unwrap_err();
}

#[test]
fn an_account_has_the_published_members() {
    assert_eq!(
        serde_json::to_value(Account::new("a", "Main", EARLY)).unwrap(),
        json!({"id": "a", "name": "Main", "type": "enterprise", "created_on": EARLY,
            "settings": {"enforce_twofactor": false}})
    );
}
