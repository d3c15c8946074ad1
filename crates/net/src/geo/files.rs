//! The operator's databases: opened at the start, and read again when their files change.
//!
//! A file that changes into something unusable leaves the database in use that was read last; so
//! does a file that goes away. Readers of [`Geo`] never wait.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::Geo;
use super::database::{Database, GeoError};

/// The files that stand behind a [`Geo`], in the order they were named.
#[derive(Debug)]
pub struct GeoFiles {
    geo: Geo,
    files: Vec<File>,
}

/// What became of a file that changed.
#[derive(Debug)]
pub struct GeoChange {
    /// Which file.
    pub path: PathBuf,
    /// With an error, the database read last stays in use.
    pub outcome: Result<(), GeoError>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// What was read last; `None` while the file is gone.
    stamp: Option<Stamp>,
    database: Arc<Database>,
}

/// Tells one content of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    }
}

impl GeoFiles {
    /// Reads all files. Later ones are asked before earlier ones, and all before the built-in
    /// countries.
    ///
    /// # Errors
    /// With every file that cannot be used.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Vec<GeoChange>> {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            match read(path) {
                Ok((stamp, database)) => {
                    files.push(File { path: path.clone(), stamp: Some(stamp), database });
                }
                Err(error) => {
                    problems.push(GeoChange { path: path.clone(), outcome: Err(error) });
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let geo = Geo::over(files.iter().map(|file| Arc::clone(&file.database)));
        Ok(Self { geo, files })
    }

    /// What is asked for addresses.
    #[must_use]
    pub fn geo(&self) -> Geo {
        self.geo.clone()
    }

    /// Whether there is any file to look after.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Reads the files that changed since the last time. Blocks: for threads that may wait for a
    /// disk.
    pub fn refresh(&mut self) -> Vec<GeoChange> {
        let changes: Vec<_> = self.files.iter_mut().filter_map(File::refresh).collect();
        if changes.iter().any(|change| change.outcome.is_ok()) {
            let files = self.files.iter().map(|file| Arc::clone(&file.database));
            let all = std::iter::once(Arc::clone(&self.geo.0.load()[0])).chain(files);
            self.geo.0.store(Arc::new(all.collect()));
        }
        changes
    }
}

impl File {
    /// Reads the file again when it changed; a file that cannot be used is told of once.
    fn refresh(&mut self) -> Option<GeoChange> {
        let stamp = Stamp::of(&self.path).ok();
        if stamp == self.stamp {
            return None;
        }
        self.stamp = stamp;
        let outcome = read(&self.path).map(|(stamp, database)| {
            self.stamp = Some(stamp);
            self.database = database;
        });
        Some(GeoChange { path: self.path.clone(), outcome })
    }
}

fn read(path: &Path) -> Result<(Stamp, Arc<Database>), GeoError> {
    // The stamp first: what is written while we read makes another one.
    let stamp = Stamp::of(path).map_err(GeoError::Unreadable)?;
    let bytes = fs::read(path).map_err(GeoError::Unreadable)?;
    Ok((stamp, Arc::new(Database::from_bytes(bytes)?)))
}
