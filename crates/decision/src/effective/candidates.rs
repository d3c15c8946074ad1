//! Which pools may be chosen: the default pools, the list that geo steering has for the asker's
//! place, or what a pool set or rule names instead (behaviour.md 2.1, 2.4).

use evenkeel_model::{Country, LoadBalancer, PoolIx, PoolMap, Pop, Region, Steering};

use super::overlay::Settings;
use crate::asker::Asker;

/// The entry of the geo maps that gave the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeoEntry {
    /// Of the serving point of presence.
    Pop(Pop),
    /// Of the asker's country.
    Country(Country),
    /// Of the serving point of presence's region.
    Region(Region),
    /// None has one; the default pools.
    Default,
}

/// The candidates, and the entry they come from under geo steering.
///
/// A rule that changes the policy of a geo load balancer does not take the maps away: its policy
/// runs over the list they give (behaviour.md 1.9).
pub(super) fn find<'v>(
    lb: &LoadBalancer,
    settings: &Settings<'v>,
    asker: &Asker<'_>,
) -> (Option<GeoEntry>, &'v [PoolIx]) {
    if let Some(list) = settings.list {
        return (None, list);
    }
    if lb.steering != Steering::Geo && settings.steering != Steering::Geo {
        return (None, settings.default_pools);
    }
    let (entry, list) = find_geo(settings, asker);
    (Some(entry), list)
}

/// The first map with an entry gives the whole list; lists do not add up (behaviour.md 2.4).
fn find_geo<'v>(settings: &Settings<'v>, asker: &Asker<'_>) -> (GeoEntry, &'v [PoolIx]) {
    if let Some((pop, pools)) = entry(settings.pops, || asker.node.pop) {
        return (GeoEntry::Pop(pop), pools);
    }
    // Where a rule has changed the policy, the maps are still geo steering's.
    let country = || asker.country(Steering::Geo, settings.location);
    if let Some((country, pools)) = entry(settings.countries, country) {
        return (GeoEntry::Country(country), pools);
    }
    if let Some((region, pools)) = entry(settings.regions, || asker.node.region) {
        return (GeoEntry::Region(region), pools);
    }
    (GeoEntry::Default, settings.default_pools)
}

/// An entry with an empty list is no entry. Nobody's place is looked up for an empty map.
fn entry<K: Ord + Copy>(
    map: &PoolMap<K>,
    place: impl FnOnce() -> Option<K>,
) -> Option<(K, &[PoolIx])> {
    if map.is_empty() {
        return None;
    }
    let place = place()?;
    let pools = map.get(&place).filter(|pools| !pools.is_empty())?;
    Some((place, pools))
}
