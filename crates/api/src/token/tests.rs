use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef";
const GROUP: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NOW: &str = "2026-01-05T09:10:11.123456Z";

fn groups() -> Vec<PermissionGroup> {
    vec![PermissionGroup {
        id: GROUP.to_owned(),
        name: "Zone Read".to_owned(),
        scopes: vec![],
        category: String::new(),
        is_selectable: true,
    }]
}

fn take(verb: Verb, body: &Value, current: Option<&Token>) -> Result<Token, Vec<String>> {
    let groups = groups();
    let scope = Scope { now: NOW, id: ID, groups: &groups };
    let sent = body.to_string();
    apply(verb, sent.as_bytes(), current, &scope)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn body() -> Value {
    let resources = json!({"com.cloudflare.api.account.zone.*": "*"});
    json!({"name": "ci", "policies": [
        {"effect": "allow", "permission_groups": [{"id": GROUP}], "resources": resources}]})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    let pointer = member.rsplit_once('/').map_or("", |(parent, _)| parent);
    let name = member.rsplit('/').next().unwrap();
    body.pointer_mut(pointer).unwrap()[name] = value;
    body
}

#[test]
fn a_token_is_answered_as_published() {
    let token = take(Verb::Create, &body(), None).unwrap();
    assert_eq!(
        serde_json::to_value(&token).unwrap(),
        json!({"id": ID, "name": "ci", "status": "active", "issued_on": NOW, "modified_on": NOW,
            "policies": [{"id": "0123456789abcdef0123456700000001", "effect": "allow",
                "permission_groups": [{"id": GROUP, "name": "Zone Read"}],
                "resources": {"com.cloudflare.api.account.zone.*": "*"}}]})
    );
    let later = with("/status", json!("disabled"));
    let changed = take(Verb::Replace, &later, Some(&token)).unwrap();
    assert_eq!((changed.status, &changed.policies), (TokenStatus::Disabled, &token.policies));
    let sent_back = take(Verb::Replace, &serde_json::to_value(&token).unwrap(), Some(&token));
    assert_eq!(sent_back.unwrap(), token);
}

#[test]
fn mistakes_are_named_where_they_are() {
    let policy = |member: &str| alloc::format!("/policies/0/{member}");
    let resource = |name: &str| json!({ name: "*" });
    for (member, value, problem) in [
        ("/name".to_owned(), json!(null), "/name: name is required: validation failed"),
        (
            "/name".to_owned(),
            json!(""),
            "/name: the name length must be in range [1, 120]: validation failed",
        ),
        (
            "/policies".to_owned(),
            json!([]),
            "/policies: the policies list length must be in range [1, 100]: validation failed",
        ),
        (
            policy("effect"),
            json!("maybe"),
            "/policies/0/effect: effect must be one of allow, deny: validation failed",
        ),
        (
            policy("permission_groups"),
            json!([{"id": "x"}]),
            "/policies/0/permission_groups/0/id: permission group \"x\" does not exist: validation failed",
        ),
        (
            policy("resources"),
            resource("com.example"),
            "/policies/0/resources/com.example: resource \"com.example\" does not exist: validation failed",
        ),
        (
            policy("resources"),
            json!({}),
            "/policies/0/resources: the resources length must be in range [1, 1000]: validation failed",
        ),
        (
            policy("resources"),
            json!({"com.cloudflare.api.account.zone.*": "some"}),
            "/policies/0/resources/com.cloudflare.api.account.zone.*: a resource is given as \"*\": validation failed",
        ),
        (
            "/expires_on".to_owned(),
            json!("tomorrow"),
            "/expires_on: expires_on \"tomorrow\" is not a time like 2030-01-31T00:00:00Z: validation failed",
        ),
        (
            "/condition".to_owned(),
            json!({"request_ip": {"in": ["10.0.0.0/99"]}}),
            "/condition/request_ip/in/0: \"10.0.0.0/99\" is not a network like 192.0.2.0/24: validation failed",
        ),
    ] {
        let problems = take(Verb::Create, &with(&member, value), None).unwrap_err();
        assert_eq!(problems.first().map(String::as_str), Some(problem), "{member}");
    }
    let mut backwards = with("/not_before", json!("2030-01-01T00:00:00Z"));
    backwards["expires_on"] = json!("2030-01-01T00:00:00+00:00");
    let problems = take(Verb::Create, &backwards, None).unwrap_err();
    assert_eq!(problems, ["/expires_on: expires_on is not after not_before: validation failed"]);
}

#[test]
fn resources_are_read_as_meant() {
    let account = alloc::format!("com.cloudflare.api.account.{ID}");
    let zone = alloc::format!("com.cloudflare.api.account.zone.{GROUP}");
    let all = "com.cloudflare.api.account.zone.*";
    let user = alloc::format!("com.cloudflare.api.user.{ID}");
    for (resources, meant) in [
        (json!({"com.cloudflare.api.account.*": "*"}), vec![Resource::AllAccounts]),
        (json!({&*account: "*", &*zone: "*"}), vec![Resource::Account(ID), Resource::Zone(GROUP)]),
        (
            json!({&*account: {all: "*", &*zone: "*"}}),
            vec![Resource::ZonesOf(ID), Resource::ZoneOf { account: ID, zone: GROUP }],
        ),
        (json!({&*user: "*"}), vec![Resource::User(ID)]),
    ] {
        let sent = with("/policies/0/resources", resources.clone());
        let token = take(Verb::Create, &sent, None).unwrap();
        assert_eq!(token.policies[0].resources().collect::<Vec<_>>(), meant, "{resources}");
        assert_eq!(serde_json::to_value(&token.policies[0].resources).unwrap(), resources);
    }
}

#[test]
fn its_time_comes_and_goes() {
    let mut sent = with("/not_before", json!("2026-01-02T00:00:00Z"));
    sent["expires_on"] = json!("2026-01-03T01:00:00+01:00");
    let token = take(Verb::Create, &sent, None).unwrap();
    let at = |text: &str| time::parse(text).unwrap();
    for (now, early, status) in [
        ("2026-01-01T23:59:59.999Z", true, TokenStatus::Active),
        ("2026-01-02T00:00:00Z", false, TokenStatus::Active),
        ("2026-01-02T23:59:59.999Z", false, TokenStatus::Active),
        ("2026-01-03T00:00:00Z", false, TokenStatus::Expired),
    ] {
        assert_eq!((token.is_early(at(now)), token.status_at(at(now))), (early, status), "{now}");
    }
    sent["status"] = json!("disabled");
    let disabled = take(Verb::Create, &sent, None).unwrap();
    assert_eq!(disabled.status_at(at("2027-01-01T00:00:00Z")), TokenStatus::Disabled);
}
