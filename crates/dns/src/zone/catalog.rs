//! All zones by name, kept in step with the view.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_model::{Config, LoadBalancerIx, View, ZoneId, Zones};
use hashbrown::HashTable;

use super::hosts::Hosts;
use super::path::{Path, hash};
use super::records::Records;
use super::served::ServedZone;

/// Every zone of a view, findable by the names in it. Immutable; belongs to views of one
/// configuration and one set of zones, whatever their health is.
#[derive(Debug)]
pub struct Catalog {
    zones: HashTable<ServedZone>,
    config: Arc<Config>,
    of: Arc<Zones>,
}

impl Catalog {
    /// The catalog of a view. What did not change since an earlier one is taken over from it:
    /// building again costs as much as what changed, and a look-up per zone.
    #[must_use]
    pub fn new(view: &View, earlier: Option<&Self>) -> Self {
        let same_config = earlier.is_some_and(|it| Arc::ptr_eq(&it.config, &view.config));
        let of_zone = LazyCell::new(|| load_balancers(&view.config));
        let mut zones = HashTable::with_capacity(view.zones.len());
        for zone in view.zones.iter() {
            let key = hash(&zone.name);
            let before = earlier
                .and_then(|it| it.zones.find(key, |served| served.zone.name == zone.name))
                .filter(|before| before.zone.id == zone.id);
            let records = match before.filter(|before| Arc::ptr_eq(&before.zone, zone)) {
                Some(before) => Arc::clone(&before.records),
                None => Arc::new(Records::new(zone)),
            };
            let hosts = match before.filter(|_| same_config) {
                Some(before) => Arc::clone(&before.hosts),
                None => {
                    let own = of_zone.get(&zone.id).map_or(&[][..], Vec::as_slice);
                    Arc::new(Hosts::new(&view.config, own, &zone.name))
                }
            };
            let served = ServedZone { zone: Arc::clone(zone), records, hosts };
            zones.insert_unique(key, served, |served| hash(&served.zone.name));
        }
        Self { zones, config: Arc::clone(&view.config), of: Arc::clone(&view.zones) }
    }

    /// Whether it is a view's catalog.
    #[must_use]
    pub fn fits(&self, view: &View) -> bool {
        Arc::ptr_eq(&self.config, &view.config) && Arc::ptr_eq(&self.of, &view.zones)
    }

    /// The zone that a path lies in, the deepest there is, and which of its suffixes is the zone's
    /// name. Those before `from` do not count.
    #[must_use]
    pub fn find(&self, path: &Path, from: usize) -> Option<(usize, &ServedZone)> {
        (from..path.len()).find_map(|n| {
            let (name, hash) = path.suffix(n);
            Some((n, self.zones.find(hash, |served| *served.zone.name == *name)?))
        })
    }

    /// All zones, in no order.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &ServedZone> {
        self.zones.iter()
    }
}

type OfZone = HashMap<ZoneId, Vec<LoadBalancerIx>>;

/// The load balancers that own their names, by zone.
fn load_balancers(config: &Config) -> OfZone {
    let mut of_zone = OfZone::new();
    for (ix, lb) in (0..).map(LoadBalancerIx).zip(&config.load_balancers) {
        if lb.enabled {
            of_zone.entry(lb.zone).or_default().push(ix);
        }
    }
    of_zone
}
