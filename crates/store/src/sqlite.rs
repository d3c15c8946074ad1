//! Documents on disk, in one SQLite database below a data directory that one process holds.
//!
//! ```text
//! commit() ──queue──▶ writer thread: check → BEGIN … COMMIT (fsync) → publish → answer
//! snapshot() ◀──────────────────────────────────────────────────────────┘
//! ```
//!
//! The database runs in WAL mode with `synchronous=FULL`: an answered commit is on disk. Reads
//! never touch the database after it was loaded, so they go on whatever becomes of the disk.

mod directory;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use self::directory::Directory;
use self::writer::{Job, Writer};
use crate::batch::Batch;
use crate::document::Revision;
use crate::error::{CommitError, OpenError};
use crate::published::Published;
use crate::snapshot::Snapshot;
use crate::{Commit, Store};

/// Commits that may wait for the writer. A full queue makes [`Store::commit`] wait, so a burst of
/// writers slows down instead of filling memory.
const QUEUE_MAX: usize = 256;

/// A store in one SQLite file, held by this process alone.
///
/// Dropping it waits until the queued commits are written, then closes the database.
#[derive(Debug)]
pub struct SqliteStore {
    published: Arc<Published>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

/// Settings of a [`SqliteStore`] beyond its place.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// The most pages (of 4 KiB) the database may have; `None` leaves it to the disk.
    pub pages_max: Option<u32>,
    /// How long a write waits for another program, a backup say, to let go of the database. The
    /// default of 5 s is longer than a checkpoint of any sane size and shorter than the patience
    /// of an API client.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { pages_max: None, busy_timeout: Duration::from_secs(5) }
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
        held.sync()?;

        let published = Arc::new(Published::new(snapshot));
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer::new(connection, Arc::clone(&published), held);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(jobs))
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        Ok(Self { published, queue: Some(queue), writer: Some(writer) })
    }
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

    fn watch(&self) -> watch::Receiver<Revision> {
        self.published.watch()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("The store's writer panicked.");
        }
    }
}
