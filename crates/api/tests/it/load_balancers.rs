//! Load balancers: what is accepted, what it becomes, and what is refused in which words.

use evenkeel_api::load_balancer::{self, Scope};
use evenkeel_api::{Limits, LoadBalancer, Verb};
use evenkeel_rules::Expression;
use serde_json::{Value, json};

use crate::world::{
    NEW, POOL_A, POOL_B, POOL_C, Resource, World, created, echoed, refused, refused_in,
};

const UNKNOWN: &str = "f9138c5d07c2e2f4df57b1f61d4196";

#[test]
fn every_member_comes_back_as_sent() {
    let sent = json!({
        "name": "*.shop.example.com", "description": "ü", "enabled": false, "proxied": true,
        "ttl": 60, "networks": ["b", "a"],
        "default_pools": [POOL_C, POOL_A], "fallback_pool": POOL_B,
        "region_pools": {"WNAM": [POOL_B, POOL_A], "EEU": []},
        "pop_pools": {"LAX": [POOL_A], "AMS": [POOL_B]},
        "country_pools": {"US": [POOL_C], "DE": [POOL_A]},
        "steering_policy": "least_connections",
        "random_steering": {"default_weight": 0.2, "pool_weights": {POOL_C: 0.56, POOL_A: 1}},
        "session_affinity": "header", "session_affinity_ttl": 3600,
        "session_affinity_attributes": {"samesite": "Lax", "secure": "Always",
            "drain_duration": 100, "zero_downtime_failover": "temporary",
            "headers": ["X-B", "cookie:z,y", "a_1"], "require_all_headers": false},
        "adaptive_routing": {"failover_across_pools": true},
        "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
        "rules": [
            {"name": "late", "condition": "dns.qry.type == 28", "disabled": true, "priority": 7,
                "overrides": {
                    "adaptive_routing": {}, "country_pools": {"FR": [POOL_A]},
                    "default_pools": [POOL_B], "fallback_pool": POOL_C,
                    "location_strategy": {"mode": "pop"},
                    "pop_pools": {}, "random_steering": {"default_weight": 0.5},
                    "region_pools": {"OC": [POOL_A]}, "session_affinity": "cookie",
                    "session_affinity_attributes": {"samesite": "Strict", "headers": ["a"]},
                    "session_affinity_ttl": 1800, "steering_policy": "", "ttl": 5}},
            {"name": "weights", "condition": "true", "disabled": false, "priority": 3,
                "overrides": {"pool_default_weight": 0, "pool_weights": {POOL_B: 0.01, POOL_A: 1},
                    "pools": [POOL_B, POOL_A]}},
            {"name": "fixed", "condition": "", "disabled": false, "priority": 3, "terminates": true,
                "fixed_response": {"message_body": "no\n", "status_code": 503,
                    "content_type": "text/plain", "location": "https://example.com/ü"},
                "overrides": {}},
        ],
        "pool_sets": [
            {"name": "eu", "disabled": false,
                "match": {"topology": {"pops": ["FRA"], "countries": ["DE"], "regions": ["WEU", "EEU"]}},
                "overrides": {"pools": [POOL_B, POOL_A], "pool_weights": {POOL_B: 0.3},
                    "pool_default_weight": 0.7, "fallback_pool": POOL_C,
                    "steering_policy": "random"}},
            {"match": {"default": true}, "fixed_response": {"status_code": 404}},
            {"overrides": {"pools": [POOL_A]}},
        ],
    });
    let answer = LoadBalancer::create(&sent).unwrap().answer();
    for (name, value) in sent.as_object().unwrap() {
        // As texts: the order of lists and of maps counts too.
        assert_eq!(answer[name].to_string(), value.to_string(), "{name}");
    }
    let names: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    let added = ["id", "created_on", "modified_on", "zone_name"];
    assert_eq!(names.len(), sent.as_object().unwrap().len() + added.len(), "{names:?}");
}

