//! Rules and pool sets put in force.

use evenkeel_rules::Expression;
use serde_json::{Value, json};

use super::{Stored, told};
use crate::world::{POOL_A, POOL_B, POOL_C, merged};

/// Rules as told, with what was told about them; the load balancer's own members first.
#[track_caller]
fn check_rules(own: Value, rules: Value, meant: &[&str]) {
    let mut stored = Stored::three_pools();
    let text = rules.to_string();
    stored.load_balancer('1', merged(own, [("rules", rules)].into_iter().collect()));
    let (config, problems) = stored.build();
    assert_eq!(problems, [""; 0], "{text}");
    assert_eq!(told::rules(&config, &config.load_balancers[0]), meant, "{text}");
}

#[test]
fn rules_are_in_the_order_they_apply() {
    let rule = |name: &str, priority: u32| json!({"name": name, "priority": priority});
    check_rules(
        json!({}),
        json!([rule("d", 9), rule("b", 3), rule("c", 3), rule("a", 0)]),
        &["a: ", "b: ", "c: ", "d: "],
    );
    check_rules(
        json!({}),
        json!([{"name": "a"}, {"name": "off", "disabled": true}, {}, {}]),
        &["a: ", "rules/2: ", "rules/3: "],
    );
}

#[test]
fn conditions_are_in_force_in_either_mode() {
    for proxied in [true, false] {
        check_rules(
            json!({ "proxied": proxied }),
            json!([
                {"condition": ""},
                {"condition": "true"},
                {"condition": "http.host==\"a\"", "overrides": {"ttl": 5}},
                {"condition": "dns.qry.type in {1 28}", "terminates": true},
            ]),
            &[
                "rules/0: ",
                "rules/1: ",
                "rules/2: if http.host eq \"a\": ttl 5",
                "rules/3: if dns.qry.type in {1 28}: end",
            ],
        );
    }
}

#[test]
fn every_member_can_be_overridden() {
    let check = |overrides: Value, meant: &str| {
        let meant = format!("rules/0: {meant}");
        check_rules(json!({}), json!([{ "overrides": overrides }]), &[&meant]);
    };
    check(json!({}), "");
    check(json!({"default_pools": [POOL_B, POOL_A]}), "default_pools b a");
    check(json!({"default_pools": [], "pools": []}), "");
    check(json!({"pools": [POOL_C]}), "pools c");
    check(json!({"fallback_pool": POOL_C}), "fallback c");
    check(
        json!({"pop_pools": {"LAX": [POOL_A]}, "country_pools": {"DE": [POOL_B]},
            "region_pools": {"OC": [POOL_C, POOL_A]}}),
        "pops {LAX=a}; countries {DE=b}; regions {OC=c a}",
    );
    check(
        json!({"pop_pools": {}, "country_pools": {}, "region_pools": {"OC": []}}),
        "pops {}; countries {}; regions {}",
    );
    check(json!({"steering_policy": "proximity"}), "steering Proximity");
    check(
        json!({"pool_weights": {POOL_B: 0.3, POOL_A: 1}, "pool_default_weight": 0}),
        "weights {b=30, a=100}; weight 0",
    );
    check(
        json!({"random_steering": {"pool_weights": {POOL_B: 0.3}, "default_weight": 0.5}}),
        "weights {b=30}; weight 50",
    );
    check(json!({"random_steering": {}}), "");
    check(json!({"adaptive_routing": {}}), "");
    check(
        json!({"adaptive_routing": {"failover_across_pools": true}}),
        "failover_across_pools true",
    );
    check(
        json!({"session_affinity": "ip_cookie", "session_affinity_ttl": 1800,
            "session_affinity_attributes": {"samesite": "Strict", "secure": "Always",
                "zero_downtime_failover": "sticky"}}),
        "affinity IpCookie; affinity_ttl 1800; samesite Strict; secure Always; failover Sticky",
    );
    check(
        json!({"session_affinity": "header",
            "session_affinity_attributes": {"headers": ["A", "cookie:b"],
                "require_all_headers": false}}),
        "affinity Header; headers [a, cookies b]; require_all false",
    );
    check(json!({"session_affinity": ""}), "affinity None");
    check(
        json!({"location_strategy": {"mode": "resolver_ip", "prefer_ecs": "never"}}),
        "location ResolverIp; prefer_ecs Never",
    );
    check(json!({"location_strategy": {"prefer_ecs": "geo"}}), "prefer_ecs Geo");
    check(json!({"ttl": 5}), "ttl 5");
    check(json!({"ttl": 0}), "ttl 30");
}

