//! When each token last let somebody in. Exact while the server runs; on disk to the hour, in a
//! stream of the journal, so that being asked costs no write.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_store::{Batch, JOURNAL_READ_MAX, JournalError, JournalQuery, Sequence, Store};

/// The journal's stream of uses.
pub(crate) const STREAM: &str = "token_use";

/// How long the time on disk may lag behind, in milliseconds. A server that is always asked writes
/// a line an hour for each of its tokens.
const LAG_MS_MAX: u64 = 60 * 60 * 1000;

/// Tokens whose last use is remembered, ten times as many as there can be: those that were deleted
/// stay until the table is emptied, which loses at most [`LAG_MS_MAX`] of each.
const TOKENS_MAX: usize = 100_000;

/// Entries read when the server starts: each token wrote one in the last hour that it was used.
const ENTRIES_READ_MAX: usize = 10_000;

/// The last use of each token.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    of_tokens: Mutex<HashMap<String, Use>>,
}

#[derive(Debug, Clone, Copy)]
struct Use {
    last_ms: u64,
    written_ms: u64,
}

impl Uses {
    fn of_tokens(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        // Poison says only that somebody panicked: every time is whole.
        self.of_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a token was last used, in milliseconds since 1970.
    pub(crate) fn last_ms(&self, token: &str) -> Option<u64> {
        self.of_tokens().get(token).map(|seen| seen.last_ms)
    }

    /// Notes a use; the batch, when there is one, is worth writing now.
    pub(crate) fn note(&self, token: &str, now_ms: u64) -> Option<Batch> {
        let mut of_tokens = self.of_tokens();
        match of_tokens.get_mut(token) {
            Some(seen) => {
                seen.last_ms = seen.last_ms.max(now_ms);
                if now_ms.saturating_sub(seen.written_ms) < LAG_MS_MAX {
                    return None;
                }
                seen.written_ms = now_ms;
            }
            None => {
                if of_tokens.len() >= TOKENS_MAX {
                    of_tokens.clear();
                }
                let seen = Use { last_ms: now_ms, written_ms: now_ms };
                of_tokens.insert(token.to_owned(), seen);
            }
        }
        drop(of_tokens);
        Some(Batch::new().append(STREAM, now_ms, token.as_bytes()))
    }

    /// Remembers what was written before the server was started.
    pub(crate) async fn restore(&self, store: &dyn Store) -> Result<(), JournalError> {
        let mut query = JournalQuery::newest(STREAM, JOURNAL_READ_MAX);
        let mut read = 0;
        while read < ENTRIES_READ_MAX {
            let entries = store.journal(query.clone()).await?;
            let Some(last) = entries.last().map(|entry| entry.sequence) else { break };
            read += entries.len();
            query = query.past(Sequence(last.0));
            let mut of_tokens = self.of_tokens();
            for entry in &entries {
                let Ok(token) = std::str::from_utf8(&entry.body) else { continue };
                let at_ms = entry.at_ms;
                let seen = Use { last_ms: at_ms, written_ms: at_ms };
                of_tokens.entry(token.to_owned()).or_insert(seen);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn uses_are_written_once_an_hour_and_found_again() {
        let store = MemoryStore::new();
        let uses = Uses::default();
        for (token, now_ms, written) in [
            ("a", 1, true),
            ("a", 2, false),
            ("b", 2, true),
            ("a", LAG_MS_MAX, false),
            ("a", LAG_MS_MAX + 1, true),
            ("a", LAG_MS_MAX + 9, false),
        ] {
            let batch = uses.note(token, now_ms);
            assert_eq!(batch.is_some(), written, "{token} {now_ms}");
            if let Some(batch) = batch {
                store.commit(batch).await.unwrap();
            }
        }
        assert_eq!(uses.last_ms("a"), Some(LAG_MS_MAX + 9));
        let restarted = Uses::default();
        restarted.restore(&store).await.unwrap();
        assert_eq!(restarted.last_ms("a"), Some(LAG_MS_MAX + 1));
        assert_eq!((restarted.last_ms("b"), restarted.last_ms("c")), (Some(2), None));
        assert!(restarted.note("a", LAG_MS_MAX + 10).is_none());
    }
}
