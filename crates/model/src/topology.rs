//! Candidates by where a request comes from: the maps of geo steering, and what a DNS query's place
//! is taken from.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::config::PoolIx;
use crate::{Country, Location, Node, Pop, Region};

/// Lists of pools by place. An entry with an empty list is no entry (behaviour.md 2.4).
pub type PoolMap<K> = BTreeMap<K, Vec<PoolIx>>;

/// The maps of geo steering.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    /// By the serving point of presence.
    pub pops: PoolMap<Pop>,
    /// By the client's country.
    pub countries: PoolMap<Country>,
    /// By the region of the serving point of presence.
    pub regions: PoolMap<Region>,
}

/// Places: any entry of a list suffices, but every list that is there must have one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Serving points of presence.
    pub pops: Option<BTreeSet<Pop>>,
    /// Countries of clients.
    pub countries: Option<BTreeSet<Country>>,
    /// Regions of clients.
    pub regions: Option<BTreeSet<Region>>,
}

impl Places {
    /// Whether a client is in these places. Where its country is not known, the node's stands in
    /// (behaviour.md 1.8).
    #[must_use]
    pub fn contain(&self, node: &Node, client: &Location) -> bool {
        fn lists<T: Ord>(list: Option<&BTreeSet<T>>, place: Option<T>) -> bool {
            list.is_none_or(|list| place.is_some_and(|place| list.contains(&place)))
        }
        let (country, region) = match client.country {
            Some(country) => (Some(country), client.region()),
            None => (node.country, node.region),
        };
        lists(self.pops.as_ref(), node.pop)
            && lists(self.countries.as_ref(), country)
            && lists(self.regions.as_ref(), region)
    }
}

/// Where a DNS query is taken to come from (`location_strategy`, behaviour.md 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocationStrategy {
    /// What counts without a client subnet.
    pub mode: LocationMode,
    /// When the client subnet of the query counts (RFC 7871).
    pub prefer_ecs: EcsPreference,
}

/// `location_strategy.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LocationMode {
    /// Where the answering node is.
    #[default]
    Pop,
    /// Where the resolver is; the answering node when that is not known.
    ResolverIp,
}

/// `location_strategy.prefer_ecs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EcsPreference {
    /// Under every policy.
    Always,
    /// Under none.
    Never,
    /// Under proximity steering.
    #[default]
    Proximity,
    /// Under geo steering.
    Geo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_alternatives_and_all_lists_count() {
        let node = Node {
            pop: Pop::parse("FRA"),
            region: Some(Region::Weu),
            country: Country::parse("DE"),
            coordinates: None,
        };
        let places = Places {
            pops: None,
            countries: Some(["FR", "DE"].iter().filter_map(|c| Country::parse(c)).collect()),
            regions: Some([Region::Weu, Region::Eeu].into()),
        };
        for (country, expected) in [("DE", true), ("FR", true), ("PL", false), ("", true)] {
            let client = Location { country: Country::parse(country), ..Location::default() };
            assert_eq!(places.contain(&node, &client), expected, "{country:?}");
        }
        let elsewhere = Places { pops: Some([Pop::parse("AMS").unwrap()].into()), ..places };
        assert!(!elsewhere.contain(&node, &Location::default()));
        assert!(Places::default().contain(&Node::default(), &Location::default()));
    }
}
