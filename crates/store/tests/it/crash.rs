//! Nothing acknowledged is lost when the process is killed, at whatever moment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use evenkeel_store::{Batch, JournalQuery, Key, SqliteStore, Store};
use tokio::task::JoinSet;

/// Names the folder to the child that is going to be killed.
const CHILD_VARIABLE: &str = "EVENKEEL_STORE_TEST_CHILD";
/// How often a child is killed. Each round opens what the one before left.
const ROUNDS: u64 = 12;
/// Acknowledgements waited for before a kill, at most.
const ACKS_MAX: u64 = 120;
/// Commits that a child keeps under way at once, so that groups form.
const WRITERS: u64 = 4;

/// Batch `n` writes `n` as `left/n` and as `right/n`, and says so in the journal: each must have
/// all of it or none.
fn assert_whole(store: &dyn Store) {
    let snapshot = store.snapshot();
    let (left, right) = (snapshot.documents("left"), snapshot.documents("right"));
    assert_eq!(left.len(), right.len(), "a batch was torn");
    for (left, right) in left.clone().zip(right) {
        assert_eq!((&left.key.id, left.revision), (&right.key.id, right.revision));
        assert_eq!((&*left.body, &*right.body), (left.key.id.as_bytes(), right.key.id.as_bytes()));
    }
    let mut told = entries(store);
    told.sort();
    let written: Vec<_> = left.map(|left| left.body.to_vec()).collect();
    assert_eq!(told, written, "the journal tells of other batches than were written");
}

/// Every body in the journal, newest first.
fn entries(store: &dyn Store) -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut query = JournalQuery::newest("log", 100);
    let mut bodies = Vec::new();
    loop {
        let page = runtime.block_on(store.journal(query.clone())).unwrap();
        let Some(last) = page.last() else { return bodies };
        query.before = Some(last.sequence);
        bodies.extend(page.into_iter().map(|entry| entry.body.to_vec()));
    }
}

#[test]
fn a_killed_process_loses_no_acknowledged_write() {
    if let Ok(directory) = std::env::var(CHILD_VARIABLE) {
        return write_until_killed(Path::new(&directory));
    }
    let seed = std::env::var("SIM_SEED").map_or_else(|_| seed(), |text| text.parse().unwrap());
    println!("SIM_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let mut draw = seed;
    for round in 0..ROUNDS {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let acks = (draw >> 33) % ACKS_MAX;
        let acknowledged = kill_after(directory.path(), acks);
        let store = SqliteStore::open(directory.path()).unwrap();
        assert_whole(&store);
        for id in &acknowledged {
            let found = store.snapshot().document("left", id).is_some();
            assert!(found, "{id} was acknowledged and is lost; seed {seed}, round {round}");
        }
    }
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs() ^ u64::from(now.subsec_nanos())
}

/// Starts a writing child, kills it after some acknowledgements, and returns all it gave.
fn kill_after(directory: &Path, acks: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["a_killed_process_loses_no_acknowledged_write", "--nocapture"])
        .env(CHILD_VARIABLE, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(id) = line.unwrap().strip_prefix("ack ") {
            acknowledged.push(id.to_owned());
        }
        if acknowledged.len() as u64 > acks && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the child ended by itself: {:?}", child.wait());
    child.wait().unwrap();
    acknowledged
}

fn write_until_killed(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Arc::new(SqliteStore::open(directory).unwrap());
    let last = store.snapshot().documents("left").last().map(|document| document.key.id.clone());
    let first = last.map_or(0, |id| id.parse::<u64>().unwrap() + 1);
    runtime.block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(Arc::clone(&store), first + writer));
        }
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
    });
}

/// Writes every `WRITERS`th batch from `number` on, and says so once each is acknowledged.
async fn write(store: Arc<SqliteStore>, mut number: u64) {
    loop {
        let id = format!("{number:012}");
        let batch = Batch::new()
            .create(Key::new("left", &id), id.as_bytes())
            .create(Key::new("right", &id), id.as_bytes())
            .append("log", number, id.as_bytes());
        store.commit(batch).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {id}").and_then(|()| out.flush()).unwrap();
        number += WRITERS;
    }
}
