//! The query log: one JSON object a line for one of every so many queries.
//!
//! Lines are made by the threads that answer and written by one of their own, with a bounded queue
//! between them: when the disk is slow, lines are dropped and counted, and no answer waits.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use domain::base::Rtype;
use evenkeel_decision::Trail;
use evenkeel_model::{Timestamp, View};
use serde_json::{Value, json};

use crate::wire::{Query, Rcode};

/// Lines that wait for the disk: about a megabyte.
const LINES_MAX: usize = 4096;
/// The name of standard output.
const STANDARD_OUTPUT: &str = "-";

/// Where the log goes and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLogSettings {
    /// The file, which lines are added to; `-` for standard output.
    pub path: PathBuf,
    /// One of so many queries is written down, drawn by chance; 1 for each.
    pub sample: u32,
}

/// The log, and the thread that writes it.
#[derive(Debug)]
pub struct QueryLog {
    sender: LogSender,
    writer: JoinHandle<()>,
}

/// Where lines are put.
#[derive(Debug, Clone)]
pub(crate) struct LogSender {
    lines: SyncSender<String>,
    /// See [`QueryLogSettings::sample`].
    pub(crate) sample: u32,
}

/// What a line says of a query besides the query.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) now: Timestamp,
    pub(crate) client: IpAddr,
    pub(crate) transport: &'static str,
    pub(crate) rcode: Rcode,
    pub(crate) answers: u16,
    pub(crate) bytes: usize,
    /// What the limits made of the response.
    pub(crate) fate: &'static str,
    pub(crate) trail: &'a Trail,
    pub(crate) view: &'a View,
}

impl QueryLog {
    /// Opens the file and starts the thread that writes.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn open(settings: &QueryLogSettings) -> io::Result<Self> {
        let output: Box<dyn Write + Send> = if settings.path == Path::new(STANDARD_OUTPUT) {
            Box::new(io::stdout())
        } else {
            Box::new(append(&settings.path)?)
        };
        let (lines, queue) = sync_channel(LINES_MAX);
        let thread = std::thread::Builder::new().name("dns-log".to_owned());
        let writer = thread.spawn(move || write_all(&queue, BufWriter::new(output)))?;
        Ok(Self { sender: LogSender { lines, sample: settings.sample.max(1) }, writer })
    }

    pub(crate) fn sender(&self) -> LogSender {
        self.sender.clone()
    }

    /// Writes what waits, and ends. Every other sender must be gone.
    pub(crate) fn close(self) {
        drop(self.sender);
        if self.writer.join().is_err() {
            tracing::error!("The query log's thread panicked.");
        }
    }
}

impl LogSender {
    /// Writes a query down. Says whether there was room for it.
    pub(crate) fn write(&self, query: &Query<'_>, line: &Line<'_>) -> bool {
        let mut text = object(query, line).to_string();
        text.push('\n');
        self.lines.try_send(text).is_ok()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Writes lines as they come, and gives them out when no more wait.
fn write_all(queue: &Receiver<String>, mut output: impl Write) {
    let mut is_failing = false;
    while let Ok(line) = queue.recv() {
        let mut write = || -> io::Result<()> {
            output.write_all(line.as_bytes())?;
            while let Ok(line) = queue.try_recv() {
                output.write_all(line.as_bytes())?;
            }
            output.flush()
        };
        let outcome = write();
        if let (Err(error), false) = (&outcome, is_failing) {
            tracing::warn!(%error, "The query log cannot be written.");
        }
        is_failing = outcome.is_err();
    }
}

fn object(query: &Query<'_>, line: &Line<'_>) -> Value {
    let time = i64::try_from(line.now.0).ok();
    let time = time.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let edns = query.edns;
    json!({
        "time": format!("{time:.3}"),
        "client": line.client,
        "transport": line.transport,
        "name": query.name.to_string(),
        "type": Rtype::from_int(query.qtype).to_string(),
        "dnssec_ok": query.dnssec_ok(),
        "client_subnet": edns.and_then(|edns| edns.subnet)
            .map(|subnet| format!("{}/{}", subnet.address, subnet.prefix)),
        "code": line.rcode.as_str(),
        "answers": line.answers,
        "bytes": line.bytes,
        "fate": line.fate,
        "trail": line.trail.describe(line.view).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_to_the_file_and_all_are_there_when_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queries");
        for _ in 0..2 {
            let log = QueryLog::open(&QueryLogSettings { path: path.clone(), sample: 0 }).unwrap();
            let sender = log.sender();
            assert_eq!(sender.sample, 1);
            for n in 0..10 {
                sender.lines.send(format!("{n}\n")).unwrap();
            }
            drop(sender);
            log.close();
        }
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n".repeat(2));
    }

    #[test]
    fn a_file_that_cannot_be_written_holds_nobody_up() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (lines, queue) = sync_channel(LINES_MAX);
        for _ in 0..LINES_MAX {
            lines.try_send("line".to_owned()).unwrap();
        }
        assert!(lines.try_send("one more".to_owned()).is_err());
        drop(lines);
        write_all(&queue, Full);
    }
}
