//! What all handlers share, and the one way in which they change documents.
//!
//! A change reads a snapshot, decides on it, and commits only if that snapshot is still the newest:
//! whatever it concluded from other documents, that a pool exists or that nobody names it, holds
//! when it is written, here and on every other node.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use evenkeel_api::{Limits, Problem};
use evenkeel_model::Live;
use evenkeel_store::{
    Batch, Change, CommitError, Entry, Expected, JournalQuery, Key, Revision, Store, Write,
};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::auth::Caller;
use crate::catalog::{Catalog, Row};
use crate::error::ApiError;
use crate::previews::Previews;
use crate::records::encode;
use crate::routes::ExplainSources;
use crate::server::{ControlOptions, Metrics};

/// How long an answer waits for the view that contains the change. Building takes milliseconds; one
/// that takes this long is not worth an error, because the change is stored.
const LIVE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a change is tried anew because other nodes overtook it. On one node it never is.
const ATTEMPTS_MAX: usize = 16;

/// What all handlers share.
pub(crate) struct App {
    pub(crate) limits: Limits,
    pub(crate) name_servers: Vec<String>,
    pub(crate) live: Live,
    pub(crate) metrics: Metrics,
    pub(crate) ready: watch::Receiver<bool>,
    pub(crate) explain: ExplainSources,
    pub(crate) previews: Previews,
    store: Arc<dyn Store>,
    catalog: ArcSwap<Catalog>,
    /// Changes take turns. Correctness comes from the commit's expectation; the turn spares the
    /// changes of this node the retries.
    turn: Semaphore,
    applied: watch::Receiver<Revision>,
}

impl App {
    pub(crate) fn new(options: ControlOptions) -> Self {
        let catalog = ArcSwap::from_pointee(Catalog::of(&options.store.snapshot()));
        Self {
            limits: options.limits,
            name_servers: options.name_servers,
            live: options.live,
            metrics: options.metrics,
            ready: options.ready,
            explain: options.explain,
            previews: Previews::new(options.prober),
            store: options.store,
            catalog,
            turn: Semaphore::new(1),
            applied: options.applied,
        }
    }

    /// Every document of the newest revision.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        let catalog = self.catalog.load_full();
        let snapshot = self.store.snapshot();
        if catalog.revision() == snapshot.revision() {
            return catalog;
        }
        let catalog = Arc::new(catalog.follow(&snapshot));
        self.catalog.store(Arc::clone(&catalog));
        catalog
    }

    /// Reads entries of the journal.
    ///
    /// # Errors
    /// 503 when the storage fails.
    pub(crate) async fn journal(&self, query: JournalQuery) -> Result<Vec<Entry>, ApiError> {
        Ok(self.store.journal(query).await?)
    }

    /// Changes documents: `decide` reads the catalog and drafts what to write, and is asked again
    /// when another node wrote meanwhile. Returns once the change is stored and live.
    ///
    /// # Dropping
    /// The change is written whole or not at all.
    ///
    /// # Errors
    /// What `decide` refuses, and 503 when the store fails.
    pub(crate) async fn change<T>(
        &self,
        _caller: &Caller,
        decide: impl Fn(&Catalog, &mut Draft) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let (outcome, revision) = {
            let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
            let mut attempt = 1;
            loop {
                let catalog = self.catalog();
                let mut draft = Draft(Batch::based_on(catalog.revision()));
                let outcome = decide(&catalog, &mut draft)?;
                match self.store.commit(draft.0).await {
                    Ok(revision) => break (outcome, revision),
                    Err(CommitError::Stale { .. } | CommitError::Conflict { .. })
                        if attempt < ATTEMPTS_MAX =>
                    {
                        attempt += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let mut applied = self.applied.clone();
        let live = applied.wait_for(|applied| *applied >= revision);
        if tokio::time::timeout(LIVE_TIMEOUT, live).await.is_err() {
            tracing::warn!(%revision, "A change is stored, but not live yet.");
        }
        Ok(outcome)
    }
}

/// What a change is going to write.
pub(crate) struct Draft(Batch);

impl Draft {
    /// Adds a new document.
    pub(crate) fn create<T: Serialize>(&mut self, kind: &str, id: &str, value: &T) {
        let write = Write::Put(encode(value).into());
        self.push(Key::new(kind, id), Expected::Absent, write);
    }

    /// Replaces a document that the catalog holds.
    pub(crate) fn update<T, V: Serialize>(&mut self, row: &Row<T>, value: &V) {
        let write = Write::Put(encode(value).into());
        self.push(row.document.key.clone(), Expected::At(row.document.revision), write);
    }

    /// Deletes a document that the catalog holds.
    pub(crate) fn delete<T>(&mut self, row: &Row<T>) {
        self.push(row.document.key.clone(), Expected::At(row.document.revision), Write::Delete);
    }

    fn push(&mut self, key: Key, expected: Expected, write: Write) {
        self.0.changes.push(Change { key, expected, write });
    }
}

/// Refuses one object more than a quota allows, `object` being its kind.
pub(crate) fn within_quota(
    count: usize,
    quota: Option<usize>,
    object: &str,
) -> Result<(), ApiError> {
    match quota {
        Some(quota) if count >= quota => Err(Problem::quota(object).into()),
        _ => Ok(()),
    }
}
