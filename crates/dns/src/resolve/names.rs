//! What is known of host names: written by one task, read by every thread that answers.
//!
//! On the path of queries for endpoints with host names: reading takes no lock, and allocates
//! nothing.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::answer::{Family, Resolved};

/// How long an answer is used after its time when nobody answers a new question. The monitors probe
/// what they can reach meanwhile; after an hour the name is taken for gone.
const STALE_MS_MAX: u64 = 60 * 60 * 1000;
/// Time to live of what is used after its time: clients ask again soon.
const STALE_TTL_S: u32 = 5;

/// The table of names. Readers see each name's newest state at once, and the set of names as it was
/// when the view last changed.
#[derive(Debug, Default)]
pub struct Names {
    slots: ArcSwap<HashMap<Box<str>, Arc<Slot>>>,
}

/// One name.
#[derive(Debug, Default)]
pub(super) struct Slot {
    v4: ArcSwapOption<Known>,
    v6: ArcSwapOption<Known>,
}

/// What an upstream said of one family of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Its addresses. Empty when it has none of this family, or does not exist.
    pub(super) addresses: SmallVec<[IpAddr; 4]>,
    /// How long that may be kept.
    pub(super) ttl_s: u32,
    /// When it was said, in milliseconds of [`Names::at`]'s clock.
    pub(super) at_ms: u64,
}

impl Names {
    /// What is known at a moment, in milliseconds of a clock that does not go back.
    #[must_use]
    pub const fn at(&self, now_ms: u64) -> KnownNow<'_> {
        KnownNow { names: self, now_ms }
    }

    /// Replaces the set of names; those that stay keep what is known of them.
    pub(super) fn replace(&self, wanted: impl Iterator<Item = Box<str>>) {
        let earlier = self.slots.load();
        let slot = |name: &str| earlier.get(name).cloned().unwrap_or_default();
        let slots = wanted.map(|name| (slot(&name), name)).map(|(slot, name)| (name, slot));
        self.slots.store(Arc::new(slots.collect()));
    }

    /// Notes what was said of a name.
    pub(super) fn learn(&self, name: &str, family: Family, known: Known) {
        if let Some(slot) = self.slots.load().get(name) {
            slot.of(family).store(Some(Arc::new(known)));
        }
    }
}

impl Slot {
    const fn of(&self, family: Family) -> &ArcSwapOption<Known> {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

impl Known {
    /// For how many more seconds this may be kept; `None` when it is too old to be used.
    fn ttl_s(&self, now_ms: u64) -> Option<u32> {
        let age_ms = now_ms.saturating_sub(self.at_ms);
        let kept_ms = u64::from(self.ttl_s) * 1000;
        if age_ms <= kept_ms {
            // Rounded up: what lives for a second is not answered with a life of none.
            u32::try_from((kept_ms - age_ms).div_ceil(1000)).ok()
        } else {
            (age_ms - kept_ms <= STALE_MS_MAX).then_some(STALE_TTL_S)
        }
    }
}

/// The table at a moment.
#[derive(Debug, Clone, Copy)]
pub struct KnownNow<'a> {
    names: &'a Names,
    now_ms: u64,
}

impl Resolved for KnownNow<'_> {
    fn addresses(&self, name: &str, family: Family, take: &mut dyn FnMut(IpAddr)) -> Option<u32> {
        let slots = self.names.slots.load();
        let slot = slots.get(name)?;
        let known = slot.of(family).load();
        let known = known.as_ref()?;
        let ttl_s = known.ttl_s(self.now_ms)?;
        if known.addresses.is_empty() {
            // A name without addresses of either family is as good as none.
            let other = match family {
                Family::V4 => slot.v6.load(),
                Family::V6 => slot.v4.load(),
            };
            let other = other.as_ref().filter(|other| other.ttl_s(self.now_ms).is_some())?;
            return (!other.addresses.is_empty()).then_some(ttl_s);
        }
        known.addresses.iter().copied().for_each(take);
        Some(ttl_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(addresses: &[&str], ttl_s: u32, at_ms: u64) -> Known {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Known { addresses, ttl_s, at_ms }
    }

    fn ask(names: &Names, family: Family, now_ms: u64) -> Option<(Vec<String>, u32)> {
        let mut addresses = Vec::new();
        let ttl_s = names.at(now_ms).addresses("a.example", family, &mut |address| {
            addresses.push(address.to_string());
        });
        ttl_s.map(|ttl_s| (addresses, ttl_s))
    }

    fn names() -> Names {
        let names = Names::default();
        names.replace(["a.example".into()].into_iter());
        names
    }

    #[test]
    fn what_is_known_grows_old_and_then_stale_and_then_unknown() {
        let names = names();
        assert_eq!(ask(&names, Family::V4, 0), None);
        names.learn("a.example", Family::V4, known(&["192.0.2.1"], 30, 1000));
        let one = vec!["192.0.2.1".to_owned()];
        for (now_ms, ttl_s) in [
            (1000, Some(30)),
            (1001, Some(30)),
            (2000, Some(29)),
            (30_999, Some(1)),
            (31_001, Some(STALE_TTL_S)),
            (31_000 + STALE_MS_MAX, Some(STALE_TTL_S)),
            (31_001 + STALE_MS_MAX, None),
            // A clock read a moment before.
            (999, Some(30)),
        ] {
            assert_eq!(ask(&names, Family::V4, now_ms), ttl_s.map(|ttl| (one.clone(), ttl)));
        }
    }

    #[test]
    fn a_name_of_one_family_resolves_to_nothing_of_the_other() {
        let names = names();
        names.learn("a.example", Family::V6, known(&[], 60, 0));
        assert_eq!(ask(&names, Family::V6, 0), None, "the other family is not known yet");
        names.learn("a.example", Family::V4, known(&["192.0.2.1"], 30, 0));
        assert_eq!(ask(&names, Family::V6, 0), Some((vec![], 60)));
        names.learn("a.example", Family::V4, known(&[], 30, 0));
        assert_eq!(ask(&names, Family::V6, 0), None, "no address at all");
        assert_eq!(ask(&names, Family::V4, 0), None);
    }

    #[test]
    fn names_that_stay_keep_what_is_known() {
        let names = names();
        names.learn("a.example", Family::V4, known(&["192.0.2.1"], 30, 0));
        names.replace(["b.example".into(), "a.example".into()].into_iter());
        assert!(ask(&names, Family::V4, 0).is_some());
        names.replace(["b.example".into()].into_iter());
        assert_eq!(ask(&names, Family::V4, 0), None);
        // What comes too late is nobody's.
        names.learn("a.example", Family::V4, known(&["192.0.2.1"], 30, 0));
        names.replace(["a.example".into()].into_iter());
        assert_eq!(ask(&names, Family::V4, 0), None);
    }
}
