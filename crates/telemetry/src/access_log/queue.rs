//! Batches of lines on their way to the thread that writes them.
//!
//! The lock is held to move a pointer, never while anything is formatted or written.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of lines that wait, the batch being written included: half a second at 100,000 requests a
/// second, which is what a disk takes for a moment of its own. At the bound lines are dropped.
pub(super) const QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Whole lines.
pub(super) struct Batch {
    pub(super) bytes: Box<[u8]>,
    pub(super) lines: u64,
}

/// What the writer is to do next.
pub(super) enum Work {
    /// To be written, then told by [`Queue::done`].
    Write(Batch),
    /// The file is to be opened anew.
    Reopen,
    /// Nothing more will come.
    End,
}

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told of everything that the writer would want to know.
    wake: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    /// Of the batches and of the one being written.
    bytes: usize,
    lines: u64,
    reopen: bool,
    end: bool,
    has_ended: bool,
}

impl Queue {
    /// Adds a batch. Says whether there was room for it.
    pub(super) fn push(&self, batch: Batch) -> bool {
        let mut state = self.state();
        if state.end || state.bytes + batch.bytes.len() > QUEUE_BYTES_MAX {
            return false;
        }
        state.bytes += batch.bytes.len();
        state.lines += batch.lines;
        state.batches.push_back(batch);
        drop(state);
        self.wake.notify_one();
        true
    }

    pub(super) fn reopen(&self) {
        self.state().reopen = true;
        self.wake.notify_one();
    }

    /// Lets the writer end once it has written everything, and waits for that. If it takes too long,
    /// returns how many lines are left.
    pub(super) fn finish(&self, within: Duration) -> Result<(), u64> {
        let mut state = self.state();
        state.end = true;
        self.wake.notify_one();
        let (state, _) = self
            .ended
            .wait_timeout_while(state, within, |state| !state.has_ended)
            .unwrap_or_else(PoisonError::into_inner);
        if state.has_ended { Ok(()) } else { Err(state.lines) }
    }

    /// Waits for something to do.
    pub(super) fn next(&self) -> Work {
        let is_idle = |state: &mut State| !state.reopen && !state.end && state.batches.is_empty();
        let mut state =
            self.wake.wait_while(self.state(), is_idle).unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.reopen) {
            return Work::Reopen;
        }
        state.batches.pop_front().map_or(Work::End, Work::Write)
    }

    /// Waits some time, unless the file is to be reopened or the log to end.
    pub(super) fn pause(&self, time: Duration) -> Pause {
        let is_idle = |state: &mut State| !state.reopen && !state.end;
        let (mut state, _) = self
            .wake
            .wait_timeout_while(self.state(), time, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.reopen) {
            Pause::Reopen
        } else if state.end {
            Pause::End
        } else {
            Pause::Over
        }
    }

    /// A batch is off the writer's hands.
    pub(super) fn done(&self, batch: &Batch) {
        let mut state = self.state();
        state.bytes -= batch.bytes.len();
        state.lines -= batch.lines;
    }

    /// The writer has ended.
    pub(super) fn has_ended(&self) {
        self.state().has_ended = true;
        self.ended.notify_all();
    }

    /// Nothing in here panics half-way through a change, so a poisoned state is a good one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a pause ended.
pub(super) enum Pause {
    /// Its time is over.
    Over,
    /// The file is to be opened anew.
    Reopen,
    /// The log is to end.
    End,
}
