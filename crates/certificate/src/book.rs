//! All certificates there are, wherever they come from, and which of them are shown.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_net::certificate::Identity;
use evenkeel_net::tls::server::Identities;

use crate::stats::{Origin, Shown, Stats};

/// Certificates by where they come from. Each change is published at once.
///
/// For a name that several are for, those that users uploaded come first, then files, then those of
/// an authority; ones whose life is over come last of all, since a client may still prefer them to a
/// stranger's.
#[derive(Debug)]
pub(crate) struct Book {
    identities: Identities,
    stats: Arc<Stats>,
    sources: Mutex<Sources>,
}

#[derive(Debug, Default)]
struct Sources {
    uploaded: Vec<Arc<Identity>>,
    files: Vec<Arc<Identity>>,
    /// By host.
    ordered: BTreeMap<Box<str>, Arc<Identity>>,
    self_signed: Option<Arc<Identity>>,
    /// When the next one ends, in seconds since 1970.
    next_end: Option<u64>,
}

impl Book {
    pub(crate) fn new(
        identities: Identities,
        self_signed: Option<Arc<Identity>>,
        stats: Arc<Stats>,
    ) -> Self {
        let sources = Mutex::new(Sources { self_signed, ..Sources::default() });
        Self { identities, stats, sources }
    }

    pub(crate) fn replace_uploaded(&self, uploaded: Vec<Arc<Identity>>, now: u64) {
        let mut sources = self.sources();
        sources.uploaded = uploaded;
        self.publish(&mut sources, now);
    }

    pub(crate) fn replace_files(&self, files: Vec<Arc<Identity>>, now: u64) {
        let mut sources = self.sources();
        sources.files = files;
        self.publish(&mut sources, now);
    }

    pub(crate) fn add_ordered(&self, host: &str, identity: Arc<Identity>, now: u64) {
        let mut sources = self.sources();
        sources.ordered.insert(host.into(), identity);
        self.publish(&mut sources, now);
    }

    pub(crate) fn remove_ordered(&self, host: &str, now: u64) {
        let mut sources = self.sources();
        if sources.ordered.remove(host).is_some() {
            self.publish(&mut sources, now);
        }
    }

    /// Publishes again when a certificate's life has ended since the last time.
    pub(crate) fn follow_time(&self, now: u64) {
        let mut sources = self.sources();
        if sources.next_end.is_some_and(|end| end <= now) {
            self.publish(&mut sources, now);
        }
    }

    /// Those of these hosts that neither a file nor an upload has a living certificate for.
    pub(crate) fn uncovered<'h>(
        &self,
        hosts: impl IntoIterator<Item = &'h str>,
        now: u64,
    ) -> Vec<&'h str> {
        let sources = self.sources();
        let living = sources.uploaded.iter().chain(&sources.files);
        let living = living.filter(|identity| !is_over(identity, now));
        let names: HashSet<&str> =
            living.flat_map(|identity| identity.names()).map(|name| &**name).collect();
        let is_covered = |host: &str| {
            let wildcard = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
            names.contains(host) || wildcard.is_some_and(|name| names.contains(name.as_str()))
        };
        hosts.into_iter().filter(|host| !is_covered(host)).collect()
    }

    fn publish(&self, sources: &mut Sources, now: u64) {
        let origins = (sources.uploaded.iter().map(|identity| (Origin::Upload, identity)))
            .chain(sources.files.iter().map(|identity| (Origin::File, identity)))
            .chain(sources.ordered.values().map(|identity| (Origin::Acme, identity)));
        let mut all: Vec<_> = origins.collect();
        // Stable, so the order among the living stays.
        all.sort_by_key(|(_, identity)| is_over(identity, now));
        self.stats.show(shown(&all));
        let default = sources.files.first().or(sources.self_signed.as_ref()).cloned();
        let identities: Vec<_> = all.iter().map(|(_, identity)| Arc::clone(identity)).collect();
        self.identities.publish(&identities, default);
        let ends = identities.iter().map(|identity| identity.facts().not_after);
        sources.next_end = ends.filter(|end| *end > now).min();
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for each name and origin: of several, say with keys of two kinds, the first to end.
fn shown(all: &[(Origin, &Arc<Identity>)]) -> Vec<Shown> {
    let mut ends = BTreeMap::<(Box<str>, Origin), u64>::new();
    for (origin, identity) in all {
        let name = identity.names().first().cloned().unwrap_or_default();
        let not_after = identity.facts().not_after;
        ends.entry((name, *origin))
            .and_modify(|end| *end = not_after.min(*end))
            .or_insert(not_after);
    }
    let shown = |((name, origin), not_after)| Shown { name, origin, not_after };
    ends.into_iter().map(shown).collect()
}

fn is_over(identity: &Identity, now: u64) -> bool {
    identity.facts().not_after <= now
}
