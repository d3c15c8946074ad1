//! The view in force and the catalog made of it, replaced together: a query is answered from both,
//! and they agree.

use std::sync::Arc;

use arc_swap::ArcSwap;
use evenkeel_model::{Live, View};
use tokio::sync::watch;

use crate::zone::Catalog;

/// What queries are answered from.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) view: Arc<View>,
    pub(crate) catalog: Arc<Catalog>,
}

impl Serving {
    /// That of the present view.
    pub(crate) fn first(live: &Live) -> Self {
        let view = live.load();
        let catalog = Arc::new(Catalog::new(&view, None));
        Self { view, catalog }
    }

    /// That of a newer view. Most views change health alone, and leave the catalog as it is.
    fn next(&self, view: Arc<View>) -> Self {
        let catalog = if self.catalog.fits(&view) {
            Arc::clone(&self.catalog)
        } else {
            Arc::new(Catalog::new(&view, Some(&self.catalog)))
        };
        Self { view, catalog }
    }
}

/// Replaces what is served with every view published, after a note was taken of what was served
/// before and what is next, until there is no publisher any more. To drop
/// the future is to stay with the last.
pub(crate) async fn follow(
    serving: Arc<ArcSwap<Serving>>,
    note: impl Fn(&Serving, &Serving),
    live: Live,
    mut revision: watch::Receiver<u64>,
) {
    loop {
        let view = live.load();
        let present = serving.load();
        if present.view.revision != view.revision {
            let next = present.next(view);
            note(&present, &next);
            serving.store(Arc::new(next));
        }
        drop(present);
        if revision.changed().await.is_err() {
            return;
        }
    }
}
