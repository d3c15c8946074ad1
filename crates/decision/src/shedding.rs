//! Step 5: the share of a pool's traffic that goes elsewhere (behaviour.md 6.1).
//!
//! Whether a pool sheds a request depends on the pool and the request alone. So pools that shed it
//! can be passed over before the policy runs, and the result is the same as choosing, shedding, and
//! choosing again among the others: whoever is drawn first among those that are left has its share
//! of what is left.

use evenkeel_model::{LoadShedding, Percent, PoolId, PoolIx, SheddingPolicy, View};

use crate::rendezvous::{Key, Purpose};

/// What decides about one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shedding {
    /// The client, or the resolver.
    client: Key,
    /// Another one for every request.
    chance: Key,
    /// The pool that has shed this request's session, and must not get it back.
    left: Option<PoolIx>,
}

impl Shedding {
    pub(crate) fn new(client: Key, chance: u64) -> Self {
        Self { client, chance: Key::of_number(chance.into()), left: None }
    }

    /// Whether a pool sheds the request, which has no session there.
    pub(crate) fn sheds(&self, view: &View, ix: PoolIx) -> bool {
        let pool = view.config.pool(ix);
        pool.shedding.is_some_and(|LoadShedding { default, default_policy, .. }| {
            let key = match default_policy {
                SheddingPolicy::Random => self.chance,
                SheddingPolicy::Hash => self.client,
            };
            self.left == Some(ix) || falls_within(key, pool.id, default)
        })
    }

    /// Whether a pool sheds the request's session. If so the pool is out of the question for it.
    pub(crate) fn sheds_session(&mut self, view: &View, ix: PoolIx) -> bool {
        let pool = view.config.pool(ix);
        let sheds = |shedding: LoadShedding| falls_within(self.client, pool.id, shedding.sessions);
        let sheds = pool.shedding.is_some_and(sheds);
        if sheds {
            self.left = Some(ix);
        }
        sheds
    }
}

/// `u < percent`: who is shed at a percentage is shed at every higher one, too.
fn falls_within(key: Key, pool: PoolId, percent: Percent) -> bool {
    if percent == Percent::ZERO {
        return false;
    }
    let hash = key.hash(Purpose::Shedding, [&pool.0, &[]]);
    u128::from(hash) * 10_000 < u128::from(percent.hundredths()) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_shed_stays_shed_as_the_percentage_grows() {
        let pool = PoolId([1; 16]);
        for client in 0..1000u32 {
            let key = Key::of_address(client.to_be_bytes().into());
            let shed = [0.0, 10.0, 30.0, 99.0, 100.0]
                .map(|percent| falls_within(key, pool, Percent::from_number(percent).unwrap()));
            assert!(shed.is_sorted(), "{shed:?}");
            assert_eq!((shed[0], shed[4]), (false, true));
        }
    }
}
