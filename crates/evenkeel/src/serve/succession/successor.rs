//! The old process' side: starts the new one and hands over to it.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_net::inherit::{Chosen, Purpose};
use evenkeel_net::letters::{DESCRIPTORS_MAX, Letters, TEXT_BYTES_MAX};
use evenkeel_proxy::SharedSessions;

use super::{
    Goodbye, LAST_WORDS_LIMIT, PREPARE, PREPARE_LIMIT, READY, SERVING, SESSIONS, SOCKETS, TAKE,
    TAKE_LIMIT, UPGRADES, VARIABLE, VERSION, WORD_LIMIT, expect,
};
use crate::serve::upgrades::Upgrades;

/// How often a program that has given up is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Variables that were meant for one process. Those of `LISTEN_` are gone already.
const PERSONAL: [&str; 1] = ["WATCHDOG_PID"];

/// A process that is to take over.
#[derive(Debug)]
pub(crate) struct Successor {
    child: Child,
    letters: Arc<Letters>,
}

/// Its half of the conversation.
#[derive(Debug, Clone)]
pub(crate) struct Line(Arc<Letters>);

impl Successor {
    /// Starts this program anew, with the same arguments, from the path that it was started by: what
    /// stands there now is the new version. The sockets go to it at once.
    ///
    /// # Errors
    /// When there is no such program, or it ends before it has listened.
    pub(crate) fn start(sockets: &[(Purpose, Chosen, Vec<BorrowedFd<'_>>)]) -> io::Result<Self> {
        let mut words = std::env::args_os();
        let program = match words.next() {
            Some(name) => name,
            None => OsString::from(std::env::current_exe()?),
        };
        let (letters, theirs) = Letters::pair()?;
        let mut command = Command::new(program);
        command.args(words).env(VARIABLE, VERSION).stdin(Stdio::from(theirs));
        for variable in PERSONAL {
            command.env_remove(variable);
        }
        let successor = Self { child: command.spawn()?, letters: Arc::new(letters) };
        // Our copy of its end: without it, we hear when it is gone.
        drop(command);
        match successor.line().begin(sockets) {
            Ok(()) => Ok(successor),
            Err(error) => {
                successor.give_up_for(&error);
                Err(error)
            }
        }
    }

    /// The conversation.
    pub(crate) fn line(&self) -> Line {
        Line(Arc::clone(&self.letters))
    }

    /// Who it is.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// As [`Self::give_up`], but one that has left the conversation may say why: it is about to end
    /// by itself.
    pub(crate) fn give_up_for(mut self, error: &io::Error) {
        if matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
        ) {
            let end = Instant::now() + LAST_WORDS_LIMIT;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
                std::thread::sleep(LOOK_INTERVAL);
            }
        }
        self.give_up();
    }

    /// Waits until it has ended, so that no trace of it stays. Blocks for as long as it serves.
    pub(crate) fn see_off(mut self) {
        let _ = self.child.wait();
    }

    /// Ends it: the store and the sockets are ours again.
    pub(crate) fn give_up(mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => tracing::warn!(pid = self.child.id(), %status, "The new process ended."),
            Err(error) => tracing::warn!(%error, "The new process could not be waited for."),
        }
    }
}

impl Line {
    #[cfg(test)]
    pub(super) fn new(letters: Letters) -> Self {
        Self(Arc::new(letters))
    }

    /// Sends all sockets.
    pub(super) fn begin(
        &self,
        sockets: &[(Purpose, Chosen, Vec<BorrowedFd<'_>>)],
    ) -> io::Result<()> {
        self.0.limit(WORD_LIMIT)?;
        for (purpose, chosen, descriptors) in sockets {
            let chosen = match chosen {
                Chosen::BySettings => "settings",
                Chosen::ByManager => "manager",
            };
            let text = format!("{SOCKETS} {} {chosen}", purpose.as_str());
            for descriptors in descriptors.chunks(DESCRIPTORS_MAX) {
                self.0.send(text.as_bytes(), descriptors)?;
            }
        }
        self.0.send(PREPARE.as_bytes(), &[])
    }

    /// Waits until it has read and judged everything. Blocks.
    ///
    /// # Errors
    /// When it refuses, ends or takes too long.
    pub(crate) fn prepared(&self) -> io::Result<()> {
        expect(&self.0, READY, PREPARE_LIMIT)
    }

    /// Gives it the store, which must be closed, and waits until it serves. Blocks.
    ///
    /// # Errors
    /// When it ends or takes too long.
    pub(crate) fn take(&self, upgrades: &Upgrades, sessions: &SharedSessions) -> io::Result<()> {
        self.0.limit(WORD_LIMIT)?;
        self.0.send(format!("{UPGRADES}{}", upgrades.told()).as_bytes(), &[])?;
        let mut letter = Vec::new();
        sessions.export(TEXT_BYTES_MAX - SESSIONS.len(), |kept| {
            letter.clear();
            letter.extend_from_slice(SESSIONS.as_bytes());
            letter.extend_from_slice(kept);
            self.0.send(&letter, &[])
        })?;
        self.0.send(TAKE.as_bytes(), &[])?;
        expect(&self.0, SERVING, TAKE_LIMIT)
    }

    /// Says goodbye.
    pub(crate) fn part(&self, goodbye: Goodbye) {
        // It serves whether or not it hears.
        let _ = self.0.send(goodbye.word().as_bytes(), &[]);
    }
}
