//! Folders and files that a node writes to, judged before anything is opened, and left as they are.

use std::fs::OpenOptions;
use std::path::Path;

use super::{Reading, Settings};

/// Settings that name a file which is written to.
const LOG_FILES: [&str; 2] = ["access-log", "dns-log"];

/// Adds what is wrong with the places that settings name for writing.
pub(crate) fn judge_places(settings: &Settings, reading: &mut Reading) {
    if let Err(problem) = writable_folder(&settings.data_dir) {
        reading.add(format!("data-dir: {problem}"));
    }
    let logs = reading.taken.iter().filter(|taken| LOG_FILES.contains(&taken.key.as_str()));
    let logs: Vec<_> = logs.map(|taken| (taken.key.clone(), taken.values.clone())).collect();
    for (key, paths) in logs {
        for path in paths.iter().filter(|path| *path != "-") {
            if let Err(problem) = writable_file(Path::new(path)) {
                reading.add(format!("{key}: {problem}"));
            }
        }
    }
}

/// Whether a folder can be written to, or be made.
fn writable_folder(path: &Path) -> Result<(), String> {
    refuse_empty(path)?;
    // A relative path ends in an empty one, which is where we are.
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err(format!("{} is no folder", existing.display()));
    }
    // A file without a name is gone as soon as it is dropped.
    tempfile::tempfile_in(existing).map(drop).map_err(|error| match existing == path {
        true => format!("{} cannot be written to: {error}", path.display()),
        false => format!("{} cannot be made in {}: {error}", path.display(), existing.display()),
    })
}

/// Whether a file can be appended to, or be made. One of another kind, a pipe perhaps, is taken as
/// it is: opening it could wait for its reader.
fn writable_file(path: &Path) -> Result<(), String> {
    refuse_empty(path)?;
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => Err(format!("{} is a folder", path.display())),
        Ok(file) if !file.is_file() => Ok(()),
        Ok(_) => OpenOptions::new()
            .append(true)
            .open(path)
            .map(drop)
            .map_err(|error| format!("{} cannot be written to: {error}", path.display())),
        Err(_) => match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) if !folder.is_dir() => Err(format!(
                "{} is to be in {}, which is no folder",
                path.display(),
                folder.display()
            )),
            folder => writable_folder(folder.unwrap_or(Path::new("."))),
        },
    }
}

/// An empty path is a variable that was not set where it was used, and means no place.
fn refuse_empty(path: &Path) -> Result<(), String> {
    match path.as_os_str().is_empty() {
        true => Err("the path is empty".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_judged_and_nothing_is_made() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let at = |name: &str| home.path().join(name);
        for (path, is_good) in [
            (at("new/deep"), true),
            (at(""), true),
            (at("file"), false),
            (at("file/data"), false),
            ("".into(), false),
        ] {
            assert_eq!(writable_folder(&path).is_ok(), is_good, "{}", path.display());
        }
        for (path, is_good) in [
            (at("new.log"), true),
            (at("file"), true),
            (at(""), false),
            (at("new/a.log"), false),
            ("".into(), false),
        ] {
            assert_eq!(writable_file(&path).is_ok(), is_good, "{}", path.display());
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
