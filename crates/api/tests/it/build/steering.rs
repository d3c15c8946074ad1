//! What is steered by, outside of rules and pool sets: policies, maps, weights, affinity, and what
//! pools and their endpoints add.

use evenkeel_model::{
    EcsPreference, EndpointSteering, LocationMode, Percent, SheddingPolicy, Steering,
};
use serde_json::json;

use super::{Stored, told};
use crate::world::{POOL_A, POOL_B, POOL_C};

impl Stored {
    /// Three pools, `a`, `b` and `c`.
    pub(super) fn three_pools() -> Self {
        let mut stored = Self::default();
        for (id, name) in [(POOL_A, "a"), (POOL_B, "b"), (POOL_C, "c")] {
            stored.pool(id, json!({ "name": name }));
        }
        stored
    }
}

#[test]
fn every_policy_is_in_force() {
    for (sent, meant) in [
        (json!({}), Steering::Off),
        (json!({"steering_policy": "off"}), Steering::Off),
        (json!({"steering_policy": ""}), Steering::Off),
        (json!({"steering_policy": "geo"}), Steering::Geo),
        (json!({"pop_pools": {"LAX": [POOL_A]}}), Steering::Geo),
        (json!({"steering_policy": "off", "pop_pools": {"LAX": [POOL_A]}}), Steering::Off),
        (json!({"steering_policy": "random"}), Steering::Random),
        (json!({"steering_policy": "dynamic_latency"}), Steering::DynamicLatency),
        (json!({"steering_policy": "proximity"}), Steering::Proximity),
        (
            json!({"steering_policy": "least_outstanding_requests"}),
            Steering::LeastOutstandingRequests,
        ),
        (json!({"steering_policy": "least_connections"}), Steering::LeastConnections),
    ] {
        let mut stored = Stored::three_pools();
        stored.load_balancer('1', sent.clone());
        let (config, problems) = stored.build();
        assert_eq!(problems, [""; 0], "{sent}");
        assert_eq!(config.load_balancers[0].steering, meant, "{sent}");
    }
}

#[test]
fn maps_are_by_place_whatever_the_policy() {
    for (sent, meant) in [
        (json!({}), ""),
        (
            json!({"pop_pools": {"LAX": [POOL_B, POOL_A], "AMS": [POOL_C]},
                "country_pools": {"DE": [POOL_C], "FR": [POOL_A]},
                "region_pools": {"WEU": [POOL_A, POOL_C]}, "steering_policy": "random"}),
            "pops AMS=c, LAX=b a; countries DE=c, FR=a; regions WEU=a c",
        ),
        // An entry with an empty list is none (behaviour.md 2.4).
        (json!({"region_pools": {"WEU": [], "OC": [POOL_B]}}), "regions OC=b"),
    ] {
        let mut stored = Stored::three_pools();
        stored.load_balancer('1', sent.clone());
        let (config, problems) = stored.build();
        assert_eq!(problems, [""; 0], "{sent}");
        assert_eq!(told::topology(&config, &config.load_balancers[0]), meant, "{sent}");
    }
}

#[test]
fn trap_t19_without_a_default_weight_it_is_1() {
    let mut stored = Stored::three_pools();
    stored.load_balancer(
        '1',
        json!({"default_pools": [POOL_A, POOL_B], "steering_policy": "random",
            "random_steering": {"pool_weights": {POOL_A: 0.1}}}),
    );
    let (config, _) = stored.build();
    let lb = &config.load_balancers[0];
    let weights = lb.default_pools.iter().map(|ix| lb.pool_weights.of(*ix).hundredths());
    assert_eq!(weights.collect::<Vec<_>>(), [10, 100]);
}

#[test]
fn affinity_has_the_defaults_of_its_kind() {
    for (sent, meant) in [
        (json!({}), "None 82800 Auto Auto drain 0 None"),
        (json!({"session_affinity": "cookie"}), "Cookie 82800 Auto Auto drain 0 None"),
        (json!({"session_affinity": "ip_cookie"}), "IpCookie 82800 Auto Auto drain 0 None"),
        (
            json!({"session_affinity": "ip_cookie", "session_affinity_ttl": 1800}),
            "IpCookie 1800 Auto Auto drain 0 None",
        ),
        (
            json!({"session_affinity": "header",
                "session_affinity_attributes": {"headers": ["X-User"]}}),
            "Header 1800 Auto Auto drain 0 None [x-user]",
        ),
        (
            json!({"session_affinity": "header", "session_affinity_ttl": 30,
                "session_affinity_attributes": {"headers": ["Cookie", "cookie:A,b", "x"],
                    "require_all_headers": true, "zero_downtime_failover": "temporary"}}),
            "Header 30 Auto Auto drain 0 Temporary [cookie, cookies A+b, x] all",
        ),
        (
            json!({"session_affinity": "cookie", "session_affinity_ttl": 0,
                "session_affinity_attributes": {"samesite": "Lax", "secure": "Always",
                    "drain_duration": 600, "zero_downtime_failover": "sticky"}}),
            "Cookie 82800 Lax Always drain 600 Sticky",
        ),
        (
            json!({"session_affinity_attributes": {"samesite": "None", "secure": "Auto"}}),
            "None 82800 None Auto drain 0 None",
        ),
    ] {
        let mut stored = Stored::three_pools();
        stored.load_balancer('1', sent.clone());
        let (config, _) = stored.build();
        assert_eq!(told::affinity(&config.load_balancers[0].affinity), meant, "{sent}");
    }
}

