//! The journal: promises of every store, run over each of them, and what the one on disk remembers.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{
    BODY_BYTES_MAX, Batch, BatchError, CommitError, JOURNAL_READ_BYTES_MAX, JOURNAL_READ_MAX,
    JournalQuery, MemoryStore, Order, Retention, Retentions, Revision, Sequence, SqliteOptions,
    SqliteStore, Store,
};

use crate::{key, listing};

/// Of each stream: `few` keeps three entries, `small` ten bytes, `young` a second.
fn retentions() -> Retentions {
    let all = Retention::default();
    Retentions::default()
        .with("few", Retention { entries_max: 3, ..all })
        .with("small", Retention { bytes_max: 10, ..all })
        .with("young", Retention { age_max: Duration::from_secs(1), ..all })
}

fn on_disk() -> (tempfile::TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { retentions: retentions(), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(directory.path(), options).unwrap();
    (directory, store)
}

/// A test of each promise over each store.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $promise() {
                let store = super::MemoryStore::with_retentions(super::retentions());
                super::$promise(super::Arc::new(store)).await;
            })*
        }
        mod on_disk {
            $(#[tokio::test]
            async fn $promise() {
                let (_directory, store) = super::on_disk();
                super::$promise(super::Arc::new(store)).await;
            })*
        }
    };
}

promises! {
    entries_are_there_exactly_if_their_batch_is
    entries_move_no_revision_and_wake_nobody
    a_query_chooses_by_stream_time_and_place
    a_stream_lets_go_of_what_exceeds_its_bounds
    large_entries_end_a_read_early_and_too_large_ones_are_refused
    appenders_lose_no_entry
}

/// The entries of a query as `body@time`, newest first.
async fn read(store: &dyn Store, query: JournalQuery) -> String {
    let entries = store.journal(query).await.unwrap();
    let lines = entries.iter().map(|entry| {
        let body = String::from_utf8_lossy(&entry.body);
        format!("{body}@{}", entry.at_ms)
    });
    lines.collect::<Vec<_>>().join(" ")
}

async fn newest(store: &dyn Store, stream: &str) -> String {
    read(store, JournalQuery::newest(stream, JOURNAL_READ_MAX)).await
}

async fn entries_are_there_exactly_if_their_batch_is(store: Arc<dyn Store>) {
    store.commit(Batch::new().create(key("a"), *b"0").append("log", 1, *b"made")).await.unwrap();
    let refused = Batch::new().create(key("a"), *b"1").append("log", 2, *b"made again");
    assert!(matches!(store.commit(refused).await, Err(CommitError::Conflict { .. })));
    let stale = Batch::based_on(Revision(7)).append("log", 3, *b"stale");
    assert!(matches!(store.commit(stale).await, Err(CommitError::Stale { .. })));
    let twice = Batch::new().append("log", 4, *b"first").append("log", 4, *b"second");
    store.commit(twice.delete(key("a"), Revision(1))).await.unwrap();
    assert_eq!(newest(&*store, "log").await, "second@4 first@4 made@1");
}

async fn entries_move_no_revision_and_wake_nobody(store: Arc<dyn Store>) {
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    let mut watch = store.watch();
    watch.mark_unchanged();
    let before = store.snapshot();
    let revision = store.commit(Batch::new().append("log", 1, *b"x")).await.unwrap();
    assert_eq!(revision, Revision(1));
    assert_eq!(newest(&*store, "log").await, "x@1");
    assert!(!watch.has_changed().unwrap());
    assert!(Arc::ptr_eq(&before, &store.snapshot()));
    assert_eq!(listing(&*store), "a=0@1");
}

async fn a_query_chooses_by_stream_time_and_place(store: Arc<dyn Store>) {
    // Times that go back stay where they were appended.
    for (stream, at_ms, body) in
        [("log", 10, "a"), ("other", 15, "b"), ("log", 30, "c"), ("log", 20, "d"), ("log", 30, "e")]
    {
        store.commit(Batch::new().append(stream, at_ms, body.as_bytes())).await.unwrap();
    }
    let all = JournalQuery::newest("log", 10);
    let places: Vec<_> = store.journal(all.clone()).await.unwrap();
    let places: Vec<_> = places.iter().map(|entry| entry.sequence).collect();
    assert!(places.windows(2).all(|pair| pair[0] > pair[1]), "{places:?}");
    let before = |place: usize| Some(places[place]);
    let oldest = JournalQuery { order: Order::OldestFirst, ..all.clone() };
    for (query, found) in [
        (all.clone(), "e@30 d@20 c@30 a@10"),
        (JournalQuery::newest("other", 10), "b@15"),
        (JournalQuery::newest("none", 10), ""),
        (JournalQuery { limit: 2, ..all.clone() }, "e@30 d@20"),
        (JournalQuery { limit: 0, ..all.clone() }, ""),
        (JournalQuery { from_ms: Some(20), ..all.clone() }, "e@30 d@20 c@30"),
        (JournalQuery { until_ms: Some(30), ..all.clone() }, "d@20 a@10"),
        (JournalQuery { from_ms: Some(11), until_ms: Some(21), ..all.clone() }, "d@20"),
        (JournalQuery { from_ms: Some(u64::MAX), ..all.clone() }, ""),
        (JournalQuery { before: before(1), ..all.clone() }, "c@30 a@10"),
        (JournalQuery { before: before(0), limit: 1, ..all.clone() }, "d@20"),
        (JournalQuery { before: before(3), ..all.clone() }, ""),
        (JournalQuery { after: before(2), ..all.clone() }, "e@30 d@20"),
        (all.clone().past(places[1]), "c@30 a@10"),
        (oldest.clone(), "a@10 c@30 d@20 e@30"),
        (JournalQuery { limit: 3, from_ms: Some(20), ..oldest.clone() }, "c@30 d@20 e@30"),
        (JournalQuery { limit: 1, ..oldest.clone() }.past(places[3]), "c@30"),
        (oldest.past(places[0]), ""),
        (JournalQuery { before: Some(Sequence(u64::MAX)), ..all.clone() }, "e@30 d@20 c@30 a@10"),
    ] {
        let row = format!("{query:?}");
        assert_eq!(read(&*store, query).await, found, "{row}");
    }
}

