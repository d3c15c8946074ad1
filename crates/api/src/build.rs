//! From documents to the one configuration the data plane decides on. A document that cannot be
//! built is reported and the rest goes live: nothing that one user stored may stop another's traffic.
//!
//! What the model cannot say yet stays in the documents and is treated as follows.
//!
//! | document                                       | meaning for now                              |
//! |------------------------------------------------|----------------------------------------------|
//! | load balancers of an account instead of a zone | not built: they own no public host name      |
//!
//! That is no problem.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use evenkeel_model::{AffinityKeys, Config, ConfigBuilder, MonitorIx, PoolIx};

use crate::{
    Conditions, LoadBalancer, Monitor, MonitorGroup, Pool, Zone, ZoneSettings, load_balancer,
    monitor, pool,
};

/// Everything stored that the data plane needs, in any order.
#[derive(Debug, Clone)]
pub struct Documents<'a> {
    /// All zones.
    pub zones: Vec<&'a Zone>,
    /// What zones were set to. Those that nobody has set anything for need not be here.
    pub zone_settings: Vec<&'a ZoneSettings>,
    /// All load balancers.
    pub load_balancers: Vec<ScopedLoadBalancer<'a>>,
    /// All pools.
    pub pools: Vec<&'a Pool>,
    /// All monitors.
    pub monitors: Vec<&'a Monitor>,
    /// All monitor groups.
    pub monitor_groups: Vec<&'a MonitorGroup>,
    /// What session cookies are signed with.
    pub affinity_keys: AffinityKeys,
}

/// A load balancer and where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct ScopedLoadBalancer<'a> {
    /// Its zone's identifier; `None` when it belongs to an account.
    pub zone_id: Option<&'a str>,
    /// The load balancer.
    pub document: &'a LoadBalancer,
}

/// Kinds of documents, as their word on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A load balancer.
    LoadBalancer,
    /// A pool.
    Pool,
    /// A monitor.
    Monitor,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoadBalancer => "load_balancer",
            Self::Pool => "pool",
            Self::Monitor => "monitor",
        })
    }
}

/// Why a document is not in force, or not as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildProblem {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: String,
    /// What is wrong with it, and what was done instead.
    pub message: String,
}

impl fmt::Display for BuildProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.id, self.message)
    }
}

/// What building one kind has led to so far.
pub(crate) struct Places<'a> {
    pub(crate) conditions: &'a mut Conditions,
    pub(crate) monitors: BTreeMap<&'a str, MonitorIx>,
    pub(crate) monitor_groups: BTreeMap<&'a str, &'a MonitorGroup>,
    pub(crate) pools: BTreeMap<&'a str, PoolIx>,
    pub(crate) problems: Vec<BuildProblem>,
}

impl Places<'_> {
    pub(crate) fn problem(&mut self, kind: Kind, id: &str, message: &str) {
        let (id, message) = (id.to_string(), message.to_string());
        self.problems.push(BuildProblem { kind, id, message });
    }
}

/// Builds the configuration. The result depends on the documents alone, not on their order: they
/// are taken by age, so of two load balancers with one host name the older one keeps it.
#[must_use]
pub fn build(documents: &Documents<'_>) -> (Config, Vec<BuildProblem>) {
    rebuild(documents, &mut Conditions::default())
}

/// The same, for who builds one configuration after the other: conditions that the last one had are
/// not read again.
#[must_use]
pub fn rebuild(
    documents: &Documents<'_>,
    conditions: &mut Conditions,
) -> (Config, Vec<BuildProblem>) {
    let mut builder = ConfigBuilder::new(documents.affinity_keys);
    let mut places = Places {
        conditions,
        monitors: BTreeMap::new(),
        monitor_groups: documents
            .monitor_groups
            .iter()
            .map(|group| (group.id.as_str(), *group))
            .collect(),
        pools: BTreeMap::new(),
        problems: Vec::new(),
    };

    let by_age = |document: &&Monitor| (document.created_on.clone(), document.id.clone());
    for document in sorted(&documents.monitors, by_age) {
        match monitor::build(document) {
            Ok(monitor) => {
                places.monitors.insert(&document.id, builder.monitor(monitor));
            }
            Err(message) => places.problem(Kind::Monitor, &document.id, &message),
        }
    }

    let by_age = |document: &&Pool| (document.created_on.clone(), document.id.clone());
    for document in sorted(&documents.pools, by_age) {
        match pool::build(document, &mut places) {
            Ok(spec) => {
                places.pools.insert(&document.id, builder.pool(spec));
            }
            Err(message) => places.problem(Kind::Pool, &document.id, &message),
        }
    }

    let zones: BTreeMap<_, _> =
        documents.zones.iter().map(|zone| (zone.id.as_str(), zone)).collect();
    let edges: BTreeMap<_, _> = documents
        .zone_settings
        .iter()
        .map(|settings| (settings.zone_id.as_str(), settings.edge()))
        .collect();
    let by_age = |scoped: &ScopedLoadBalancer<'_>| {
        (scoped.document.created_on.clone(), scoped.document.id.clone())
    };
    let mut owners = BTreeMap::new();
    for ScopedLoadBalancer { zone_id, document } in sorted(&documents.load_balancers, by_age) {
        let Some(zone_id) = zone_id else { continue };
        let built = match zones.get(zone_id) {
            Some(_) => {
                let edge = edges.get(zone_id).copied().unwrap_or_default();
                load_balancer::build(document, zone_id, edge, &mut places)
            }
            None => Err(format!("zone {zone_id} does not exist")),
        };
        let added = built.and_then(|built| {
            builder.load_balancer(built).map_err(|owner| {
                let owner: &&str = owners.get(&owner).unwrap_or(&"another load balancer");
                format!("{} belongs to {owner}, which is older", load_balancer::label(document))
            })
        });
        match added {
            Ok(ix) => {
                owners.insert(ix, document.id.as_str());
            }
            Err(message) => places.problem(Kind::LoadBalancer, &document.id, &message),
        }
    }
    places.conditions.turn();
    (builder.build(), places.problems)
}

fn sorted<T: Copy, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort_by_cached_key(key);
    items
}
