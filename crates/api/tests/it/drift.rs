//! Zero drift: whatever is accepted, sending the answer back changes nothing.

use evenkeel_api::{DnsRecord, LoadBalancer, Monitor, MonitorGroup, Pool};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{
    GROUP, MONITOR, OTHER_MONITOR, POOL_A, POOL_B, POOL_C, Resource, created, merged, refused,
};

/// One of some values, null or nothing at all.
type Choices = Vec<Value>;

/// A body in which every member is absent, null or one of its choices.
fn bodies(members: Vec<(&'static str, Choices)>) -> impl Strategy<Value = Value> {
    let picks: Vec<_> = members
        .into_iter()
        .map(|(name, choices)| {
            let value = prop_oneof![
                3 => Just(None),
                1 => Just(Some(Value::Null)),
                6 => proptest::sample::select(choices).prop_map(Some),
            ];
            value.prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    picks.prop_map(|picks| picks.into_iter().flatten().collect())
}

fn values<T: serde::Serialize>(values: impl IntoIterator<Item = T>) -> Choices {
    values.into_iter().map(|value| json!(value)).collect()
}

fn load_balancers() -> impl Strategy<Value = Value> {
    bodies(vec![
        ("description", values(["", "d", "ü"])),
        ("enabled", values([true, false])),
        ("proxied", values([true, false])),
        ("ttl", vec![json!(0), json!(30.0), json!(86_400), json!(1)]),
        ("networks", vec![json!([]), json!(["cloudflare"]), json!(["b", "a"])]),
        ("default_pools", vec![json!([POOL_B, POOL_A]), json!([POOL_C])]),
        ("region_pools", vec![json!({}), json!({"WEU": [POOL_B, POOL_A], "EEU": []})]),
        ("pop_pools", vec![json!({}), json!({"LAX": [POOL_B]})]),
        ("country_pools", vec![json!({}), json!({"US": [POOL_B], "DE": [POOL_C, POOL_A]})]),
        ("steering_policy", values(["", "off", "geo", "random", "proximity", "least_connections"])),
        (
            "random_steering",
            vec![
                json!({}),
                json!({"default_weight": 0.56}),
                json!({"default_weight": 0, "pool_weights": {}}),
                json!({"pool_weights": {POOL_B: 0.07, POOL_A: 1.0}}),
            ],
        ),
        ("session_affinity", values(["", "none", "cookie", "ip_cookie", "header"])),
        ("session_affinity_ttl", values([0, 1800, 3600, 604_800])),
        (
            "session_affinity_attributes",
            vec![
                json!({}),
                json!({"headers": ["B", "a"], "require_all_headers": true}),
                json!({"samesite": "None", "zero_downtime_failover": "sticky"}),
                json!({"secure": "Never", "drain_duration": 1, "headers": ["cookie:b,a"]}),
                json!({"headers": [], "require_all_headers": null}),
            ],
        ),
        ("adaptive_routing", vec![json!({}), json!({"failover_across_pools": true})]),
        ("location_strategy", vec![json!({}), json!({"prefer_ecs": "geo"})]),
        (
            "rules",
            vec![
                json!([]),
                json!([{}, {}, {}]),
                json!([{"name": "a", "condition": "", "priority": 5}, {"terminates": true}]),
                json!([{"condition": " not (dns.qry.type==28)  ", "disabled": true}]),
                json!([{"fixed_response": {"status_code": 500}, "terminates": false}]),
                json!([{"overrides": {"ttl": 0, "session_affinity": "", "region_pools": {},
                    "steering_policy": "", "session_affinity_ttl": 0, "default_pools": [],
                    "location_strategy": {}, "random_steering": {"pool_weights": {POOL_A: 0.3}}}}]),
            ],
        ),
        (
            "pool_sets",
            vec![
                json!([]),
                json!([{"match": {"default": true}, "fixed_response": {}}]),
                json!([{"name": "", "disabled": false, "match": {"topology": {"pops": ["LAX"]}},
                    "overrides": {"pools": [POOL_B], "pool_default_weight": 0.1}}]),
            ],
        ),
    ])
}

fn pools() -> impl Strategy<Value = Value> {
    bodies(vec![
        ("description", values(["", "d"])),
        ("enabled", values([true, false])),
        ("minimum_origins", values([0, 1, 7])),
        ("monitor", values(["", MONITOR])),
        ("monitor_group", values(["", GROUP])),
        ("check_regions", vec![json!([]), json!(["WEU", "EEU"]), json!(["ALL_REGIONS"])]),
        ("health_sources", vec![json!(["regional", "global"])]),
        ("latitude", vec![json!(0), json!(-33.868_820_000_000_01)]),
        ("longitude", vec![json!(0.0), json!(1e-7), json!(151)]),
        (
            "load_shedding",
            vec![
                json!({}),
                json!({"default_percent": 12.5, "default_policy": ""}),
                json!({"session_policy": "hash"}),
            ],
        ),
        ("origin_steering", vec![json!({}), json!({"policy": ""}), json!({"policy": "hash"})]),
        (
            "notification_filter",
            vec![
                json!({}),
                json!({"pool": null}),
                json!({"origin": {"disable": true}, "pool": {"healthy": null}}),
                json!({"origin": {"healthy": false}}),
            ],
        ),
        ("notification_email", values(["", "a@example.com,b@example.com"])),
        (
            "origins",
            vec![
                json!([{"name": "a", "address": "192.0.2.1", "enabled": false}]),
                json!([{"name": "b", "address": "EXAMPLE.net", "port": 0, "weight": 0.29},
                    {"name": "a", "address": "2001:DB8::1", "port": 81.0, "weight": 0,
                        "flatten_cname": false, "header": {"Host": ["Example.net"]}}]),
                json!([{"name": "a", "address": "10.0.0.1", "header": {}, "enabled": false,
                    "virtual_network_id": "A5624D4E-044A-4FF0-B3E1-E2465353D4B4"}]),
            ],
        ),
    ])
}

fn monitors() -> impl Strategy<Value = Value> {
    bodies(vec![
        ("type", values(["http", "https", "tcp", "udp_icmp", "icmp_ping", "smtp", "grpc"])),
        ("description", values(["", "d"])),
        ("method", values(["", "GET", "HEAD", "connection_established"])),
        ("path", values(["", "/", "/live"])),
        ("header", vec![json!({}), json!({"X-B": ["2", "1"], "A": []})]),
        ("port", values([0, 80, 65_535])),
        ("interval", vec![json!(10), json!(60.0), json!(3600)]),
        ("timeout", values([1, 9])),
        ("retries", values([0, 5])),
        ("consecutive_up", values([0, 3])),
        ("consecutive_down", values([0, 3])),
        ("expected_codes", values(["", "200", "2xx, 301"])),
        ("expected_body", values(["", "OK"])),
        ("follow_redirects", values([true, false])),
        ("allow_insecure", values([true, false])),
        ("probe_zone", values(["", "example.com"])),
    ])
}

fn monitor_groups() -> impl Strategy<Value = Value> {
    let member = |monitor: &str, flags: [bool; 3]| {
        json!({"monitor_id": monitor, "enabled": flags[0], "must_be_healthy": flags[1],
            "monitoring_only": flags[2]})
    };
    let one = member(MONITOR, [true, false, true]);
    let other = member(OTHER_MONITOR, [false, true, false]);
    bodies(vec![
        ("description", values(["", "d", "ü"])),
        ("members", vec![json!([one]), json!([other, one]), json!([one, other])]),
    ])
}

/// The document of an accepted body, twice over: sent back whole, sent back member by member, and
/// written to a store and read again.
fn check<R: Resource + serde::de::DeserializeOwned>(members: &Value) {
    let Ok(document) = R::create(&R::with(members.clone())) else { return };
    let answer = document.answer();
    let unchanged = |after: R, how: &str| {
        let mut after = after.answer();
        after["modified_on"] = answer["modified_on"].clone();
        // As texts: order counts.
        assert_eq!(after.to_string(), answer.to_string(), "{how} {members}");
    };
    unchanged(document.replace(answer.clone()).unwrap(), "PUT of the answer to");
    unchanged(document.patch(answer.clone()).unwrap(), "PATCH with the answer to");
    unchanged(document.patch(json!({})).unwrap(), "empty PATCH of");
    for (name, value) in answer.as_object().unwrap() {
        unchanged(document.patch(json!({ name: value })).unwrap(), "PATCH of one member of");
    }
    unchanged(document.replace(R::with(members.clone())).unwrap(), "the same PUT as the POST of");
    let stored = answer.to_string();
    let read: R = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, document, "read from a store");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn of_load_balancers(members in load_balancers()) {
        check::<LoadBalancer>(&members);
    }

    #[test]
    fn of_pools(members in pools()) {
        check::<Pool>(&members);
    }

    #[test]
    fn of_monitors(members in monitors()) {
        check::<Monitor>(&members);
    }

    #[test]
    fn of_monitor_groups(members in monitor_groups()) {
        check::<MonitorGroup>(&members);
    }

    /// Members of any type, at any depth, are refused with a pointer into the body or accepted,
    /// and never crash.
    #[test]
    fn of_nonsense(name in proptest::sample::select(NAMES.to_vec()), value in nonsense()) {
        let members = json!({ name: value });
        check::<LoadBalancer>(&members);
        check::<Pool>(&members);
        check::<Monitor>(&members);
        check::<MonitorGroup>(&members);
        for problems in [
            LoadBalancer::create(&LoadBalancer::with(members.clone())).err(),
            Pool::create(&Pool::with(members.clone())).err(),
            Monitor::create(&Monitor::with(members.clone())).err(),
            MonitorGroup::create(&MonitorGroup::with(members.clone())).err(),
        ] {
            for problem in problems.into_iter().flatten() {
                assert!(problem.pointer.starts_with('/'), "{problem}");
                assert!([1002, 1003].contains(&problem.code), "{problem}");
            }
        }
    }
}

const NAMES: [&str; 35] = [
    "name",
    "description",
    "members",
    "enabled",
    "ttl",
    "networks",
    "default_pools",
    "fallback_pool",
    "region_pools",
    "pop_pools",
    "country_pools",
    "steering_policy",
    "random_steering",
    "session_affinity",
    "session_affinity_ttl",
    "session_affinity_attributes",
    "adaptive_routing",
    "location_strategy",
    "rules",
    "pool_sets",
    "origins",
    "minimum_origins",
    "monitor",
    "check_regions",
    "health_sources",
    "latitude",
    "load_shedding",
    "origin_steering",
    "notification_filter",
    "type",
    "header",
    "port",
    "interval",
    "expected_codes",
    "path",
];

fn nonsense() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2.0..400.0f64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![POOL_A, "a", "192.0.2.1", "WEU", "random", "GET"])
            .prop_map(Value::from),
    ];
    let keys = proptest::sample::select(vec![
        "name",
        "address",
        "monitor_id",
        "weight",
        "condition",
        "overrides",
        "fixed_response",
        "match",
        "topology",
        "pools",
        "default_weight",
        "pool_weights",
        "headers",
        "samesite",
        "header",
        "Host",
        "WEU",
        "status_code",
        "pops",
        "priority",
        POOL_A,
    ]);
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..4).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

/// The Terraform provider's own tests say the flags of a CAA record as a text.
#[test]
fn numbers_of_records_come_back_as_texts_if_sent_as_texts() {
    let body = |flags: Value| json!({"type": "CAA", "content": null, "data": {"flags": flags, "tag": "issue", "value": "ca.example"}});
    let text: DnsRecord = created(body(json!("128")));
    let number: DnsRecord = created(body(json!(128)));
    assert_eq!(text.answer()["data"]["flags"], json!("128"));
    assert_eq!(number.answer()["data"]["flags"], json!(128));
    assert_eq!(text.content, number.content);
    assert_eq!(text.record_data(), number.record_data());
    assert!(text.record_data().is_some());
    let expected: &[&str] = &["/data/flags: flags must be a number: validation failed"];
    let no_numbers = ["", "256", "+1", "01", "one", " 1"];
    let bodies =
        no_numbers.map(|flags| (merged(DnsRecord::minimal(), body(json!(flags))), expected));
    refused::<DnsRecord>(bodies.to_vec());
}
