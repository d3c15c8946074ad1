//! What every store promises (`suite`, `journal`), and what the one on disk promises beyond that: nothing
//! acknowledged is lost with the process (`crash`), and a disk that fails is reported (`storage`).

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod crash;
mod journal;
mod open;
mod storage;
mod suite;

use evenkeel_store::{Key, Revision, SqliteStore, Store};
use tempfile::TempDir;

/// A store on disk and the folder that goes with it.
fn sqlite() -> (TempDir, SqliteStore) {
    let directory = tempfile::tempdir().expect("a folder for the test");
    let store = SqliteStore::open(directory.path()).expect("an empty folder opens");
    (directory, store)
}

fn key(id: &str) -> Key {
    Key::new("thing", id)
}

/// Every document as `id=body@revision`, in order.
fn listing(store: &dyn Store) -> String {
    let snapshot = store.snapshot();
    let lines: Vec<_> = snapshot
        .documents("thing")
        .map(|document| {
            let body = String::from_utf8_lossy(&document.body);
            format!("{}={body}@{}", document.key.id, document.revision)
        })
        .collect();
    lines.join(" ")
}

/// The revision at which a document stands.
fn at(store: &dyn Store, id: &str) -> Revision {
    store.snapshot().document("thing", id).expect("the document exists").revision
}
