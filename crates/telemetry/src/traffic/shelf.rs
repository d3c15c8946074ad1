//! Cells of things that have an identity and a name, made when the first request comes to them.
//!
//! Cells belong to the identity: a renamed thing goes on counting, under its new name. One that has
//! left the configuration keeps its cells for a while, so that its last requests are still scraped;
//! what comes under its name meanwhile goes on with them, or a counter would fall later and look as
//! if it had begun anew.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things of one kind that one worker counts each for itself. A page then has some hundred thousand
/// lines at worst, which a scrape still takes in. What comes beyond is counted together, as
/// [`OTHERS`].
pub(super) const THINGS_MAX: usize = 5_000;

/// The name of things beyond the bound. No configured thing can have it.
pub(super) const OTHERS: &str = "(others)";

/// How long the cells of a thing outlive it, in seconds: several scrapes of the slow kind.
const OUTLIVED_S: u64 = 600;

/// A thing's labels: a load balancer's or pool's name and nothing, or an endpoint's pool and name.
pub(super) type Names = [Arc<str>; 2];

/// The cells of all things of one kind, of one worker. The worker looks things up, the scrape
/// reads.
#[derive(Debug)]
pub struct Shelf<C>(Mutex<Things<C>>);

#[derive(Debug)]
struct Things<C> {
    by_id: HashMap<u128, Thing<C>>,
    /// Of those that found no place.
    others: Option<Arc<C>>,
    /// How many configurations were followed.
    round: u64,
    /// How many things have left.
    left: usize,
}

#[derive(Debug)]
struct Thing<C> {
    names: Names,
    cells: Arc<C>,
    /// The last round that it was in.
    round: u64,
    /// When it was first missed, in seconds of the caller's clock.
    left_at_s: Option<u64>,
}

impl<C> Default for Shelf<C> {
    fn default() -> Self {
        let things = Things { by_id: HashMap::new(), others: None, round: 0, left: 0 };
        Self(Mutex::new(things))
    }
}

impl<C> Things<C> {
    /// The cells of a thing of these names that has left, which is forgotten.
    fn inherit(&mut self, names: [&str; 2]) -> Option<Arc<C>> {
        if self.left == 0 {
            return None;
        }
        let has_left = |thing: &Thing<C>| {
            thing.left_at_s.is_some() && thing.names.each_ref().map(|name| &**name) == names
        };
        let id = *self.by_id.iter().find(|(_, thing)| has_left(thing))?.0;
        self.left -= 1;
        self.by_id.remove(&id).map(|thing| thing.cells)
    }
}

impl<C: Default> Shelf<C> {
    /// The cells of a thing. Takes a lock: callers keep what they get.
    pub fn cells(&self, id: u128, names: [&str; 2]) -> Arc<C> {
        let mut things = self.things();
        if let Some(thing) = things.by_id.get(&id) {
            return Arc::clone(&thing.cells);
        }
        let inherited = things.inherit(names);
        if inherited.is_none() && things.by_id.len() >= THINGS_MAX {
            return Arc::clone(things.others.get_or_insert_default());
        }
        let cells = inherited.unwrap_or_default();
        let round = things.round;
        let thing =
            Thing { names: owned(names), cells: Arc::clone(&cells), round, left_at_s: None };
        things.by_id.insert(id, thing);
        cells
    }

