//! Pools and origins: what is accepted, what it becomes, and what is refused in which words.

use evenkeel_api::{Limits, Pool, pool};
use serde_json::{Value, json};

use crate::world::{
    EARLY, GROUP, LATE, MONITOR, Resource, World, created, echoed, merged, refused, refused_in,
};

fn origins(members: Value) -> Value {
    json!({"origins": [merged(json!({"name": "a", "address": "192.0.2.10"}), members)]})
}

#[test]
fn every_member_comes_back_as_sent() {
    let sent = json!({
        "name": "EU_west-1", "description": "d", "enabled": true, "minimum_origins": 3,
        "monitor": MONITOR, "check_regions": ["WNAM", "EEU", "CHINA", "ALL_REGIONS"],
        "health_sources": ["regional", "global"], "latitude": -33.868_820, "longitude": 151.209_296,
        "load_shedding": {"default_percent": 12.5, "default_policy": "hash", "session_percent": 3,
            "session_policy": ""},
        "origin_steering": {"policy": "least_outstanding_requests"},
        "notification_filter": {"origin": {"disable": true, "healthy": false},
            "pool": {"disable": false, "healthy": null}},
        "notification_email": "a@example.com, b@example.com",
        "origins": [
            {"name": "b", "address": "Origin.Example", "enabled": true, "weight": 0.56, "port": 8443,
                "flatten_cname": false, "header": {"Host": ["Shop.example.com"]},
                "virtual_network_id": "A5624D4E-044A-4FF0-B3E1-E2465353D4B4"},
            {"name": "a", "address": "2001:DB8::0:1", "enabled": true, "weight": 0, "port": 0,
                "flatten_cname": true, "header": {}},
            {"name": "c", "address": "127.0.0.1", "enabled": true, "weight": 1,
                "flatten_cname": true, "header": {"Host": []}},
        ],
    });
    let answer = Pool::create(&sent).unwrap().answer();
    for (name, value) in sent.as_object().unwrap() {
        if name != "origins" {
            assert_eq!(answer[name].to_string(), value.to_string(), "{name}");
        }
    }
    assert_eq!(answer["origins"], sent["origins"]);
}

#[test]
fn disabled_at_is_the_moment_of_the_change() {
    let pool: Pool = created(json!({"enabled": false}));
    assert_eq!(pool.disabled_at.as_deref(), Some(EARLY));
    let still = pool.patch(json!({"description": "x"})).unwrap();
    assert_eq!(still.disabled_at.as_deref(), Some(EARLY), "unchanged while disabled");
    let on = still.patch(json!({"enabled": true})).unwrap();
    assert_eq!(on.answer().get("disabled_at"), None, "gone on enable");
    let off = on.patch(json!({"enabled": false, "disabled_at": EARLY})).unwrap();
    assert_eq!(off.disabled_at.as_deref(), Some(LATE), "a new time, whatever the body says");
}

#[test]
fn an_origin_keeps_its_disabled_at_by_place_or_by_name() {
    let off =
        |name: &str, address: &str| json!({"name": name, "address": address, "enabled": false});
    let before: Pool = created(json!({"origins": [
        off("a", "192.0.2.1"),
        {"name": "b", "address": "192.0.2.2"},
        off("c", "2001:db8::1"),
    ]}));
    let stamps = |sent: Value| -> Vec<Option<String>> {
        let after = before.patch(json!({ "origins": sent })).unwrap();
        after.origins.into_iter().map(|origin| origin.disabled_at).collect()
    };
    let (early, late) = (Some(EARLY.to_owned()), Some(LATE.to_owned()));
    for (sent, expected) in [
        // Renamed, and written differently.
        (
            json!([off("z", "192.0.2.1"), off("y", "2001:DB8:0::1")]),
            vec![early.clone(), early.clone()],
        ),
        // Moved, by name.
        (json!([off("a", "192.0.2.9")]), vec![early.clone()]),
        // Reordered, and one newly disabled.
        (json!([off("b", "192.0.2.2"), off("a", "192.0.2.1")]), vec![late.clone(), early.clone()]),
        // The place counts before the name: this one is b under another name.
        (json!([off("a", "192.0.2.2")]), vec![late.clone()]),
        // Another port is another origin, known by neither.
        (json!([{"name": "n", "address": "192.0.2.1", "port": 81, "enabled": false}]), vec![late]),
        // Enabled again.
        (json!([{"name": "a", "address": "192.0.2.1"}]), vec![None]),
    ] {
        assert_eq!(stamps(sent.clone()), expected, "{sent}");
    }
    let untouched = before.patch(json!({"description": "x"})).unwrap();
    assert_eq!(untouched.origins, before.origins);
}

