//! What all handlers share, and the one way in which they change documents.
//!
//! A change reads a snapshot, decides on it, and commits only if that snapshot is still the newest:
//! whatever it concluded from other documents, that a pool exists or that nobody names it, holds
//! when it is written, here and on every other node.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use evenkeel_api::{Limits, Problem};
use evenkeel_model::{Live, ZoneId};
use evenkeel_store::{
    Batch, Change, CommitError, Document, Entry, Expected, JournalQuery, Key, Revision, Store,
    Write,
};
use http::HeaderMap;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::audit::{self, Audited, Author};
use crate::auth::{Caller, Origin, authenticate};
use crate::catalog::{Catalog, Row};
use crate::dns::accompany;
use crate::error::ApiError;
use crate::previews::Previews;
use crate::records::encode;
use crate::routes::ExplainSources;
use crate::server::{ControlOptions, Metrics, ServerSettings};
use crate::uses::Uses;

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
    pub(crate) notify_peers: Option<mpsc::Sender<ZoneId>>,
    pub(crate) settings: ServerSettings,
    pub(crate) uses: Uses,
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
            notify_peers: options.notify_peers,
            settings: options.settings,
            uses: Uses::default(),
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

    /// Reads what was remembered when the server last ran, as far as it can be read.
    pub(crate) async fn restore(&self) {
        if let Err(error) = self.uses.restore(&*self.store).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "When tokens were last used is not known.");
        }
    }

    /// Recognises whoever sends a request, and remembers when.
    ///
    /// # Errors
    /// As [`authenticate`].
    pub(crate) fn authenticate(
        &self,
        headers: &HeaderMap,
        origin: Origin,
    ) -> Result<Caller, ApiError> {
        let caller = authenticate(headers, origin, &self.catalog())?;
        if let Some(batch) = self.uses.note(caller.token_id(), evenkeel_net::unix_time_ms()) {
            let store = Arc::clone(&self.store);
            // Not waited for: whoever asks has no part in it, and a time that is lost is written an
            // hour later.
            tokio::spawn(async move {
                if let Err(error) = store.commit(batch).await {
                    tracing::debug!(%error, "The use of a token was not written down.");
                }
            });
        }
        Ok(caller)
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
        caller: &Caller,
        decide: impl Fn(&Catalog, &mut Draft) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let (outcome, revision) = {
            let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
            let mut attempt = 1;
            loop {
                let catalog = self.catalog();
                let mut draft = Draft::based_on(catalog.revision());
                let outcome = decide(&catalog, &mut draft)?;
                accompany(&catalog, &mut draft, evenkeel_net::unix_time_ms());
                let Draft { batch, audited } = draft;
                let batch = audit::append(batch, Author::Caller(caller), &catalog, &audited);
                match self.store.commit(batch).await {
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

/// What a change is going to write, and what the audit log will tell of it.
pub(crate) struct Draft {
    batch: Batch,
    audited: Vec<Audited>,
}

impl Draft {
    fn based_on(revision: Revision) -> Self {
        Self { batch: Batch::based_on(revision), audited: Vec::new() }
    }

    /// Adds a new document.
    pub(crate) fn create<T: Serialize>(&mut self, kind: &str, id: &str, value: &T) {
        let key = Key::new(kind, id);
        self.push("create", key, None, Some(encode(value).into()));
    }

    /// Replaces a document that the catalog holds.
    pub(crate) fn update<T, V: Serialize>(&mut self, row: &Row<T>, value: &V) {
        self.update_as("update", row, value);
    }

    /// Replaces a document that the catalog holds; `action` is the audit log's word for that.
    pub(crate) fn update_as<T, V: Serialize>(
        &mut self,
        action: &'static str,
        row: &Row<T>,
        value: &V,
    ) {
        let key = row.document.key.clone();
        self.push(action, key, Some(&row.document), Some(encode(value).into()));
    }

    /// Deletes a document that the catalog holds.
    pub(crate) fn delete<T>(&mut self, row: &Row<T>) {
        self.push("delete", row.document.key.clone(), Some(&row.document), None);
    }

    /// What it holds so far, as far as the audit log tells of it.
    pub(crate) fn changes(&self) -> &[Audited] {
        &self.audited
    }

    /// Adds a document that the audit log tells nothing of: it is secret, or follows from others that
    /// are told of.
    pub(crate) fn create_quietly<T: Serialize>(&mut self, kind: &str, id: &str, value: &T) {
        let write = Write::Put(encode(value).into());
        self.write(Key::new(kind, id), Expected::Absent, write);
    }

    /// Replaces one.
    pub(crate) fn update_quietly<T, V: Serialize>(&mut self, row: &Row<T>, value: &V) {
        let expected = Expected::At(row.document.revision);
        self.write(row.document.key.clone(), expected, Write::Put(encode(value).into()));
    }

    /// Deletes one.
    pub(crate) fn delete_quietly<T>(&mut self, row: &Row<T>) {
        let expected = Expected::At(row.document.revision);
        self.write(row.document.key.clone(), expected, Write::Delete);
    }

    fn write(&mut self, key: Key, expected: Expected, write: Write) {
        self.batch.changes.push(Change { key, expected, write });
    }

    fn push(
        &mut self,
        action: &'static str,
        key: Key,
        before: Option<&Document>,
        after: Option<Arc<[u8]>>,
    ) {
        let expected = before.map_or(Expected::Absent, |before| Expected::At(before.revision));
        let write = after.as_ref().map_or(Write::Delete, |body| Write::Put(Arc::clone(body)));
        self.write(key.clone(), expected, write);
        let before = before.map(|document| Arc::clone(&document.body));
        self.audited.push(Audited { action, key, before, after });
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
