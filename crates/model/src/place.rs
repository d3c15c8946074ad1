//! Places: points of presence, regions, countries and coordinates, as steering knows them.

use core::fmt;

use crate::region::Region;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $len:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Reads a code in any case.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let mut code: [u8; $len] = text.as_bytes().try_into().ok()?;
                code.make_ascii_uppercase();
                let valid: fn(&[u8; $len]) -> bool = $valid;
                valid(&code).then_some(Self(code))
            }

            /// The code in upper case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                core::str::from_utf8(&self.0).expect("checked to be ASCII when it was read")
            }

            /// The code's bytes, in upper case.
            #[must_use]
            pub const fn bytes(&self) -> [u8; $len] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

fn is_letters(code: &[u8]) -> bool {
    code.iter().all(u8::is_ascii_uppercase)
}

codes! {
    /// A point of presence by its three letters. A node belongs to exactly one.
    Pop, 3, |code| is_letters(code);
    /// A country by ISO 3166-1 alpha-2. `XX` and `T1`, which stand for "unknown", are no countries:
    /// they match no entry of any map (behaviour.md 2.4).
    Country, 2, |code| is_letters(code) && code != b"XX";
    /// A state or province of the United States or Canada, by the last two letters of ISO 3166-2.
    Subdivision, 2, |code| is_letters(code);
}

/// A point on the globe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    latitude_deg: f64,
    longitude_deg: f64,
}

impl Coordinates {
    /// From degrees; `None` outside -90..=90 and -180..=180.
    #[must_use]
    pub fn new(latitude_deg: f64, longitude_deg: f64) -> Option<Self> {
        let valid =
            (-90.0..=90.0).contains(&latitude_deg) && (-180.0..=180.0).contains(&longitude_deg);
        valid.then_some(Self { latitude_deg, longitude_deg })
    }

    /// Degrees north, -90..=90.
    #[must_use]
    pub const fn latitude_deg(self) -> f64 {
        self.latitude_deg
    }

    /// Degrees east, -180..=180.
    #[must_use]
    pub const fn longitude_deg(self) -> f64 {
        self.longitude_deg
    }
}

/// Where a node stands. What is not known of it matches no map and has no distance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Node {
    /// Its point of presence.
    pub pop: Option<Pop>,
    /// The region of its point of presence.
    pub region: Option<Region>,
    /// Stands in for the country of a client that has none (behaviour.md 1.8).
    pub country: Option<Country>,
    /// Where proximity is measured from.
    pub coordinates: Option<Coordinates>,
}

/// What a geographic database says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Location {
    /// The country.
    pub country: Option<Country>,
    /// State or province, which tell the regions of North America apart.
    pub subdivision: Option<Subdivision>,
    /// The approximate point.
    pub coordinates: Option<Coordinates>,
}

impl Location {
    /// The region it lies in.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        Region::of(self.country?, self.subdivision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_any_case_and_nothing_else_is() {
        assert_eq!(Country::parse("de").unwrap().as_str(), "DE");
        assert_eq!(Pop::parse("Fra").unwrap().as_str(), "FRA");
        for text in ["", "D", "DEU", "d1", "T1", "XX", "xx", "ü"] {
            assert_eq!(Country::parse(text), None, "{text}");
        }
    }

    #[test]
    fn coordinates_stay_on_the_globe_and_zero_is_a_value() {
        assert!(Coordinates::new(0.0, 0.0).is_some());
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0)] {
            assert_eq!(Coordinates::new(latitude, longitude), None);
        }
    }
}
