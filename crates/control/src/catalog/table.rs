//! One kind of documents as values.

use std::sync::Arc;

use evenkeel_store::{Document, Shards, Snapshot};
use serde::de::DeserializeOwned;

/// A document and what it says.
#[derive(Debug)]
pub(crate) struct Row<T> {
    pub(crate) document: Arc<Document>,
    pub(crate) value: Arc<T>,
}

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        Self { document: Arc::clone(&self.document), value: Arc::clone(&self.value) }
    }
}

/// The values of a kind by id.
#[derive(Debug)]
pub(crate) struct Table<T>(Shards<Row<T>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Shards::new())
    }
}

impl<T> Table<T> {
    /// A value with its document.
    pub(crate) fn row(&self, id: &str) -> Option<&Row<T>> {
        self.0.get(id)
    }

    /// A value.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.row(id).map(|row| &*row.value)
    }

    /// All of them with their documents, ascending by id.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row<T>> {
        self.0.values()
    }

    /// Each document that is another one than in a table before: its id, the value before and the
    /// value here.
    pub(crate) fn for_each_change(
        &self,
        before: &Self,
        mut told: impl FnMut(&str, Option<&T>, Option<&T>),
    ) {
        let is_same = |a: &Row<T>, b: &Row<T>| Arc::ptr_eq(&a.document, &b.document);
        self.0.for_each_change(&before.0, is_same, |id, before, after| {
            told(id, before.map(|row| &*row.value), after.map(|row| &*row.value));
        });
    }

    /// All of them, ascending by id.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows().map(|row| &*row.value)
    }
}

impl<T: DeserializeOwned> Table<T> {
    /// This table, when the kind is the same in both snapshots, else the new one.
    pub(crate) fn share(
        table: &Arc<Self>,
        old: &Snapshot,
        new: &Snapshot,
        kind: &str,
    ) -> Arc<Self> {
        if new.shares(old, kind) {
            Arc::clone(table)
        } else {
            Arc::new(table.follow(old, new, kind))
        }
    }

    /// The table of another snapshot than the one that it is of. A document that cannot be read,
    /// because a newer release wrote it or a hand damaged it, is left out and logged: the rest is
    /// served.
    pub(crate) fn follow(&self, old: &Snapshot, new: &Snapshot, kind: &str) -> Self {
        let row = |document: &Arc<Document>| {
            if let Some(row) = self.row(&document.key.id)
                && Arc::ptr_eq(&row.document, document)
            {
                return Some(row.clone());
            }
            match serde_json::from_slice(&document.body) {
                Ok(value) => Some(Row { document: Arc::clone(document), value: Arc::new(value) }),
                Err(error) => {
                    let key = &document.key;
                    tracing::error!(document = %key, %error, "A document cannot be read.");
                    None
                }
            }
        };
        Self(new.of_kind(kind).follow(old.of_kind(kind), &self.0, row))
    }
}
