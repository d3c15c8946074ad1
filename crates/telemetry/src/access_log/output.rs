//! The thread that writes: everything that may take long, or fail, happens here.
//!
//! A write that fails is tried again until it succeeds, from the byte where it stopped: a disk that
//! was full leaves no torn line, and what the queue holds is written once there is room.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use super::AccessLogStats;
use super::queue::{Batch, Pause, Queue, Work};
use crate::LogTo;

/// Between attempts on a disk that refuses.
const RETRY: Duration = Duration::from_secs(1);
/// Between attempts on a pipe that somebody has made non-blocking.
const RETRY_PIPE: Duration = Duration::from_millis(20);

/// Writes batches until the queue ends.
pub(super) fn write_all(queue: &Queue, stats: &AccessLogStats, file: File, to: &LogTo) {
    Output { queue, stats, file, to, is_failing: false }.run();
    queue.has_ended();
}

struct Output<'a> {
    queue: &'a Queue,
    stats: &'a AccessLogStats,
    file: File,
    to: &'a LogTo,
    is_failing: bool,
}

impl Output<'_> {
    fn run(&mut self) {
        loop {
            match self.queue.next() {
                Work::Write(batch) => {
                    self.write(&batch);
                    self.queue.done(&batch);
                }
                Work::Reopen => {
                    self.reopen();
                }
                Work::End => return,
            }
        }
    }

    fn write(&mut self, batch: &Batch) {
        let mut written = 0;
        while written < batch.bytes.len() {
            let error = match self.file.write(&batch.bytes[written..]) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(bytes) => {
                    self.stats.wrote_bytes(bytes);
                    written += bytes;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            match self.wait(&error) {
                Pause::Over => {}
                // The line that was cut begins again in the new file.
                Pause::Reopen if self.reopen() => written = line_start(&batch.bytes, written),
                Pause::Reopen => {}
                Pause::End => {
                    let whole = lines(&batch.bytes[..written]);
                    self.stats.wrote_lines(whole);
                    self.stats.dropped(batch.lines - whole);
                    return;
                }
            }
        }
        self.stats.wrote_lines(batch.lines);
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("The access log is written again.");
        }
    }

    /// After a failed write: counts it, tells of the first in a row, and waits a little.
    fn wait(&mut self, error: &io::Error) -> Pause {
        if error.kind() == ErrorKind::WouldBlock {
            return self.queue.pause(RETRY_PIPE);
        }
        self.stats.failed();
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(%error, "The access log cannot be written; trying again each second.");
        }
        self.queue.pause(RETRY)
    }

    /// Says whether there is a new file; without one the old one stays.
    fn reopen(&mut self) -> bool {
        match self.to.open() {
            Ok(file) => {
                self.file = file;
                tracing::info!("The access log was reopened.");
                true
            }
            Err(error) => {
                self.stats.failed();
                tracing::error!(%error, "The access log cannot be reopened; writing to the old one.");
                false
            }
        }
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Where the line begins that the byte at `at` belongs to.
fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_begins_again() {
        for (at, start) in [(0, 0), (1, 0), (3, 3), (4, 3), (6, 6)] {
            assert_eq!(line_start(b"ab\ncd\n", at), start, "{at}");
        }
        assert_eq!(lines(b"ab\ncd\nef"), 2);
    }
}