#[test]
fn names_are_plain_and_unique() {
    refused::<Pool>(vec![
        (json!({"name": null}), &["/name: name is required: validation failed"]),
        (
            json!({"name": ""}),
            &["/name: the name length must be in range [1, 255]: validation failed"],
        ),
        (
            json!({"name": "a b"}),
            &["/name: name may only contain letters, digits, - and _: validation failed"],
        ),
        (json!({"name": "taken"}), &["/name: value not unique"]),
        (json!({"name": "own"}), &["/name: value not unique"]),
    ]);
    created::<Pool>(json!({})).patch(json!({"name": "own"})).unwrap();
}

#[test]
fn origins_are_counted_and_distinct() {
    let origin = |name: &str, address: &str| json!({"name": name, "address": address});
    let with_port =
        |name: &str, port: u16| json!({"name": name, "address": "192.0.2.1", "port": port});
    refused::<Pool>(vec![
        (json!({"origins": null}), &["/origins: origins is required: validation failed"]),
        (
            json!({"origins": []}),
            &["/origins: the origin list length must be in range [1, 1000]: validation failed"],
        ),
        (
            json!({"origins": [{}, {}]}),
            &[
                "/origins/0/name: name is required: validation failed",
                "/origins/0/address: address is required: validation failed",
                "/origins/1/name: name is required: validation failed",
                "/origins/1/address: address is required: validation failed",
            ],
        ),
        (
            json!({"origins": [origin("a", "192.0.2.1"), origin("a", "192.0.2.2")]}),
            &["/origins/1/name: value not unique"],
        ),
        (
            json!({"origins": [origin("a", "Example.net"), origin("b", "example.NET.")]}),
            &["/origins/1/address: value not unique"],
        ),
        (
            json!({"origins": [origin("a", "::ffff:192.0.2.1"), with_port("b", 0)]}),
            &["/origins/1/address: value not unique"],
        ),
    ]);
    created::<Pool>(
        json!({"origins": [origin("a", "192.0.2.1"), with_port("b", 1), with_port("c", 2)]}),
    );
    // Without a subscription the bound is zero, and the text is known.
    let world = World::limited(Limits { origins_max: 0, ..Limits::default() });
    refused_in::<Pool>(
        &world,
        vec![(
            json!({}),
            &["/origins: the origin list length must be in range [1, 0]: validation failed"],
        )],
    );
}

#[test]
fn origins_are_checked() {
    refused::<Pool>(vec![
        (
            origins(json!({"weight": 1.1})),
            &["/origins/0/weight: weight is not in range [0, 1]: validation failed"],
        ),
        (
            origins(json!({"weight": 0.005})),
            &["/origins/0/weight: weight must be a multiple of 0.01: validation failed"],
        ),
        (
            origins(json!({"port": 65_536})),
            &["/origins/0/port: port is not in range [0, 65535]: validation failed"],
        ),
        (
            origins(json!({"port": "80"})),
            &["/origins/0/port: port must be a number: validation failed"],
        ),
        (
            origins(json!({"name": ""})),
            &["/origins/0/name: the name length must be in range [1, 255]: validation failed"],
        ),
        (
            origins(json!({"virtual_network_id": "x"})),
            &[
                "/origins/0/virtual_network_id: virtual_network_id must be a UUID: validation failed",
            ],
        ),
        (
            origins(json!({"header": {"Host": ["a", "b"]}})),
            &[
                "/origins/0/header/Host: the Host list length must be in range [0, 1]: validation failed",
            ],
        ),
        (
            origins(json!({"header": {"Host": "a"}})),
            &["/origins/0/header/Host: Host must be a list: validation failed"],
        ),
        (
            origins(json!({"address": "o", "header": {"Host": ["h\r\n"]}})),
            &[
                "/origins/0/header/Host/0: Host header \"h\u{fffd}\u{fffd}\" not allowed for origin domain \"o\": validation failed",
            ],
        ),
        (
            origins(json!({"address": "o", "header": {"Host": ["h h"]}})),
            &[
                "/origins/0/header/Host/0: Host header \"h h\" not allowed for origin domain \"o\": validation failed",
            ],
        ),
        (
            origins(json!({"address": "http://a"})),
            &[
                "/origins/0/address: address \"http://a\" is not an IP address or host name: validation failed",
            ],
        ),
        (
            origins(json!({"address": ""})),
            &[
                "/origins/0/address: address \"\" is not an IP address or host name: validation failed",
            ],
        ),
    ]);
}