#[test]
fn the_empty_policy_of_a_rule_follows_from_the_maps_in_force() {
    let map = json!({"region_pools": {"OC": [POOL_A]}});
    for (own, overrides, meant) in [
        (json!({}), json!({}), "steering Off"),
        (map.clone(), json!({}), "steering Geo"),
        (json!({}), map.clone(), "regions {OC=a}; steering Geo"),
        (map.clone(), json!({"region_pools": {}}), "regions {}; steering Off"),
        (map, json!({"country_pools": {}}), "countries {}; steering Geo"),
    ] {
        let overrides = merged(json!({"steering_policy": ""}), overrides);
        check_rules(own, json!([{ "overrides": overrides }]), &[&format!("rules/0: {meant}")]);
    }
}

#[test]
fn an_override_without_a_lifetime_leaves_it_to_the_kind() {
    let mut stored = Stored::three_pools();
    stored.load_balancer(
        '1',
        json!({"rules": [{"overrides": {"session_affinity": "cookie", "session_affinity_ttl": 0}}]}),
    );
    let (config, _) = stored.build();
    let evenkeel_model::RuleAction::Override { overrides, .. } =
        &config.load_balancers[0].rules[0].action
    else {
        panic!("overrides")
    };
    assert_eq!(overrides.affinity.kind.unwrap().ttl_s(overrides.affinity.ttl_s), 82_800);
}

#[test]
fn a_rule_ends_by_word_or_by_its_answer() {
    let answer = json!({"message_body": "no\n", "status_code": 503, "content_type": "text/plain",
        "location": "/elsewhere"});
    check_rules(
        json!({}),
        json!([
            {"terminates": true, "overrides": {"ttl": 5}},
            {"fixed_response": answer, "overrides": {"ttl": 5}},
            {"fixed_response": {}},
            {"fixed_response": {"status_code": 302, "content_type": "", "location": ""}},
        ]),
        &[
            "rules/0: ttl 5; end",
            "rules/1: respond 503 \"no\\n\" text/plain /elsewhere",
            "rules/2: respond 200 \"\"",
            "rules/3: respond 302 \"\"",
        ],
    );
}

#[test]
fn pool_sets_are_in_array_order_with_their_places() {
    let pools = json!({"pools": [POOL_B, POOL_A]});
    let mut stored = Stored::three_pools();
    stored.load_balancer(
        '1',
        json!({"pool_sets": [
            {"name": "eu", "match": {"topology": {"pops": ["FRA", "AMS"], "countries": ["DE"],
                "regions": ["WEU", "EEU"]}},
                "overrides": {"pools": [POOL_C], "pool_weights": {POOL_C: 0.3, POOL_A: 0.2},
                    "pool_default_weight": 0.7, "fallback_pool": POOL_B,
                    "steering_policy": "random"}},
            {"name": "off", "disabled": true, "overrides": pools},
            {"match": {"topology": {"countries": ["DE", "AT"]}}, "overrides": pools},
            {"match": {"default": true}, "overrides": {"pools": [POOL_A], "steering_policy": ""}},
            {"name": "rest", "fixed_response": {"status_code": 404, "message_body": "no"}},
        ]}),
    );
    let (config, problems) = stored.build();
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        told::pool_sets(&config, &config.load_balancers[0]),
        [
            "eu for AMS/FRA in DE in WEU/EEU: c Random; weights c=30, a=20; weight 70; fallback b",
            "pool_sets/2 for AT/DE: b a Off",
            "pool_sets/3 for everyone: a Off",
            "rest for everyone: respond 404 \"no\"",
        ]
    );
}

