//! The query log: one JSON object a line for one of every so many queries.
//!
//! Lines are made by the threads that answer and written by one of their own, with a bounded queue
//! between them: when the disk is slow, lines are dropped and counted, and no answer waits.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use domain::base::Rtype;
use evenkeel_decision::Trail;
use evenkeel_model::{Timestamp, View};
use evenkeel_telemetry::LogTo;
use serde_json::{Value, json};

use crate::wire::{Query, Rcode};

/// Lines that wait for the disk: about a megabyte.
const LINES_MAX: usize = 4096;

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
    /// A wish that the writer has yet to fulfil.
    reopen: Arc<AtomicBool>,
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
        let to = LogTo::from(settings.path.as_path());
        let file = to.open()?;
        let (lines, queue) = sync_channel(LINES_MAX);
        let reopen = Arc::<AtomicBool>::default();
        let thread = std::thread::Builder::new().name("dns-log".to_owned());
        let wish = Arc::clone(&reopen);
        let writer = thread.spawn(move || {
            write_all(&queue, BufWriter::new(file), || anew(&to, &wish));
        })?;
        let sender = LogSender { lines, sample: settings.sample.max(1) };
        Ok(Self { sender, writer, reopen })
    }

    /// Opens the file anew under its name, for whoever has renamed it. Returns at once.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Release);
        // A line of nothing wakes the writer. Without room for it the writer is awake.
        let _ = self.sender.lines.try_send(String::new());
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

/// The new file, if there is to be one and it can be opened.
fn anew(to: &LogTo, wish: &AtomicBool) -> Option<BufWriter<File>> {
    if !wish.swap(false, Ordering::Acquire) {
        return None;
    }
    match to.open() {
        Ok(file) => Some(BufWriter::new(file)),
        Err(error) => {
            tracing::error!(%error, "The query log cannot be reopened; writing to the old one.");
            None
        }
    }
}

/// Writes lines as they come, and gives them out when no more wait.
fn write_all<W: Write>(
    queue: &Receiver<String>,
    mut output: W,
    mut anew: impl FnMut() -> Option<W>,
) {
    let mut is_failing = false;
    while let Ok(line) = queue.recv() {
        if let Some(new) = anew() {
            output = new;
        }
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
    fn a_renamed_file_is_left_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("queries"), folder.path().join("queries.1"));
        let log = QueryLog::open(&QueryLogSettings { path: path.clone(), sample: 1 }).unwrap();
        let sender = log.sender();
        sender.lines.send("a\n".to_owned()).unwrap();
        std::fs::rename(&path, &old).unwrap();
        log.reopen();
        sender.lines.send("b\n".to_owned()).unwrap();
        drop(sender);
        log.close();
        // The first line may have waited until the file was new.
        let text = |path| std::fs::read_to_string(path).unwrap();
        let both = [text(&old), text(&path)];
        assert!(both == ["a\n", "b\n"] || both == ["", "a\nb\n"], "{both:?}");
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
        write_all(&queue, Full, || None);
    }
}