#[test]
fn steering_policy_resolves_on_write() {
    let maps = json!({"country_pools": {"DE": [POOL_A]}});
    let policy = |policy: Value| {
        let body = crate::world::merged(maps.clone(), json!({ "steering_policy": policy }));
        created::<LoadBalancer>(body)
    };
    assert_eq!(policy(Value::Null).answer()["steering_policy"], "geo");
    assert_eq!(policy(json!("")).answer()["steering_policy"], "geo");
    assert_eq!(policy(json!("off")).answer()["steering_policy"], "off");
    echoed::<LoadBalancer>(vec![
        (json!({"steering_policy": ""}), json!({"steering_policy": "off"})),
        (json!({"steering_policy": "", "pop_pools": {}}), json!({"steering_policy": "off"})),
        (json!({"steering_policy": "geo"}), json!({"steering_policy": "geo"})),
    ]);
    // Maps that come later do not change a policy resolved before.
    let later = created::<LoadBalancer>(json!({})).patch(maps).unwrap();
    assert_eq!(later.answer()["steering_policy"], "off");
    let resolved = later.patch(json!({"steering_policy": null})).unwrap();
    assert_eq!(resolved.answer()["steering_policy"], "geo");
}

#[test]
fn rules_are_numbered_when_no_priority_is_sent() {
    let priorities = |sent: &[u32]| -> Vec<Value> {
        let rules: Vec<_> = sent.iter().map(|priority| json!({"priority": priority})).collect();
        let answer = created::<LoadBalancer>(json!({ "rules": rules })).answer();
        answer["rules"].as_array().unwrap().iter().map(|rule| rule["priority"].clone()).collect()
    };
    assert_eq!(priorities(&[0, 0, 0]), [0, 10, 20]);
    assert_eq!(priorities(&[0]), [0]);
    assert_eq!(priorities(&[0, 5, 0]), [0, 5, 0]);
    assert_eq!(priorities(&[7, 7]), [7, 7]);
}

#[test]
fn a_fixed_response_terminates() {
    let answer = created::<LoadBalancer>(json!({"rules": [{"fixed_response": {}}]})).answer();
    assert_eq!(
        answer["rules"],
        json!([{"disabled": false, "priority": 0, "terminates": true, "fixed_response": {}, "overrides": {}}])
    );
}

#[test]
fn affinity_time_to_live_follows_the_kind() {
    for (kind, default, inside, outside, range) in [
        ("cookie", json!(82_800), [1800, 604_800], [1799, 604_801], "[1800, 604800]"),
        ("ip_cookie", json!(82_800), [1800, 604_800], [1799, 604_801], "[1800, 604800]"),
        ("header", json!(1800), [30, 3600], [29, 3601], "[30, 3600]"),
        ("none", json!("absent"), [1, 604_800], [604_801, 604_802], "[1, 604800]"),
    ] {
        let members = |ttl: Value| {
            json!({"session_affinity": kind, "session_affinity_ttl": ttl,
                "session_affinity_attributes": {"headers": ["a"]}})
        };
        for unset in [Value::Null, json!(0), json!(0.0)] {
            let expected = json!({"session_affinity_ttl": default});
            echoed::<LoadBalancer>(vec![(members(unset), expected)]);
        }
        for ttl in inside {
            let expected = json!({"session_affinity_ttl": ttl});
            echoed::<LoadBalancer>(vec![(members(json!(f64::from(ttl))), expected)]);
        }
        let message = format!(
            "/session_affinity_ttl: session_affinity_ttl is not in range {range}: validation failed"
        );
        for ttl in outside {
            refused::<LoadBalancer>(vec![(members(json!(ttl)), &[&message])]);
        }
    }
}