#[test]
fn addresses_follow_the_policy() {
    const NETWORK: &str = "a5624d4e-044a-4ff0-b3e1-e2465353d4b4";
    let world = |private, link_local| {
        World::limited(Limits {
            private_addresses_allowed: private,
            link_local_allowed: link_local,
            ..Limits::default()
        })
    };
    let accepts = |world: &World, members: Value| {
        Pool::apply(world, evenkeel_api::Verb::Create, &Pool::with(origins(members)), None).is_ok()
    };
    for address in ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "192.168.0.1"] {
        assert!(accepts(&world(true, false), json!({"address": address})), "{address}");
        assert!(!accepts(&world(false, false), json!({"address": address})), "{address}");
        let through = json!({"address": address, "virtual_network_id": NETWORK});
        assert!(accepts(&world(false, false), through), "{address}");
    }
    for address in ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "::ffff:169.254.169.254"] {
        assert!(!accepts(&world(true, false), json!({"address": address})), "{address}");
        assert!(accepts(&world(true, true), json!({"address": address})), "{address}");
        let through = json!({"address": address, "virtual_network_id": NETWORK});
        assert!(!accepts(&world(true, false), through), "{address}");
    }
    refused::<Pool>(vec![(
        origins(json!({"address": "169.254.169.254"})),
        &[
            "/origins/0/address: address \"169.254.169.254\" is link-local or unspecified, which is not allowed: validation failed",
        ],
    )]);
}

#[test]
fn monitors_exist_and_exclude_groups() {
    refused::<Pool>(vec![
        (
            json!({"monitor": "nope"}),
            &["/monitor: monitor \"nope\" does not exist: validation failed"],
        ),
        (
            json!({"monitor_group": "nope"}),
            &["/monitor_group: monitor_group \"nope\" does not exist: validation failed"],
        ),
        (
            json!({"monitor": MONITOR, "monitor_group": GROUP}),
            &["/monitor_group: monitor_group is not allowed with monitor: validation failed"],
        ),
        (json!({"monitor": 7}), &["/monitor: monitor must be a string: validation failed"]),
    ]);
    echoed::<Pool>(vec![(json!({"monitor_group": GROUP}), json!({"monitor_group": GROUP}))]);
    // In a PATCH one takes the place of the other, unless both are sent.
    let monitored: Pool = created(json!({"monitor": MONITOR}));
    let grouped = monitored.patch(json!({"monitor_group": GROUP})).unwrap();
    assert_eq!((grouped.monitor.as_deref(), grouped.monitor_group.as_deref()), (None, Some(GROUP)));
    let back = grouped.patch(json!({"monitor": MONITOR})).unwrap();
    assert_eq!((back.monitor.as_deref(), back.monitor_group.as_deref()), (Some(MONITOR), None));
    for none in [Value::Null, json!("")] {
        let still = grouped.patch(json!({ "monitor": none })).unwrap();
        assert_eq!(still.monitor_group.as_deref(), Some(GROUP));
    }
    let both = json!({"monitor": MONITOR, "monitor_group": GROUP});
    assert_eq!(grouped.patch(both).unwrap_err()[0].pointer, "/monitor_group");
    let detached =
        created::<Pool>(json!({"monitor": MONITOR})).patch(json!({"monitor": ""})).unwrap();
    assert_eq!(detached.answer().get("monitor"), None);
}

