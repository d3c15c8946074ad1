//! Who is told of changed health, and what is written down of it.

use evenkeel_api::HealthEvent;
use evenkeel_store::JournalQuery;

use super::*;
use crate::health::{HEALTH_EVENTS, OccasionKind};

impl Running {
    /// The event log in the order in which things happened, once it is written.
    async fn events(&self) -> Vec<HealthEvent> {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let entries = self.store.journal(JournalQuery::newest(HEALTH_EVENTS, 1000)).await.unwrap();
        entries.iter().rev().map(|entry| serde_json::from_slice(&entry.body).unwrap()).collect()
    }

    /// What was told since the last call, as text: `pool+`, `192.0.2.1- (TCP Timeout)`, `pool on`.
    async fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(occasion) =
            tokio::time::timeout(Duration::from_millis(1), self.occasions.next()).await
        {
            let occasion = occasion.unwrap();
            assert_eq!((&*occasion.account, &*occasion.pool_name), (ACCOUNT, "eu"));
            assert_eq!(occasion.pool_id.to_string(), POOL);
            let sign = |healthy| if healthy { '+' } else { '-' };
            told.push(match &occasion.kind {
                OccasionKind::PoolHealth { healthy } => format!("pool{}", sign(*healthy)),
                OccasionKind::EndpointHealth { address, healthy, reason, observed_by, .. } => {
                    assert_eq!(*observed_by, None);
                    format!("{address}{} ({reason})", sign(*healthy))
                }
                OccasionKind::PoolEnabled { enabled: true } => "pool on".to_owned(),
                OccasionKind::PoolEnabled { enabled: false } => "pool off".to_owned(),
            });
        }
        told
    }
}

/// An event as text: the pool, then its origins; `*` marks what changed.
fn text(event: &HealthEvent) -> String {
    let word = |healthy: bool, changed: bool| {
        format!("{}{}", if healthy { "H" } else { "U" }, if changed { "*" } else { "" })
    };
    let origins = event.origins.iter().map(|origin| word(origin.healthy, origin.changed));
    format!(
        "{}: {}",
        word(event.pool.healthy, event.pool.changed),
        origins.collect::<Vec<_>>().join(" ")
    )
}