/// A load balancer that names pool C in many places, and a pool C that cannot be built.
#[test]
fn what_names_a_pool_not_in_force_serves_as_far_as_it_can() {
    let mut stored = Stored::three_pools();
    stored.pools[2].origins[0].address = "a b".into();
    stored.load_balancer(
        '1',
        json!({
            "default_pools": [POOL_C, POOL_A],
            "region_pools": {"WEU": [POOL_C], "OC": [POOL_C, POOL_B]},
            "random_steering": {"pool_weights": {POOL_C: 0.5, POOL_A: 0.5}},
            "rules": [
                {"name": "gone", "overrides": {"default_pools": [POOL_C]}},
                {"name": "half", "overrides": {"pools": [POOL_C, POOL_B], "fallback_pool": POOL_C,
                    "pool_weights": {POOL_C: 0.1}, "region_pools": {"WEU": [POOL_C]}}},
                {"name": "off", "disabled": true, "overrides": {"pools": [POOL_C]}},
            ],
            "pool_sets": [
                {"overrides": {"pools": [POOL_C]}},
                {"overrides": {"pools": [POOL_A, POOL_C], "fallback_pool": POOL_C}},
            ],
        }),
    );
    let (config, problems) = stored.build();
    let one = format!("load_balancer {}", "1".repeat(32));
    assert_eq!(
        problems,
        [
            format!("pool {POOL_C}: address of origin \"a\" is not an address"),
            format!("{one}: pool {POOL_C} is not in force; the others serve"),
            format!("{one}: pool_sets/0: none of its pools is in force; it is left out"),
            format!("{one}: rules/0: none of its default_pools is in force; it is left out"),
        ]
    );
    let lb = &config.load_balancers[0];
    assert_eq!(told::pools(&config, &lb.default_pools), "a");
    assert_eq!(told::topology(&config, lb), "regions OC=b");
    assert_eq!(lb.pool_weights.of_pool.len(), 1);
    assert_eq!(told::rules(&config, lb), ["half: pools b; regions {}; weights {}"]);
    assert_eq!(told::pool_sets(&config, lb), ["pool_sets/1 for everyone: a Off"]);
}

/// Documents that validation would not let pass, as an older release may have stored them.
#[test]
fn what_cannot_be_understood_is_told_and_left_out() {
    let mut stored = Stored::three_pools();
    let document = stored.load_balancer(
        '1',
        json!({"rules": [{}, {"overrides": {"pool_default_weight": 0.5}}, {"name": "old"}],
            "pool_sets": [{"fixed_response": {}}],
            "country_pools": {"DE": [POOL_A]}}),
    );
    document.rules[1].overrides.pool_default_weight = evenkeel_api::Number::new(0.555);
    document.rules[2].condition = Some("http.host".to_owned());
    document.pool_sets[0].fixed_response = None;
    document.country_pools =
        Some([("XX".to_owned(), vec![POOL_B.to_owned()])].into_iter().collect());
    let (config, problems) = stored.build();
    let one = format!("load_balancer {}", "1".repeat(32));
    let unreadable = Expression::parse("http.host").unwrap_err();
    assert_eq!(
        problems,
        [
            format!(
                "{one}: pool_sets/0: it has neither pools nor a fixed response; it is left out"
            ),
            format!("{one}: rules/1: pool weight 0.555 is not a multiple of 0.01; it is left out"),
            format!("{one}: rules/2: condition {unreadable}; it is left out"),
        ]
    );
    let lb = &config.load_balancers[0];
    assert_eq!(told::rules(&config, lb), ["rules/0: "]);
    assert_eq!((told::topology(&config, lb).as_str(), lb.pool_sets.len()), ("", 0));
}
