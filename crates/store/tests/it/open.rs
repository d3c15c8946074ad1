//! Opening: what a folder must be, and what a reopened store remembers.

use std::os::unix::fs::PermissionsExt;

use evenkeel_store::{Batch, OpenError, Revision, SqliteStore, Store};

use crate::{key, listing, sqlite};

#[tokio::test]
async fn documents_and_revisions_survive_reopening() {
    let (directory, store) = sqlite();
    store.commit(Batch::new().create(key("a"), *b"0").create(key("b"), *b"0")).await.unwrap();
    store.commit(Batch::new().update(key("a"), Revision(1), *b"1")).await.unwrap();
    store.commit(Batch::new().delete(key("b"), Revision(1))).await.unwrap();
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!((listing(&store), store.snapshot().revision()), ("a=1@2".into(), Revision(3)));
    // A deletion is remembered by the revision alone: numbers are never used twice.
    let revision = store.commit(Batch::new().create(key("b"), *b"9")).await.unwrap();
    assert_eq!(revision, Revision(4));
}

#[test]
fn a_second_holder_is_refused_until_the_first_lets_go() {
    let (directory, store) = sqlite();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    drop(store);
    SqliteStore::open(directory.path()).unwrap();
}

/// A child that has not run its program yet holds copies of all our files.
#[test]
fn children_just_starting_do_not_keep_the_directory_held() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| {
            for _ in 0..200 {
                assert!(std::process::Command::new("true").status().unwrap().success());
            }
        });
        while !starting.is_finished() {
            SqliteStore::open(directory.path()).unwrap();
        }
    });
}

#[test]
fn unusable_folders_and_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file.join("data")).unwrap_err();
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
    assert!(error.to_string().contains("file/data"), "{error}");

    let garbage = directory.path().join("garbage");
    std::fs::create_dir(&garbage).unwrap();
    std::fs::write(garbage.join(SqliteStore::FILE), "not a database, certainly".repeat(400))
        .unwrap();
    let error = SqliteStore::open(&garbage).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_page_is_found_at_opening() {
    let (directory, store) = sqlite();
    let mut batch = Batch::new();
    for number in 0..200 {
        batch = batch.create(key(&format!("{number:03}")), vec![b'x'; 500]);
    }
    store.commit(batch).await.unwrap();
    drop(store);
    let path = directory.path().join(SqliteStore::FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn only_the_owner_may_read_what_is_stored() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new/data");
    let _store = SqliteStore::open(&directory).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
