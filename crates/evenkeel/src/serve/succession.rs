//! How one process hands over to the next: a binary upgrade, or settings that need a new start, with
//! no connection refused or cut and no query lost.
//!
//! ```text
//! old (successor.rs)                         new (predecessor.rs)
//!  │ SIGUSR2: starts the program anew
//!  ├─ sockets … ─ prepare ──────────────────▶│ reads settings and files, takes its sockets
//!  │◀─────────────────────────────── ready ──┤
//!  │ ends its control plane: answers what
//!  │ was asked, writes health, closes the store
//!  ├─ upgrades, sessions … ─ take ──────────▶│ opens the store, probes, serves
//!  │◀───────────────────────────── serving ──┤
//!  ├─ yours ────────────────────────────────▶│ tells the service manager
//!  │ drains gently, ends                     │
//! ```
//!
//! Clients of both planes meanwhile wait in the queues of sockets that never close. Until `ready` the
//! old process serves as if nothing had happened; from then until `serving` its data plane goes on
//! with the last view, and nothing answers the API, whose clients wait. Each step has a time limit.
//! Whatever fails, the old process ends the new one and begins its own control plane again.
//!
//! Whoever asks the service to stop while it is handed over asks the old process, the only one he
//! knows: it says `stop` in place of `yours`, and both drain promptly.
//!
//! Each letter is a word, and what belongs to it on the same line or behind it. Both sides speak
//! [`VERSION`], which the old one tells in [`VARIABLE`]; a program that knows neither fails at the
//! taken addresses, and a newer version is refused, both before `ready`.

pub(super) mod predecessor;
pub(super) mod successor;

use std::io;
use std::time::Duration;

use evenkeel_net::letters::{Letter, Letters};

/// Tells a program that its standard input is a predecessor, and which version that one speaks.
pub(crate) const VARIABLE: &str = "EVENKEEL_SUCCESSION";
/// The version of what is said here.
const VERSION: &str = "1";

const SOCKETS: &str = "sockets";
const PREPARE: &str = "prepare";
const READY: &str = "ready";
const UPGRADES: &str = "upgrades ";
const SESSIONS: &str = "sessions";
const TAKE: &str = "take";
const SERVING: &str = "serving";
const YOURS: &str = "yours";
const STOP: &str = "stop";

/// Starting a program, reading settings, certificates and geographic databases.
const PREPARE_LIMIT: Duration = Duration::from_secs(60);
/// What the old process needs to end its control plane: ten seconds for the API, some for the rest.
const END_LIMIT: Duration = Duration::from_secs(60);
/// Opening the store, building the first view, starting threads. Clients of the API wait as long.
const TAKE_LIMIT: Duration = Duration::from_secs(60);
/// What needs no work at all.
const WORD_LIMIT: Duration = Duration::from_secs(5);
/// A program that has given up has so long to say why.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);

/// What becomes of a process that has just taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// It serves.
    Yours,
    /// Somebody has asked the service to stop meanwhile.
    Stop,
}

impl Goodbye {
    fn word(self) -> &'static str {
        match self {
            Self::Yours => YOURS,
            Self::Stop => STOP,
        }
    }
}

/// Waits for a letter that has to come.
fn receive(letters: &Letters, within: Duration) -> io::Result<Letter> {
    letters.limit(within)?;
    match letters.receive() {
        Ok(Some(letter)) => Ok(letter),
        Ok(None) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other process is gone")),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the other process said nothing in time"))
        }
        Err(error) => Err(error),
    }
}

/// Waits for one word.
fn expect(letters: &Letters, word: &str, within: Duration) -> io::Result<()> {
    let said = receive(letters, within)?.text;
    match said == word.as_bytes() {
        true => Ok(()),
        false => Err(unexpected(&said)),
    }
}

fn unexpected(said: &[u8]) -> io::Error {
    let said = &said[..said.len().min(64)];
    let message = format!("the other process said {:?}", String::from_utf8_lossy(said));
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;
