//! The differences between versions of zones that are remembered, so that secondaries can be given
//! what has changed instead of everything. Lost at a restart, after which secondaries get all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use evenkeel_model::{Zone, ZoneId, Zones};

use super::content::{Delta, soa};
use crate::answer::Advertised;
use crate::zone::{Catalog, ServedZone};

/// Versions remembered per zone. Who is further behind gets the whole zone.
const DELTAS_MAX: usize = 64;
/// Records remembered per zone, in all differences: beyond it, the oldest are forgotten.
const RECORDS_MAX: usize = 20_000;

/// The remembered differences of all zones that somebody may ask differences of.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    of_zone: Mutex<HashMap<ZoneId, VecDeque<Arc<Delta>>>>,
}

impl Histories {
    /// Takes note of what is new. Costs as much as the zones that changed and have secondaries.
    pub(crate) fn follow(&self, before: &Zones, after: &Catalog, advertised: &Advertised) {
        for ServedZone { zone, hosts, .. } in after.zones() {
            let Some(old) = before.get(&zone.name) else { continue };
            let is_new = !Arc::ptr_eq(old, zone) && old.serial != zone.serial;
            if is_new && old.id == zone.id && zone.transfer.peers.iter().any(|peer| peer.ixfr) {
                self.remember(zone, Delta::between(old, zone, hosts, advertised));
            }
        }
        let mut of_zone = self.of_zone.lock().unwrap_or_else(PoisonError::into_inner);
        if !of_zone.is_empty() && before.len() != after.zones().len() {
            let kept: Vec<ZoneId> = after.zones().map(|served| served.zone.id).collect();
            of_zone.retain(|id, _| kept.contains(id));
        }
    }

    fn remember(&self, zone: &Zone, delta: Delta) {
        let mut of_zone = self.of_zone.lock().unwrap_or_else(PoisonError::into_inner);
        let deltas = of_zone.entry(zone.id).or_default();
        deltas.push_back(Arc::new(delta));
        let records = |deltas: &VecDeque<Arc<Delta>>| -> usize {
            deltas.iter().map(|delta| delta.len()).sum()
        };
        while deltas.len() > DELTAS_MAX || records(deltas) > RECORDS_MAX {
            deltas.pop_front();
        }
    }

    /// The differences that lead from a serial to this version of a zone, in order; `None` when they
    /// are not remembered.
    pub(super) fn since(&self, zone: &Zone, serial: u32) -> Option<Vec<Arc<Delta>>> {
        let of_zone = self.of_zone.lock().unwrap_or_else(PoisonError::into_inner);
        let deltas = of_zone.get(&zone.id)?;
        let first = deltas.iter().position(|delta| delta.from == serial)?;
        // A newer version may be remembered already than the one that is being sent.
        let present = soa(zone);
        let last = deltas.iter().position(|delta| delta.soa_after == present)?;
        (first <= last).then(|| deltas.range(first..=last).cloned().collect())
    }
}
