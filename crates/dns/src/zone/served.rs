//! One zone as it is served: its records and its load balancers' names over each other.

use std::sync::Arc;

use evenkeel_model::{LoadBalancerIx, Zone};

use super::hosts::Hosts;
use super::path::Path;
use super::records::{Node, Records};

/// One zone as it is served.
#[derive(Debug, Clone)]
pub struct ServedZone {
    /// The zone.
    pub zone: Arc<Zone>,
    /// Its records by name.
    pub records: Arc<Records>,
    /// Its load balancers by name.
    pub hosts: Arc<Hosts>,
}

/// What is found at a name.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// The name exists.
    Name(Owned<'a>),
    /// The name does not exist, and a wildcard stands in for it.
    Wildcard(Owned<'a>),
    /// The name is at or below one that is delegated.
    Cut {
        /// The delegated name.
        node: &'a Node,
        /// Whether it is the name itself.
        is_here: bool,
    },
    /// The name does not exist.
    Nothing,
}

/// What belongs to a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Owned<'a> {
    /// Its records. With neither these nor a load balancer it is an empty non-terminal.
    pub node: Option<&'a Node>,
    /// The load balancer that answers for its addresses, ahead of the records.
    pub load_balancer: Option<LoadBalancerIx>,
}

impl ServedZone {
    /// What is found at a path, of which suffix `apex` is the zone's name.
    ///
    /// What exists at all blocks every wildcard, for itself and below; only the wildcard below the
    /// closest name that exists counts (RFC 4592 section 3.3). So an exact record beats a wildcard
    /// load balancer, an exact load balancer beats a wildcard record, and the longer wildcard beats
    /// the shorter (behaviour.md 8.5). What is delegated is others' before all of that: resolvers
    /// that follow the delegation would never see a load balancer of ours there.
    #[must_use]
    pub fn find(&self, path: &Path, apex: usize) -> Found<'_> {
        if self.records.has_cuts()
            && let Some((n, node)) = self.cut(path, apex)
        {
            return Found::Cut { node, is_here: n == 0 };
        }
        let (node, host) = (self.records.find(path, 0), self.hosts.find(path, 0));
        if node.is_some() || host.is_some() {
            return Found::Name(Owned { node, load_balancer: host.flatten() });
        }
        let exists = |n: &usize| {
            self.records.find(path, *n).is_some() || self.hosts.find(path, *n).is_some()
        };
        let Some(encloser) = (1..=apex).find(exists) else { return Found::Nothing };
        let node = self.records.find_wildcard(path, encloser);
        let load_balancer = self.hosts.find_wildcard(path, encloser);
        match (node, load_balancer) {
            (None, None) => Found::Nothing,
            _ => Found::Wildcard(Owned { node, load_balancer }),
        }
    }

    /// The highest delegated name at or above a path's.
    fn cut(&self, path: &Path, apex: usize) -> Option<(usize, &Node)> {
        let below_the_apex = (0..apex).rev();
        let mut nodes = below_the_apex.filter_map(|n| Some((n, self.records.find(path, n)?)));
        nodes.find(|(_, node)| node.is_cut)
    }
}
