//! Status words, and changes told once.

use std::collections::BTreeMap;

use evenkeel_decision::health::ledger::{Ledger, PoolChange, Turn};
use evenkeel_decision::health::status;
use evenkeel_model::{EndpointIx, LoadBalancerIx, MonitorIx, PoolIx, Steering, Verdict};
use proptest::prelude::*;
use proptest::sample::select;

use crate::notation::{START, World};

/// The status words of a world: load balancer, pools, endpoints.
fn words(world: &str, after_s: u64) -> String {
    let World { view, .. } = World::parse(world);
    let (config, health) = (&*view.config, &view.health);
    let now = START.plus_seconds(after_s);
    let mut words = vec![status::load_balancer(config, health, LoadBalancerIx(0)).to_string()];
    for (ix, pool) in (0..).map(PoolIx).zip(&config.pools) {
        let endpoints: Vec<_> = pool
            .endpoints()
            .map(|ix| status::endpoint(config, health, ix, now).to_string())
            .collect();
        words.push(format!("{}: {}", status::pool(config, health, ix), endpoints.join(" ")));
    }
    words.join(" | ")
}

#[test]
fn status_words_follow_from_the_view() {
    for (world, expected) in [
        ("| eu: a b | us: c", "Healthy | Healthy: Healthy Healthy | Healthy: Healthy"),
        ("| eu: a b! | us: c", "Healthy | Degraded: Healthy Unhealthy | Healthy: Healthy"),
        ("| eu: a! | us: c", "Degraded | Critical: Unhealthy | Healthy: Healthy"),
        ("| eu: a! | us: c!", "Critical | Critical: Unhealthy | Critical: Unhealthy"),
        ("| eu: a! | us: c?", "Critical | Critical: Unhealthy | Health unknown: Unknown"),
        ("| eu: a | us: c?", "Unknown | Healthy: Healthy | Health unknown: Unknown"),
        ("| eu: a? | us: c?", "Unknown | Health unknown: Unknown | Health unknown: Unknown"),
        ("disabled | eu: a", "Disabled | Healthy: Healthy"),
        ("| eu unmonitored: a", "Unknown | Health unknown: No health"),
        (
            "| eu: a! | us unmonitored: c",
            "Degraded | Critical: Unhealthy | Health unknown: No health",
        ),
        ("| eu disabled: a | us: c", "Healthy | Disabled: Healthy | Healthy: Healthy"),
        ("| eu disabled: a", "Critical | Disabled: Healthy"),
        ("| eu: a b-", "Healthy | Healthy: Healthy Disabled"),
        ("| eu min=2: a b-", "Critical | Critical: Healthy Disabled"),
        ("| eu: a | last spare: z!", "Healthy | Healthy: Healthy | No health: Unhealthy"),
        (
            "geo country:DE=us | eu: a | us spare: c! | last spare: z",
            "Degraded | Healthy: Healthy | Critical: Unhealthy | No health: Healthy",
        ),
    ] {
        assert_eq!(words(world, 0), expected, "{world}");
    }
}

#[test]
fn a_disabled_endpoint_drains_while_a_load_balancer_lets_its_sessions_be() {
    for (world, after_s, expected) in [
        ("cookie drain=600 | eu: a b-", 599, "Draining"),
        ("cookie drain=600 | eu: a b-", 600, "Disabled"),
        ("cookie | eu: a b-", 0, "Disabled"),
        ("drain=600 | eu: a b-", 0, "Disabled"),
    ] {
        assert!(words(world, after_s).ends_with(expected), "{world}, {after_s} s");
    }
}

#[test]
fn a_pool_matters_to_every_load_balancer_that_has_it() {
    let World { view, .. } =
        World::parse("country:DE=us | eu: a | us spare: b | x spare: c | z: d");
    let reached = |pool| status::load_balancers_of(&view.config, PoolIx(pool)).count();
    assert_eq!([reached(0), reached(1), reached(2), reached(3)], [1, 0, 0, 1]);
    let World { view, .. } = World::with("country:DE=us | eu: a | us spare: b | z: d", |lb, _| {
        lb.steering = Steering::Geo;
    });
    assert_eq!(status::load_balancers_of(&view.config, PoolIx(1)).count(), 1);
}

