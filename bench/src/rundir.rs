//! The folder of one run: configurations, logs and data of everything started, below target/bench.
//! It goes with the run; what a killed run left behind goes with the next.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Context, Result};

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct RunDir(PathBuf);

/// Root of the repository: the parent of this package.
pub fn repository() -> PathBuf {
    // Set by `cargo run`; the compile-time value serves a binary started by hand.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Where results and run folders go.
pub fn results() -> PathBuf {
    repository().join("target/bench")
}

impl RunDir {
    /// Makes the folder of this process, and removes those of processes that no longer run.
    pub fn create() -> Result<Self> {
        let results = results();
        for entry in fs::read_dir(&results).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.strip_prefix("run-"));
            if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let path = results.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&path).context(format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    /// A folder of its own below this one.
    pub fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        // Left by an earlier round: every start is a fresh one.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).context(format!("creating {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
