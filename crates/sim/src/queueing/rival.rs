//! Policies that the engine does not have, as their authors describe them: what ours was chosen over.

use super::unit;
use crate::chance::Chance;

/// How fast an estimate forgets: by a factor of e in this time, as finagle's and linkerd's do.
const DECAY_US: f64 = 10_000_000.0;

/// A policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// The least requests in flight, by chance among equals.
    ShortestQueue,
    /// Of two endpoints drawn the one with less in flight (power of two choices).
    ShorterOfTwo,
    /// Of two endpoints drawn the one with the smaller product of smoothed latency and requests in
    /// flight, where a peak counts at once (finagle, linkerd).
    PeakEwmaOfTwo,
    /// The same product, the least of all.
    PeakEwma,
    /// The least latency of those that are not among the busier half (Prequal's rule, without its
    /// probes).
    HotCold,
}

/// What they know of an endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    pub(super) requests: u32,
    ewma_us: f64,
    last_us: u64,
}

impl Known {
    pub(super) fn see(&mut self, took_us: u64, now_us: u64) {
        let took = took_us as f64;
        let kept = (-(now_us.saturating_sub(self.last_us) as f64) / DECAY_US).exp();
        self.ewma_us =
            if took > self.ewma_us { took } else { self.ewma_us * kept + took * (1.0 - kept) };
        self.last_us = now_us;
    }

    fn latency_us(&self, now_us: u64) -> f64 {
        let idle = now_us.saturating_sub(self.last_us) as f64;
        (self.ewma_us * (-idle / DECAY_US).exp()).max(1.0)
    }
}

impl Rival {
    pub(super) fn choose(
        self,
        there: &[usize],
        known: &[Known],
        now_us: u64,
        chance: &mut Chance,
    ) -> usize {
        let requests = |n: usize| f64::from(known[n].requests);
        let product = |n: usize| known[n].latency_us(now_us) * (requests(n) + 1.0);
        match self {
            Self::ShortestQueue => least(there, requests, chance),
            Self::ShorterOfTwo => least(&chance.some(there, 2)[..2], requests, chance),
            Self::PeakEwmaOfTwo => least(&chance.some(there, 2)[..2], product, chance),
            Self::PeakEwma => least(there, product, chance),
            Self::HotCold => {
                let mut busy: Vec<_> = there.iter().map(|n| known[*n].requests).collect();
                busy.sort_unstable();
                let median = busy[(busy.len() - 1) / 2];
                let cold: Vec<_> =
                    there.iter().copied().filter(|n| known[*n].requests <= median).collect();
                least(&cold, |n| known[n].latency_us(now_us), chance)
            }
        }
    }
}

/// The one with the least cost, by chance among equals.
fn least(of: &[usize], cost: impl Fn(usize) -> f64, chance: &mut Chance) -> usize {
    let draw = of.iter().map(|n| (*n, cost(*n), unit(chance)));
    let least = draw.min_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)));
    least.expect("somebody is there").0
}
