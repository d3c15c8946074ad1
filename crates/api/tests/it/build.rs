//! Documents put in force.

mod overrides;
mod steering;
mod told;

use std::collections::BTreeSet;

use evenkeel_api::{
    Conditions, Documents, Kind, LoadBalancer, Monitor, MonitorGroup, Pool, ScopedLoadBalancer,
    Zone, ZoneSettings, build, rebuild,
};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, CookieSameSite, Edge, HealthSources,
    MonitorIx, MonitorKind, Steering, Timestamp, ZeroDowntimeFailover,
};
use serde_json::{Value, json};

use crate::world::{GROUP, MONITOR, OTHER_MONITOR, POOL_A, POOL_B, POOL_C, ZONE, created};

/// Everything that is stored.
#[derive(Default, Clone)]
struct Stored {
    load_balancers: Vec<LoadBalancer>,
    pools: Vec<Pool>,
    monitors: Vec<Monitor>,
    monitor_groups: Vec<MonitorGroup>,
    settings: Vec<ZoneSettings>,
}

impl Stored {
    /// Two pools, one of them monitored.
    fn small() -> Self {
        let mut stored = Self::default();
        stored.monitor(MONITOR, json!({"type": "https", "path": "/live", "header": {"A": ["b"]}}));
        stored.pool(POOL_A, json!({"name": "a", "monitor": MONITOR}));
        stored.pool(POOL_B, json!({"name": "b"}));
        stored
    }

    fn monitor(&mut self, id: &str, members: Value) {
        self.monitors.push(Monitor { id: id.into(), ..created(members) });
    }

    /// The only group.
    fn group(&mut self, members: Value) {
        self.monitor_groups = vec![MonitorGroup { id: GROUP.into(), ..created(members) }];
    }

    fn pool(&mut self, id: &str, members: Value) {
        self.pools.push(Pool { id: id.into(), ..created(members) });
    }

    fn load_balancer(&mut self, id: char, members: Value) -> &mut LoadBalancer {
        let document = LoadBalancer { id: id.to_string().repeat(32), ..created(members) };
        self.load_balancers.push(document);
        self.load_balancers.last_mut().unwrap()
    }

    fn build(&self) -> (Config, Vec<String>) {
        let zone = Zone { id: ZONE.into(), ..created(json!({})) };
        let scoped = |document| ScopedLoadBalancer { zone_id: Some(ZONE), document };
        let documents = Documents {
            zones: vec![&zone],
            zone_settings: self.settings.iter().collect(),
            load_balancers: self.load_balancers.iter().map(scoped).collect(),
            pools: self.pools.iter().collect(),
            monitors: self.monitors.iter().collect(),
            monitor_groups: self.monitor_groups.iter().collect(),
            affinity_keys: AffinityKeys { current: AffinityKey([7; 32]), previous: None },
        };
        let (config, problems) = build(&documents);
        let mut conditions = Conditions::default();
        for _ in 0..2 {
            let (again, same) = rebuild(&documents, &mut conditions);
            assert_eq!(format!("{again:?}"), format!("{config:?}"), "whatever is kept");
            assert_eq!(same, problems);
        }
        (config, problems.iter().map(ToString::to_string).collect())
    }
}