    /// Takes in a configuration: renames what has a new name there, and notes what has left.
    pub fn follow<'a>(&self, now_s: u64, known: impl Iterator<Item = (u128, [Cow<'a, str>; 2])>) {
        let mut things = self.things();
        things.round += 1;
        let round = things.round;
        if !things.by_id.is_empty() {
            for (id, names) in known {
                let Some(thing) = things.by_id.get_mut(&id) else { continue };
                (thing.round, thing.left_at_s) = (round, None);
                let names = names.each_ref().map(|name| &**name);
                if thing.names.each_ref().map(|name| &**name) != names {
                    thing.names = owned(names);
                }
            }
        }
        let mut left = 0;
        for thing in things.by_id.values_mut().filter(|thing| thing.round != round) {
            thing.left_at_s.get_or_insert(now_s);
            left += 1;
        }
        things.left = left;
    }

    /// Forgets what has left long ago.
    pub fn sweep(&self, now_s: u64) {
        let mut things = self.things();
        if things.left == 0 {
            return;
        }
        let before = things.by_id.len();
        things.by_id.retain(|_, thing| {
            let is_over =
                thing.left_at_s.is_some_and(|left| now_s.saturating_sub(left) >= OUTLIVED_S);
            // A request that lasts even longer is still to be counted.
            !is_over || Arc::strong_count(&thing.cells) > 1
        });
        things.left -= before - things.by_id.len();
    }

    /// Everything on it.
    pub(super) fn read(&self) -> Vec<(Names, u128, Arc<C>)> {
        let things = self.things();
        let others = things.others.iter().map(|cells| (owned([OTHERS; 2]), 0, Arc::clone(cells)));
        let known = things.by_id.iter();
        known
            .map(|(id, thing)| (thing.names.clone(), *id, Arc::clone(&thing.cells)))
            .chain(others)
            .collect()
    }

    fn things(&self) -> MutexGuard<'_, Things<C>> {
        // Nothing under the lock panics half way; what was counted is worth showing in any case.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned(names: [&str; 2]) -> Names {
    names.map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counter;

    fn text(name: &str) -> Cow<'_, str> {
        Cow::Borrowed(name)
    }

    fn names(shelf: &Shelf<Counter>) -> Vec<String> {
        let mut names: Vec<_> = shelf
            .read()
            .iter()
            .map(|(names, _, cells)| format!("{}={}", names[0], cells.get()))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_thing_keeps_its_cells_through_a_new_name() {
        let shelf = Shelf::<Counter>::default();
        shelf.cells(1, ["a", ""]).increment();
        shelf.follow(0, [(2, [text("b"), text("")]), (1, [text("c"), text("")])].into_iter());
        shelf.cells(1, ["c", ""]).increment();
        assert_eq!(names(&shelf), ["c=2"], "a thing that nobody asked for has no cells");
    }

    #[test]
    fn what_has_left_is_forgotten_after_a_while_unless_it_is_in_use() {
        let shelf = Shelf::<Counter>::default();
        shelf.cells(1, ["a", ""]).increment();
        let in_use = shelf.cells(2, ["b", ""]);
        shelf.cells(3, ["c", ""]).increment();
        shelf.follow(100, [(3, [text("c"), text("")])].into_iter());
        shelf.sweep(100 + OUTLIVED_S - 1);
        assert_eq!(names(&shelf), ["a=1", "b=0", "c=1"]);
        shelf.sweep(100 + OUTLIVED_S);
        assert_eq!(names(&shelf), ["b=0", "c=1"]);
        drop(in_use);
        shelf.sweep(100 + OUTLIVED_S);
        assert_eq!(names(&shelf), ["c=1"]);
    }

    #[test]
    fn what_comes_back_is_not_forgotten() {
        let shelf = Shelf::<Counter>::default();
        shelf.cells(1, ["a", ""]).increment();
        shelf.follow(0, std::iter::empty());
        shelf.follow(1, [(1, [text("a"), text("")])].into_iter());
        shelf.sweep(OUTLIVED_S * 2);
        assert_eq!(names(&shelf), ["a=1"]);
    }

    #[test]
    fn what_is_made_again_under_its_name_goes_on_counting() {
        let shelf = Shelf::<Counter>::default();
        shelf.cells(1, ["a", ""]).increment();
        shelf.cells(2, ["b", ""]).increment();
        shelf.follow(0, [(3, [text("a"), text("")])].into_iter());
        shelf.cells(3, ["a", ""]).increment();
        assert_eq!(names(&shelf), ["a=2", "b=1"], "and nothing of another name");
        shelf.sweep(OUTLIVED_S);
        assert_eq!(names(&shelf), ["a=2"]);
        shelf.follow(OUTLIVED_S, std::iter::empty());
        shelf.sweep(OUTLIVED_S * 2);
        assert!(names(&shelf).is_empty());
    }

    #[test]
    fn beyond_the_bound_things_are_counted_together() {
        let shelf = Shelf::<Counter>::default();
        for id in 0..THINGS_MAX as u128 + 2 {
            shelf.cells(id, ["a", ""]).increment();
        }
        let read = shelf.read();
        assert_eq!(read.len(), THINGS_MAX + 1);
        let (others, _, cells) = read.last().unwrap();
        assert_eq!((&*others[0], cells.get()), (OTHERS, 2));
    }
}
