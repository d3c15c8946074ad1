//! A disk that is full, held or failing (hostile-inputs row 40): the write is refused by name, the
//! snapshot stays, reads go on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Batch, CommitError, Revision, SqliteOptions, SqliteStore, Store};

use crate::{key, listing};

#[tokio::test]
async fn a_full_disk_refuses_large_writes_and_takes_small_ones() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { pages_max: Some(16), ..SqliteOptions::default() };
    let store = Arc::new(SqliteStore::open_with(directory.path(), options).unwrap());
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    for _ in 0..2 {
        let large = Batch::new()
            .update(key("a"), Revision(1), *b"1")
            .create(key("large"), vec![b'x'; 100 * 4096]);
        let error = store.commit(large).await.unwrap_err();
        assert!(matches!(error, CommitError::Full(_)), "{error}");
        assert_eq!(listing(&*store), "a=0@1");
    }
    // Large and small at once: whichever share a group, only the large ones fail.
    let commits = (0..32).map(|number| {
        let (store, large) = (Arc::clone(&store), number % 2 == 0);
        let body = vec![b'x'; if large { 100 * 4096 } else { 1 }];
        tokio::spawn(async move {
            let batch = Batch::new().create(key(&format!("n{number}")), body);
            (large, store.commit(batch).await)
        })
    });
    for commit in commits.collect::<Vec<_>>() {
        let (large, outcome) = commit.await.unwrap();
        assert_eq!(matches!(outcome, Err(CommitError::Full(_))), large, "{outcome:?}");
        assert_eq!(outcome.is_ok(), !large, "{outcome:?}");
    }
    let before = listing(&*store);
    drop(store);
    assert_eq!(listing(&SqliteStore::open(directory.path()).unwrap()), before);
}

#[tokio::test]
async fn a_database_held_by_another_program_is_busy_not_broken() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::default() };
    let store = SqliteStore::open_with(directory.path(), options).unwrap();
    let other = rusqlite::Connection::open(directory.path().join(SqliteStore::FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap_err();
    assert!(matches!(error, CommitError::Busy(_)), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
    assert_eq!(listing(&store), "a=0@1");
}

/// Names the folder to a child that runs below a file-size limit: writes past it fail as on a
/// broken disk.
const FAILING_VARIABLE: &str = "EVENKEEL_STORE_TEST_FAILING";

#[test]
fn after_a_failure_of_the_storage_writes_are_refused_and_reads_go_on() {
    if let Ok(directory) = std::env::var(FAILING_VARIABLE) {
        return fail_and_go_on(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    // 64 KiB in the shell's blocks of 512 bytes; the signal is ignored, so that a write past them
    // fails instead of killing.
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 128; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["after_a_failure_of_the_storage", "--nocapture"])
        .env(FAILING_VARIABLE, directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}");
    let store = SqliteStore::open(directory.path()).unwrap();
    let found = listing(&store);
    assert!(found.starts_with("a=0@1"), "what was acknowledged before is there: {found}");
}

fn fail_and_go_on(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(directory).unwrap();
        store.commit(Batch::new().create(key("a"), *b"0")).await.unwrap();
        let large = Batch::new().create(key("large"), vec![b'x'; 256 * 1024]);
        let error = store.commit(large).await.unwrap_err();
        assert!(matches!(error, CommitError::Failed(_)), "{error}");
        let error = store.commit(Batch::new().create(key("b"), *b"0")).await.unwrap_err();
        assert!(matches!(error, CommitError::Refused { .. }), "{error}");
        assert_eq!(listing(&store), "a=0@1");
    });
}
