//! Every document of one revision, and how a batch leads to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch::{Batch, Write};
use crate::document::{Document, Key, Revision};
use crate::error::CommitError;
use crate::shards::Shards;

type Documents = Shards<Arc<Document>>;

static NONE: Documents = Documents::new();

/// Every document of one revision. Immutable; clones share everything.
///
/// The next snapshot copies only the shards of the kinds that a batch touches, and of these only the
/// references: microseconds, beside an fsync.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    revision: Revision,
    kinds: BTreeMap<Arc<str>, Arc<Documents>>,
}

impl Snapshot {
    /// The revision all documents are of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// One document.
    #[must_use]
    pub fn document(&self, kind: &str, id: &str) -> Option<&Arc<Document>> {
        self.kinds.get(kind)?.get(id)
    }

    /// The documents of a kind, ascending by id.
    pub fn documents(&self, kind: &str) -> impl ExactSizeIterator<Item = &Arc<Document>> + Clone {
        self.of_kind(kind).values()
    }

    /// The documents of a kind by id, for whoever holds something made of each.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> &Shards<Arc<Document>> {
        self.kinds.get(kind).map_or(&NONE, |documents| &**documents)
    }

    /// The kinds that have documents, ascending.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|(_, documents)| !documents.is_empty()).map(|(kind, _)| &**kind)
    }

    /// Whether the documents of a kind are those of another snapshot of the same store, for
    /// certain: readers that hold something made from the other need not look again.
    #[must_use]
    pub fn shares(&self, other: &Self, kind: &str) -> bool {
        match (self.kinds.get(kind), other.kinds.get(kind)) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    /// A snapshot from what an engine kept.
    pub(crate) fn load(revision: Revision, documents: impl IntoIterator<Item = Document>) -> Self {
        let mut kinds = BTreeMap::<Arc<str>, Documents>::new();
        for document in documents {
            kinds
                .entry(Arc::clone(&document.key.kind))
                .or_default()
                .insert(Arc::clone(&document.key.id), Arc::new(document));
        }
        let kinds = kinds.into_iter().map(|(kind, of_kind)| (kind, Arc::new(of_kind))).collect();
        Self { revision, kinds }
    }

    /// Whether the batch is well-formed and finds what it expects.
    pub(crate) fn check(&self, batch: &Batch) -> Result<(), CommitError> {
        batch.validate()?;
        if let Some(based_on) = batch.based_on
            && based_on != self.revision
        {
            return Err(CommitError::Stale { based_on, found: self.revision });
        }
        for change in &batch.changes {
            let found = self.document(&change.key.kind, &change.key.id).map(|doc| doc.revision);
            if !change.expected.is_met_by(found) {
                let (key, expected) = (change.key.clone(), change.expected);
                return Err(CommitError::Conflict { key, expected, found });
            }
        }
        Ok(())
    }

    /// Applies a batch that passed [`Self::check`] to this snapshot and returns its new revision.
    /// A batch that changes nothing leaves the revision.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Revision {
        if batch.changes.iter().all(|change| change.write == Write::Keep) {
            return self.revision;
        }
        self.revision = Revision(self.revision.0 + 1);
        for change in &batch.changes {
            let Key { kind, id } = &change.key;
            match &change.write {
                Write::Keep => {}
                Write::Delete => {
                    if let Some(documents) = self.kinds.get_mut(kind) {
                        Arc::make_mut(documents).remove(id);
                    }
                }
                Write::Put(body) => {
                    let document = Document {
                        key: change.key.clone(),
                        revision: self.revision,
                        body: Arc::clone(body),
                    };
                    let documents = self.kinds.entry(Arc::clone(kind)).or_default();
                    Arc::make_mut(documents).insert(Arc::clone(id), Arc::new(document));
                }
            }
        }
        self.revision
    }
}
