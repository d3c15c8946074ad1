//! From a snapshot to a configuration, and telling of documents that could not be built: once when
//! it begins and once when it ends, not on every change of something else.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_api::{Conditions, Documents, ScopedLoadBalancer};
use evenkeel_model::{AffinityKey, AffinityKeys, Config, PoolId};
use evenkeel_store::Snapshot;

use crate::catalog::Catalog;
use crate::records::{Owner, kind};

/// What a configuration is made of. DNS records, tokens, who is notified and the health that is kept
/// are no part of it.
const KINDS: [&str; 7] = [
    kind::ZONE,
    kind::ZONE_SETTINGS,
    kind::LOAD_BALANCER,
    kind::POOL,
    kind::MONITOR,
    kind::MONITOR_GROUP,
    kind::SECRET,
];

/// Whether the configuration of a snapshot is that of an earlier one as well, for certain.
pub(super) fn is_same(earlier: &Snapshot, later: &Snapshot) -> bool {
    KINDS.iter().all(|kind| later.shares(earlier, kind))
}

/// Builds one configuration after the other.
#[derive(Debug)]
pub(super) struct Builder {
    catalog: Catalog,
    conditions: Conditions,
    /// What was wrong with the last one, as told.
    problems: BTreeSet<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            catalog: Catalog::of(&Arc::default()),
            conditions: Conditions::default(),
            problems: BTreeSet::new(),
        }
    }

    /// Reads a snapshot.
    pub(super) fn follow(&mut self, snapshot: &Arc<Snapshot>) {
        self.catalog = self.catalog.follow(snapshot);
    }

    /// How much is wrong with the documents of the last configuration.
    pub(super) fn problems(&self) -> usize {
        self.problems.len()
    }

    /// The documents of the last snapshot.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The configuration of a snapshot; `None` when it holds no cookie keys, without which no
    /// session could be kept.
    pub(super) fn build(&mut self, snapshot: &Arc<Snapshot>) -> Option<Config> {
        self.follow(snapshot);
        let catalog = &self.catalog;
        let keys = catalog.cookie_keys.as_ref()?;
        let load_balancers = catalog.load_balancers.values().map(|lb| ScopedLoadBalancer {
            zone_id: match &lb.owner {
                Owner::Zone(id) => Some(id),
                Owner::Account(_) => None,
            },
            document: &lb.document,
        });
        let documents = Documents {
            zones: catalog.zones.values().collect(),
            zone_settings: catalog.zone_settings.values().collect(),
            load_balancers: load_balancers.collect(),
            pools: catalog.pools.values().map(|pool| &pool.document).collect(),
            monitors: catalog.monitors.values().map(|monitor| &monitor.document).collect(),
            monitor_groups: catalog.monitor_groups.values().map(|group| &group.document).collect(),
            affinity_keys: AffinityKeys {
                current: AffinityKey(keys.current),
                previous: keys.previous.as_ref().map(|key| AffinityKey(key.0)),
            },
        };
        let (config, problems) = evenkeel_api::rebuild(&documents, &mut self.conditions);
        let problems = problems.iter().map(ToString::to_string).collect();
        tell(&self.problems, &problems);
        self.problems = problems;
        Some(config)
    }

    /// Identifier of the account that owns a pool of the last configuration.
    pub(super) fn account_of(&self, pool: PoolId) -> String {
        let owned = self.catalog.pools.get(&pool.to_string());
        owned.map(|pool| pool.owner.id().to_owned()).unwrap_or_default()
    }
}

/// Tells what has come to be wrong with documents, and what no longer is.
pub(super) fn tell(before: &BTreeSet<String>, problems: &BTreeSet<String>) {
    for problem in problems.difference(before) {
        tracing::warn!(%problem, "A document is not in force.");
    }
    for problem in before.difference(problems) {
        tracing::info!(%problem, "A document's problem is solved.");
    }
}
