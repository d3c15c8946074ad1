//! Health over a restart, over silence, and over a store that does not answer.

use evenkeel_store::{Commit, JournalQuery, Reading};

use super::*;
use crate::health::HEALTH_EVENTS;

/// A store that shows what another one holds and never finishes a write.
#[derive(Debug)]
struct Stuck(Arc<MemoryStore>);

impl Store for Stuck {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot()
    }

    fn commit(&self, _: Batch) -> Commit<'_> {
        Box::pin(std::future::pending())
    }

    fn journal(&self, query: JournalQuery) -> Reading<'_> {
        self.0.journal(query)
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.0.watch()
    }
}

#[tokio::test(start_paused = true)]
async fn health_outlives_a_restart_and_is_not_told_again() {
    let mut running = Running::start().await;
    running.turn("192.0.2.1", Verdict::Healthy).await;
    running.turn("192.0.2.2", Verdict::Unhealthy).await;
    let store = running.stop().await;
    let events = async |store: &MemoryStore| {
        store.journal(JournalQuery::newest(HEALTH_EVENTS, 10)).await.unwrap().len()
    };
    assert_eq!(events(&store).await, 2);

    let mut running = Running::over(store);
    assert_eq!((running.live.load().revision, &*running.verdicts()), (1, "HU"));
    let restored: Vec<_> =
        running.restored.iter().map(|report| (report.endpoint, report.health)).collect();
    assert_eq!(
        restored,
        [
            (running.endpoint("192.0.2.1"), health(Verdict::Healthy)),
            (running.endpoint("192.0.2.2"), health(Verdict::Unhealthy)),
        ]
    );
    // The same again is no news, and the next change is.
    running.report(running.endpoint("192.0.2.2"), MONITOR, Verdict::Unhealthy).await;
    running.turn("192.0.2.1", Verdict::Unhealthy).await;
    assert_eq!(running.verdicts(), "UU");
    let store = running.stop().await;
    assert_eq!(events(&store).await, 3);
}

#[tokio::test(start_paused = true)]
async fn health_of_eleven_minutes_ago_is_forgotten() {
    let mut running = Running::start().await;
    running.turn("192.0.2.1", Verdict::Healthy).await;
    let store = running.stop().await;
    for (minutes, verdicts) in [(9, "H?"), (11, "??")] {
        let until_ms = unix_time_ms() - minutes * 60_000;
        let key = Key::new(kind::HEALTH, "held");
        let body = Write::Put(encode(&json!({"until_ms": until_ms})).into());
        store.commit(Batch::new().with(key, Expected::Anything, body)).await.unwrap();
        let (_, live, _) = Publisher::new(Arc::clone(&store) as Arc<dyn Store>).unwrap();
        let view = live.load();
        let known = view.config.endpoints_indexed().map(|(ix, _)| view.health.endpoint(ix).verdict);
        let known: Vec<_> = known.collect();
        let expected = if verdicts == "H?" { Verdict::Healthy } else { Verdict::Unknown };
        assert_eq!(known, [expected, Verdict::Unknown], "{minutes} minutes");
    }
}

#[tokio::test(start_paused = true)]
async fn keeping_health_publishes_nothing_and_renews_itself() {
    let mut running = Running::start().await;
    running.turn("192.0.2.1", Verdict::Healthy).await;
    let held = |running: &Running| {
        let snapshot = running.store.snapshot();
        snapshot.document(kind::HEALTH, "held").map(|document| document.revision)
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (view, first) = (running.live.load().revision, held(&running));
    assert!(first.is_some());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(running.live.load().revision, view);
    assert!(held(&running) > first, "renewed twice a minute");
    assert!(running.store.snapshot().document(kind::HEALTH, POOL).is_some());

    // A pool's health goes with the pool.
    let gone = Batch::new().with(Key::new(kind::POOL, POOL), Expected::Present, Write::Delete);
    running.store.commit(gone).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(running.store.snapshot().document(kind::HEALTH, POOL).is_none());
}

/// Nobody probes any more: our failure, not the endpoints' (behaviour.md U30).
#[tokio::test(start_paused = true)]
async fn silence_keeps_the_last_status_and_raises_an_alarm() {
    let mut running = Running::start().await;
    running.turn("192.0.2.1", Verdict::Healthy).await;
    running.turn("192.0.2.2", Verdict::Unhealthy).await;
    let silent = |running: &Running| running.stats.endpoints_silent.load(Ordering::Relaxed);
    // Three intervals of a minute and a timeout of five seconds.
    tokio::time::sleep(Duration::from_secs(180)).await;
    assert_eq!(silent(&running), 0);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!((silent(&running), &*running.verdicts()), (2, "HU"));
    running.report(running.endpoint("192.0.2.2"), MONITOR, Verdict::Unhealthy).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((silent(&running), &*running.verdicts()), (1, "HU"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_holds_up_no_view() {
    let store = Running::start().await.stop().await;
    let mut running = Running::between(Arc::clone(&store), Arc::new(Stuck(store)));
    for verdict in [Verdict::Healthy, Verdict::Unhealthy, Verdict::Healthy] {
        running.report(running.endpoint("192.0.2.1"), MONITOR, verdict).await;
        assert_eq!(running.next_view().await, u128::from(HEALTH_COALESCE_MS));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let begin = Instant::now();
    running.stop().await;
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
}
