//! Sessions that live in this process instead of in a cookie: those recognised by request headers
//! (behaviour.md 4.6). The table is an argument of a decision; how workers share one is the shell's
//! business.

use alloc::vec::Vec;

use evenkeel_model::{EndpointId, PoolId, Timestamp};
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// Sessions a table remembers by default. A million take about 100 MB; a node that has more at
/// once forgets those that were idle longest, and their next request is placed by rendezvous on the
/// same key, so mostly where it was.
pub const SESSIONS_MAX: usize = 1_000_000;

/// What a session by headers is recognised by: a hash of load balancer, names and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey(pub u128);

/// Who serves a session. By identity, so that it survives new configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPlace {
    /// The endpoint's pool, where it is looked for.
    pub pool: PoolId,
    /// The endpoint.
    pub endpoint: EndpointId,
}

/// Remembered sessions.
pub trait Sessions {
    /// Who serves a session; `None` when it is not known or has expired.
    fn find(&mut self, key: SessionKey, now: Timestamp) -> Option<SessionPlace>;
    /// Remembers until `expires` who serves a session, in place of what was known of it.
    fn keep(&mut self, key: SessionKey, place: SessionPlace, expires: Timestamp);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSessions;

impl Sessions for NoSessions {
    fn find(&mut self, _key: SessionKey, _now: Timestamp) -> Option<SessionPlace> {
        None
    }

    fn keep(&mut self, _key: SessionKey, _place: SessionPlace, _expires: Timestamp) {}
}

type Seed = core::hash::BuildHasherDefault<SipHasher13>;

/// No neighbour.
const END: u32 = u32::MAX;

/// A bounded table. When it is full, the session that was used longest ago makes room.
///
/// Entries form a list from the last used to the first, by their places in `entries`: finding,
/// keeping and forgetting take constant time.
#[derive(Debug)]
pub struct SessionTable {
    max: usize,
    places: HashMap<SessionKey, u32, Seed>,
    entries: Vec<Entry>,
    /// Places in `entries` that hold nothing.
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: SessionKey,
    place: SessionPlace,
    expires: Timestamp,
    newer: u32,
    older: u32,
}

impl Default for SessionTable {
    fn default() -> Self {
        Self::new(SESSIONS_MAX)
    }
}

impl SessionTable {
    /// An empty table for so many sessions, at least one. Takes memory as it fills.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max: max.clamp(1, END as usize),
            places: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            newest: END,
            oldest: END,
        }
    }

    /// How many sessions it holds, expired ones that nobody asked for included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All of them, expired ones included, from the one that was used longest ago on.
    pub fn oldest_first(&self) -> impl Iterator<Item = (SessionKey, SessionPlace, Timestamp)> + '_ {
        let mut next = self.oldest;
        core::iter::from_fn(move || {
            let entry = (next != END).then(|| &self.entries[next as usize])?;
            next = entry.newer;
            Some((entry.key, entry.place, entry.expires))
        })
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match newer {
            END => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            END => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }

    fn push_newest(&mut self, at: u32) {
        let entry = &mut self.entries[at as usize];
        (entry.newer, entry.older) = (END, self.newest);
        match self.newest {
            END => self.oldest = at,
            newest => self.entries[newest as usize].newer = at,
        }
        self.newest = at;
    }

    fn forget(&mut self, at: u32) {
        self.unlink(at);
        self.places.remove(&self.entries[at as usize].key);
        self.free.push(at);
    }
}

impl Sessions for SessionTable {
    fn find(&mut self, key: SessionKey, now: Timestamp) -> Option<SessionPlace> {
        let at = *self.places.get(&key)?;
        let Entry { place, expires, .. } = self.entries[at as usize];
        if now >= expires {
            self.forget(at);
            return None;
        }
        Some(place)
    }

    fn keep(&mut self, key: SessionKey, place: SessionPlace, expires: Timestamp) {
        if let Some(&at) = self.places.get(&key) {
            let entry = &mut self.entries[at as usize];
            (entry.place, entry.expires) = (place, expires);
            self.unlink(at);
            self.push_newest(at);
            return;
        }
        if self.places.len() >= self.max {
            self.forget(self.oldest);
        }
        let entry = Entry { key, place, expires, newer: END, older: END };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("the bound fits")
            }
        };
        self.places.insert(key, at);
        self.push_newest(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(n: u64) -> SessionPlace {
        SessionPlace { pool: PoolId([0; 16]), endpoint: EndpointId(n) }
    }

    #[test]
    fn the_longest_unused_makes_room() {
        let mut table = SessionTable::new(2);
        let later = Timestamp::from_seconds(60);
        for (key, n) in [(1, 1), (2, 2), (1, 3), (3, 4)] {
            table.keep(SessionKey(key), place(n), later);
        }
        let found = [1, 2, 3].map(|key| table.find(SessionKey(key), Timestamp(0)));
        assert_eq!(found, [Some(place(3)), None, Some(place(4))]);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn an_expired_session_is_gone() {
        let mut table = SessionTable::default();
        table.keep(SessionKey(1), place(1), Timestamp(10));
        assert_eq!(table.find(SessionKey(1), Timestamp(9)), Some(place(1)));
        assert_eq!(table.find(SessionKey(1), Timestamp(10)), None);
        assert!(table.is_empty());
    }

    proptest! {
        /// Against the obvious list, last used first.
        #[test]
        fn it_is_a_bounded_list(
            steps in prop::collection::vec((any::<bool>(), 0..12u128, 0..40u64), 0..200)
        ) {
            const MAX: usize = 5;
            let mut table = SessionTable::new(MAX);
            let mut model: Vec<(u128, u64, u64)> = Vec::new();
            for (now, (keep, key, n)) in (0..).zip(steps) {
                if keep {
                    model.retain(|(of, ..)| *of != key);
                    model.insert(0, (key, n, now + n));
                    model.truncate(MAX);
                    table.keep(SessionKey(key), place(n), Timestamp(now + n));
                } else {
                    model.retain(|(of, _, expires)| *of != key || now < *expires);
                    let expected = model.iter().find(|(of, ..)| *of == key).map(|(_, n, _)| place(*n));
                    prop_assert_eq!(table.find(SessionKey(key), Timestamp(now)), expected);
                }
                prop_assert_eq!(table.len(), model.len());
            }
        }
    }
}
