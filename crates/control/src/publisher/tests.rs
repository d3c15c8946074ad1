//! The publisher over a memory store, in paused time.

mod keeping;
mod telling;

use evenkeel_model::{EndpointHealth, EndpointId, FailureReason, MonitorId, Verdict};
use evenkeel_store::{Batch, Expected, Key, MemoryStore, Write};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::records::{Owned, Owner, encode, kind};
use crate::{BootstrapSettings, bootstrap};

const ACCOUNT: &str = "00000000000000000000000000000000";
const POOL: &str = "10000000000000000000000000000000";
const MONITOR: &str = "20000000000000000000000000000000";
const OTHER_MONITOR: &str = "30000000000000000000000000000000";

/// A running publisher and what is needed to talk to it.
struct Running {
    store: Arc<MemoryStore>,
    live: Live,
    revisions: watch::Receiver<u64>,
    applied: watch::Receiver<Revision>,
    reports: mpsc::Sender<Report>,
    occasions: OccasionInbox,
    stats: Arc<HealthStats>,
    restored: Vec<Report>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Stage>,
}

impl Running {
    /// Starts with two endpoints, 192.0.2.1 and 192.0.2.2, in a pool with a monitor.
    async fn start() -> Self {
        let store = Arc::new(MemoryStore::new());
        bootstrap(&*store, BootstrapSettings::default()).await.unwrap();
        put(&store, kind::MONITOR, MONITOR, monitor(MONITOR)).await;
        put(&store, kind::MONITOR, OTHER_MONITOR, monitor(OTHER_MONITOR)).await;
        put(&store, kind::POOL, POOL, pool(MONITOR, &["192.0.2.1", "192.0.2.2"])).await;
        Self::over(store)
    }

    /// Starts with what a store holds.
    fn over(store: Arc<MemoryStore>) -> Self {
        let backing = Arc::clone(&store) as Arc<dyn Store>;
        Self::between(store, backing)
    }

    /// Starts with what a store holds, seen through another one.
    fn between(store: Arc<MemoryStore>, backing: Arc<dyn Store>) -> Self {
        let (publisher, live, revisions) = Publisher::new(backing).unwrap();
        let (reports, inbox) = mpsc::channel(16);
        let (stop, stopped) = oneshot::channel::<()>();
        let (occasions, stats) = (publisher.occasions(), publisher.stats());
        let applied = publisher.applied();
        let restored = publisher.restored().to_vec();
        let ended = tokio::spawn(publisher.run(inbox, async {
            let _ = stopped.await;
        }));
        Self { store, live, revisions, applied, reports, occasions, stats, restored, stop, ended }
    }

    /// Stops in order, and returns what is left.
    async fn stop(self) -> Arc<MemoryStore> {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
        self.store
    }

    /// Lets a verdict be reported and waits until it is published.
    async fn turn(&mut self, address: &str, verdict: Verdict) {
        self.report(self.endpoint(address), MONITOR, verdict).await;
        self.next_view().await;
    }

    fn endpoint(&self, address: &str) -> EndpointId {
        let view = self.live.load();
        let mut endpoints = view.config.endpoints.iter();
        endpoints.find(|endpoint| endpoint.address.to_string() == address).unwrap().id
    }

    async fn report(&self, endpoint: EndpointId, monitor: &str, verdict: Verdict) {
        let health = health(verdict);
        let monitor = monitor.parse::<MonitorId>().unwrap();
        self.reports.send(Report { endpoint, monitor, health }).await.unwrap();
    }

    /// The verdicts of the view, in endpoint order: `?`, `H` or `U`.
    fn verdicts(&self) -> String {
        let view = self.live.load();
        let letter = |ix| match view.health.endpoint(ix).verdict {
            Verdict::Unknown => '?',
            Verdict::Healthy => 'H',
            Verdict::Unhealthy => 'U',
        };
        view.config.endpoints_indexed().map(|(ix, _)| letter(ix)).collect()
    }

    /// Waits for the next view and returns how long that took, in milliseconds of paused time.
    async fn next_view(&mut self) -> u128 {
        let start = Instant::now();
        self.revisions.changed().await.unwrap();
        start.elapsed().as_millis()
    }
}