#[test]
fn probing_from_everywhere_can_be_switched_off() {
    let world = World::limited(Limits { every_data_centre_allowed: false, ..Limits::default() });
    let text = "/check_regions: Probing from every data centre is not allowed with this subscription. Please choose regions to probe from.: validation failed";
    refused_in::<Pool>(
        &world,
        vec![
            (json!({"monitor": MONITOR}), &[text]),
            (json!({"monitor": MONITOR, "check_regions": []}), &[text]),
            (json!({"monitor_group": GROUP, "check_regions": ["ALL_REGIONS"]}), &[text]),
        ],
    );
    for members in [json!({}), json!({"monitor": MONITOR, "check_regions": ["WEU"]})] {
        Pool::apply(&world, evenkeel_api::Verb::Create, &Pool::with(members), None).unwrap();
    }
}

#[test]
fn places_and_sources_are_checked() {
    refused::<Pool>(vec![
        (
            json!({"latitude": 1}),
            &["/longitude: longitude is required with latitude: validation failed"],
        ),
        (
            json!({"longitude": 1}),
            &["/latitude: latitude is required with longitude: validation failed"],
        ),
        (
            json!({"latitude": 90.1, "longitude": 181}),
            &[
                "/latitude: latitude is not in range [-90, 90]: validation failed",
                "/longitude: longitude is not in range [-180, 180]: validation failed",
            ],
        ),
        (json!({"check_regions": ["WEU", "WEU"]}), &["/check_regions/1: value not unique"]),
        (
            json!({"check_regions": ["XX"]}),
            &[
                "/check_regions/0: check_regions must be one of WNAM, ENAM, WEU, EEU, NSAM, SSAM, OC, ME, NAF, SAF, SAS, SEAS, NEAS, CHINA, ALL_REGIONS: validation failed",
            ],
        ),
        (
            json!({"health_sources": ["global", "regional"], "check_regions": ["WEU"]}),
            &[
                "/health_sources: health_sources must be null or [\"regional\", \"global\"]: validation failed",
            ],
        ),
        (
            json!({"health_sources": []}),
            &[
                "/health_sources: health_sources must be null or [\"regional\", \"global\"]: validation failed",
            ],
        ),
        (
            json!({"health_sources": ["regional", "global"]}),
            &["/health_sources: health_sources needs check_regions: validation failed"],
        ),
        (
            json!({"load_shedding": {"default_percent": 101, "session_policy": "random"}}),
            &[
                "/load_shedding/default_percent: default_percent is not in range [0, 100]: validation failed",
                "/load_shedding/session_policy: session_policy must be one of hash: validation failed",
            ],
        ),
        (
            json!({"minimum_origins": -1}),
            &[
                "/minimum_origins: minimum_origins is not in range [0, 2147483647]: validation failed",
            ],
        ),
        (
            json!({"notification_filter": {"pool": {"healthy": "x"}}}),
            &[
                "/notification_filter/pool/healthy: healthy must be true or false: validation failed",
            ],
        ),
    ]);
}

#[test]
fn the_collection_patch_only_clears_addresses() {
    let world = World::late();
    let with: Pool = created(json!({"notification_email": "a@example.com"}));
    let without: Pool = created(json!({}));
    let changed =
        pool::apply_to_all(br#"{"notification_email": ""}"#, [&without, &with], &world.context());
    let changed = changed.unwrap();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].notification_email, "");
    assert_eq!((changed[0].created_on.as_str(), changed[0].modified_on.as_str()), (EARLY, LATE));
    for body in [r#"{"notification_email": "b@example.com"}"#, "{}", r#"{"enabled": false}"#, "x"] {
        let problems = pool::apply_to_all(body.as_bytes(), [&with], &world.context()).unwrap_err();
        assert_eq!(problems[0].code, 1002, "{body}");
    }
}
