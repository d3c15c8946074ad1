//! The simulated globe: where the node stands, where pools are, and which country has which
//! addresses.

use std::net::IpAddr;

use evenkeel_decision::Geography;
use evenkeel_model::{Coordinates, Country, Location, Node, Pop, Region};

use crate::chance::Chance;

/// Countries that clients come from, and their maps have entries for.
pub const COUNTRIES: [&str; 4] = ["DE", "FR", "US", "JP"];

/// Points of presence that maps have entries for.
pub const POPS: [&str; 2] = ["FRA", "NRT"];

/// Regions that maps have entries for.
pub const REGIONS: [Region; 3] = [Region::Weu, Region::Enam, Region::Neas];

/// Places of pools and nodes, in degrees. No two are equally far from a third.
const CITIES: [(f64, f64); 6] =
    [(50.1, 8.7), (35.7, 139.7), (40.7, -74.0), (-33.9, 151.2), (1.3, 103.8), (0.0, 0.0)];

/// A place of a pool or node.
pub fn city(chance: &mut Chance) -> Coordinates {
    let (latitude, longitude) = *chance.pick(&CITIES);
    Coordinates::new(latitude, longitude).expect("cities are on the globe")
}

/// Where this world's only node stands.
pub fn node(chance: &mut Chance) -> Node {
    Node {
        pop: chance
            .percent(80)
            .then(|| Pop::parse(chance.pick::<&str>(&POPS)).expect("three letters")),
        region: chance.percent(80).then(|| *chance.pick(&REGIONS)),
        country: chance.percent(80).then(|| country(chance)),
        coordinates: chance.percent(80).then(|| city(chance)),
    }
}

/// Some country.
pub fn country(chance: &mut Chance) -> Country {
    Country::parse(chance.pick::<&str>(&COUNTRIES)).expect("two letters")
}

/// Which country has which addresses: the third byte says, and one in five is in none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Atlas;

impl Geography for Atlas {
    fn location(&self, address: IpAddr) -> Location {
        let IpAddr::V4(v4) = address else { return Location::default() };
        let country = COUNTRIES.get(usize::from(v4.octets()[2] % 5));
        Location { country: country.and_then(|code| Country::parse(code)), ..Location::default() }
    }

    fn asn(&self, _address: IpAddr) -> Option<u32> {
        None
    }
}

/// Great-circle distance in kilometres (haversine, behaviour.md 2.6).
#[must_use]
pub fn distance_km(a: Coordinates, b: Coordinates) -> f64 {
    const EARTH_RADIUS_KM: f64 = 6371.0;
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let h = half(a.latitude_deg(), b.latitude_deg())
        + a.latitude_deg().to_radians().cos()
            * b.latitude_deg().to_radians().cos()
            * half(a.longitude_deg(), b.longitude_deg());
    2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let at = |(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap();
        for (a, b, km) in [
            ((0.0, 0.0), (0.0, 0.0), 0.0),
            ((0.0, 0.0), (0.0, 180.0), 20_015.0),
            ((90.0, 0.0), (0.0, 77.0), 10_007.5),
            ((0.0, 179.5), (0.0, -179.5), 111.2),
        ] {
            let distance = distance_km(at(a), at(b));
            assert!((distance - km).abs() < 0.5, "{a:?} {b:?}: {distance}");
        }
    }
}