async fn a_stream_lets_go_of_what_exceeds_its_bounds(store: Arc<dyn Store>) {
    for (stream, appended, kept) in [
        ("few", &[("a", 1), ("b", 2), ("c", 3)][..], "c@3 b@2 a@1"),
        ("few", &[("d", 4), ("e", 5)], "e@5 d@4 c@3"),
        ("small", &[("12345", 1), ("67890", 2)], "67890@2 12345@1"),
        ("small", &[("x", 3)], "x@3 67890@2"),
        ("small", &[("more than ten bytes", 4)], ""),
        ("small", &[("y", 5)], "y@5"),
        ("young", &[("a", 1000), ("b", 2000)], "b@2000 a@1000"),
        ("young", &[("c", 2001)], "c@2001 b@2000"),
        ("young", &[("d", 9000)], "d@9000"),
        ("young", &[("e", 1000)], "e@1000 d@9000"),
        ("few", &[], "e@5 d@4 c@3"),
    ] {
        for (body, at_ms) in appended {
            store.commit(Batch::new().append(stream, *at_ms, body.as_bytes())).await.unwrap();
        }
        assert_eq!(newest(&*store, stream).await, kept, "{stream} {appended:?}");
    }
}

async fn large_entries_end_a_read_early_and_too_large_ones_are_refused(store: Arc<dyn Store>) {
    let large = Batch::new().append("log", 1, vec![b'x'; BODY_BYTES_MAX + 1]);
    let error = store.commit(large).await.unwrap_err();
    assert!(matches!(error, CommitError::Invalid(BatchError::EntryTooLarge { .. })), "{error}");
    let entries = JOURNAL_READ_BYTES_MAX / BODY_BYTES_MAX + 1;
    let body: Arc<[u8]> = vec![b'x'; BODY_BYTES_MAX].into();
    for _ in 0..entries {
        store.commit(Batch::new().append("log", 1, Arc::clone(&body))).await.unwrap();
    }
    let mut query = JournalQuery::newest("log", JOURNAL_READ_MAX);
    for count in [entries - 1, 1, 0] {
        let found = store.journal(query.clone()).await.unwrap();
        assert_eq!(found.len(), count);
        query.before = found.last().map(|entry| entry.sequence);
    }
}

async fn appenders_lose_no_entry(store: Arc<dyn Store>) {
    const TASKS: usize = 8;
    const APPENDED: usize = 25;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 0..APPENDED {
                    let body = format!("{task}/{number}").into_bytes();
                    store.commit(Batch::new().append("log", 1, body.clone())).await.unwrap();
                    let found = store.journal(JournalQuery::newest("log", 1000)).await.unwrap();
                    assert!(found.iter().any(|entry| *entry.body == *body), "{task}/{number}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let found = store.journal(JournalQuery::newest("log", 1000)).await.unwrap();
    assert_eq!(found.len(), TASKS * APPENDED);
}

#[tokio::test]
async fn entries_and_bounds_survive_reopening() {
    let (directory, store) = on_disk();
    for at_ms in 1..=3 {
        store.commit(Batch::new().append("few", at_ms, *b"x")).await.unwrap();
    }
    let last = store.journal(JournalQuery::newest("few", 1)).await.unwrap().remove(0).sequence;
    drop(store);
    let options = SqliteOptions { retentions: retentions(), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(directory.path(), options).unwrap();
    assert_eq!(newest(&store, "few").await, "x@3 x@2 x@1");
    store.commit(Batch::new().append("few", 4, *b"y")).await.unwrap();
    let found = store.journal(JournalQuery::newest("few", 9)).await.unwrap();
    assert_eq!((found.len(), &*found[0].body), (3, &b"y"[..]));
    assert!(found[0].sequence > last);
}

/// A release without a journal left this behind.
#[tokio::test]
async fn a_store_without_a_journal_gets_one() {
    let directory = tempfile::tempdir().unwrap();
    let older = rusqlite::Connection::open(directory.path().join(SqliteStore::FILE)).unwrap();
    older
        .execute_batch(
            "CREATE TABLE document (kind TEXT NOT NULL, id TEXT NOT NULL,
                 revision INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT;
             CREATE TABLE store (only_row INTEGER PRIMARY KEY CHECK (only_row = 0),
                 revision INTEGER NOT NULL) STRICT;
             INSERT INTO store (only_row, revision) VALUES (0, 4);
             INSERT INTO document VALUES ('thing', 'a', 4, x'30');
             PRAGMA user_version = 1;
             PRAGMA application_id = 0x45766e4b;",
        )
        .unwrap();
    drop(older);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(listing(&store), "a=0@4");
    store.commit(Batch::new().append("log", 1, *b"x")).await.unwrap();
    assert_eq!(newest(&store, "log").await, "x@1");
}
