//! The access log that a scenario asks for, and whether what ours says of its lines is the truth:
//! each request has a line or is counted as dropped, and lines counted as written can be read.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure, Result};
use crate::http;

/// Longest that every line of a log may take to be written or dropped once the load has ended: the
/// lines of a queue that waited for a stalled disk included.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);

/// Between two looks at a log that is still being written.
const POLL: Duration = Duration::from_millis(50);

/// Read at once of a pipe: what it holds.
const PIPE_BYTES: usize = 64 << 10;

/// `O_NONBLOCK` of Linux.
const NON_BLOCKING: i32 = 0o4000;

/// Whether requests are logged, and onto what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLog {
    /// Not at all.
    Off,
    /// Onto a file.
    File,
    /// Onto a disk that takes nothing: a pipe that nobody reads while the load lasts.
    Stalled,
}

/// The log of a running proxy.
#[derive(Debug, Clone)]
pub struct Log {
    /// The file, or the pipe.
    pub path: PathBuf,
    /// Whether it is a pipe that nobody reads.
    pub is_stalled: bool,
}

/// What became of requests' lines by our own counters, since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lines {
    /// Requests served.
    pub requests: f64,
    /// Lines written.
    pub written: f64,
    /// Lines there was no room for.
    pub dropped: f64,
}

impl AccessLog {
    /// Whether there is one.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }

    /// The log at `path`, which is made where it has to be there before the proxy starts.
    pub fn at(self, path: PathBuf) -> Result<Option<Log>> {
        if self == Self::Stalled {
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            if !made.context("running mkfifo")?.success() {
                return Err(Failure::new(format!("mkfifo {} failed", path.display())));
            }
        }
        Ok(self.is_on().then(|| Log { path, is_stalled: self == Self::Stalled }))
    }
}

impl Log {
    /// Its size so far.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Waits until the disk has it: the next turn is not to pay for this one.
    pub fn sync(&self) -> Result<()> {
        if self.is_stalled {
            return Ok(());
        }
        let file = File::open(&self.path).context("opening the access log")?;
        file.sync_all().context("waiting for the disk")
    }

    /// Its lines so far, where it is a file.
    fn lines(&self) -> Result<usize> {
        let bytes = std::fs::read(&self.path).context("reading the access log")?;
        Ok(count(&bytes))
    }
}

impl Lines {
    /// Reads the counters now; nothing when they are not ours.
    pub fn read(metrics: SocketAddr) -> Option<Self> {
        let text = http::get(metrics, "localhost", "/metrics").ok()?.text();
        let counter = |name| http::counter(&text, name);
        Some(Self {
            requests: counter("evenkeel_requests_total")?,
            written: counter("evenkeel_access_log_lines_total")?,
            dropped: counter("evenkeel_access_log_dropped_total")?,
        })
    }

    /// Whether nothing waits any more.
    fn is_settled(self) -> bool {
        self.written + self.dropped == self.requests
    }

    /// Waits until every request's line was written or dropped; a disk that was stalled takes lines
    /// again from now on. Then compares with what can be read.
    pub fn settle(log: &Log, metrics: SocketAddr) -> Result<Self> {
        let mut reader = if log.is_stalled { Some(Reader::open(&log.path)?) } else { None };
        let deadline = Instant::now() + SETTLE_LIMIT;
        loop {
            let lines = Self::read(metrics)
                .ok_or_else(|| Failure::new("the access log's counters are not to be had"))?;
            // After the counters: what they count must be there by now.
            let read = match &mut reader {
                Some(reader) => Some(reader.read_all()?),
                None if lines.is_settled() => Some(log.lines()?),
                None => None,
            };
            if lines.is_settled() && read.is_some_and(|read| read as f64 == lines.written) {
                return Ok(lines);
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(format!(
                    "the access log is not the truth: {lines:?}, lines read: {read:?}"
                )));
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Reads a pipe as far as it is filled.
#[derive(Debug)]
struct Reader {
    pipe: File,
    lines: usize,
}

impl Reader {
    fn open(path: &Path) -> Result<Self> {
        let mut options = std::fs::OpenOptions::new();
        let pipe = options.read(true).custom_flags(NON_BLOCKING).open(path);
        Ok(Self { pipe: pipe.context(format!("opening {}", path.display()))?, lines: 0 })
    }

    /// Lines read so far, those that are there now included.
    fn read_all(&mut self) -> Result<usize> {
        let mut buffer = vec![0; PIPE_BYTES];
        loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => return Ok(self.lines),
                Ok(bytes) => self.lines += count(&buffer[..bytes]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(self.lines),
                Err(error) => return Err(error).context("reading the stalled access log"),
            }
        }
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::rundir::RunDir;

    #[test]
    fn a_stalled_log_is_a_pipe_that_is_read_in_the_end() {
        let dir = RunDir::create().expect("a folder");
        let path = dir.sub("stalled").expect("a folder").join("log");
        let log = AccessLog::Stalled.at(path).expect("made").expect("on");
        let mut options = std::fs::OpenOptions::new();
        let mut writer = options.read(true).write(true).open(&log.path).expect("a pipe");
        let mut reader = Reader::open(&log.path).expect("a pipe");
        assert_eq!(reader.read_all().expect("empty"), 0);
        writer.write_all(b"a\nb\nc").expect("room");
        assert_eq!(reader.read_all().expect("two lines"), 2);
        writer.write_all(b"\n").expect("room");
        assert_eq!(reader.read_all().expect("three"), 3);
        assert!(AccessLog::Off.at("/nowhere".into()).expect("nothing to do").is_none());
    }
}
