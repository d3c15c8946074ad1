//! Sessions by request headers, remembered for all workers together (behaviour.md 4.6).
//!
//! A client's connections land on any worker, and its session has to be found there: a table for
//! each worker would give one client as many endpoints as there are workers. So the table is shared,
//! cut into shards by the session's key, and a request with such a session takes one shard's lock
//! twice, for the time of a look-up. Requests without header affinity never come here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_decision::{SESSIONS_MAX, SessionKey, SessionPlace, SessionTable, Sessions};
use evenkeel_model::Timestamp;

/// Parts of the table. With some dozen workers two seldom want the same one.
const SHARDS: usize = 64;

/// The remembered sessions of a process, at most [`SESSIONS_MAX`].
#[derive(Debug)]
pub struct SharedSessions {
    shards: Vec<Mutex<SessionTable>>,
}

impl Default for SharedSessions {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| SessionTable::new(SESSIONS_MAX / SHARDS).into()).collect(),
        }
    }
}

impl SharedSessions {
    /// Who serves a session, for those who only want to know.
    #[must_use]
    pub fn peek(&self, key: SessionKey, now: Timestamp) -> Option<SessionPlace> {
        self.shard(key).find(key, now)
    }

    /// How many sessions are remembered, expired ones that nobody asked for included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: SessionKey) -> MutexGuard<'_, SessionTable> {
        // The key is a hash; its high half is not what the table within places it by.
        let shard = usize::try_from(key.0 >> 64 & (SHARDS as u128 - 1)).unwrap_or(0);
        locked(&self.shards[shard])
    }
}

fn locked(shard: &Mutex<SessionTable>) -> MutexGuard<'_, SessionTable> {
    // Sessions are a convenience: one that a panicking thread left half kept is found anew.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions for &SharedSessions {
    fn find(&mut self, key: SessionKey, now: Timestamp) -> Option<SessionPlace> {
        self.shard(key).find(key, now)
    }

    fn keep(&mut self, key: SessionKey, place: SessionPlace, expires: Timestamp) {
        self.shard(key).keep(key, place, expires);
    }
}
