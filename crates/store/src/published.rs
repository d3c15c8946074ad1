//! The newest committed snapshot and the watch that tells of it: the half that every store shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::document::Revision;
use crate::snapshot::Snapshot;

/// The newest committed snapshot, for readers that never wait.
#[derive(Debug)]
pub(crate) struct Published {
    snapshot: ArcSwap<Snapshot>,
    revision: watch::Sender<Revision>,
}

impl Published {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let revision = watch::Sender::new(snapshot.revision());
        Self { snapshot: ArcSwap::from_pointee(snapshot), revision }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    /// Shows a snapshot to readers. Called by one writer at a time.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let revision = snapshot.revision();
        // The snapshot first: whoever the watch wakes must find what it was woken for.
        self.snapshot.store(Arc::new(snapshot));
        self.revision.send_if_modified(|current| std::mem::replace(current, revision) != revision);
    }
}
