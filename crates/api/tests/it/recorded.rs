//! The recorded answers of api.md 2.1 to 2.3: the same members with the same values.

use evenkeel_api::{LoadBalancer, Monitor, Pool};
use serde_json::json;

use crate::world::{EARLY, NEW, POOL_A, Resource};

#[test]
fn a_load_balancer_of_three_members() {
    let sent = json!({
        "name": "shop.example.com",
        "default_pools": [POOL_A],
        "fallback_pool": POOL_A,
    });
    assert_eq!(
        LoadBalancer::create(&sent).unwrap().answer(),
        json!({
            "id": NEW, "name": "shop.example.com", "description": "",
            "created_on": EARLY, "modified_on": EARLY,
            "enabled": true, "proxied": false, "ttl": 30, "networks": ["cloudflare"],
            "zone_name": "example.com",
            "default_pools": [POOL_A], "fallback_pool": POOL_A,
            "region_pools": {}, "pop_pools": {}, "steering_policy": "off",
            "session_affinity": "none",
            "session_affinity_attributes": {"samesite": "Auto", "secure": "Auto",
                "drain_duration": 0, "zero_downtime_failover": "none"},
            "adaptive_routing": {"failover_across_pools": false},
            "location_strategy": {"mode": "pop", "prefer_ecs": "proximity"},
            "random_steering": {"default_weight": 1},
        })
    );
}

/// The recording predates two members that are out always: `health_sources` (api.md 3.4) and
/// `flatten_cname` (3.5).
#[test]
fn a_pool_of_one_origin() {
    let sent = json!({"name": "eu-west", "origins": [{"name": "a", "address": "192.0.2.10"}]});
    assert_eq!(
        Pool::create(&sent).unwrap().answer(),
        json!({
            "id": NEW, "name": "eu-west", "description": "", "enabled": true, "minimum_origins": 1,
            "check_regions": null, "notification_email": "", "networks": ["cloudflare"],
            "created_on": EARLY, "modified_on": EARLY,
            "health_sources": null,
            "origins": [{"name": "a", "address": "192.0.2.10", "enabled": true, "weight": 1,
                "flatten_cname": true}],
        })
    );
}

#[test]
fn a_monitor_of_three_members() {
    let sent = json!({"type": "https", "expected_codes": "2xx", "path": "/live"});
    assert_eq!(
        Monitor::create(&sent).unwrap().answer(),
        json!({
            "id": NEW, "type": "https", "description": "", "method": "GET", "path": "/live",
            "header": {}, "interval": 60, "timeout": 5, "retries": 2, "expected_codes": "2xx",
            "expected_body": "", "follow_redirects": false, "allow_insecure": false,
            "probe_zone": "", "created_on": EARLY, "modified_on": EARLY,
        })
    );
}