#[test]
fn documents_become_what_they_mean() {
    let mut stored = Stored::small();
    stored.pool(
        POOL_C,
        json!({"name": "c", "enabled": false, "minimum_origins": 2, "origins": [
            {"name": "1", "address": "Bücher.example.", "port": 8080, "weight": 0.56,
                "header": {"Host": ["Shop.Example"]},
                "virtual_network_id": "A5624D4E-044A-4FF0-B3E1-E2465353D4B4"},
            {"name": "2", "address": "::ffff:192.0.2.1", "enabled": false,
                "header": {"Host": ["2001:db8::1"]}},
        ]}),
    );
    stored.load_balancer(
        '1',
        json!({"name": "*.example.com", "proxied": true, "default_pools": [POOL_C, POOL_A],
            "fallback_pool": POOL_B, "steering_policy": "random",
            "random_steering": {"default_weight": 0.5, "pool_weights": {POOL_C: 0.25}},
            "session_affinity": "cookie", "session_affinity_ttl": 1800,
            "session_affinity_attributes": {"samesite": "Strict", "drain_duration": 60,
                "zero_downtime_failover": "sticky"},
            "adaptive_routing": {"failover_across_pools": true}}),
    );
    let (config, problems) = stored.build();
    assert_eq!(problems, [""; 0]);

    let lb = config.load_balancer(config.find_host("a.b.example.com").unwrap());
    let pools: Vec<_> = lb.default_pools.iter().map(|ix| config.pool(*ix).name.as_str()).collect();
    assert_eq!(pools, ["c", "a"]);
    assert_eq!(config.pool(lb.fallback_pool).name, "b");
    assert_eq!((lb.steering, lb.proxied, lb.failover_across_pools), (Steering::Random, true, true));
    let weights: Vec<_> =
        lb.default_pools.iter().map(|ix| lb.pool_weights.of(*ix).hundredths()).collect();
    assert_eq!(weights, [25, 50]);
    assert_eq!((lb.affinity.kind, lb.affinity.ttl_s), (AffinityKind::Cookie, Some(1800)));
    assert_eq!(lb.affinity.same_site, CookieSameSite::Strict);
    assert_eq!(lb.affinity.failover, ZeroDowntimeFailover::Sticky);
    assert_eq!(lb.affinity.drain_duration_s, 60);

    let pool = config.pool(lb.default_pools[0]);
    assert_eq!((pool.enabled, pool.endpoints_min, pool.monitors()), (false, 2, &[][..]));
    let endpoints: Vec<_> = pool.endpoints().map(|ix| config.endpoint(ix)).collect();
    assert_eq!(endpoints[0].address, Address::Name("xn--bcher-kva.example".into()));
    assert_eq!((endpoints[0].port, endpoints[0].weight.hundredths()), (8080, 56));
    assert_eq!(endpoints[0].host.as_deref(), Some("shop.example"));
    assert_eq!(
        endpoints[0].virtual_network.as_deref(),
        Some("a5624d4e-044a-4ff0-b3e1-e2465353d4b4")
    );
    assert_eq!(endpoints[1].address, Address::parse("192.0.2.1"));
    assert_eq!(endpoints[1].host.as_deref(), Some("[2001:db8::1]"));
    assert_eq!(endpoints[1].disabled_at, Some(Timestamp(1_767_604_211_123)));

    let monitored = config.pool(lb.default_pools[1]);
    let monitor = config.monitor(monitored.monitors()[0].monitor);
    assert_eq!((monitor.interval_ms, monitor.timeout_ms, monitor.retries), (60_000, 5000, 2));
    let MonitorKind::Http { tls: true, path, headers, .. } = &monitor.kind else { panic!() };
    assert_eq!(path, "/live");
    assert_eq!(headers, &[("A".to_owned(), vec!["b".to_owned()])]);
}