fn health(verdict: Verdict) -> EndpointHealth {
    let reason = match verdict {
        Verdict::Unhealthy => FailureReason::TcpTimeout,
        _ => FailureReason::NoFailures,
    };
    EndpointHealth { verdict, reason, response_code: 0, rtt_us: None }
}

async fn put(store: &MemoryStore, kind: &str, id: &str, document: Value) {
    let owned = Owned { owner: Owner::Account(ACCOUNT.to_owned()), document };
    let write = Write::Put(encode(&owned).into());
    let batch = Batch::new().with(Key::new(kind, id), Expected::Anything, write);
    store.commit(batch).await.unwrap();
}

fn monitor(id: &str) -> Value {
    json!({"id": id, "type": "tcp", "description": "", "method": "", "path": "", "header": {},
        "port": 80, "interval": 60, "timeout": 5, "retries": 2, "expected_codes": "",
        "expected_body": "", "follow_redirects": false, "allow_insecure": false, "probe_zone": "",
        "created_on": "2026-01-05T09:08:00.000001Z", "modified_on": "2026-01-05T09:08:00.000001Z"})
}

fn pool(monitor: &str, addresses: &[&str]) -> Value {
    let origins: Vec<_> = addresses
        .iter()
        .map(|address| {
            json!({"name": address, "address": address, "enabled": true, "weight": 1,
                "flatten_cname": true})
        })
        .collect();
    json!({"id": POOL, "name": "eu", "description": "", "enabled": true, "minimum_origins": 1,
        "monitor": monitor, "check_regions": null, "notification_email": "",
        "networks": ["cloudflare"], "origins": origins,
        "created_on": "2026-01-05T09:08:00.000001Z", "modified_on": "2026-01-05T09:08:00.000001Z"})
}

