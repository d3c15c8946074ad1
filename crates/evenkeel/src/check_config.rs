//! `evenkeel check-config`: settings read as `serve` would read them, from the same flags, variables
//! and file, and everything judged that can be without binding an address or making a file. A
//! running server is not disturbed, so its data directory may be looked at too.

use std::fs::OpenOptions;
use std::path::Path;

use evenkeel_net::geo::GeoFiles;

use crate::cli::CheckConfigArgs;
use crate::exit::Failure;
use crate::geo;
use crate::settings::{self, Reading, Settings};

/// Settings that name a file which is written to.
const LOG_FILES: [&str; 2] = ["access-log", "dns-log"];

/// Says everything that is wrong, each with its line, or that nothing is.
///
/// # Errors
/// [`Failure::Configuration`] with the problems.
pub(crate) fn run(mut args: CheckConfigArgs) -> Result<(), Failure> {
    args.serve.config = args.file.or(args.serve.config);
    let mut reading = settings::read(&args.serve);
    if let Some(settings) = reading.settings.take() {
        judge(&settings, &mut reading);
    }
    for (variable, meant) in settings::stray_variables() {
        eprintln!("warning: {variable} is the variable of no setting; did you mean {meant}?");
    }
    if args.print {
        print!("{}", settings::render(&reading.taken));
    }
    if !reading.problems.is_empty() {
        return Err(Failure::Configuration(reading.problems));
    }
    let name = reading.path.as_deref().unwrap_or("no file");
    let given = reading.taken.len();
    eprintln!("{name}: good; {given} settings are given, the others have their defaults");
    Ok(())
}

/// Adds what is wrong with files and folders.
fn judge(settings: &Settings, reading: &mut Reading) {
    if let Err(changes) = GeoFiles::open(&settings.geoip) {
        changes.iter().for_each(|change| reading.add(geo::describe(change)));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_judged_and_nothing_is_made() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let at = |name: &str| home.path().join(name);
        for (path, is_good) in
            [(at("new/deep"), true), (at(""), true), (at("file"), false), (at("file/data"), false)]
        {
            assert_eq!(writable_folder(&path).is_ok(), is_good, "{}", path.display());
        }
        for (path, is_good) in
            [(at("new.log"), true), (at("file"), true), (at(""), false), (at("new/a.log"), false)]
        {
            assert_eq!(writable_file(&path).is_ok(), is_good, "{}", path.display());
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
