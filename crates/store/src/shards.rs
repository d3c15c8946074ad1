//! A map by id whose copies share all but the parts that differ: what a change copies, and what
//! whoever follows it looks at again, is one part of hundreds.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::iter::FusedIterator;
use std::sync::Arc;

/// Bytes of an id that say in which shard it is. Identifiers are random hexadecimal digits, which
/// makes 256 shards: of a hundred thousand documents a change copies four hundred references. Where
/// all ids begin alike there is one shard, and a change copies all of it.
const HEAD_BYTES: usize = 2;

type Head = [u8; HEAD_BYTES];
type Shard<V> = BTreeMap<Arc<str>, V>;

/// Values by id, ascending. A clone shares every shard with its original until either changes it.
#[derive(Debug, Clone)]
pub struct Shards<V> {
    /// None is empty.
    shards: BTreeMap<Head, Arc<Shard<V>>>,
    len: usize,
}

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Shards<V> {
    /// No values.
    #[must_use]
    pub const fn new() -> Self {
        Self { shards: BTreeMap::new(), len: 0 }
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&V> {
        self.shards.get(&head(id))?.get(id)
    }

    /// All of them, ascending by id.
    #[must_use]
    pub fn values(&self) -> Values<'_, V> {
        Values { shards: self.shards.values(), shard: btree_map::Values::default(), left: self.len }
    }

    /// What else is made of these values, one of each or none: `made` is that of `before`, and
    /// where these are the very same ones it is taken over, in time proportional to the shards. Of
    /// all others `make` makes it anew.
    #[must_use]
    pub fn follow<W>(
        &self,
        before: &Self,
        made: &Shards<W>,
        mut make: impl FnMut(&V) -> Option<W>,
    ) -> Shards<W> {
        let mut follower = Shards::new();
        for (head, shard) in &self.shards {
            let is_same = before.shards.get(head).is_some_and(|before| Arc::ptr_eq(before, shard));
            let made = if is_same {
                made.shards.get(head).cloned()
            } else {
                let values = shard.iter();
                let values = values.filter_map(|(id, value)| Some((Arc::clone(id), make(value)?)));
                Some(Arc::new(values.collect())).filter(|made: &Arc<Shard<W>>| !made.is_empty())
            };
            if let Some(made) = made {
                follower.len += made.len();
                follower.shards.insert(*head, made);
            }
        }
        follower
    }
}

impl<V> Shards<V> {
    /// What became of the values of another map: each id whose value is not the same, ascending,
    /// with the value before and the value here. Parts that both share are not looked into, so that
    /// after a small change this costs little.
    pub fn for_each_change(
        &self,
        before: &Self,
        is_same: impl Fn(&V, &V) -> bool,
        mut told: impl FnMut(&str, Option<&V>, Option<&V>),
    ) {
        let heads: BTreeSet<_> = self.shards.keys().chain(before.shards.keys()).collect();
        for head in heads {
            let (old, new) = (before.shards.get(head), self.shards.get(head));
            if let (Some(old), Some(new)) = (old, new)
                && Arc::ptr_eq(old, new)
            {
                continue;
            }
            let ids = |shard: Option<&'_ Arc<Shard<V>>>| -> Vec<Arc<str>> {
                shard.map(|shard| shard.keys().cloned().collect()).unwrap_or_default()
            };
            let all: BTreeSet<_> = ids(old).into_iter().chain(ids(new)).collect();
            for id in all {
                let (old, new) =
                    (old.and_then(|old| old.get(&id)), new.and_then(|new| new.get(&id)));
                if !matches!((old, new), (Some(old), Some(new)) if is_same(old, new)) {
                    told(&id, old, new);
                }
            }
        }
    }
}

impl<V: Clone> Shards<V> {
    /// Sets the value of an id.
    pub fn insert(&mut self, id: Arc<str>, value: V) {
        let shard = self.shards.entry(head(&id)).or_default();
        if Arc::make_mut(shard).insert(id, value).is_none() {
            self.len += 1;
        }
    }

    /// Lets a value go, if there is one.
    pub fn remove(&mut self, id: &str) {
        let btree_map::Entry::Occupied(mut entry) = self.shards.entry(head(id)) else { return };
        if !entry.get().contains_key(id) {
            return;
        }
        self.len -= 1;
        if entry.get().len() == 1 {
            entry.remove();
        } else {
            Arc::make_mut(entry.get_mut()).remove(id);
        }
    }
}

