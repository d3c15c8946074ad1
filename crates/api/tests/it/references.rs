//! Who names whom.

use std::collections::BTreeSet;

use evenkeel_api::references::{monitor_groups_of, monitors_of, pools_of};
use evenkeel_api::{LoadBalancer, Pool, Problem};
use serde_json::{Value, json};

use crate::world::{GROUP, MONITOR, POOL_A, POOL_B, created};

fn names_pool_b(members: Value) -> bool {
    let document: LoadBalancer = created(members);
    let named: BTreeSet<_> = pools_of(&document).collect();
    assert!(named.contains(POOL_A), "the default and the fallback pool");
    named.contains(POOL_B)
}

#[test]
fn a_pool_is_named_in_any_place() {
    assert!(!names_pool_b(json!({})));
    for members in [
        json!({"default_pools": [POOL_A, POOL_B]}),
        json!({"fallback_pool": POOL_B}),
        json!({"region_pools": {"WEU": [POOL_B]}}),
        json!({"pop_pools": {"LAX": [POOL_B]}}),
        json!({"country_pools": {"DE": [POOL_B]}}),
        json!({"random_steering": {"pool_weights": {POOL_B: 0.5}}}),
        json!({"rules": [{"disabled": true, "overrides": {"default_pools": [POOL_B]}}]}),
        json!({"rules": [{}, {"overrides": {"fallback_pool": POOL_B}}]}),
        json!({"rules": [{"overrides": {"pools": [POOL_B]}}]}),
        json!({"rules": [{"overrides": {"pool_weights": {POOL_B: 1}}}]}),
        json!({"rules": [{"overrides": {"random_steering": {"pool_weights": {POOL_B: 1}}}}]}),
        json!({"rules": [{"overrides": {"region_pools": {"OC": [POOL_B]}}}]}),
        json!({"rules": [{"overrides": {"pop_pools": {"AMS": [POOL_B]}}}]}),
        json!({"rules": [{"overrides": {"country_pools": {"FR": [POOL_B]}}}]}),
        json!({"pool_sets": [{"disabled": true, "overrides": {"pools": [POOL_B]}}]}),
        json!({"pool_sets": [{"overrides": {"pools": [POOL_A], "pool_weights": {POOL_B: 1}}}]}),
        json!({"pool_sets": [{"overrides": {"pools": [POOL_A], "fallback_pool": POOL_B}}]}),
    ] {
        assert!(names_pool_b(members.clone()), "{members}");
    }
}

#[test]
fn trap_t54_a_pool_only_in_an_inactive_country_map_is_referenced() {
    let members = json!({"steering_policy": "off", "country_pools": {"DE": [POOL_B]}});
    assert!(names_pool_b(members));
    let refusal = Problem::referenced();
    assert_eq!((refusal.status(), refusal.code), (412, 1005));
    assert_eq!(refusal.message, "This object is referenced by other objects, delete them first.");
}

#[test]
fn a_pool_names_its_monitor_or_its_group() {
    let with_monitor: Pool = created(json!({"monitor": MONITOR}));
    assert_eq!(monitors_of(&with_monitor).collect::<Vec<_>>(), [MONITOR]);
    assert_eq!(monitor_groups_of(&with_monitor).count(), 0);
    let with_group: Pool = created(json!({"monitor_group": GROUP}));
    assert_eq!(monitors_of(&with_group).count(), 0);
    assert_eq!(monitor_groups_of(&with_group).collect::<Vec<_>>(), [GROUP]);
}

#[test]
fn the_other_refusals_have_their_texts() {
    for (problem, status, code, message) in [
        (Problem::not_found("load balancer"), 404, 1001, "load balancer not found"),
        (Problem::quota("pool"), 400, 1002, "pool quota exceeded: validation failed"),
    ] {
        assert_eq!(
            (problem.status(), problem.code, problem.message.as_str()),
            (status, code, message)
        );
    }
}
