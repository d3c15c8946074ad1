//! Who runs on which core. With one core the proxy has the first to itself and everything else the
//! second: what a request costs is then the proxy's alone. With all, everybody shares the machine
//! as on a small server: threads contend, migrate and wake each other across cores.

use crate::cpu::CoreTime;
use crate::failure::Result;
use crate::machine;

/// The proxy has this core to itself, unless it has all.
pub const PROXY_CORE: usize = 0;

/// The load generator and the endpoints share this one.
pub const LOAD_CORE: usize = 1;

/// Threads of load and endpoint, each, as a share of all cores when they share all with the proxy.
const LOAD_SHARE: usize = 4;

/// What the proxy may use of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cores {
    /// One thread on a core of its own.
    #[default]
    One,
    /// One thread for every core, none of them reserved.
    All,
}

impl Cores {
    /// The word of the command line and the results file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::All => "all",
        }
    }

    /// Cores of the proxy, as `taskset -c` takes them.
    pub fn proxy(self) -> String {
        self.list(PROXY_CORE)
    }

    /// Cores of load generator and endpoints.
    pub fn load(self) -> String {
        self.list(LOAD_CORE)
    }

    fn list(self, one: usize) -> String {
        match self {
            Self::One => one.to_string(),
            Self::All => format!("0-{}", machine::cores().saturating_sub(1)),
        }
    }

    /// Threads or processes that the proxy is to run.
    pub fn proxy_threads(self) -> usize {
        match self {
            Self::One => 1,
            Self::All => machine::cores(),
        }
    }

    /// Threads of the load generator, and processes of the endpoints.
    pub fn load_threads(self) -> usize {
        match self {
            Self::One => 1,
            Self::All => (machine::cores() / LOAD_SHARE).max(1),
        }
    }

    /// How the cores of the proxy, and those of the load, have spent their time so far.
    pub fn read(self) -> Result<[CoreTime; 2]> {
        match self {
            Self::One => Ok([CoreTime::read(PROXY_CORE)?, CoreTime::read(LOAD_CORE)?]),
            Self::All => Ok([CoreTime::read_all()?; 2]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_pinned_and_all_share() {
        assert_eq!((Cores::One.proxy(), Cores::One.load()), ("0".to_owned(), "1".to_owned()));
        assert_eq!((Cores::One.proxy_threads(), Cores::One.load_threads()), (1, 1));
        assert_eq!(Cores::All.proxy(), Cores::All.load());
        assert_eq!(Cores::All.proxy_threads(), machine::cores());
    }
}