#[test]
fn host_names_are_in_the_zone_and_stored_in_one_form() {
    for (sent, stored) in [
        ("Shop.Example.COM.", "shop.example.com"),
        ("example.com", "example.com"),
        ("*.example.com", "*.example.com"),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
    ] {
        echoed::<LoadBalancer>(vec![(json!({"name": sent}), json!({"name": stored}))]);
    }
    for name in [
        "subdomain-here",
        "example.org",
        "badexample.com",
        "a.*.example.com",
        "com",
        "a b.example.com",
        ".example.com",
        "-a.example.com",
        "",
        "shop.example.com:80",
    ] {
        let message = format!("/name: invalid hostname: {name}: validation failed");
        refused::<LoadBalancer>(vec![(json!({"name": name}), &[&message])]);
    }
    refused::<LoadBalancer>(vec![
        (json!({"name": "Taken.example.com"}), &["/name: value not unique"]),
        (json!({"name": null}), &["/name: name is required: validation failed"]),
    ]);
    let own: LoadBalancer = {
        let mut own: LoadBalancer = created(json!({}));
        own.name = "own.example.com".into();
        own
    };
    assert_eq!(own.patch(json!({"name": "own.example.com"})).unwrap().name, "own.example.com");
    assert_eq!(own.patch(json!({"name": "new.example.com"})).unwrap().id, NEW);
}

#[test]
fn an_account_load_balancer_may_be_nameless() {
    let apply = |members: Value| {
        let body = LoadBalancer::with(members).to_string();
        let world = World::default();
        load_balancer::apply(Verb::Create, body.as_bytes(), None, &Scope::Account, &world.context())
    };
    for name in [Value::Null, json!("")] {
        let answer = apply(json!({ "name": name })).unwrap().answer();
        assert_eq!((answer.get("name"), answer.get("zone_name")), (None, None));
    }
    assert_eq!(apply(json!({"name": "db.internal"})).unwrap().name, "db.internal");
    assert_eq!(apply(json!({"name": "own.example.com"})).unwrap_err()[0].code, 1003);
    assert_eq!(apply(json!({"name": "a b"})).unwrap_err()[0].code, 1002);
}

#[test]
fn pools_must_exist_and_be_named_once() {
    let missing =
        |pointer: &str| format!("{pointer}: pool \"{UNKNOWN}\" does not exist: validation failed");
    for (members, pointer) in [
        (json!({"default_pools": [POOL_A, UNKNOWN]}), "/default_pools/1"),
        (json!({"fallback_pool": UNKNOWN}), "/fallback_pool"),
        (json!({"region_pools": {"WEU": [UNKNOWN]}}), "/region_pools/WEU/0"),
        (json!({"pop_pools": {"LAX": [UNKNOWN]}}), "/pop_pools/LAX/0"),
        (json!({"country_pools": {"DE": [UNKNOWN]}}), "/country_pools/DE/0"),
        (
            json!({"random_steering": {"pool_weights": {UNKNOWN: 1}}}),
            &format!("/random_steering/pool_weights/{UNKNOWN}"),
        ),
        (
            json!({"rules": [{"overrides": {"default_pools": [UNKNOWN]}}]}),
            "/rules/0/overrides/default_pools/0",
        ),
        (json!({"rules": [{"overrides": {"pools": [UNKNOWN]}}]}), "/rules/0/overrides/pools/0"),
        (
            json!({"pool_sets": [{"overrides": {"pools": [UNKNOWN]}}]}),
            "/pool_sets/0/overrides/pools/0",
        ),
    ] {
        refused::<LoadBalancer>(vec![(members, &[&missing(pointer)])]);
    }
    refused::<LoadBalancer>(vec![
        (
            json!({"default_pools": [POOL_A, POOL_B, POOL_A]}),
            &["/default_pools/2: value not unique"],
        ),
        (
            json!({"region_pools": {"WEU": [POOL_A, POOL_A]}}),
            &["/region_pools/WEU/1: value not unique"],
        ),
        (
            json!({"default_pools": []}),
            &[
                "/default_pools: the default_pools list length must be in range [1, 1000]: validation failed",
            ],
        ),
        (
            json!({"default_pools": null}),
            &["/default_pools: default_pools is required: validation failed"],
        ),
        (
            json!({"fallback_pool": null}),
            &["/fallback_pool: fallback_pool is required: validation failed"],
        ),
    ]);
}

