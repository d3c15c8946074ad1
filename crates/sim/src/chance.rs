//! Chance from a seed: everything random in a run comes from here, and forks of one seed do not
//! disturb one another.

use evenkeel_decision::Rng;

/// SplitMix64: even, fast, and a seed is all it needs.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The draws of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A source of its own for one part of a world. What one part draws then changes nothing for
    /// the others.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }

    /// An even draw from `0..bound`; 0 when the bound is 0.
    pub fn index(&mut self, bound: usize) -> usize {
        let drawn = self.below(u64::try_from(bound).expect("a usize fits"));
        usize::try_from(drawn).expect("below a usize")
    }

    /// An even draw from `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Whether something of this likelihood, in percent, happens.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several, each as likely as the others. They must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Puts items into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// A random choice of items, in random order, at least `min` of them where there are so many.
    pub fn some<T: Clone>(&mut self, items: &[T], min: usize) -> Vec<T> {
        let mut chosen = items.to_vec();
        self.shuffle(&mut chosen);
        let min = min.min(chosen.len());
        chosen.truncate(min + self.index(chosen.len() - min + 1));
        chosen
    }
}

impl Rng for Chance {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            let mut items = [1, 2, 3, 4, 5];
            chance.shuffle(&mut items);
            (items, chance.some(&items, 2), chance.between(3, 9), chance.fork().index(100))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn some_are_at_least_the_least() {
        let mut chance = Chance::new(1);
        for _ in 0..100 {
            assert!((2..=3).contains(&chance.some(&[1, 2, 3], 2).len()));
            assert_eq!(chance.some(&[1], 2), [1]);
            assert!(chance.some(&[0_u8; 0], 1).is_empty());
        }
    }
}
