//! The one snapshot that readers decide on, and the one place it is replaced.

use alloc::sync::Arc;

use arc_swap::ArcSwap;

use crate::{Config, Health, Zones};

/// Everything a decision may know of the world, at one moment: configuration and health that
/// agree. Immutable.
#[derive(Debug)]
pub struct View {
    /// What is configured.
    pub config: Arc<Config>,
    /// What is known of the endpoints, by the places of `config`.
    pub health: Health,
    /// The DNS zones that are served.
    pub zones: Arc<Zones>,
    /// Grows by one with every view published.
    pub revision: u64,
}

/// The current view, for readers: one load, no lock. Clones read the same snapshot.
#[derive(Debug, Clone)]
pub struct Live(Arc<ArcSwap<View>>);

/// The only handle that can replace the view. It cannot be cloned, so there is one writer.
#[derive(Debug)]
pub struct LiveWriter(Arc<ArcSwap<View>>);

impl Live {
    /// Starts with a view; whoever gets the writer is the publisher.
    #[must_use]
    pub fn new(view: View) -> (LiveWriter, Self) {
        let shared = Arc::new(ArcSwap::from_pointee(view));
        (LiveWriter(Arc::clone(&shared)), Self(shared))
    }

    /// The current view. It stays whole while held, whatever is published meanwhile.
    #[must_use]
    pub fn load(&self) -> Arc<View> {
        self.0.load_full()
    }
}

impl LiveWriter {
    /// Replaces the view for every reader at once.
    pub fn publish(&mut self, view: View) {
        self.0.store(Arc::new(view));
    }

    /// The view last published.
    #[must_use]
    pub fn current(&self) -> Arc<View> {
        self.0.load_full()
    }
}
