//! The new process' side: what it has inherited, and the words it says to the old one.

use std::io;
use std::os::fd::OwnedFd;

use evenkeel_net::inherit::{Chosen, Inherited, Stock};
use evenkeel_net::letters::{Letter, Letters};
use evenkeel_proxy::SharedSessions;

use super::{
    END_LIMIT, Goodbye, PREPARE, READY, SERVING, SESSIONS, SOCKETS, STOP, TAKE, UPGRADES, VARIABLE,
    VERSION, WORD_LIMIT, YOURS, receive, unexpected,
};
use crate::exit::Failure;
use crate::serve::upgrades::Upgrades;

/// What a process was given by whoever started it.
#[derive(Debug, Default)]
pub(crate) struct Heritage {
    /// Sockets, of the process before or of the service manager.
    pub(crate) stock: Stock,
    /// The process that we take over from.
    pub(crate) predecessor: Option<Predecessor>,
}

impl Heritage {
    /// Looks what there is, and removes the variables that told.
    ///
    /// # Errors
    /// When it is not what it should be.
    ///
    /// # Safety
    /// To be called once, before any other thread runs and before anything is opened.
    pub(crate) unsafe fn claim() -> Result<Self, Failure> {
        // SAFETY: as asked of our own caller.
        let stock = unsafe { Stock::from_manager() }
            .map_err(Failure::doing("taking the sockets of the service manager (LISTEN_FDS)"))?;
        let Some(version) = std::env::var_os(VARIABLE) else {
            return Ok(Self { stock, predecessor: None });
        };
        // SAFETY: nobody else reads the environment yet.
        unsafe { std::env::remove_var(VARIABLE) };
        let answered = match version == VERSION {
            true => Predecessor::answer(),
            false => {
                let message = format!("it speaks version {version:?}, and this is {VERSION:?}");
                Err(io::Error::other(message))
            }
        };
        let (predecessor, stock) =
            answered.map_err(Failure::doing("taking over from the process before"))?;
        Ok(Self { stock, predecessor: Some(predecessor) })
    }
}

/// The process that we take over from.
#[derive(Debug)]
pub(crate) struct Predecessor(Letters);

impl Predecessor {
    #[cfg(test)]
    pub(super) fn new(letters: Letters) -> Self {
        Self(letters)
    }

    /// The one at our standard input, and its sockets.
    fn answer() -> io::Result<(Self, Stock)> {
        let predecessor = Self(Letters::from_stdin()?);
        let stock = predecessor.sockets()?;
        Ok((predecessor, stock))
    }

    /// Its sockets, which it sends unasked.
    pub(super) fn sockets(&self) -> io::Result<Stock> {
        let mut stock = Stock::default();
        loop {
            let letter = receive(&self.0, WORD_LIMIT)?;
            if letter.text == PREPARE.as_bytes() {
                return Ok(stock);
            }
            for inherited in inherited(letter)? {
                stock.add(inherited);
            }
        }
    }

    /// Says that everything is read and judged, and waits until the store is ours. What it has
    /// counted is counted on, and sessions that it remembers are kept. A predecessor that dies meanwhile has left the store as well.
    ///
    /// # Errors
    /// When it says nothing in time, or nonsense: it goes on alone then.
    pub(crate) fn ready(&self, upgrades: &Upgrades, sessions: &SharedSessions) -> io::Result<()> {
        if self.0.send(READY.as_bytes(), &[]).is_err() {
            return Ok(());
        }
        loop {
            let letter = match receive(&self.0, END_LIMIT) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    tracing::warn!("The process before is gone; taking over from nobody.");
                    return Ok(());
                }
                letter => letter?,
            };
            if letter.text == TAKE.as_bytes() {
                return Ok(());
            }
            if let Some(kept) = letter.text.strip_prefix(SESSIONS.as_bytes()) {
                sessions.restore(kept);
            } else if let Some(counted) = letter.text.strip_prefix(UPGRADES.as_bytes()) {
                upgrades.restore(counted);
            } else {
                return Err(unexpected(&letter.text));
            }
        }
    }

    /// Says that everything is served, and waits until the service manager knows who we are.
    pub(crate) fn serving(self) -> Goodbye {
        // Whether or not it hears: we serve.
        if self.0.send(SERVING.as_bytes(), &[]).is_err() {
            return Goodbye::Yours;
        }
        let said = receive(&self.0, WORD_LIMIT).and_then(|letter| match &letter.text[..] {
            said if said == YOURS.as_bytes() => Ok(Goodbye::Yours),
            said if said == STOP.as_bytes() => Ok(Goodbye::Stop),
            said => Err(unexpected(said)),
        });
        said.unwrap_or_else(|error| {
            tracing::warn!(%error, "The process before did not say goodbye.");
            Goodbye::Yours
        })
    }
}

/// `sockets PURPOSE CHOSEN`, with the descriptors.
fn inherited(letter: Letter) -> io::Result<Vec<Inherited>> {
    let Letter { text, descriptors } = letter;
    let words = std::str::from_utf8(&text).unwrap_or_default();
    let [SOCKETS, purpose, chosen] = words.split(' ').collect::<Vec<_>>()[..] else {
        return Err(unexpected(&text));
    };
    let purpose = purpose.parse().map_err(io::Error::other)?;
    let chosen = match chosen {
        "settings" => Chosen::BySettings,
        "manager" => Chosen::ByManager,
        _ => return Err(unexpected(&text)),
    };
    let look = |descriptor: OwnedFd| Inherited::new(purpose, chosen, descriptor);
    descriptors.into_iter().map(look).collect()
}
