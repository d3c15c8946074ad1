//! Steering by least latency, an addition of ours: requests in flight times slowness, by a draw that
//! is as good as sure where it matters and by weight alone where it does not.
//!
//! Each endpoint has a cost, in requests:
//!
//! ```text
//!   cost = (requests in flight × mean weight / weight + 1) × slowness
//!   slowness = max(1, latency / least latency of the pool / 2)²
//! ```
//!
//! and is drawn with a likelihood of weight × 8^−cost. Of idle endpoints that are equally fast each
//! therefore gets exactly its weight's share; a request in flight more than on the others makes an
//! endpoint eight times less likely; one that is ten times slower than the fastest is left alone
//! until those have some two dozen requests each. A factor of two in latency is no difference:
//! within it lie identical endpoints, whatever their luck. What is believed of an endpoint's latency
//! fades while it gets nothing ([`crate::pace`]), so that it is tried again, by a few requests only:
//! those in flight count at once.
//!
//! Which of several known policies this is better than, and by how much, is measured in
//! `docs/notes/2026-11-latency-aware-steering.md`.
//!
//! On the request path. Looks at each endpoint twice, and allocates nothing.

use evenkeel_model::Timestamp;

use crate::{Load, Rng};

/// A request in flight more makes an endpoint less likely by this, in halvings. With fewer, light
/// loads are spread less evenly; with more, small weights are respected less.
const HALVINGS_PER_REQUEST: f64 = 3.0;

/// Latencies that differ by less, in doublings, are the same.
const TOLERANCE: f64 = 1.0;

/// Slowness is no more than this, in doublings: enough to outweigh any number of requests in flight,
/// and small enough to compare such endpoints with one another.
const SLOWNESS_MAX: f64 = 24.0;

/// Chooses one of the items, which come with weights in hundredths. `None` when all weigh nothing.
pub(super) fn choose<T: Copy>(
    items: impl Iterator<Item = (T, u32)> + Clone,
    load: impl Fn(T) -> Load,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Option<T> {
    let weighed = items.filter(|(_, weight)| *weight > 0);
    let (mut count, mut total, mut fastest) = (0_u32, 0.0, f64::INFINITY);
    for (item, weight) in weighed.clone() {
        count += 1;
        total += f64::from(weight);
        let pace = load(item).pace;
        if pace.trust(now) >= 1.0 {
            fastest = fastest.min(pace.doublings());
        }
    }
    let mean_weight = total / f64::from(count);
    let mut best: Option<(T, f64)> = None;
    for (item, weight) in weighed {
        let (load, weight) = (load(item), f64::from(weight));
        let queue = f64::from(load.requests) * mean_weight / weight;
        let cost = (queue + 1.0) * slowness(load, fastest, now);
        // The least of these is a draw with the likelihoods weight × 2^−halvings: each item waits
        // for an event that happens to it at that rate, and the first one wins.
        let halvings = HALVINGS_PER_REQUEST * cost + libm::log2(waiting(rng) / weight);
        if best.is_none_or(|(_, least)| halvings < least) {
            best = Some((item, halvings));
        }
    }
    best.map(|(item, _)| item)
}

/// What multiplies an endpoint's queue, 1 or more.
fn slowness(load: Load, fastest: f64, now: Timestamp) -> f64 {
    let beyond = (load.pace.doublings() - fastest) * load.pace.trust(now) - TOLERANCE;
    // Also where nobody is known well enough to compare with.
    if beyond.is_nan() || beyond <= 0.0 {
        return 1.0;
    }
    libm::exp2((2.0 * beyond).min(SLOWNESS_MAX))
}

/// A draw from the exponential distribution: the wait for what happens once per unit of time.
fn waiting(rng: &mut dyn Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let u = ((rng.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
    -libm::log(u)
}

#[cfg(test)]
mod tests;
