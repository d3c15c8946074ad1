//! Which members are null, empty or absent while unset, and that null is the same as unset
//! (api.md 1.8, 7 "null against absent").

use evenkeel_api::{LoadBalancer, Monitor, MonitorGroup, Pool};
use serde_json::{Value, json};

use crate::world::{POOL_A, Resource, created, echoed, merged};

/// Sends every optional member as null, and checks what the answer holds for it.
fn check<R: Resource>(cases: &[(&str, Option<Value>)]) {
    let nulls: Value = cases.iter().map(|(name, _)| (name.to_string(), Value::Null)).collect();
    let unset = created::<R>(json!({})).answer();
    let null = created::<R>(nulls.clone()).answer();
    assert_eq!(unset, null, "null is unset");
    let patched = created::<R>(json!({})).patch(nulls).unwrap().answer();
    for (name, expected) in cases {
        assert_eq!(unset.get(name), expected.as_ref(), "{name}");
        assert_eq!(patched.get(name), expected.as_ref(), "{name} after PATCH");
    }
}

#[test]
fn of_load_balancers() {
    check::<LoadBalancer>(&[
        ("description", Some(json!(""))),
        ("enabled", Some(json!(true))),
        ("proxied", Some(json!(false))),
        ("ttl", Some(json!(30))),
        ("networks", Some(json!(["cloudflare"]))),
        ("region_pools", Some(json!({}))),
        ("pop_pools", Some(json!({}))),
        ("country_pools", None),
        ("steering_policy", Some(json!("off"))),
        ("random_steering", Some(json!({"default_weight": 1}))),
        ("session_affinity", Some(json!("none"))),
        ("session_affinity_ttl", None),
        ("adaptive_routing", Some(json!({"failover_across_pools": false}))),
        ("location_strategy", Some(json!({"mode": "pop", "prefer_ecs": "proximity"}))),
        ("rules", None),
        ("pool_sets", None),
    ]);
}

#[test]
fn of_pools() {
    check::<Pool>(&[
        ("description", Some(json!(""))),
        ("enabled", Some(json!(true))),
        ("disabled_at", None),
        ("minimum_origins", Some(json!(1))),
        ("monitor", None),
        ("monitor_group", None),
        ("check_regions", Some(Value::Null)),
        ("health_sources", Some(Value::Null)),
        ("latitude", None),
        ("longitude", None),
        ("load_shedding", None),
        ("origin_steering", None),
        ("notification_filter", None),
        ("notification_email", Some(json!(""))),
        ("networks", Some(json!(["cloudflare"]))),
        ("healthy", None),
    ]);
}

#[test]
fn of_monitors() {
    check::<Monitor>(&[
        ("type", Some(json!("http"))),
        ("description", Some(json!(""))),
        ("method", Some(json!("GET"))),
        ("path", Some(json!("/"))),
        ("header", Some(json!({}))),
        ("port", None),
        ("interval", Some(json!(60))),
        ("timeout", Some(json!(5))),
        ("retries", Some(json!(2))),
        ("consecutive_up", None),
        ("consecutive_down", None),
        ("expected_body", Some(json!(""))),
        ("follow_redirects", Some(json!(false))),
        ("allow_insecure", Some(json!(false))),
        ("probe_zone", Some(json!(""))),
    ]);
}

#[test]
fn of_origins() {
    let origin = json!({"name": "a", "address": "192.0.2.10"});
    let nulls = json!({"enabled": null, "disabled_at": null, "weight": null, "port": null,
        "flatten_cname": null, "header": null, "virtual_network_id": null, "healthy": null});
    let filled = json!({"name": "a", "address": "192.0.2.10", "enabled": true, "weight": 1,
        "flatten_cname": true});
    echoed::<Pool>(vec![
        (json!({"origins": [origin]}), json!({"origins": [filled]})),
        (json!({"origins": [merged(origin, nulls)]}), json!({"origins": [filled]})),
    ]);
}

#[test]
fn of_rules() {
    let out =
        json!([{"name": "r", "condition": "", "disabled": false, "priority": 0, "overrides": {}}]);
    for sent in [
        json!({"name": "r", "condition": ""}),
        json!({"name": "r", "condition": "", "overrides": {}, "terminates": false}),
        json!({"name": "r", "condition": "", "overrides": null, "fixed_response": null,
            "terminates": null, "disabled": null, "priority": null}),
        json!({"name": "r", "condition": "", "overrides": {"region_pools": null, "ttl": null,
            "session_affinity_attributes": null, "default_pools": null}}),
    ] {
        echoed::<LoadBalancer>(vec![(json!({"rules": [sent]}), json!({ "rules": out }))]);
    }
}

