//! Where the lines of a log go: a file that others rotate, a pipe, or standard output.
//!
//! Lines are always added at the end (`O_APPEND`), so a file may be renamed and reopened, or copied
//! and truncated, while it is written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Access of a log that is created: ours to write, our group's to read. Lines name clients.
const MODE: u32 = 0o640;

/// The name of standard output.
const STANDARD_OUTPUT: &str = "-";

/// Where a log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// A file, which is created if it is not there, or a named pipe.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl LogTo {
    /// Opens it for adding lines.
    ///
    /// A named pipe is opened for reading as well: else nothing could be opened, or written later,
    /// while nobody reads.
    ///
    /// # Errors
    /// When it cannot be opened or created.
    pub fn open(&self) -> io::Result<File> {
        let path = match self {
            Self::File(path) => path,
            // Not through the buffer and the lock that the rest of the process prints through.
            Self::Stdout => return Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
        };
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            return OpenOptions::new().read(true).write(true).open(path);
        }
        OpenOptions::new().append(true).create(true).mode(MODE).open(path)
    }
}

impl From<&Path> for LogTo {
    /// A path as typed: `-` is standard output.
    fn from(path: &Path) -> Self {
        if path == Path::new(STANDARD_OUTPUT) { Self::Stdout } else { Self::File(path.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_are_added_and_others_may_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let to = LogTo::from(path.as_path());
        for line in ["a\n", "b\n"] {
            to.open().unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0);
    }

    #[test]
    fn a_truncated_file_goes_on_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = LogTo::File(path.clone()).open().unwrap();
        file.write_all(b"before\n").unwrap();
        OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        file.write_all(b"after\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after\n");
    }

    #[test]
    fn a_minus_is_standard_output() {
        assert_eq!(LogTo::from(Path::new("-")), LogTo::Stdout);
        assert_eq!(LogTo::from(Path::new("./-")), LogTo::File("./-".into()));
    }
}
