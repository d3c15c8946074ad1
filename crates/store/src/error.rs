//! What can go wrong, by whose fault it is and whether trying again helps.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use crate::batch::{BATCH_CHANGES_MAX, BODY_BYTES_MAX, Expected};
use crate::document::{Key, Revision};

/// What an engine reported, whichever engine it is.
type Cause = Arc<dyn Error + Send + Sync>;

/// A batch that no store would take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A key is named twice.
    #[error("the batch names {key} twice")]
    Repeated {
        /// Which.
        key: Key,
    },
    /// A body exceeds [`BODY_BYTES_MAX`].
    #[error("the body of {key} takes {bytes} bytes, more than {BODY_BYTES_MAX}")]
    TooLarge {
        /// Whose.
        key: Key,
        /// Its length.
        bytes: usize,
    },
    /// The body of an entry exceeds [`BODY_BYTES_MAX`].
    #[error("an entry of {stream} takes {bytes} bytes, more than {BODY_BYTES_MAX}")]
    EntryTooLarge {
        /// Whose.
        stream: Arc<str>,
        /// Its length.
        bytes: usize,
    },
    /// There are more changes than [`BATCH_CHANGES_MAX`].
    #[error("the batch holds {count} changes, more than {BATCH_CHANGES_MAX}")]
    TooManyChanges {
        /// How many.
        count: usize,
    },
}

/// Why a batch was not written. The snapshot is unchanged in every case.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A key was not as expected: somebody else wrote it. Read again and decide anew.
    #[error("{key} is not as expected")]
    Conflict {
        /// Which.
        key: Key,
        /// What the batch wanted.
        expected: Expected,
        /// What there is.
        found: Option<Revision>,
    },
    /// Other batches followed the revision the batch is based on. Read again and decide anew.
    #[error("the documents moved from revision {based_on} to {found}")]
    Stale {
        /// What the batch is based on.
        based_on: Revision,
        /// Where the store is.
        found: Revision,
    },
    /// The batch is malformed; trying again will not help.
    #[error("the batch cannot be written")]
    Invalid(#[from] BatchError),
    /// The storage has no room. The store goes on and takes writes again when there is room.
    #[error("no space is left to write to")]
    Full(#[source] Cause),
    /// Another program held the database for too long. Trying again may help.
    #[error("another program is holding the database")]
    Busy(#[source] Cause),
    /// The storage failed. Whether the batch is there after a restart is unknown; the store refuses
    /// further writes until then, because nothing written after a failed fsync can be vouched for.
    #[error("the storage failed")]
    Failed(#[source] Cause),
    /// The storage failed before, see [`Self::Failed`]. Nothing was tried.
    #[error("writes are refused until a restart because the storage failed earlier ({cause})")]
    Refused {
        /// The earlier failure in words.
        cause: Arc<str>,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

/// Why the journal could not be read. Documents can be all the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The storage failed. Trying again may help.
    #[error("the journal cannot be read")]
    Failed(#[source] Cause),
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written to.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the folder open.
    #[error("another process is using the data directory {}", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// A newer release wrote the database.
    #[error(
        "the database {} has schema version {found}, this release knows versions up to {known}; \
         use the release that wrote it, or a newer one", path.display()
    )]
    NewerSchema {
        /// Where.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// The file belongs to another program.
    #[error("{} is a database, but not one of documents", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("the database {} is damaged ({report}); restore it from a copy", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// The first thing found.
        report: String,
    },
    /// The database cannot be opened or read.
    #[error("cannot open the database {}", path.display())]
    Database {
        /// Where.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: Cause,
    },
}
