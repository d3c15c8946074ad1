//! The access log: one line per request, made where the request was served, written elsewhere.
//!
//! ```text
//! worker ── write ──▶ its batch ── when full, or some times a second ──▶ queue ──▶ writer ──▶ file
//!                                                                          │ full
//!                                                                          ▼
//!                                                                   dropped, counted
//! ```
//!
//! A line is formatted straight into its worker's batch, without an allocation. One thread writes
//! all batches, so a disk that stalls or fills up holds up that thread and nobody else: what the
//! queue has no room for meanwhile is dropped, and [`AccessLogStats`] counts every line of it.

mod combined;
mod escape;
mod json;
mod number;
mod output;
mod queue;
mod sample;
mod stats;
mod time;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use self::queue::{Batch, Queue};
pub use self::sample::SampleRate;
pub use self::stats::AccessLogStats;
use self::time::Clock;
use crate::{LogTo, RequestRecord};

/// A batch is handed over once it is so long: some hundred lines for one wake-up of the writer, and
/// less than a millisecond of traffic at the highest rates.
const BATCH_BYTES: usize = 64 * 1024;

/// A batch that grew beyond this with unusual lines gives the memory back.
const BATCH_BYTES_KEPT_MAX: usize = 4 * BATCH_BYTES;

/// How lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object a line, always with the same fields.
    #[default]
    Json,
    /// Apache's combined format.
    Combined,
}

/// What an access log is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogOptions {
    /// Where lines go.
    pub to: LogTo,
    /// How they look.
    pub format: AccessLogFormat,
    /// Which requests get one.
    pub sample: SampleRate,
}

/// The access log of a process. Clones are the same log.
#[derive(Clone)]
pub struct AccessLog(Arc<Inner>);

struct Inner {
    options: AccessLogOptions,
    queue: Queue,
    stats: AccessLogStats,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessLog").field(&self.0.options).finish()
    }
}

impl AccessLog {
    /// Opens the log and starts the thread that writes it.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn start(options: AccessLogOptions) -> io::Result<Self> {
        let file = options.to.open()?;
        let (queue, stats) = (Queue::default(), AccessLogStats::default());
        let log = Self(Arc::new(Inner { options, queue, stats }));
        let inner = Arc::clone(&log.0);
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || {
            output::write_all(&inner.queue, &inner.stats, file, &inner.options.to);
        })?;
        Ok(log)
    }

    /// What one worker writes with.
    #[must_use]
    pub fn writer(&self) -> AccessLogWriter {
        AccessLogWriter {
            log: self.clone(),
            batch: Vec::with_capacity(BATCH_BYTES),
            lines: 0,
            left_out: 0,
            clock: Clock::default(),
        }
    }

    /// Opens the file anew under its name, for whoever has renamed it. Lines that wait go to the
    /// new one. Returns at once.
    pub fn reopen(&self) {
        self.0.queue.reopen();
    }

    /// What was written and dropped so far.
    #[must_use]
    pub fn stats(&self) -> &AccessLogStats {
        &self.0.stats
    }

    /// Writes what waits and ends the log. Every writer must be gone or flushed: what comes later
    /// is dropped and counted.
    ///
    /// Waits no longer than `within`, after which the disk may keep what it has not taken.
    pub fn finish(self, within: Duration) {
        if let Err(lines) = self.0.queue.finish(within) {
            tracing::error!(lines, "The access log ends without lines that nobody took in time.");
        }
    }
}

/// Where one worker writes its lines. What it holds when it is dropped is handed over.
pub struct AccessLogWriter {
    log: AccessLog,
    batch: Vec<u8>,
    /// Lines of the batch.
    lines: u64,
    /// Requests without a line since the last batch.
    left_out: u64,
    clock: Clock,
}

impl fmt::Debug for AccessLogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogWriter").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl AccessLogWriter {
    /// Writes a request's line, if `chance`, which is any number equally likely, keeps it. Never
    /// waits.
    pub fn write(&mut self, record: &RequestRecord<'_>, chance: u64) {
        let options = &self.log.0.options;
        if !options.sample.keeps(record, chance) {
            self.left_out += 1;
            return;
        }
        match options.format {
            AccessLogFormat::Json => json::write(record, &mut self.clock, &mut self.batch),
            AccessLogFormat::Combined => combined::write(record, &mut self.clock, &mut self.batch),
        }
        self.lines += 1;
        if self.batch.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Hands over what was written so far: to be called some times a second, and in the end. Never
    /// waits.
    pub fn flush(&mut self) {
        let Inner { queue, stats, .. } = &*self.log.0;
        stats.left_out(std::mem::take(&mut self.left_out));
        let lines = std::mem::take(&mut self.lines);
        if lines == 0 {
            return;
        }
        // A copy, so that a batch in the queue takes no more memory than its lines.
        let batch = Batch { bytes: self.batch.as_slice().into(), lines };
        if !queue.push(batch) {
            stats.dropped(lines);
        }
        self.batch.clear();
        if self.batch.capacity() > BATCH_BYTES_KEPT_MAX {
            self.batch.shrink_to(BATCH_BYTES);
        }
    }
}

impl Drop for AccessLogWriter {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests;
