//! Chance as an argument, and the one way weights become a choice.

/// A source of random bits. Needs to be fast and even, not secret.
pub trait Rng {
    /// Sixty-four random bits.
    fn next_u64(&mut self) -> u64;

    /// An even draw from `0..bound`; 0 when the bound is 0.
    ///
    /// Lemire's method: the high half of a product is the draw, and the few low halves that would
    /// favour some results are drawn again, so that every result has exactly the same chance.
    fn below(&mut self, bound: u64) -> u64 {
        let (mut high, mut low) = multiply(self.next_u64(), bound);
        if low < bound {
            let favoured = bound.wrapping_neg() % bound;
            while low < favoured {
                (high, low) = multiply(self.next_u64(), bound);
            }
        }
        high
    }
}

/// The high and the low half of a product.
fn multiply(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let low = product as u64;
    ((product >> 64) as u64, low)
}

/// Draws an item with the chance `weight / total`, in exact integers. `total` has to be the sum of
/// the weights that `items` yields; with a total of 0 there is nothing to draw.
pub(crate) fn draw<T>(
    rng: &mut dyn Rng,
    total: u64,
    mut items: impl Iterator<Item = (T, u32)>,
) -> Option<T> {
    if total == 0 {
        return None;
    }
    let mut rest = rng.below(total);
    items.find_map(|(item, weight)| match rest.checked_sub(u64::from(weight)) {
        None => Some(item),
        Some(beyond) => {
            rest = beyond;
            None
        }
    })
}

/// Draws an item with the chance `weight / sum of weights`. With a sum of 0 there is nothing to draw.
///
/// Counts may change while this runs, so each weight is asked for twice and need not be the same;
/// the last item with any weight takes what rounding and change leave over.
pub(crate) fn draw_real<T>(
    rng: &mut dyn Rng,
    items: impl Iterator<Item = (T, f64)> + Clone,
) -> Option<T> {
    let total: f64 = items.clone().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let mut rest = (rng.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0 * total;
    let mut last = None;
    for (item, weight) in items.filter(|(_, weight)| *weight > 0.0) {
        last = Some(item);
        if rest < weight {
            break;
        }
        rest -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Script(Vec<u64>);

    impl Rng for Script {
        fn next_u64(&mut self) -> u64 {
            self.0.remove(0)
        }
    }

    #[test]
    fn a_draw_spans_the_whole_range() {
        for (word, bound, expected) in
            [(1, 10, 0), (u64::MAX, 10, 9), ((1 << 63) + 1, 10, 5), (u64::MAX, 1, 0), (7, 0, 0)]
        {
            assert_eq!(Script([word].into()).below(bound), expected, "{word} below {bound}");
        }
    }

    #[test]
    fn favoured_low_halves_are_drawn_again() {
        // 2^64 mod 3 is 1: of the low halves only 0 is favoured, and the word 0 yields it.
        assert_eq!(Script([0, u64::MAX].into()).below(3), 2);
    }

    #[test]
    fn every_hundredth_of_weight_owns_one_ticket() {
        let weights = [("a", 1), ("b", 0), ("c", 3)];
        let ticket = |n: u64| {
            let word = ((u128::from(n) << 64) / 4 + 1) as u64;
            draw(&mut Script([word].into()), 4, weights.into_iter())
        };
        assert_eq!([0, 1, 2, 3].map(ticket), ["a", "c", "c", "c"].map(Some));
        assert_eq!(draw(&mut Script([].into()), 0, [("a", 0)].into_iter()), None);
    }
}
