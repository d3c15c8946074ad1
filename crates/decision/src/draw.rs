//! The one way weights become a choice: by chance, by chance and live load, or by a key alone.

use crate::rendezvous::{self, Key};
use crate::rng::{draw, draw_real};
use crate::{Env, Load};

/// What divides the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Divisor {
    /// Nothing: plain shares.
    One,
    /// Requests in flight, and one.
    Requests,
    /// Open connections, and one.
    Connections,
}

impl Divisor {
    /// What is drawn by: `w / (count + 1)` (behaviour.md 2.7, 2.8).
    fn apply(self, weight: u32, load: Load) -> f64 {
        let count = match self {
            Self::One => 0,
            Self::Requests => load.requests,
            Self::Connections => load.connections,
        };
        f64::from(weight) / (f64::from(count) + 1.0)
    }
}

/// Chooses one of the items, which come with weights in hundredths: an item's chance is its part of
/// the sum. `None` when all weigh nothing.
///
/// With a key the choice follows from it and the weights, whatever the load (behaviour.md 4.5, 4.6).
pub(crate) fn choose<T: Copy>(
    items: impl Iterator<Item = (T, u32)> + Clone,
    by: Divisor,
    key: Option<Key>,
    hash: impl Fn(Key, T) -> u64,
    load: impl Fn(T) -> Load,
    env: &mut Env<'_>,
) -> Option<T> {
    if let Some(key) = key {
        let hashed = items.map(|(item, weight)| (item, hash(key, item), weight));
        return rendezvous::pick(hashed);
    }
    match by {
        Divisor::One => {
            let total = items.clone().map(|(_, weight)| u64::from(weight)).sum();
            draw(env.rng, total, items)
        }
        Divisor::Requests | Divisor::Connections => {
            let divided = items.map(|(item, weight)| (item, by.apply(weight, load(item))));
            draw_real(env.rng, divided)
        }
    }
}
