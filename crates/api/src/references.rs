//! Who names whom. An object that is named anywhere cannot be deleted (412/1005; behaviour.md 1.1
//! item 6).

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load_balancer::{LoadBalancer, Overrides, PoolSetOverrides};
use crate::monitor_group::MonitorGroup;
use crate::pool::Pool;
use crate::{Map, Number};

/// One end of a reference, seen from the other (api.md 2.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Which way it points.
    pub reference_type: Direction,
    /// What is at the other end.
    pub resource_type: Resource,
    /// Which one.
    pub resource_id: String,
    /// Its name; a monitor and a monitor group go by their description.
    pub resource_name: String,
}

/// Which way a reference points.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It names the object asked about.
    Referrer,
    /// The object asked about names it.
    Referral,
}

/// What can name and be named.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A load balancer.
    LoadBalancer,
    /// A pool.
    Pool,
    /// A monitor.
    Monitor,
    /// A monitor group.
    MonitorGroup,
}

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

/// The monitors that a monitor group names, disabled members included.
pub fn monitors_of_group(document: &MonitorGroup) -> impl Iterator<Item = &str> {
    document.members.iter().map(|member| member.monitor_id.as_str())
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
