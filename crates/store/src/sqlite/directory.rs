//! The data directory: made private, held by one process, and synced so that new names last.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Name of the file that carries the lock.
const LOCK_FILE: &str = "lock";

/// A data directory that no other process holds. The system drops the lock with the process,
/// however it ends.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Drop for Directory {
    /// Lets go of the lock by name. Closing the file alone would not: a child that another thread is
    /// just starting holds a copy of it until it runs its program.
    fn drop(&mut self) {
        // Closing it is what is left when this fails, and frees the lock a moment later.
        let _ = self.lock.unlock();
    }
}

impl Directory {
    /// Makes the directory when missing, locks it, and makes `database` readable by its owner only:
    /// it holds secrets, and SQLite gives its side files the same mode.
    pub(super) fn hold(path: &Path, database: &str) -> Result<Self, OpenError> {
        let refused = |source| OpenError::Directory { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refused)?;
        let lock = private_file(&path.join(LOCK_FILE)).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        private_file(&path.join(database)).map_err(refused)?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Makes the names of the directory and of the files in it last. SQLite syncs what it writes
    /// into files, but not the entry of a database it did not create.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let sync = |path: &Path| File::open(path)?.sync_all();
        let whole = self.path.canonicalize().and_then(|path| {
            sync(&path)?;
            path.parent().map_or(Ok(()), sync)
        });
        match whole {
            // The parent may be closed to us; then it was not ours to make entries in.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            other => {
                other.map_err(|source| OpenError::Directory { path: self.path.clone(), source })
            }
        }
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