/// What was sent empty comes back empty where nobody is harmed by it, and absent where the recorded
/// service leaves it out and clients rely on that.
#[test]
fn of_empty_values() {
    echoed::<LoadBalancer>(vec![
        (json!({"country_pools": {}}), json!({"country_pools": {}})),
        (json!({"region_pools": {}}), json!({"region_pools": {}})),
        (json!({"rules": []}), json!({"rules": "absent"})),
        (json!({"pool_sets": []}), json!({"pool_sets": "absent"})),
        (json!({"networks": []}), json!({"networks": []})),
        (json!({"ttl": 0}), json!({"ttl": 30})),
        (json!({"session_affinity": ""}), json!({"session_affinity": "none"})),
        (json!({"session_affinity_ttl": 0}), json!({"session_affinity_ttl": "absent"})),
        (json!({"random_steering": {}}), json!({"random_steering": {"default_weight": 1}})),
        (
            json!({"random_steering": {"pool_weights": {POOL_A: 0.1}}}),
            json!({"random_steering": {"default_weight": 1, "pool_weights": {POOL_A: 0.1}}}),
        ),
    ]);
    echoed::<Pool>(vec![
        (json!({"monitor": ""}), json!({"monitor": "absent"})),
        (json!({"monitor_group": ""}), json!({"monitor_group": "absent"})),
        (json!({"check_regions": []}), json!({"check_regions": []})),
        (json!({"minimum_origins": 0}), json!({"minimum_origins": 0})),
        (json!({"latitude": 0, "longitude": 0.0}), json!({"latitude": 0, "longitude": 0})),
        (json!({"notification_filter": {}}), json!({"notification_filter": {}})),
        (
            json!({"notification_filter": {"pool": {"healthy": null}, "origin": null}}),
            json!({"notification_filter": {"pool": {"disable": false, "healthy": null}, "origin": null}}),
        ),
        (json!({"origin_steering": {}}), json!({"origin_steering": {"policy": "random"}})),
        (json!({"origin_steering": {"policy": ""}}), json!({"origin_steering": {"policy": ""}})),
        (
            json!({"load_shedding": {}}),
            json!({"load_shedding": {"default_percent": 0, "default_policy": "random",
                "session_percent": 0, "session_policy": "hash"}}),
        ),
    ]);
    echoed::<Monitor>(vec![
        (json!({"port": 0}), json!({"port": "absent"})),
        (json!({"consecutive_up": 0}), json!({"consecutive_up": "absent"})),
        (json!({"method": "", "path": ""}), json!({"method": "GET", "path": "/"})),
    ]);
}

/// Older and newer clients send members that are not ours, at any depth (api.md 1.1). They neither
/// count nor come back.
#[test]
fn of_unknown_members() {
    fn with_strangers(value: &Value, is_map: bool) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| with_strangers(item, false)).collect(),
            Value::Object(members) => {
                let inner = |(name, value): (&String, &Value)| {
                    let is_map = name.ends_with("_pools") || name.ends_with("_weights");
                    (name.clone(), with_strangers(value, is_map))
                };
                let stranger = (!is_map).then(|| ("x-stranger".to_owned(), json!([{"a": null}])));
                members.iter().map(inner).chain(stranger).collect()
            }
            _ => value.clone(),
        }
    }
    fn check<R: Resource>(members: Value) {
        let plain = created::<R>(members.clone()).answer();
        let body = with_strangers(&R::with(members), false);
        assert_eq!(R::create(&body).unwrap().answer(), plain, "{body}");
    }
    check::<LoadBalancer>(json!({
        "region_pools": {"WEU": [POOL_A]}, "random_steering": {"pool_weights": {POOL_A: 0.5}},
        "session_affinity_attributes": {"samesite": "Lax"}, "adaptive_routing": {},
        "location_strategy": {"mode": "pop"},
        "rules": [{"overrides": {"session_affinity_attributes": {}, "adaptive_routing": {},
            "location_strategy": {}, "country_pools": {"DE": [POOL_A]}}},
            {"fixed_response": {"status_code": 404}}],
        "pool_sets": [{"match": {"topology": {"pops": ["LIS"]}}, "overrides": {"pools": [POOL_A]}}],
    }));
    check::<Pool>(json!({
        "origins": [{"name": "a", "address": "192.0.2.1", "header": {"Host": ["a.example"]}}],
        "load_shedding": {}, "origin_steering": {}, "notification_filter": {"pool": {}},
    }));
    check::<Monitor>(json!({}));
    check::<MonitorGroup>(json!({}));
}
