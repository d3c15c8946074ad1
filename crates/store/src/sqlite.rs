//! Documents on disk, in one SQLite database below a data directory that one process holds.
//!
//! ```text
//! commit() ──queue──▶ writer thread: check → BEGIN … COMMIT (fsync) → publish → answer
//! snapshot() ◀──────────────────────────────────────────────────────────┘
//! journal() ──queue──▶ reader thread: SELECT → answer
//! ```
//!
//! The database runs in WAL mode with `synchronous=FULL`: an answered commit is on disk. Snapshots
//! never touch the database after it was loaded, so they go on whatever becomes of the disk.

mod directory;
mod journal;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use self::directory::Directory;
use self::journal::Read;
use self::writer::{Job, Writer};
use crate::batch::Batch;
use crate::document::Revision;
use crate::error::{CommitError, JournalError, OpenError};
use crate::journal::{JournalQuery, Retentions};
use crate::published::Published;
use crate::snapshot::Snapshot;
use crate::{Commit, Reading, Store};

/// Commits that may wait for the writer. A full queue makes [`Store::commit`] wait, so a burst of
/// writers slows down instead of filling memory.
const QUEUE_MAX: usize = 256;

/// Reads of the journal that may wait for the reader. A full queue makes [`Store::journal`] wait.
const READS_MAX: usize = 64;

/// A store in one SQLite file, held by this process alone.
///
/// Dropping it waits until the queued commits are written and the queued reads are answered, then
/// closes the database.
#[derive(Debug)]
pub struct SqliteStore {
    published: Arc<Published>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// `None` only while dropping.
    reads: Option<mpsc::Sender<Read>>,
    reader: Option<JoinHandle<()>>,
}

/// Settings of a [`SqliteStore`] beyond its place.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The most pages (of 4 KiB) the database may have; `None` leaves it to the disk.
    pub pages_max: Option<u32>,
    /// How long a write waits for another program, a backup say, to let go of the database. The
    /// default of 5 s is longer than a checkpoint of any sane size and shorter than the patience
    /// of an API client.
    pub busy_timeout: Duration,
    /// How long the journal keeps entries.
    pub retentions: Retentions,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            pages_max: None,
            busy_timeout: Duration::from_secs(5),
            retentions: Retentions::default(),
        }
    }
}

impl SqliteStore {
    /// Name of the database below the data directory.
    pub const FILE: &str = "documents.db";

    /// Opens or makes the database below `directory`, which is made when missing, and brings its
    /// schema up to date. Blocks for as long as the disk needs.
    ///
    /// # Errors
    /// See [`OpenError`]: the directory is unusable or in use, the database newer, foreign, damaged
    /// or unreadable.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_with(directory, SqliteOptions::default())
    }

    /// As [`Self::open`], with settings.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(directory: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let held = Directory::hold(directory, Self::FILE)?;
        let path = directory.join(Self::FILE);
        let database = |source| database_error(&path, source);
        let connection = Connection::open(&path).map_err(database)?;
        connection.busy_timeout(options.busy_timeout).map_err(database)?;
        schema::prepare(&connection, &path)?;
        if let Some(pages) = options.pages_max {
            connection.pragma_update(None, "max_page_count", pages).map_err(database)?;
        }
        let snapshot = schema::load(&connection).map_err(database)?;
        let journal = journal::reader(&path, options.busy_timeout).map_err(database)?;
        held.sync()?;

        let published = Arc::new(Published::new(snapshot));
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer::new(connection, Arc::clone(&published), options.retentions, held);
        let writer = thread(directory, "store-writer", move || writer.run(jobs))?;
        let (reads, asked) = mpsc::channel(READS_MAX);
        let mut store = Self {
            published,
            queue: Some(queue),
            writer: Some(writer),
            reads: Some(reads),
            reader: None,
        };
        let run = move || journal::run_reader(&journal, asked);
        store.reader = Some(thread(directory, "store-reader", run)?);
        Ok(store)
    }
}

fn thread(
    directory: &Path,
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|source| OpenError::Directory { path: directory.to_owned(), source })
}

/// Tells a damaged or foreign file from one that cannot be read.
fn database_error(path: &Path, source: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = PathBuf::from(path);
    match source.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            OpenError::Damaged { path, report: source.to_string() }
        }
        _ => OpenError::Database { path, source: Arc::new(source) },
    }
}

impl Store for SqliteStore {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.published.snapshot()
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        Box::pin(async move {
            let queue = self.queue.as_ref().ok_or(CommitError::Closed)?;
            let (answer, answered) = oneshot::channel();
            queue.send(Job { batch, answer }).await.map_err(|_| CommitError::Closed)?;
            answered.await.map_err(|_| CommitError::Closed)?
        })
    }

    fn journal(&self, query: JournalQuery) -> Reading<'_> {
        Box::pin(async move {
            let reads = self.reads.as_ref().ok_or(JournalError::Closed)?;
            let (answer, answered) = oneshot::channel();
            reads.send(Read { query, answer }).await.map_err(|_| JournalError::Closed)?;
            let read = answered.await.map_err(|_| JournalError::Closed)?;
            read.map_err(|error| JournalError::Failed(Arc::new(error)))
        })
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.published.watch()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.reads = None;
        self.queue = None;
        // The writer last: it holds the lock of the directory, which the reader's connection needs.
        for thread in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(thread = name, "A thread of the store panicked.");
            }
        }
    }
}
