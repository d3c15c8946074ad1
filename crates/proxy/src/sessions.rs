//! Sessions by request headers, remembered for all workers together (behaviour.md 4.6).
//!
//! A client's connections land on any worker, and its session has to be found there: a table for
//! each worker would give one client as many endpoints as there are workers. So the table is shared,
//! cut into shards by the session's key, and a request with such a session takes one shard's lock
//! twice, for the time of a look-up. Requests without header affinity never come here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_decision::{SESSIONS_MAX, SessionKey, SessionPlace, SessionTable, Sessions};
use evenkeel_model::{EndpointId, PoolId, Timestamp};

/// Parts of the table. With some dozen workers two seldom want the same one.
const SHARDS: usize = 64;

/// A session on its way to another process: key, pool, endpoint and end.
const KEPT_BYTES: usize = 16 + 16 + 8 + 8;

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

    /// Hands all sessions out for another process, as pieces of bytes that [`Self::restore`] reads,
    /// none longer than `bytes_max`. What is kept meanwhile may be left out.
    ///
    /// # Errors
    /// With the first one of `send`.
    pub fn export<E>(
        &self,
        bytes_max: usize,
        mut send: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut piece = Vec::with_capacity(bytes_max);
        for shard in &self.shards {
            // A copy: whoever reads may be slow, and requests want the lock.
            let kept = locked(shard).oldest_first().collect::<Vec<_>>();
            for (key, place, expires) in kept {
                if piece.len() + KEPT_BYTES > bytes_max {
                    send(&piece)?;
                    piece.clear();
                }
                piece.extend_from_slice(&key.0.to_be_bytes());
                piece.extend_from_slice(&place.pool.0);
                piece.extend_from_slice(&place.endpoint.0.to_be_bytes());
                piece.extend_from_slice(&expires.0.to_be_bytes());
            }
        }
        if piece.is_empty() { Ok(()) } else { send(&piece) }
    }

    /// Keeps what another process has handed out.
    pub fn restore(&self, piece: &[u8]) {
        let mut table = self;
        for kept in piece.as_chunks::<KEPT_BYTES>().0 {
            let long = |at: usize| kept[at..].first_chunk::<16>().copied().unwrap_or_default();
            let short = |at: usize| kept[at..].first_chunk::<8>().copied().unwrap_or_default();
            let endpoint = EndpointId(u64::from_be_bytes(short(32)));
            let place = SessionPlace { pool: PoolId(long(16)), endpoint };
            let expires = Timestamp(u64::from_be_bytes(short(40)));
            table.keep(SessionKey(u128::from_be_bytes(long(0))), place, expires);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_handed_out_and_kept_again() {
        let old = SharedSessions::default();
        let key = |n: u128| SessionKey(n << 60 | n);
        let place = |n: u128| SessionPlace {
            pool: PoolId(n.to_be_bytes()),
            endpoint: EndpointId(n as u64),
        };
        for n in 0..1000 {
            (&mut &old).keep(key(n), place(n), Timestamp(5000));
        }
        let new = SharedSessions::default();
        let mut pieces = 0;
        let sent: Result<(), ()> = old.export(1000, |piece| {
            assert!(piece.len() <= 1000 && piece.len() % KEPT_BYTES == 0);
            pieces += 1;
            new.restore(piece);
            Ok(())
        });
        sent.unwrap();
        assert_eq!((new.len(), pieces), (1000, 1000_usize.div_ceil(1000 / KEPT_BYTES)));
        for n in 0..1000 {
            assert_eq!(new.peek(key(n), Timestamp(4999)), Some(place(n)));
            assert_eq!(new.peek(key(n), Timestamp(5000)), None);
        }
        assert_eq!(old.export(1000, |_| Err("full")), Err("full"));
        assert_eq!(SharedSessions::default().export(1000, |_| Err("nothing to send")), Ok(()));
    }
}
