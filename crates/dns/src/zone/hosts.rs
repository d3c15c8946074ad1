//! The load balancers of one zone by name.

use evenkeel_model::{Config, HostPattern, LoadBalancerIx};
use hashbrown::HashTable;

use super::path::{Path, hash, is_wildcard_of};
use super::records::names_above;
use crate::wire::host_to_wire;

/// The names of a zone's load balancers, and those that only have one of them below (empty
/// non-terminals). Disabled ones have none (behaviour.md 8.5 item 6).
#[derive(Debug, Default)]
pub struct Hosts {
    nodes: HashTable<HostNode>,
}

#[derive(Debug)]
struct HostNode {
    name: Box<[u8]>,
    load_balancer: Option<LoadBalancerIx>,
}

impl Hosts {
    /// The index of these load balancers, those outside of the zone left out.
    #[must_use]
    pub(super) fn new(config: &Config, load_balancers: &[LoadBalancerIx], zone: &[u8]) -> Self {
        let mut hosts = Self::default();
        for ix in load_balancers {
            let Some(name) = wire_name(&config.load_balancer(*ix).host) else { continue };
            let Some(above) = names_above(&name, zone) else { continue };
            for name in above {
                hosts.node_mut(name);
            }
            hosts.node_mut(&name).load_balancer.get_or_insert(*ix);
        }
        hosts
    }

    fn node_mut(&mut self, name: &[u8]) -> &mut HostNode {
        let entry =
            self.nodes.entry(hash(name), |node| *node.name == *name, |node| hash(&node.name));
        entry.or_insert_with(|| HostNode { name: name.into(), load_balancer: None }).into_mut()
    }

    /// Whether a load balancer has this name, in wire format and lower case.
    #[must_use]
    pub fn has(&self, name: &[u8]) -> bool {
        let found = self.nodes.find(hash(name), |node| *node.name == *name);
        found.is_some_and(|node| node.load_balancer.is_some())
    }

    /// Whether a path's suffix exists, and whose it is.
    #[must_use]
    pub fn find(&self, path: &Path, n: usize) -> Option<Option<LoadBalancerIx>> {
        if self.nodes.is_empty() {
            return None;
        }
        let (name, hash) = path.suffix(n);
        self.nodes.find(hash, |node| *node.name == *name).map(|node| node.load_balancer)
    }

    /// The load balancer of the wildcard directly below a path's suffix.
    #[must_use]
    pub fn find_wildcard(&self, path: &Path, n: usize) -> Option<LoadBalancerIx> {
        if self.nodes.is_empty() {
            return None;
        }
        let (name, _) = path.suffix(n);
        let found = self.nodes.find(path.wildcard_hash(n), |node| is_wildcard_of(&node.name, name));
        found?.load_balancer
    }
}

/// The name in wire format; `None` for one that is too long with its wildcard.
fn wire_name(host: &HostPattern) -> Option<Vec<u8>> {
    Some(match host {
        HostPattern::Exact(name) => host_to_wire(name)?.to_vec(),
        HostPattern::Wildcard(suffix) => [b"\x01*", &*host_to_wire(suffix)?].concat(),
    })
}