#[test]
fn dns_answers_have_their_lifetime_and_place() {
    for (sent, ttl_s, mode, prefer_ecs) in [
        (json!({}), 30, LocationMode::Pop, EcsPreference::Proximity),
        (
            json!({"ttl": 60, "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"}}),
            60,
            LocationMode::ResolverIp,
            EcsPreference::Always,
        ),
        (
            json!({"ttl": 0, "location_strategy": {"prefer_ecs": "geo"}}),
            30,
            LocationMode::Pop,
            EcsPreference::Geo,
        ),
        (
            json!({"location_strategy": {"mode": "pop", "prefer_ecs": "never"}}),
            30,
            LocationMode::Pop,
            EcsPreference::Never,
        ),
    ] {
        let mut stored = Stored::three_pools();
        stored.load_balancer('1', sent.clone());
        let (config, _) = stored.build();
        let lb = &config.load_balancers[0];
        assert_eq!((lb.ttl_s, lb.location.mode), (ttl_s, mode), "{sent}");
        assert_eq!(lb.location.prefer_ecs, prefer_ecs, "{sent}");
    }
}

#[test]
fn endpoints_are_steered_as_their_pool_says() {
    for (policy, meant) in [
        (json!(null), EndpointSteering::Random),
        (json!({}), EndpointSteering::Random),
        (json!({"policy": ""}), EndpointSteering::Random),
        (json!({"policy": "random"}), EndpointSteering::Random),
        (json!({"policy": "hash"}), EndpointSteering::Hash),
        (
            json!({"policy": "least_outstanding_requests"}),
            EndpointSteering::LeastOutstandingRequests,
        ),
        (json!({"policy": "least_connections"}), EndpointSteering::LeastConnections),
        (json!({"policy": "least_latency"}), EndpointSteering::LeastLatency),
    ] {
        let mut stored = Stored::default();
        stored.pool(POOL_A, json!({ "origin_steering": policy }));
        assert_eq!(stored.build().0.pools[0].endpoint_steering, meant, "{policy}");
    }
}

#[test]
fn shedding_and_coordinates_are_there_when_sent() {
    let percent = |number: f64| Percent::from_number(number).unwrap();
    for (sent, default, policy, sessions) in [
        (json!({}), 0.0, SheddingPolicy::Random, 0.0),
        (json!({"default_percent": 12.5}), 12.5, SheddingPolicy::Random, 0.0),
        (
            json!({"default_percent": 100, "default_policy": "hash", "session_percent": 30}),
            100.0,
            SheddingPolicy::Hash,
            30.0,
        ),
    ] {
        let mut stored = Stored::default();
        stored.pool(POOL_A, json!({ "load_shedding": sent }));
        let shedding = stored.build().0.pools[0].shedding.unwrap();
        assert_eq!(shedding.default, percent(default), "{sent}");
        assert_eq!(shedding.default_policy, policy, "{sent}");
        assert_eq!(shedding.sessions, percent(sessions), "{sent}");
    }
    let mut stored = Stored::default();
    stored.pool(POOL_A, json!({"name": "a", "latitude": 0, "longitude": -122.5}));
    stored.pool(POOL_B, json!({"name": "b", "load_shedding": null}));
    let (config, _) = stored.build();
    let coordinates = config.pools[0].coordinates.unwrap();
    assert_eq!((coordinates.latitude_deg(), coordinates.longitude_deg()), (0.0, -122.5));
    assert_eq!((config.pools[1].coordinates, config.pools[1].shedding), (None, None));
}

#[test]
fn names_of_endpoints_are_flattened_unless_told_otherwise() {
    let mut stored = Stored::default();
    stored.pool(
        POOL_A,
        json!({"origins": [
            {"name": "1", "address": "a.example"},
            {"name": "2", "address": "b.example", "flatten_cname": false},
        ]}),
    );
    let flattened = stored
        .build()
        .0
        .endpoints
        .iter()
        .map(|endpoint| endpoint.flatten_cname)
        .collect::<Vec<_>>();
    assert_eq!(flattened, [true, false]);
}