#[tokio::test]
async fn there_is_no_view_without_cookie_keys() {
    let error = Publisher::new(Arc::new(MemoryStore::new())).unwrap_err();
    assert!(matches!(error, PublishError::NoCookieKeys), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_first_view_is_there_at_once_and_a_document_is_live_without_delay() {
    let mut running = Running::start().await;
    assert_eq!((running.live.load().revision, &*running.verdicts()), (1, "??"));
    put(&running.store, kind::POOL, POOL, pool(MONITOR, &["192.0.2.3"])).await;
    assert_eq!(running.next_view().await, 0);
    assert_eq!(running.live.load().revision, 2);
    running.endpoint("192.0.2.3");
}

#[tokio::test(start_paused = true)]
async fn what_no_configuration_is_made_of_leaves_the_view() {
    let mut running = Running::start().await;
    let before = Arc::clone(&running.live.load().config);
    for kind in [
        kind::ACCOUNT,
        kind::USER,
        kind::TOKEN,
        kind::DNS_RECORD,
        kind::NOTIFICATION_POLICY,
        kind::NOTIFICATION_WEBHOOK,
        kind::HEALTH,
    ] {
        put(&running.store, kind, "a", json!({})).await;
        let revision = running.store.snapshot().revision();
        running.applied.wait_for(|applied| *applied == revision).await.unwrap();
        let view = running.live.load();
        assert_eq!(view.revision, 1, "{kind}");
        assert!(Arc::ptr_eq(&view.config, &before), "{kind}");
    }
    for kind in [kind::ZONE, kind::LOAD_BALANCER, kind::POOL, kind::MONITOR, kind::MONITOR_GROUP] {
        put(&running.store, kind, "a", json!({})).await;
        running.next_view().await;
    }
}

#[tokio::test(start_paused = true)]
async fn verdicts_close_together_share_a_view() {
    let mut running = Running::start().await;
    let (one, two) = (running.endpoint("192.0.2.1"), running.endpoint("192.0.2.2"));
    running.report(one, MONITOR, Verdict::Healthy).await;
    running.report(two, MONITOR, Verdict::Unhealthy).await;
    assert_eq!(running.next_view().await, u128::from(HEALTH_COALESCE_MS));
    assert_eq!((running.live.load().revision, &*running.verdicts()), (2, "HU"));
    running.report(two, MONITOR, Verdict::Healthy).await;
    running.next_view().await;
    assert_eq!((running.live.load().revision, &*running.verdicts()), (3, "HH"));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_hurries_the_details_along() {
    let mut running = Running::start().await;
    let one = running.endpoint("192.0.2.1");
    running.report(one, MONITOR, Verdict::Healthy).await;
    running.next_view().await;
    let monitor = MONITOR.parse().unwrap();
    let health = EndpointHealth { rtt_us: Some(700), ..health(Verdict::Healthy) };
    running.reports.send(Report { endpoint: one, monitor, health }).await.unwrap();
    assert_eq!(running.next_view().await, u128::from(DETAIL_COALESCE_MS));
    let health = EndpointHealth { rtt_us: Some(800), ..health };
    running.reports.send(Report { endpoint: one, monitor, health }).await.unwrap();
    running.report(running.endpoint("192.0.2.2"), MONITOR, Verdict::Healthy).await;
    assert_eq!(running.next_view().await, u128::from(HEALTH_COALESCE_MS));
    assert_eq!(running.live.load().revision, 4);
}

/// Probes that pass are samples, those that fail are not (behaviour.md 2.5, trap T24).
#[tokio::test(start_paused = true)]
async fn a_pools_latency_is_the_mean_of_its_healthy_endpoints_round_trips() {
    let mut running = Running::start().await;
    let (one, two) = (running.endpoint("192.0.2.1"), running.endpoint("192.0.2.2"));
    let monitor = MONITOR.parse().unwrap();
    let passed = |rtt_us| EndpointHealth { rtt_us: Some(rtt_us), ..health(Verdict::Healthy) };
    let failed = EndpointHealth { rtt_us: Some(9_000_000), ..health(Verdict::Unhealthy) };
    for (endpoint, health, latency) in [
        (one, passed(10_000), Some((10_000, 1))),
        (one, passed(20_000), Some((12_000, 2))),
        (two, passed(20_000), Some((16_000, 3))),
        (two, failed, Some((12_000, 2))),
        (one, failed, None),
    ] {
        running.reports.send(Report { endpoint, monitor, health }).await.unwrap();
        running.next_view().await;
        let view = running.live.load();
        let pool = view.config.endpoints[0].pool;
        let seen = view.health.latency(pool).map(|latency| (latency.mean_us, latency.samples));
        assert_eq!(seen, latency, "after {health:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_outlives_other_changes_and_ends_with_its_monitor_or_endpoint() {
    let mut running = Running::start().await;
    let (one, two) = (running.endpoint("192.0.2.1"), running.endpoint("192.0.2.2"));
    running.report(one, MONITOR, Verdict::Healthy).await;
    running.report(two, MONITOR, Verdict::Unhealthy).await;
    running.next_view().await;
    for (monitor, addresses, verdicts) in [
        // A new neighbour, and another order.
        (MONITOR, &["192.0.2.2", "192.0.2.9", "192.0.2.1"][..], "U?H"),
        (MONITOR, &["192.0.2.1"], "H"),
        // It left and came back.
        (MONITOR, &["192.0.2.1", "192.0.2.2"], "H?"),
        (OTHER_MONITOR, &["192.0.2.1", "192.0.2.2"], "??"),
        (MONITOR, &["192.0.2.1", "192.0.2.2"], "??"),
    ] {
        put(&running.store, kind::POOL, POOL, pool(monitor, addresses)).await;
        running.next_view().await;
        assert_eq!(running.verdicts(), verdicts, "{monitor} {addresses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reports_that_nobody_asked_for_change_nothing() {
    let mut running = Running::start().await;
    let one = running.endpoint("192.0.2.1");
    running.report(one, OTHER_MONITOR, Verdict::Healthy).await;
    running.report(EndpointId(7), MONITOR, Verdict::Healthy).await;
    running.report(one, MONITOR, Verdict::Healthy).await;
    running.next_view().await;
    assert_eq!((running.live.load().revision, &*running.verdicts()), (2, "H?"));
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_document_does_not_stop_the_others() {
    let mut running = Running::start().await;
    put(&running.store, kind::MONITOR, OTHER_MONITOR, json!({"from": "the future"})).await;
    running.next_view().await;
    put(&running.store, kind::POOL, POOL, pool(MONITOR, &["192.0.2.3"])).await;
    running.next_view().await;
    running.endpoint("192.0.2.3");
}
