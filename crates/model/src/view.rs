//! The one snapshot that readers decide on, and the one place it is replaced.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::ops::Deref;

use arc_swap::{ArcSwap, Cache};

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

    /// The same for one thread that looks often.
    #[must_use]
    pub fn local(&self) -> LocalView {
        let mut current = Cache::new(Arc::clone(&self.0));
        let held = Rc::new(HeldView(Arc::clone(current.load())));
        LocalView { current, held }
    }
}

/// One thread's hold on the current view. To look at it writes nothing that other threads read,
/// where each [`Live::load`] changes a count that all of them share and that lies beside the view.
///
/// Keeps the view it last looked at.
#[derive(Debug)]
pub struct LocalView {
    current: Cache<Arc<ArcSwap<View>>, Arc<View>>,
    held: Rc<HeldView>,
}

/// A view that stays whole while held, whatever is published meanwhile.
#[derive(Debug)]
pub struct HeldView(Arc<View>);

impl LocalView {
    /// The current view.
    pub fn load(&mut self) -> Rc<HeldView> {
        let current = self.current.load();
        if !Arc::ptr_eq(current, &self.held.0) {
            self.held = Rc::new(HeldView(Arc::clone(current)));
        }
        Rc::clone(&self.held)
    }
}

impl Deref for HeldView {
    type Target = View;

    fn deref(&self) -> &View {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AffinityKey, AffinityKeys, ConfigBuilder};

    fn view(revision: u64) -> View {
        let keys = AffinityKeys { current: AffinityKey([1; 32]), previous: None };
        let config = Arc::new(ConfigBuilder::new(keys).build());
        View { config, health: Health::default(), zones: Arc::default(), revision }
    }

    #[test]
    fn a_thread_sees_what_was_published_and_keeps_what_it_holds() {
        let (mut writer, live) = Live::new(view(1));
        let mut local = live.local();
        let first = local.load();
        assert!(Rc::ptr_eq(&first, &local.load()));
        writer.publish(view(2));
        let second = local.load();
        assert_eq!((first.revision, second.revision), (1, 2));
        drop((first, local));
        assert_eq!(second.revision, live.load().revision);
    }
}
