//! The pools that a load balancer names, as places in the configuration.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{Country, PoolIx, PoolMap, Pop, Region, Weight};

use crate::{Map, Number};

/// Looks pools up for one load balancer and keeps what is to be told about it. A pool that is not in
/// force is told once, however often it is named.
pub(super) struct Candidates<'a> {
    in_force: &'a BTreeMap<&'a str, PoolIx>,
    missing: BTreeSet<String>,
    problems: Vec<String>,
}

impl<'a> Candidates<'a> {
    pub(super) const fn new(in_force: &'a BTreeMap<&'a str, PoolIx>) -> Self {
        Self { in_force, missing: BTreeSet::new(), problems: Vec::new() }
    }

    /// What is to be told, in the order it was found.
    pub(super) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Has something told about the load balancer.
    pub(super) fn tell(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// One pool, if it is in force.
    pub(super) fn one(&mut self, id: &str) -> Option<PoolIx> {
        let pool = self.in_force.get(id).copied();
        if pool.is_none() && self.missing.insert(id.to_string()) {
            self.tell(format!("pool {id} is not in force; the others serve"));
        }
        pool
    }

    /// Those of a list that are in force.
    pub(super) fn list(&mut self, ids: &[String]) -> Vec<PoolIx> {
        ids.iter().filter_map(|id| self.one(id)).collect()
    }

    /// Those of an overriding list that are in force; an empty list overrides nothing, as an empty
    /// entry of a geo map is none (behaviour.md 2.4).
    ///
    /// # Errors
    /// When none of them is: to override anyway would leave the fallback pool alone with the traffic.
    pub(super) fn overriding(
        &mut self,
        name: &str,
        ids: Option<&[String]>,
    ) -> Result<Option<Vec<PoolIx>>, String> {
        let Some(ids) = ids.filter(|ids| !ids.is_empty()) else { return Ok(None) };
        let pools = self.list(ids);
        if pools.is_empty() {
            Err(format!("none of its {name} is in force"))
        } else {
            Ok(Some(pools))
        }
    }

    /// Weights by pool. Those of pools that are not in force have nobody to weigh.
    ///
    /// # Errors
    /// When a weight is none.
    pub(super) fn weights(&self, sent: &Map<Number>) -> Result<Vec<(PoolIx, Weight)>, String> {
        let in_force =
            sent.iter().filter_map(|(id, number)| Some((self.in_force.get(id)?, number)));
        in_force.map(|(ix, number)| Ok((*ix, weight(*number)?))).collect()
    }

    pub(super) fn by_pop(&mut self, map: &Map<Vec<String>>) -> PoolMap<Pop> {
        self.by_place(map, Pop::parse)
    }

    pub(super) fn by_country(&mut self, map: &Map<Vec<String>>) -> PoolMap<Country> {
        self.by_place(map, Country::parse)
    }

    pub(super) fn by_region(&mut self, map: &Map<Vec<String>>) -> PoolMap<Region> {
        self.by_place(map, Region::parse)
    }

    /// Entries without a pool in force are left out, and so are those of places that are none: no
    /// client is ever there.
    fn by_place<K: Ord>(
        &mut self,
        map: &Map<Vec<String>>,
        parse: impl Fn(&str) -> Option<K>,
    ) -> PoolMap<K> {
        let entries = map.iter().filter_map(|(code, ids)| Some((parse(code)?, self.list(ids))));
        entries.filter(|(_, pools)| !pools.is_empty()).collect()
    }
}

/// The weight of a pool.
///
/// # Errors
/// When the number is none; validation lets no such number pass.
pub(super) fn weight(number: Number) -> Result<Weight, String> {
    Weight::from_fraction(number.get())
        .ok_or_else(|| format!("pool weight {number} is not a multiple of 0.01"))
}