/// The first bytes of an id, zeroes where it has none: in the order of ids.
fn head(id: &str) -> Head {
    let mut head = Head::default();
    for (place, byte) in head.iter_mut().zip(id.bytes()) {
        *place = byte;
    }
    head
}

/// Values, ascending by id.
#[derive(Debug)]
pub struct Values<'a, V> {
    shards: btree_map::Values<'a, Head, Arc<Shard<V>>>,
    shard: btree_map::Values<'a, Arc<str>, V>,
    left: usize,
}

impl<V> Clone for Values<'_, V> {
    fn clone(&self) -> Self {
        Self { shards: self.shards.clone(), shard: self.shard.clone(), left: self.left }
    }
}

impl<'a, V> Iterator for Values<'a, V> {
    type Item = &'a V;

    fn next(&mut self) -> Option<&'a V> {
        loop {
            if let Some(value) = self.shard.next() {
                self.left -= 1;
                return Some(value);
            }
            self.shard = self.shards.next()?.values();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<V> ExactSizeIterator for Values<'_, V> {}
impl<V> FusedIterator for Values<'_, V> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<String> {
        let random =
            (0_u64..300).map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        ["", "a", "a\0", "aa", "aaa", "ab", "b", "ü", "üb", "\u{10ffff}"]
            .map(str::to_owned)
            .into_iter()
            .chain(random)
            .collect()
    }

    /// Checks that it holds what the other does.
    #[track_caller]
    fn check<V: PartialEq + std::fmt::Debug>(shards: &Shards<V>, wanted: &BTreeMap<String, V>) {
        assert!(shards.values().eq(wanted.values()));
        assert_eq!((shards.len(), shards.is_empty()), (wanted.len(), wanted.is_empty()));
        let mut values = shards.values();
        for left in (0..wanted.len()).rev() {
            values.next();
            assert_eq!(values.len(), left);
        }
        assert_eq!((values.next(), values.clone().next()), (None, None));
        assert!(ids().iter().all(|id| shards.get(id) == wanted.get(id)));
        assert!(shards.shards.values().all(|shard| !shard.is_empty()));
    }

    /// Changes a map again and again beside one that is known to be right, with all that was made
    /// of it, and looks whether either ever differs, or a clone ever changes.
    #[test]
    fn it_is_a_map_and_what_follows_it_is_what_would_be_made_anew() {
        let ids = ids();
        let (mut shards, mut wanted) = (Shards::new(), BTreeMap::new());
        let mut doubled: Shards<u64> = Shards::new();
        let double = |value: &u64| (!value.is_multiple_of(5)).then_some(value * 2);
        let mut random = 1_u64;
        for step in 0..400 {
            let (before, was) = (shards.clone(), wanted.clone());
            for _ in 0..step % 4 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let id = &ids[(random >> 33) as usize % ids.len()];
                if (random >> 20).is_multiple_of(3) {
                    shards.remove(id);
                    wanted.remove(id);
                } else {
                    shards.insert(id.as_str().into(), random >> 40);
                    wanted.insert(id.clone(), random >> 40);
                }
            }
            check(&shards, &wanted);
            check(&before, &was);
            let mut made = 0;
            doubled = shards.follow(&before, &doubled, |value| {
                made += 1;
                double(value)
            });
            let anew = wanted.iter().filter_map(|(id, value)| Some((id.clone(), double(value)?)));
            check(&doubled, &anew.collect());
            assert!(step % 4 > 0 || made == 0, "{made} made anew though nothing changed");
            let mut followed = was.clone();
            shards.for_each_change(&before, PartialEq::eq, |id, old, new| {
                assert!(old == was.get(id) && old != new, "{id}");
                match new {
                    Some(new) => followed.insert(id.to_owned(), *new),
                    None => followed.remove(id),
                };
            });
            assert_eq!(followed, wanted);
        }
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut shards = Shards::new();
        for id in ids() {
            shards.insert(id.into(), ());
        }
        let before = shards.clone();
        shards.insert("ab".into(), ());
        let shared = |(head, shard): (&Head, &Arc<_>)| Arc::ptr_eq(&before.shards[head], shard);
        let copied = shards.shards.iter().filter(|entry| !shared(*entry)).count();
        assert_eq!(copied, 1);
    }
}
