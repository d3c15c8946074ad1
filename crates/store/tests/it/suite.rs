//! Promises that hold for every store, run over each of them.

use std::sync::Arc;

use evenkeel_store::{
    BODY_BYTES_MAX, Batch, BatchError, CommitError, Expected, Key, MemoryStore, Revision, Store,
    Write,
};

use crate::{at, key, listing, sqlite};

/// A test of each promise over each store.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(super::Arc::new(super::MemoryStore::new())).await;
            })*
        }
        mod on_disk {
            $(#[tokio::test]
            async fn $promise() {
                let (_directory, store) = super::sqlite();
                super::$promise(super::Arc::new(store)).await;
            })*
        }
    };
}

promises! {
    expectations_are_compared
    bodies_are_kept_as_given
    a_batch_is_whole_or_nothing
    a_snapshot_does_not_move
    the_watch_never_runs_ahead_of_the_snapshot
    malformed_batches_are_refused
    writers_lose_no_update
}

/// The table of what a batch may expect, from a store that holds `a` at revision 1.
async fn expectations_are_compared(store: Arc<dyn Store>) {
    let put = |body: &str| Write::Put(body.as_bytes().into());
    let r1 = Expected::At(Revision(1));
    let r9 = Expected::At(Revision(9));
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    // Each row goes on from where the one before left the store.
    for (id, expected, write, outcome) in [
        ("a", Expected::Absent, put("x"), "conflict | a=0@1"),
        ("a", r9, put("x"), "conflict | a=0@1"),
        ("b", r1, put("x"), "conflict | a=0@1"),
        ("b", Expected::Present, put("x"), "conflict | a=0@1"),
        ("b", r1, Write::Delete, "conflict | a=0@1"),
        ("b", Expected::Present, Write::Keep, "conflict | a=0@1"),
        ("a", r1, Write::Keep, "1 | a=0@1"),
        ("a", Expected::Present, Write::Keep, "1 | a=0@1"),
        ("a", r1, put("1"), "2 | a=1@2"),
        ("a", r1, put("x"), "conflict | a=1@2"),
        ("a", Expected::Anything, put("2"), "3 | a=2@3"),
        ("b", Expected::Absent, put("0"), "4 | a=2@3 b=0@4"),
        ("b", Expected::Present, put("1"), "5 | a=2@3 b=1@5"),
        ("a", Expected::Present, Write::Delete, "6 | b=1@5"),
        ("a", Expected::Anything, Write::Delete, "7 | b=1@5"),
        ("a", Expected::Absent, Write::Keep, "7 | b=1@5"),
    ] {
        let row = format!("{id} {expected:?} {write:?}");
        let result = match store.commit(Batch::new().with(key(id), expected, write)).await {
            Ok(revision) => revision.to_string(),
            Err(CommitError::Conflict { key: found, .. }) if found == key(id) => "conflict".into(),
            Err(error) => error.to_string(),
        };
        assert_eq!(format!("{result} | {}", listing(&*store)), outcome, "{row}");
    }
}

async fn bodies_are_kept_as_given(store: Arc<dyn Store>) {
    for body in [&b""[..], b"{ \"a\" : 1e0,\r\n\"a\":2 }\n", b"\0\xff\xfe", "Grüße".as_bytes()] {
        let found = store.snapshot().document("thing", "a").map(|document| document.revision);
        let expected = found.map_or(Expected::Absent, Expected::At);
        let revision = store
            .commit(Batch::new().with(key("a"), expected, Write::Put(body.into())))
            .await
            .unwrap();
        let snapshot = store.snapshot();
        let document = snapshot.document("thing", "a").unwrap();
        assert_eq!((&*document.body, document.revision), (body, revision));
    }
}