#[tokio::test(start_paused = true)]
async fn every_change_is_an_event_and_what_was_found_first_wakes_nobody() {
    use Verdict::{Healthy, Unhealthy};
    let mut running = Running::start().await;
    let mut expected = Vec::new();
    for (address, verdict, event, told) in [
        ("192.0.2.1", Healthy, "H*: H* U", &[][..]),
        ("192.0.2.2", Unhealthy, "H: H U*", &[]),
        ("192.0.2.2", Healthy, "H: H H*", &["192.0.2.2+ (No failures)"]),
        ("192.0.2.1", Unhealthy, "H: U* H", &["192.0.2.1- (TCP Timeout)"]),
        ("192.0.2.2", Unhealthy, "U*: U U*", &["pool-", "192.0.2.2- (TCP Timeout)"]),
        ("192.0.2.1", Healthy, "H*: H* U", &["pool+", "192.0.2.1+ (No failures)"]),
    ] {
        running.turn(address, verdict).await;
        assert_eq!(running.told().await, told, "{address} {verdict:?}");
        expected.push(event);
    }
    let events = running.events().await;
    assert_eq!(events.iter().map(text).collect::<Vec<_>>(), expected);
    let last = serde_json::to_value(&events[4]).unwrap();
    assert_eq!(
        last["pool"],
        json!({"id": POOL, "name": "eu", "healthy": false, "changed": true, "minimum_origins": 1})
    );
    assert_eq!(
        last["origins"][1],
        json!({"name": "192.0.2.2", "address": "192.0.2.2", "ip": "192.0.2.2", "enabled": true,
            "healthy": false, "changed": true, "failure_reason": "TCP Timeout",
            "response_code": 0})
    );
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_change_together_share_an_event() {
    let mut running = Running::start().await;
    for verdict in [Verdict::Healthy, Verdict::Unhealthy] {
        running.report(running.endpoint("192.0.2.1"), MONITOR, verdict).await;
        running.report(running.endpoint("192.0.2.2"), MONITOR, verdict).await;
        running.next_view().await;
    }
    let events = running.events().await;
    assert_eq!(events.iter().map(text).collect::<Vec<_>>(), ["H*: H* H*", "U*: U* U*"]);
    let expected = ["pool-", "192.0.2.1- (TCP Timeout)", "192.0.2.2- (TCP Timeout)"];
    assert_eq!(running.told().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_can_push_a_pool_below_its_minimum() {
    let mut running = Running::start().await;
    for address in ["192.0.2.1", "192.0.2.2"] {
        running.turn(address, Verdict::Healthy).await;
    }
    let mut document = pool(MONITOR, &["192.0.2.1", "192.0.2.2"]);
    document["minimum_origins"] = 2.into();
    document["origins"][1]["enabled"] = false.into();
    for (minimum, told) in [(2, &["pool-"][..]), (1, &["pool+"])] {
        document["minimum_origins"] = minimum.into();
        put(&running.store, kind::POOL, POOL, document.clone()).await;
        running.next_view().await;
        assert_eq!(running.told().await, told);
    }
    let events = running.events().await;
    let events: Vec<_> = events.iter().map(text).collect();
    assert_eq!(events, ["H*: H* U", "H: H H*", "U*: H H", "H*: H H"]);
}

#[tokio::test(start_paused = true)]
async fn a_pool_switched_off_and_on_is_told_and_no_change_of_health() {
    let mut running = Running::start().await;
    running.turn("192.0.2.1", Verdict::Healthy).await;
    for (enabled, told) in [(false, ["pool off"]), (true, ["pool on"])] {
        let mut document = pool(MONITOR, &["192.0.2.1", "192.0.2.2"]);
        document["enabled"] = enabled.into();
        put(&running.store, kind::POOL, POOL, document).await;
        running.next_view().await;
        assert_eq!(running.told().await, told);
        assert_eq!(running.verdicts(), "H?", "it rests, but not for long");
    }
    assert_eq!(running.events().await.len(), 1);
    // What rested for too long is unknown again.
    for (enabled, verdicts) in [(false, "H?"), (true, "??")] {
        let mut document = pool(MONITOR, &["192.0.2.1", "192.0.2.2"]);
        document["enabled"] = enabled.into();
        put(&running.store, kind::POOL, POOL, document).await;
        running.next_view().await;
        assert_eq!(running.verdicts(), verdicts);
        tokio::time::sleep(Duration::from_secs(601)).await;
    }
}

/// However reports come, what is told of an endpoint alternates, and so does what is written down.
#[tokio::test(start_paused = true)]
async fn flapping_is_told_once_per_change() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut running = Running::start().await;
        let endpoints = [running.endpoint("192.0.2.1"), running.endpoint("192.0.2.2")];
        for _ in 0..200 {
            let verdict = *rng.choice(&[Verdict::Healthy, Verdict::Unhealthy]).unwrap();
            running.report(*rng.choice(&endpoints).unwrap(), MONITOR, verdict).await;
            tokio::time::sleep(Duration::from_millis(rng.u64(0..120))).await;
        }
        let told = running.told().await;
        for subject in ["pool", "192.0.2.1", "192.0.2.2"] {
            let signs: Vec<_> = told
                .iter()
                .filter_map(|told| told.strip_prefix(subject))
                .map(|rest| rest.as_bytes()[0])
                .collect();
            assert!(signs.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: {told:?}");
            assert!(signs.len() > 3, "seed {seed} flaps too little to tell");
        }
        let events = running.events().await;
        let pools = events.iter().filter(|event| event.pool.changed);
        let pools: Vec<_> = pools.map(|event| event.pool.healthy).collect();
        assert!(pools.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}");
    }
}
