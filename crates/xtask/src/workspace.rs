//! Where things are: the repository, its crates, its files.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing written by hand.
const SKIPPED: &[&str] = &[
    ".git",
    ".pytest_cache",
    "__pycache__",
    "artifacts",
    "corpus",
    "demo-data",
    "evenkeel-data",
    "node_modules",
    "target",
];

/// The repository on disk.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Absolute path of its root.
    pub(crate) root: PathBuf,
    /// Where cargo builds to; everything that suites install goes below it as well.
    pub(crate) target: PathBuf,
}

/// One file of the repository.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl Workspace {
    /// The repository that this program was built from.
    pub(crate) fn find() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().nth(2).expect("xtask lies two folders below the root");
        let target = std::env::var_os("CARGO_TARGET_DIR").map(std::path::absolute);
        let target = target.and_then(Result::ok).unwrap_or_else(|| root.join("target"));
        Self { root: root.to_owned(), target }
    }

    /// Folder names below `crates/`, sorted.
    pub(crate) fn crates(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join("crates")) else { return Vec::new() };
        let mut names: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Text of a file, or `None` where it is absent or not text.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// Every text file with one of these extensions, sorted by path.
    pub(crate) fn files(&self, extensions: &[&str]) -> Vec<SourceFile> {
        let mut files = Vec::new();
        self.walk(&self.root, extensions, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    fn walk(&self, folder: &Path, extensions: &[&str], files: &mut Vec<SourceFile>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if !SKIPPED.iter().any(|skipped| name == *skipped) && !path.is_symlink() {
                    self.walk(&path, extensions, files);
                }
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !extension.is_some_and(|extension| extensions.contains(&extension)) {
                continue;
            }
            let relative = path.strip_prefix(&self.root).unwrap_or(&path);
            let relative = relative.to_string_lossy().replace('\\', "/");
            if let Some(text) = self.read(&relative) {
                files.push(SourceFile { path: relative, text });
            }
        }
    }
}