async fn a_batch_is_whole_or_nothing(store: Arc<dyn Store>) {
    let both = || Batch::new().create(key("a"), *b"0").create(key("b"), *b"0");
    store.commit(both()).await.unwrap();
    let refused = Batch::new()
        .create(key("c"), *b"0")
        .update(key("a"), Revision(1), *b"1")
        .delete(key("b"), Revision(7));
    let error = store.commit(refused).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { found: Some(Revision(1)), .. }), "{error}");
    assert_eq!(listing(&*store), "a=0@1 b=0@1");

    let other = Key::new("other", "x");
    store.commit(Batch::new().create(other.clone(), *b"")).await.unwrap();
    let stale = Batch::based_on(Revision(1)).update(key("a"), Revision(1), *b"1");
    let error = store.commit(stale).await.unwrap_err();
    assert!(matches!(error, CommitError::Stale { found: Revision(2), .. }), "{error}");
    let moved = Batch::based_on(Revision(2))
        .update(key("a"), Revision(1), *b"1")
        .delete(key("b"), Revision(1))
        .delete(other, Revision(2));
    assert_eq!(store.commit(moved).await.unwrap(), Revision(3));
    assert_eq!(listing(&*store), "a=1@3");
    assert_eq!(store.snapshot().kinds().collect::<Vec<_>>(), ["thing"]);
}

async fn a_snapshot_does_not_move(store: Arc<dyn Store>) {
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    let before = store.snapshot();
    store.commit(Batch::new().update(key("a"), Revision(1), *b"1")).await.unwrap();
    store.commit(Batch::new().delete(key("a"), Revision(2))).await.unwrap();
    assert_eq!(
        (before.revision(), &*before.document("thing", "a").unwrap().body),
        (Revision(1), &b"0"[..])
    );
    assert_eq!(before.documents("thing").len(), 1);
    store.commit(Batch::new().create(Key::new("other", "x"), *b"")).await.unwrap();
    let after = store.snapshot();
    store.commit(Batch::new().create(Key::new("other", "y"), *b"")).await.unwrap();
    let kinds = ["thing", "other", "none"];
    assert_eq!(kinds.map(|kind| store.snapshot().shares(&after, kind)), [true, false, true]);
    assert_eq!(kinds.map(|kind| after.shares(&before, kind)), [false, false, true]);
    assert_eq!(store.snapshot().documents("thing").len(), 0);
}

async fn the_watch_never_runs_ahead_of_the_snapshot(store: Arc<dyn Store>) {
    const WRITES: u64 = 100;
    let mut watch = store.watch();
    let reader = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let mut last = Revision(0);
            while last < Revision(WRITES) {
                watch.changed().await.unwrap();
                let told = *watch.borrow_and_update();
                assert!(told > last && store.snapshot().revision() >= told);
                last = told;
            }
        }
    });
    for _ in 0..WRITES {
        let write = Write::Put((*b"x").into());
        let revision =
            store.commit(Batch::new().with(key("a"), Expected::Anything, write)).await.unwrap();
        assert!(store.snapshot().revision() >= revision, "an answered commit is readable");
    }
    reader.await.unwrap();
}

async fn malformed_batches_are_refused(store: Arc<dyn Store>) {
    let twice = Batch::new().create(key("a"), *b"").create(key("a"), *b"");
    let error = store.commit(twice).await.unwrap_err();
    assert!(matches!(error, CommitError::Invalid(BatchError::Repeated { .. })), "{error}");
    let large = Batch::new().create(key("a"), vec![b' '; BODY_BYTES_MAX + 1]);
    let error = store.commit(large).await.unwrap_err();
    assert!(matches!(error, CommitError::Invalid(BatchError::TooLarge { .. })), "{error}");
    assert_eq!(store.snapshot().revision(), Revision(0));
}

/// Tasks that all count in one document, each by read, add, write and try again: the sum is right
/// only if no two writes were built on the same revision.
async fn writers_lose_no_update(store: Arc<dyn Store>) {
    const TASKS: u32 = 16;
    const ADDITIONS: u32 = 10;
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut left = ADDITIONS;
                while left > 0 {
                    let read = Arc::clone(store.snapshot().document("thing", "a").unwrap());
                    let count: u32 = std::str::from_utf8(&read.body).unwrap().parse().unwrap();
                    let body = (count + 1).to_string().into_bytes();
                    match store.commit(Batch::new().update(key("a"), read.revision, body)).await {
                        Ok(_) => left -= 1,
                        Err(CommitError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let revision = u64::from(TASKS * ADDITIONS) + 1;
    assert_eq!(listing(&*store), format!("a={}@{revision}", TASKS * ADDITIONS));
    assert_eq!(at(&*store, "a"), store.snapshot().revision());
}
