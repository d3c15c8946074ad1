//! PUT against PATCH (api.md 1.8).

use evenkeel_api::{LoadBalancer, Monitor, Pool};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, POOL_A, POOL_B, Resource, created};

#[test]
fn put_replaces_and_keeps_only_what_is_read_only() {
    let before: LoadBalancer = created(json!({
        "description": "d", "region_pools": {"WEU": [POOL_A]}, "country_pools": {"DE": [POOL_A]},
        "session_affinity": "cookie", "rules": [{}], "pool_sets": [{"overrides": {"pools": [POOL_A]}}],
    }));
    for sent in [
        LoadBalancer::minimal(),
        LoadBalancer::with(json!({"id": "x", "created_on": LATE, "modified_on": EARLY,
            "zone_name": "x", "region_pools": null, "pool_sets": null, "unknown": [1]})),
    ] {
        let after = before.replace(sent).unwrap().answer();
        let mut expected = created::<LoadBalancer>(json!({})).answer();
        expected["modified_on"] = json!(LATE);
        assert_eq!(after, expected);
        assert_eq!((&after["id"], &after["created_on"]), (&json!(NEW), &json!(EARLY)));
    }
    before.replace(json!({"description": "x"})).unwrap_err();
}

#[test]
fn patch_touches_the_members_sent_and_no_others() {
    let before: LoadBalancer = created(json!({"description": "d", "ttl": 60}));
    let after = before.patch(json!({"default_pools": [POOL_B], "ttl": null})).unwrap();
    let expected = LoadBalancer {
        default_pools: vec![POOL_B.into()],
        ttl: 30,
        modified_on: LATE.into(),
        ..before
    };
    assert_eq!(after, expected);
}

#[test]
fn patch_replaces_nested_objects_whole_and_fills_them_up() {
    let before: LoadBalancer = created(json!({
        "session_affinity_attributes": {"samesite": "Lax", "drain_duration": 60, "headers": ["a"]},
        "random_steering": {"default_weight": 0.5, "pool_weights": {POOL_A: 0.1}},
    }));
    let after = before
        .patch(json!({"session_affinity_attributes": {"secure": "Always"},
            "random_steering": {"default_weight": 0.2}}))
        .unwrap()
        .answer();
    assert_eq!(
        after["session_affinity_attributes"],
        json!({"samesite": "Auto", "secure": "Always", "drain_duration": 0, "zero_downtime_failover": "none"})
    );
    assert_eq!(after["random_steering"], json!({"default_weight": 0.2}));
}

#[test]
fn patched_pool_sets_survive_null_and_fall_to_the_empty_list() {
    let before: LoadBalancer = created(json!({"pool_sets": [{"overrides": {"pools": [POOL_A]}}]}));
    assert_eq!(before.patch(json!({"pool_sets": null})).unwrap().pool_sets, before.pool_sets);
    assert_eq!(before.patch(json!({})).unwrap().pool_sets, before.pool_sets);
    assert_eq!(before.patch(json!({"pool_sets": []})).unwrap().pool_sets, []);
}

#[test]
fn a_filled_in_time_to_live_follows_the_kind_and_a_chosen_one_does_not() {
    let with_headers =
        json!({"session_affinity": "cookie", "session_affinity_attributes": {"headers": ["a"]}});
    let filled: LoadBalancer = created(with_headers);
    let header = filled.patch(json!({"session_affinity": "header"})).unwrap();
    assert_eq!(header.session_affinity_ttl, Some(1800));
    let none = header.patch(json!({"session_affinity": null})).unwrap();
    assert_eq!(none.session_affinity_ttl, None);
    let chosen = filled.patch(json!({"session_affinity_ttl": 7200})).unwrap();
    assert_eq!(
        chosen.patch(json!({"session_affinity": "ip_cookie"})).unwrap().session_affinity_ttl,
        Some(7200)
    );
    let problems = chosen.patch(json!({"session_affinity": "header"})).unwrap_err();
    assert_eq!(problems[0].pointer, "/session_affinity_ttl");
}

#[test]
fn null_in_a_patch_is_the_default_or_a_refusal_for_every_member() {
    fn check<R: Resource>(full: Value, required: &[&str]) {
        let before: R = created(full);
        for name in before.answer().as_object().unwrap().keys() {
            let after = before.patch(json!({ name: null }));
            assert_eq!(after.is_err(), required.contains(&name.as_str()), "{name}: {after:?}");
        }
    }
    check::<LoadBalancer>(
        json!({"description": "d", "country_pools": {"DE": [POOL_A]}, "session_affinity": "cookie",
            "rules": [{}], "pool_sets": [{"fixed_response": {}}]}),
        &["name", "default_pools", "fallback_pool"],
    );
    check::<Pool>(
        json!({"latitude": 1, "longitude": 2, "load_shedding": {}, "origin_steering": {},
            "notification_filter": {}, "check_regions": ["WEU"], "enabled": false}),
        &["name", "origins", "latitude", "longitude"],
    );
    check::<Monitor>(json!({"port": 80, "consecutive_up": 1}), &["expected_codes"]);
}

#[test]
fn bodies_that_are_no_object_are_one_clean_refusal() {
    let before: Pool = created(json!({}));
    for body in [json!([]), json!(null), json!("x"), json!(7)] {
        for problems in [
            before.patch(body.clone()).unwrap_err(),
            before.replace(body.clone()).unwrap_err(),
            Pool::create(&body).unwrap_err(),
        ] {
            assert_eq!(problems.len(), 1);
            assert_eq!(
                problems[0].to_string(),
                "the body must be a JSON object: validation failed"
            );
        }
    }
}