#[test]
fn types_ranges_and_words_are_checked() {
    const WORDS: &str = "off, geo, random, dynamic_latency, proximity, least_outstanding_requests, least_connections";
    let policy =
        format!("/steering_policy: steering_policy must be one of {WORDS}: validation failed");
    refused::<LoadBalancer>(vec![
        (json!({"ttl": "30"}), &["/ttl: ttl must be a number: validation failed"]),
        (json!({"ttl": 86_401}), &["/ttl: ttl is not in range [1, 86400]: validation failed"]),
        (json!({"ttl": 30.5}), &["/ttl: ttl must be a whole number: validation failed"]),
        (
            json!({"enabled": "true"}),
            &["/enabled: enabled must be true or false: validation failed"],
        ),
        (json!({"proxied": 1}), &["/proxied: proxied must be true or false: validation failed"]),
        (
            json!({"description": "x".repeat(1025)}),
            &["/description: the description length must be in range [0, 1024]: validation failed"],
        ),
        (json!({"steering_policy": "OFF"}), &[&policy]),
        (json!({"steering_policy": "random_steering"}), &[&policy]),
        (
            json!({"region_pools": {"weu": []}}),
            &["/region_pools/weu: \"weu\" is not a region code: validation failed"],
        ),
        (
            json!({"country_pools": {"DEU": []}}),
            &["/country_pools/DEU: \"DEU\" is not a country code: validation failed"],
        ),
        // No country has these: reserved, "unknown", and Tor's.
        (
            json!({"country_pools": {"UK": [], "XK": [], "XX": [], "T1": []}}),
            &[
                "/country_pools/UK: \"UK\" is not a country code: validation failed",
                "/country_pools/XX: \"XX\" is not a country code: validation failed",
                "/country_pools/T1: \"T1\" is not a country code: validation failed",
            ],
        ),
        (
            json!({"region_pools": {"ALL_REGIONS": []}}),
            &["/region_pools/ALL_REGIONS: \"ALL_REGIONS\" is not a region code: validation failed"],
        ),
        (
            json!({"pop_pools": {"la": []}}),
            &["/pop_pools/la: \"la\" is not a PoP code: validation failed"],
        ),
        (
            json!({"region_pools": []}),
            &["/region_pools: region_pools must be an object: validation failed"],
        ),
        (
            json!({"region_pools": {"WEU": null}}),
            &["/region_pools/WEU: WEU must be a list: validation failed"],
        ),
        (
            json!({"random_steering": {"default_weight": 1.01}}),
            &[
                "/random_steering/default_weight: default_weight is not in range [0, 1]: validation failed",
            ],
        ),
        (
            json!({"random_steering": {"default_weight": 0.555}}),
            &[
                "/random_steering/default_weight: default_weight must be a multiple of 0.01: validation failed",
            ],
        ),
        (
            json!({"session_affinity": "ip"}),
            &[
                "/session_affinity: session_affinity must be one of none, cookie, ip_cookie, header: validation failed",
            ],
        ),
        (
            json!({"session_affinity_attributes": {"samesite": "lax"}}),
            &[
                "/session_affinity_attributes/samesite: samesite must be one of Auto, Lax, None, Strict: validation failed",
            ],
        ),
        (
            json!({"session_affinity_attributes": {"drain_duration": 86_401}}),
            &[
                "/session_affinity_attributes/drain_duration: drain_duration is not in range [0, 86400]: validation failed",
            ],
        ),
        (
            json!({"session_affinity_attributes": {"require_all_headers": "true"}}),
            &[
                "/session_affinity_attributes/require_all_headers: require_all_headers must be true or false: validation failed",
            ],
        ),
        (
            json!({"location_strategy": {"mode": "ip"}}),
            &["/location_strategy/mode: mode must be one of pop, resolver_ip: validation failed"],
        ),
        (json!({"networks": [1]}), &["/networks/0: networks must be a string: validation failed"]),
    ]);
}

