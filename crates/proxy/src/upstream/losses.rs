//! Endpoints that have just lost connections.
//!
//! A process that is killed loses its connections first and its listener a moment later. In
//! between, the kernel still accepts connections that nobody will serve, and resets them. A reset
//! of a fresh connection says little by itself (behaviour.md 5.2: 520, no retry); from an endpoint
//! whose other connections have just ended it says that the request was never read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Key;

/// How long a loss counts. Between the end of a process's connections and that of its listener
/// lie milliseconds; a busy machine may stretch them.
const RECENT: Duration = Duration::from_secs(1);
/// Endpoints remembered per worker; at the bound all are forgotten, which costs a 520 at worst.
const KEYS_MAX: usize = 4096;

/// When each endpoint lost a connection last.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    last: RefCell<HashMap<Key, Instant>>,
}

impl Losses {
    /// An endpoint's connection has ended without our doing.
    pub(crate) fn note(&self, key: Key) {
        let mut last = self.last.borrow_mut();
        if last.len() >= KEYS_MAX && !last.contains_key(&key) {
            last.clear();
        }
        last.insert(key, Instant::now());
    }

    /// Whether one has ended just now.
    pub(crate) fn is_recent(&self, key: Key) -> bool {
        self.last.borrow().get(&key).is_some_and(|at| at.elapsed() < RECENT)
    }
}
