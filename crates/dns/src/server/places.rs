//! Where addresses are, remembered for a moment: resolvers ask again and again, and a look into a
//! database costs more than the rest of an answer.
//!
//! On the path of every query that goes by places.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use evenkeel_decision::Geography;
use evenkeel_model::Location;

/// Addresses remembered by one thread: those of more busy resolvers, or of their clients' networks,
/// than most servers have.
const PLACES_MAX: usize = 1024;
/// How long a place is believed, in seconds. A database that is replaced counts after so long.
const BELIEVED_S: u64 = 5;

/// One thread's memory. An address has one place in it, and takes it from another.
#[derive(Debug)]
pub(super) struct Places {
    slots: Box<[Cell<Option<Place>>]>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    address: IpAddr,
    until_s: u64,
    location: Location,
}

impl Default for Places {
    fn default() -> Self {
        let slots = (0..PLACES_MAX).map(|_| Cell::new(None)).collect();
        Self { slots, hasher: RandomState::new() }
    }
}

/// A database with a memory before it, at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remembered<'a> {
    pub(super) places: &'a Places,
    pub(super) database: &'a dyn Geography,
    pub(super) now_s: u64,
}

impl Geography for Remembered<'_> {
    fn location(&self, address: IpAddr) -> Location {
        let Places { slots, hasher } = self.places;
        let place = hasher.hash_one(address) % PLACES_MAX as u64;
        let slot = &slots[usize::try_from(place).unwrap_or(0)];
        if let Some(place) = slot.get()
            && place.address == address
            && self.now_s < place.until_s
        {
            return place.location;
        }
        let location = self.database.location(address);
        let until_s = self.now_s + BELIEVED_S;
        slot.set(Some(Place { address, until_s, location }));
        location
    }

    fn asn(&self, address: IpAddr) -> Option<u32> {
        self.database.asn(address)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Database(AtomicUsize);

    impl Geography for Database {
        fn location(&self, address: IpAddr) -> Location {
            self.0.fetch_add(1, Ordering::Relaxed);
            let letters = if address.is_ipv4() { "DE" } else { "PT" };
            Location { country: evenkeel_model::Country::parse(letters), ..Location::default() }
        }

        fn asn(&self, _: IpAddr) -> Option<u32> {
            None
        }
    }

    #[test]
    fn the_database_is_asked_once_in_a_while() {
        let (places, database) = (Places::default(), Database::default());
        let four = IpAddr::from([192, 0, 2, 1]);
        let country = |address: IpAddr, now_s| {
            let found = Remembered { places: &places, database: &database, now_s };
            let asked = |database: &Database| database.0.load(Ordering::Relaxed);
            (found.location(address).country, asked(&database))
        };
        let germany = evenkeel_model::Country::parse("DE");
        for (now_s, asked) in [(100, 1), (104, 1), (105, 2), (109, 2)] {
            assert_eq!(country(four, now_s), (germany, asked), "at {now_s}");
        }
        let portugal = evenkeel_model::Country::parse("PT");
        assert_eq!(country(IpAddr::from([1; 16]), 109), (portugal, 3));
    }
}