/// Follows worlds one after the other and tells each one's changes: a letter for the pool or the
/// endpoint, `+` or `-` for what it became, and `0` where it is the first that was known of it.
fn told(worlds: &[&str]) -> Vec<String> {
    let mut ledger = Ledger::default();
    let tell = |world: &&str| {
        let World { view, .. } = World::parse(world);
        let changes = ledger.follow(&view.config, &view.health, |_, _| Verdict::Unknown);
        changes.iter().map(|change| text(&view.config, change)).collect::<Vec<_>>().join(", ")
    };
    worlds.iter().map(tell).collect()
}

fn text(config: &evenkeel_model::Config, change: &PoolChange) -> String {
    let turned = |turn: &Turn| match (turn.healthy, turn.is_first) {
        (true, false) => "+",
        (false, false) => "-",
        (true, true) => "+0",
        (false, true) => "-0",
    };
    let name = &config.pool(change.pool).name;
    let enabled = change.enabled.map(|on| format!("{name} {}", if on { "on" } else { "off" }));
    let pool = change.health.iter().map(|turn| format!("{name}{}", turned(turn)));
    let endpoints = change
        .endpoints
        .iter()
        .map(|(ix, turn)| format!("{}{}", config.endpoint(*ix).name, turned(turn)));
    enabled.into_iter().chain(pool).chain(endpoints).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_change_is_told_once() {
    for (worlds, expected) in [
        (
            &["| eu: a? b?", "| eu: a b?", "| eu: a b", "| eu: a b"][..],
            &["", "eu+0 a+0", "b+0", ""][..],
        ),
        // The pool is told only where its minimum is crossed.
        (
            &["| eu: a b", "| eu: a! b", "| eu: a! b!", "| eu: a b!", "| eu: a b"],
            &["eu+0 a+0 b+0", "a-", "eu- b-", "eu+ a+", "b+"],
        ),
        (&["| eu min=2: a b", "| eu min=2: a! b"], &["eu+0 a+0 b+0", "eu- a-"]),
        // Nothing was down while the first verdicts come in one by one ...
        (
            &["| eu min=2: a? b?", "| eu min=2: a b?", "| eu min=2: a b", "| eu min=2: a! b"],
            &["", "a+0", "eu+0 b+0", "eu- a-"],
        ),
        (&["| eu: a! b?", "| eu: a! b", "| eu: a! b!"], &["a-0", "eu+0 b+0", "eu- b-"]),
        // ... unless those to come could not make it good any more.
        (
            &["| eu min=2: a! b?", "| eu min=2: a! b", "| eu min=2: a b"],
            &["eu-0 a-0", "b+0", "eu+ a+"],
        ),
        (&["| eu min=2: a b-", "| eu min=2: a b"], &["eu-0 a+0", "eu+ b+0"]),
        (&["| eu: a b?", "| eu: a! b?"], &["eu+0 a+0", "eu- a-"]),
        // Several pools, several endpoints at once.
        (
            &["| eu: a b | us: c", "| eu: a! b! | us: c!"],
            &["eu+0 a+0 b+0, us+0 c+0", "eu- a- b-, us- c-"],
        ),
        // A verdict that is unknown for a while is no change.
        (
            &["| eu: a!", "| eu: a?", "| eu: a!", "| eu: a?", "| eu: a"],
            &["eu-0 a-0", "", "", "", "eu+ a+"],
        ),
        // A configuration can push a pool below its minimum: its endpoints have not changed.
        (
            &["| eu min=2: a b", "| eu min=2: a b-", "| eu min=2: a b?", "| eu min=2: a b"],
            &["eu+0 a+0 b+0", "eu-", "", "eu+"],
        ),
        (&["| eu: a", "| eu min=2: a", "| eu: a"], &["eu+0 a+0", "eu-", "eu+"]),
        // What a user switches is a wish, and no health.
        (
            &["| eu: a", "| eu disabled: a", "| eu disabled: a!", "| eu: a?", "| eu: a"],
            &["eu+0 a+0", "eu off", "", "eu on", ""],
        ),
        (&["| eu disabled: a?", "| eu: a"], &["", "eu on eu+0 a+0"]),
        // Without a monitor nothing is known, and nothing was.
        (&["| eu: a!", "| eu unmonitored: a", "| eu: a"], &["eu-0 a-0", "", "eu+0 a+0"]),
        // What left and came back is new.
        (&["| eu: a b", "| eu: a", "| eu: a b!"], &["eu+0 a+0 b+0", "", "b-0"]),
    ] {
        assert_eq!(told(worlds), expected, "{worlds:?}");
    }
}

#[test]
fn who_has_no_vote_is_observed() {
    use evenkeel_model::{
        Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointHealth, EndpointSpec, Health,
        Monitor, MonitorId, MonitorKind, PoolId, PoolMonitor, PoolSpec,
    };
    let key = AffinityKey([0; 32]);
    let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
    let watcher = builder.monitor(Monitor {
        id: MonitorId([1; 16]),
        kind: MonitorKind::Tcp,
        port: 1,
        interval_ms: 1,
        timeout_ms: 1,
        retries: 0,
        consecutive_up: 0,
        consecutive_down: 0,
    });
    let only = PoolMonitor { monitoring_only: true, ..PoolMonitor::plain(watcher) };
    let endpoint = EndpointSpec::new("a", Address::Ip([192, 0, 2, 1].into()), 80);
    let spec = PoolSpec::new(PoolId([1; 16]), "eu", vec![endpoint]);
    builder.pool(PoolSpec { monitors: vec![only], ..spec });
    let config = builder.build();
    let health = Health::new(&config, |_| EndpointHealth::default());
    let mut ledger = Ledger::default();
    let (first, other) = (true, false);
    for (verdict, turn) in [
        (Verdict::Unknown, None),
        (Verdict::Healthy, Some((true, first))),
        (Verdict::Healthy, None),
        (Verdict::Unhealthy, Some((false, other))),
    ] {
        let changes = ledger.follow(&config, &health, |_, _| verdict);
        let observed: Vec<_> = changes.iter().flat_map(|change| change.observed.clone()).collect();
        let expected = turn
            .map(|(healthy, is_first)| (EndpointIx(0), MonitorIx(0), Turn { healthy, is_first }));
        assert_eq!(observed, Vec::from_iter(expected), "{verdict:?}");
        assert!(changes.iter().all(|change| !change.is_about_health()));
    }
}

proptest! {
    /// However health flaps, what is told alternates: never the same twice, and never a change that
    /// did not happen.
    #[test]
    fn flapping_is_told_once_per_change(
        worlds in prop::collection::vec(
            (
                select(vec!["", "min=2", "disabled", "unmonitored"]),
                prop::collection::vec(select(vec!["", "!", "?", "-"]), 3),
            ),
            1..40,
        )
    ) {
        let mut ledger = Ledger::default();
        let mut last: BTreeMap<String, bool> = BTreeMap::new();
        for (flags, states) in worlds {
            let endpoints = ["a", "b", "c"].iter().zip(&states);
            let endpoints: Vec<_> = endpoints.map(|(name, state)| format!("{name}{state}")).collect();
            let World { view, .. } = World::parse(&format!("| eu {flags}: {}", endpoints.join(" ")));
            let (config, health) = (&view.config, &view.health);
            let pool = config.pool(PoolIx(0));
            if !pool.is_monitored() {
                last.clear();
            }
            let changes = ledger.follow(config, health, |_, _| Verdict::Unknown);
            prop_assert!(changes.len() <= 1);
            for change in changes {
                let pool = change.health.map(|turn| ("eu".to_owned(), turn));
                let endpoints = change.endpoints.iter().map(|(ix, turn)| {
                    (config.endpoint(*ix).name.clone(), *turn)
                });
                for (name, turn) in pool.into_iter().chain(endpoints) {
                    let before = last.insert(name.clone(), turn.healthy);
                    prop_assert_eq!(before.is_none(), turn.is_first, "{}", &name);
                    prop_assert_ne!(before, Some(turn.healthy), "{}", &name);
                }
            }
            // What is known now is what was told last.
            for (ix, endpoint) in config.endpoints_indexed() {
                let is_probed = pool.enabled && pool.is_monitored() && endpoint.enabled;
                let verdict = health.endpoint(ix).verdict;
                if is_probed && verdict != Verdict::Unknown {
                    let told = last.get(&endpoint.name).copied();
                    prop_assert_eq!(told, Some(verdict == Verdict::Healthy));
                }
            }
            let again = ledger.follow(config, health, |_, _| Verdict::Unknown);
            prop_assert_eq!(again, vec![]);
        }
    }
}