/// Who judges a pool, by the monitor's place, with `!` for must_be_healthy and `~` for
/// monitoring_only.
fn judges(config: &Config, name: &str) -> String {
    let pool = config.pools.iter().find(|pool| pool.name == name).unwrap();
    let judges = pool.monitors().iter().map(|judge| {
        let veto = if judge.must_be_healthy { "!" } else { "" };
        let watches = if judge.monitoring_only { "~" } else { "" };
        format!("{}{veto}{watches}", judge.monitor.0)
    });
    judges.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_grpc_monitor_names_its_service_by_its_path() {
    for (kind, path, tls, service) in [
        ("grpc", Value::Null, false, None),
        ("grpc", json!("/"), false, None),
        ("grpc", json!("/shop.v1.Cart"), false, Some("shop.v1.Cart")),
        ("grpcs", json!("/shop.v1.Cart"), true, Some("shop.v1.Cart")),
    ] {
        let mut stored = Stored::small();
        let body = json!({"type": kind, "port": 50051, "path": path, "allow_insecure": tls,
            "header": {"X-Token": ["a"]}});
        stored.monitor(OTHER_MONITOR, body);
        let (config, _) = stored.build();
        let monitor = config.monitors.iter().find(|monitor| monitor.port == 50_051).unwrap();
        let expected = MonitorKind::Grpc {
            tls,
            allow_insecure: tls,
            service: service.map(str::to_owned),
            headers: vec![("X-Token".to_owned(), vec!["a".to_owned()])],
        };
        assert_eq!(monitor.kind, expected, "{kind} {path}");
    }
}

#[test]
fn the_members_of_a_group_that_are_switched_on_judge() {
    let mut stored = Stored::small();
    stored.monitor(OTHER_MONITOR, json!({"type": "smtp", "port": 25}));
    stored.pool(POOL_C, json!({"name": "c", "monitor_group": GROUP}));
    let member = |id: &str, enabled, must_be_healthy, monitoring_only| {
        json!({"monitor_id": id, "enabled": enabled, "must_be_healthy": must_be_healthy,
            "monitoring_only": monitoring_only})
    };
    for (members, judged, told) in [
        (vec![member(MONITOR, true, false, false)], "0", None),
        (
            vec![member(OTHER_MONITOR, true, true, false), member(MONITOR, true, false, true)],
            "1! 0~",
            None,
        ),
        (
            vec![member(OTHER_MONITOR, false, true, false), member(MONITOR, true, true, true)],
            "0!~",
            None,
        ),
        (vec![member(MONITOR, false, false, false)], "", None),
        (
            vec![member(OTHER_MONITOR, true, true, false), member(MONITOR, true, false, false)],
            "0",
            Some(format!(
                "monitor {POOL_A} of its group is not in force; the pool is judged by the others"
            )),
        ),
        (
            vec![member(OTHER_MONITOR, true, true, false), member(MONITOR, true, false, true)],
            "0~",
            Some(format!(
                "monitor {POOL_A} of its group is not in force; the pool serves unmonitored"
            )),
        ),
    ] {
        stored.group(json!({"description": "g", "members": members}));
        if told.is_some() {
            stored.monitor_groups[0].members[0].monitor_id = POOL_A.into();
        }
        let (config, problems) = stored.build();
        assert_eq!(judges(&config, "c"), judged);
        let told: Vec<_> = told.iter().map(|told| format!("pool {POOL_C}: {told}")).collect();
        assert_eq!(problems, told);
        assert_eq!(config.monitor(MonitorIx(1)).kind, MonitorKind::Smtp);
    }
    stored.monitor_groups.clear();
    let (config, problems) = stored.build();
    let told = format!(
        "pool {POOL_C}: monitor group {GROUP} is not in force; the pool serves unmonitored"
    );
    assert_eq!((judges(&config, "c"), problems), (String::new(), vec![told]));
}

#[test]
fn where_a_pool_is_checked_from_says_whose_votes_count() {
    use HealthSources::{LocalGlobal, RegionalGlobal};
    for (members, regions, sources) in [
        (json!({"name": "c"}), None, LocalGlobal),
        (json!({"name": "c", "check_regions": []}), None, LocalGlobal),
        (json!({"name": "c", "check_regions": ["WEU", "OC"]}), Some(2), LocalGlobal),
        (json!({"name": "c", "check_regions": ["ALL_REGIONS"]}), Some(13), LocalGlobal),
        (json!({"name": "c", "check_regions": ["CHINA"]}), Some(0), LocalGlobal),
        (
            json!({"name": "c", "check_regions": ["WEU"], "health_sources": ["regional", "global"]}),
            Some(1),
            RegionalGlobal,
        ),
    ] {
        let mut stored = Stored::small();
        stored.pool(POOL_C, members.clone());
        let (config, problems) = stored.build();
        assert_eq!(problems, [""; 0]);
        let pool = config.pools.iter().find(|pool| pool.name == "c").unwrap();
        let found = pool.check_regions.as_ref().map(BTreeSet::len);
        assert_eq!((found, pool.health_sources), (regions, sources), "{members}");
    }
}

#[test]
fn a_broken_document_is_reported_and_the_rest_goes_live() {
    let mut stored = Stored::small();
    stored.monitors[0].expected_codes = "x".into();
    stored.pool(POOL_C, json!({"name": "c"}));
    stored.pools[2].origins[0].address = "a b".into();
    stored.load_balancer('1', json!({"name": "a.example.com", "default_pools": [POOL_C, POOL_B]}));
    stored.load_balancer('2', json!({"name": "b.example.com", "fallback_pool": POOL_C}));
    stored.load_balancer('3', json!({"name": "c.example.com"})).id = "short".into();
    let (config, problems) = stored.build();
    assert_eq!(
        problems,
        [
            format!("monitor {MONITOR}: expected_codes is not a list of codes"),
            format!(
                "pool {POOL_A}: monitor {MONITOR} is not in force; the pool serves unmonitored"
            ),
            format!("pool {POOL_C}: address of origin \"a\" is not an address"),
            format!(
                "load_balancer {}: pool {POOL_C} is not in force; the others serve",
                "1".repeat(32)
            ),
            format!("load_balancer {}: fallback pool {POOL_C} is not in force", "2".repeat(32)),
            "load_balancer short: an identifier is 32 lower-case hexadecimal digits".to_owned(),
        ]
    );
    assert_eq!((config.load_balancers.len(), config.pools.len()), (1, 2));
    assert_eq!(config.load_balancers[0].default_pools.len(), 1);
}

#[test]
fn of_two_owners_of_a_name_the_older_one_keeps_it_in_any_order() {
    let mut stored = Stored::small();
    stored.load_balancer('1', json!({})).created_on = "2026-01-05T09:10:11.123457Z".into();
    stored.load_balancer('2', json!({}));
    stored.load_balancer('3', json!({"enabled": false}));
    let (first, problems) = stored.build();
    let (one, two) = ("1".repeat(32), "2".repeat(32));
    assert_eq!(
        problems,
        [format!("load_balancer {one}: shop.example.com belongs to {two}, which is older")]
    );
    let mut reversed = stored.clone();
    reversed.load_balancers.reverse();
    reversed.pools.reverse();
    let (second, _) = reversed.build();
    for config in [&first, &second] {
        let owner = config.load_balancer(config.find_host("shop.example.com").unwrap());
        assert_eq!(owner.id.to_string(), two);
    }
    assert_eq!(format!("{:?}", first.load_balancers), format!("{:?}", second.load_balancers));
    assert_eq!(format!("{:?}", first.pools), format!("{:?}", second.pools));
}

#[test]
fn load_balancers_need_their_zone_and_accounts_have_none() {
    let stored = Stored::small();
    let document: LoadBalancer = created(json!({}));
    let build_in = |zone_id| {
        build(&Documents {
            zones: vec![],
            zone_settings: vec![],
            load_balancers: vec![ScopedLoadBalancer { zone_id, document: &document }],
            pools: stored.pools.iter().collect(),
            monitors: stored.monitors.iter().collect(),
            monitor_groups: vec![],
            affinity_keys: AffinityKeys { current: AffinityKey([7; 32]), previous: None },
        })
    };
    let (config, problems) = build_in(Some(ZONE));
    assert_eq!(config.load_balancers.len(), 0);
    assert_eq!(
        (problems[0].kind, problems[0].id.as_str()),
        (Kind::LoadBalancer, document.id.as_str())
    );
    let (config, problems) = build_in(None);
    assert_eq!((config.load_balancers.len(), problems.len()), (0, 0));
}

#[test]
fn load_balancers_carry_what_their_zone_is_set_to() {
    let mut stored = Stored::small();
    stored.load_balancer('a', json!({"name": "a.example.com"}));
    let edge_of = |stored: &Stored| {
        let (config, problems) = stored.build();
        assert_eq!(problems, [""; 0]);
        config.load_balancers[0].edge
    };
    assert_eq!(edge_of(&stored), Edge::default());
    let mut settings = ZoneSettings::of_zone(ZONE);
    settings.show_client_certificate(true, "2026-01-05T09:10:11Z");
    stored.settings = vec![ZoneSettings::of_zone(POOL_A), settings];
    assert_eq!(edge_of(&stored), Edge { endpoint_certificate: true, ..Edge::default() });
}
