//! Who names whom. An object that is named anywhere cannot be deleted (412/1005; behaviour.md 1.1
//! item 6).

use crate::load_balancer::{LoadBalancer, Overrides, PoolSetOverrides};
use crate::pool::Pool;
use crate::{Map, Number};

use alloc::string::String;
use alloc::vec::Vec;

/// Every pool that a load balancer names, in any place: default and fallback pools, the geo maps
/// whatever the steering policy, weights, the overrides of rules and of pool sets, disabled ones
/// included. A pool named twice comes twice.
pub fn pools_of(document: &LoadBalancer) -> impl Iterator<Item = &str> {
    let maps = [&document.region_pools, &document.pop_pools];
    let rules = document.rules.iter().flat_map(|rule| pools_of_rule(&rule.overrides));
    let sets = document.pool_sets.iter().filter_map(|set| set.overrides.as_ref());
    document
        .default_pools
        .iter()
        .map(String::as_str)
        .chain([document.fallback_pool.as_str()])
        .chain(maps.into_iter().chain(&document.country_pools).flat_map(listed))
        .chain(document.random_steering.pool_weights.iter().flat_map(weighed))
        .chain(rules)
        .chain(sets.flat_map(pools_of_set))
}

/// The monitor that a pool names.
pub fn monitors_of(document: &Pool) -> impl Iterator<Item = &str> {
    document.monitor.iter().map(String::as_str)
}

/// The monitor group that a pool names.
pub fn monitor_groups_of(document: &Pool) -> impl Iterator<Item = &str> {
    document.monitor_group.iter().map(String::as_str)
}

fn pools_of_rule(overrides: &Overrides) -> impl Iterator<Item = &str> {
    let lists = overrides.default_pools.iter().chain(&overrides.pools).flatten();
    let maps =
        overrides.region_pools.iter().chain(&overrides.pop_pools).chain(&overrides.country_pools);
    let steering = overrides.random_steering.iter();
    let weights = steering.filter_map(|steering| steering.pool_weights.as_ref());
    lists
        .chain(&overrides.fallback_pool)
        .map(String::as_str)
        .chain(maps.flat_map(listed))
        .chain(weights.chain(&overrides.pool_weights).flat_map(weighed))
}

fn pools_of_set(overrides: &PoolSetOverrides) -> impl Iterator<Item = &str> {
    let lists = overrides.pools.iter().flatten();
    lists
        .chain(&overrides.fallback_pool)
        .map(String::as_str)
        .chain(overrides.pool_weights.iter().flat_map(weighed))
}

fn listed(map: &Map<Vec<String>>) -> impl Iterator<Item = &str> {
    map.values().flatten().map(String::as_str)
}

fn weighed(map: &Map<Number>) -> impl Iterator<Item = &str> {
    map.keys()
}