#[test]
fn every_problem_is_reported_at_once() {
    let body = json!({"default_pools": [7, UNKNOWN], "ttl": -1, "enabled": 0,
        "rules": [{"priority": "x"}, 5]});
    let problems = LoadBalancer::create(&body).unwrap_err();
    let pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    for pointer in [
        "/name",
        "/fallback_pool",
        "/default_pools/0",
        "/default_pools/1",
        "/ttl",
        "/enabled",
        "/rules/0/priority",
        "/rules/1",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    assert_eq!(pointers.len(), 8, "{pointers:?}");
    let many: Vec<_> = (0..100).map(|_| json!({"priority": "x", "disabled": "x"})).collect();
    let problems = LoadBalancer::create(&LoadBalancer::with(json!({ "rules": many }))).unwrap_err();
    assert_eq!(problems.len(), 100, "bounded");
}

#[test]
fn trap_t48_samesite_none_with_secure_never_is_refused() {
    let pair = json!({"samesite": "None", "secure": "Never"});
    let message = "/session_affinity_attributes/secure: samesite None is not allowed with secure Never: validation failed";
    refused::<LoadBalancer>(vec![
        (json!({"session_affinity_attributes": pair}), &[message]),
        (json!({"session_affinity": "cookie", "session_affinity_attributes": pair}), &[message]),
    ]);
    let in_rule = format!("/rules/0/overrides{message}");
    refused::<LoadBalancer>(vec![
        (json!({"rules": [{"overrides": {"session_affinity_attributes": pair}}]}), &[&in_rule]),
        // One half from the load balancer, the other from the rule laid over it.
        (
            json!({"session_affinity_attributes": {"samesite": "None"},
                "rules": [{"overrides": {"session_affinity_attributes": {"secure": "Never"}}}]}),
            &[&in_rule],
        ),
    ]);
    let half: LoadBalancer = created(json!({"session_affinity_attributes": {"samesite": "None"}}));
    // A PATCH replaces the nested object whole, so the other half is gone.
    half.patch(json!({"session_affinity_attributes": {"secure": "Never"}})).unwrap();
    half.patch(json!({"session_affinity_attributes": pair})).unwrap_err();
}

#[test]
fn header_affinity_needs_headers_and_cannot_stick() {
    let sticky = json!({"zero_downtime_failover": "sticky", "headers": ["a"]});
    let message = "/session_affinity_attributes/zero_downtime_failover: sticky is not supported with session_affinity header: validation failed";
    let required = "/session_affinity_attributes/headers: headers is required for session_affinity header: validation failed";
    refused::<LoadBalancer>(vec![
        (json!({"session_affinity": "header", "session_affinity_attributes": sticky}), &[message]),
        (json!({"session_affinity": "header"}), &[required]),
        (
            json!({"session_affinity": "header", "session_affinity_attributes": {"headers": []}}),
            &[required],
        ),
        (
            json!({"session_affinity_attributes": sticky,
                "rules": [{"overrides": {"session_affinity": "header"}}]}),
            &[&format!("/rules/0/overrides{message}")],
        ),
    ]);
    created::<LoadBalancer>(
        json!({"session_affinity": "cookie", "session_affinity_attributes": sticky}),
    );
}

#[test]
fn affinity_headers_are_names_or_cookies() {
    let with = |headers: Value| json!({"session_affinity_attributes": {"headers": headers}});
    for header in ["cookie", "cookie:a", "cookie:a,b", "X-Session_1", &"a".repeat(100)] {
        created::<LoadBalancer>(with(json!([header])));
    }
    const POINTER: &str = "/session_affinity_attributes/headers";
    let wrong =
        format!("{POINTER}/0: headers must be header names or cookie:name,name: validation failed");
    for header in ["a b", "a:b", "cookie:", "cookie:a,", "cookie:a;b", "cookie:a=b", "ü", "a\r\nb"]
    {
        refused::<LoadBalancer>(vec![(with(json!([header])), &[&wrong])]);
    }
    refused::<LoadBalancer>(vec![
        (with(json!(["A", "b", "a"])), &[&format!("{POINTER}/2: value not unique")]),
        (
            with(json!(["a", "b", "c", "d", "e", "f"])),
            &[&format!(
                "{POINTER}: the headers list length must be in range [0, 5]: validation failed"
            )],
        ),
        (
            with(json!([""])),
            &[&format!(
                "{POINTER}/0: the headers length must be in range [1, 100]: validation failed"
            )],
        ),
    ]);
}

#[test]
fn rules_are_checked() {
    let fixed = |fixed: Value| json!({"rules": [{ "fixed_response": fixed }]});
    refused::<LoadBalancer>(vec![
        (
            json!({"rules": [{"name": ""}]}),
            &["/rules/0/name: the name length must be in range [1, 200]: validation failed"],
        ),
        (
            json!({"rules": [{"condition": "x".repeat(4097)}]}),
            &[
                "/rules/0/condition: the condition length must be in range [0, 4096]: validation failed",
            ],
        ),
        (
            json!({"rules": [{"priority": -1}]}),
            &["/rules/0/priority: priority is not in range [0, 2147483647]: validation failed"],
        ),
        (
            fixed(json!({"status_code": 199})),
            &[
                "/rules/0/fixed_response/status_code: status_code is not in range [200, 599]: validation failed",
            ],
        ),
        (
            fixed(json!({"status_code": "200"})),
            &[
                "/rules/0/fixed_response/status_code: status_code must be a number: validation failed",
            ],
        ),
        (
            fixed(json!({"content_type": "x".repeat(33)})),
            &[
                "/rules/0/fixed_response/content_type: the content_type length must be in range [0, 32]: validation failed",
            ],
        ),
        (
            fixed(json!({"message_body": "x".repeat(1025)})),
            &[
                "/rules/0/fixed_response/message_body: the message_body length must be in range [0, 1024]: validation failed",
            ],
        ),
        (
            fixed(json!({"location": "x".repeat(2049)})),
            &[
                "/rules/0/fixed_response/location: the location length must be in range [0, 2048]: validation failed",
            ],
        ),
        (
            fixed(json!({"location": "/\r\nSet-Cookie: a=b"})),
            &[
                "/rules/0/fixed_response/location: location must not contain control characters: validation failed",
            ],
        ),
        (
            json!({"rules": [{"overrides": {"random_steering": {}, "pool_weights": {}, "pool_default_weight": 1}}]}),
            &[
                "/rules/0/overrides/pool_weights: pool_weights is not allowed with random_steering: validation failed",
                "/rules/0/overrides/pool_default_weight: pool_default_weight is not allowed with random_steering: validation failed",
            ],
        ),
        (
            json!({"rules": [{"fixed_response": {}, "overrides": {"pools": [POOL_A]}}]}),
            &[
                "/rules/0/overrides/pools: pools is not allowed with fixed_response: validation failed",
            ],
        ),
    ]);
    let world = World::limited(Limits { rules_max: 1, ..Limits::default() });
    refused_in::<LoadBalancer>(
        &world,
        vec![(
            json!({"rules": [{}, {}]}),
            &["/rules: the rules list length must be in range [0, 1]: validation failed"],
        )],
    );
}

#[test]
fn conditions_must_be_readable() {
    let with = |condition: &str| json!({"rules": [{}, { "condition": condition }]});
    for (condition, at) in [
        ("nosuch eq 1", 0),
        ("(true", 5),
        ("true AND true", 5),
        (r#"ip.src eq "a""#, 10),
        (r#"http.host matches "(""#, 18),
        ("ip.src in $list", 10),
        ("\u{0}", 0),
    ] {
        let error = Expression::parse(condition).unwrap_err();
        assert_eq!(error.at, at, "{condition}");
        let expected = format!(
            "/rules/1/condition: condition at byte {at}: {}: validation failed",
            error.message
        );
        refused::<LoadBalancer>(vec![(with(condition), &[&expected])]);
    }
    // In whatever mode: a field of the other one is missing, which is no mistake (api.md 4).
    for proxied in [true, false] {
        for condition in [
            "",
            " ",
            "true",
            "dns.qry.type == 28",
            "dns.rr.opt.client",
            r#"http.request.uri.path contains "/testing""#,
            r#"any(http.request.headers["x-a"][*] eq "b") && ip.src in {192.0.2.0/24 2001:db8::1}"#,
            r#"(http.cookie contains "\"a\"") or not (lower(http.host) ~ r"^a\.")"#,
            r#"cf.load_balancer.region == "WNAM""#,
        ] {
            let sent = crate::world::merged(with(condition), json!({ "proxied": proxied }));
            let rules = created::<LoadBalancer>(sent).answer()["rules"].clone();
            assert_eq!(rules[1]["condition"], condition);
        }
    }
    // A disabled rule may be enabled any time.
    let disabled = json!({"rules": [{"condition": "x", "disabled": true}]});
    let problems = LoadBalancer::create(&LoadBalancer::with(disabled)).unwrap_err();
    assert_eq!(problems[0].pointer, "/rules/0/condition");
}

#[test]
fn pool_sets_are_checked_in_their_own_words() {
    let check = |set: Value, pointer: &str, word: &str| {
        let body = LoadBalancer::with(json!({ "pool_sets": set }));
        let problems = LoadBalancer::create(&body).expect_err(&body.to_string());
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = &problems[0];
        assert_eq!((problem.code, problem.pointer.as_str()), (1002, pointer), "{problem}");
        assert!(problem.message.starts_with(word), "{problem}");
        assert!(problem.message.ends_with(": validation failed"), "{problem}");
    };
    let pools = json!({"pools": [POOL_A]});
    let with_match = |value: Value| json!([{"match": value, "overrides": pools}]);
    check(json!([{}]), "/pool_sets/0", "POOL_SET_NO_INTENT");
    check(json!([{"overrides": {"pools": []}}]), "/pool_sets/0", "POOL_SET_NO_INTENT");
    check(with_match(json!({})), "/pool_sets/0/match", "POOL_SET_EMPTY_MATCH");
    check(with_match(json!({"default": false})), "/pool_sets/0/match", "POOL_SET_EMPTY_MATCH");
    check(
        with_match(json!({"default": true, "topology": {"pops": ["LAX"]}})),
        "/pool_sets/0/match",
        "POOL_SET_DEFAULT_WITH_MATCH",
    );
    check(
        with_match(json!({"topology": {}})),
        "/pool_sets/0/match/topology",
        "POOL_SET_EMPTY_TOPOLOGY",
    );
    check(
        with_match(json!({"topology": {"pops": []}})),
        "/pool_sets/0/match/topology/pops",
        "POOL_SET_EMPTY_TOPOLOGY",
    );
    let codes: Vec<_> = (0..1001).map(|n| format!("{n}")).collect();
    check(
        with_match(json!({"topology": { "pops": codes }})),
        "/pool_sets/0/match/topology/pops",
        "POOL_SET_TOPOLOGY_TOO_LARGE",
    );
    check(
        with_match(json!({"topology": {"countries": ["de"]}})),
        "/pool_sets/0/match/topology/countries/0",
        "\"de\" is not a country code",
    );
    check(json!(vec![json!({ "overrides": pools }); 1001]), "/pool_sets", "POOL_SETS_TOO_LARGE");
    check(
        json!([{"overrides": {"pools": [POOL_A], "steering_policy": "geo"}}]),
        "/pool_sets/0/overrides/steering_policy",
        "steering_policy geo is not supported in a pool set",
    );
    check(
        json!([{"overrides": pools, "fixed_response": {}}]),
        "/pool_sets/0/overrides/pools",
        "pools is not allowed with fixed_response",
    );
    refused::<LoadBalancer>(vec![(
        json!({"pool_sets": [{"match": {"topology": {"regions": ["OC", "OC"]}}, "overrides": pools}]}),
        &["/pool_sets/0/match/topology/regions/1: value not unique"],
    )]);
}
