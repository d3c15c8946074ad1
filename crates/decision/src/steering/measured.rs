//! Least of a number: `dynamic_latency` by the round trips of probes, `proximity` by distance
//! (behaviour.md 2.5, 2.6). All traffic goes to the winner; weights mean nothing here.

use evenkeel_model::{Coordinates, PoolIx};

use crate::effective::Effective;
use crate::eligible::{Barred, check, survivors};
use crate::latency::SAMPLES_MIN;
use crate::trail::{Measure, Trail, TrailStep};

/// Differences below this are noise: list order decides (behaviour.md 2.5).
const LATENCY_TIE_US: u32 = 1_000;

/// Mean radius of the earth (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// The pool whose probes come back soonest. Pools that nobody has measured come after those that
/// somebody has; without any measurement it is failover order.
pub(super) fn soonest(
    effective: &Effective<'_>,
    barred: &Barred,
    trail: &mut Trail,
) -> Option<PoolIx> {
    let latency = |pool: PoolIx| {
        let known = effective.view.health.latency(pool)?;
        (known.samples >= SAMPLES_MIN).then_some(known.mean_us)
    };
    let mut first = None;
    let mut least = None;
    for pool in survivors(effective, barred, trail) {
        first = first.or(Some(pool));
        least = least.into_iter().chain(latency(pool)).min();
    }
    let Some(least) = least else { return first };
    let mut eligible = effective.candidates.iter().copied().filter(|pool| {
        let known = latency(*pool).filter(|_| check(effective, *pool, barred).is_ok());
        if let Some(latency) = known {
            trail.consider(TrailStep::Measured(*pool, Measure::LatencyUs(latency)));
        }
        known.is_some_and(|latency| latency < least.saturating_add(LATENCY_TIE_US))
    });
    eligible.next()
}

/// The nearest pool. Pools without coordinates come after all others; when the origin is unknown
/// too, it is failover order.
pub(super) fn nearest(
    effective: &Effective<'_>,
    barred: &Barred,
    trail: &mut Trail,
) -> Option<PoolIx> {
    let distance = |pool: PoolIx| {
        let pool = effective.view.config.pool(pool);
        Some(distance_km(effective.origin?, pool.coordinates?))
    };
    let mut best = None;
    for pool in survivors(effective, barred, trail) {
        let distance = distance(pool).unwrap_or(f64::INFINITY);
        // Equal distances leave the earlier one.
        if best.is_none_or(|(_, least)| distance < least) {
            best = Some((pool, distance));
        }
    }
    if trail.is_thorough() {
        for pool in effective.candidates.iter().copied() {
            if let Some(distance) = distance(pool) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "half the earth's girth at most"
                )]
                let measure = Measure::DistanceKm(distance as u32);
                trail.consider(TrailStep::Measured(pool, measure));
            }
        }
    }
    best.map(|(pool, _)| pool)
}

/// Great-circle distance, by the haversine formula.
fn distance_km(from: Coordinates, to: Coordinates) -> f64 {
    let [from_latitude, to_latitude] = [from, to].map(|at| at.latitude_deg().to_radians());
    let half_chord = |from: f64, to: f64| {
        let sine = libm::sin((to - from) / 2.0);
        sine * sine
    };
    let [from_longitude, to_longitude] = [from, to].map(|at| at.longitude_deg().to_radians());
    let across = libm::cos(from_latitude) * libm::cos(to_latitude);
    let square =
        half_chord(from_latitude, to_latitude) + across * half_chord(from_longitude, to_longitude);
    // Rounding may put antipodes a hair beyond 1.
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(square.min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let at = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap();
        for (from, to, km) in [
            (at(52.52, 13.405), at(48.8566, 2.3522), 877.5),
            (at(51.5074, -0.1278), at(40.7128, -74.006), 5_570.2),
            (at(0.0, 179.5), at(0.0, -179.5), 111.2),
            (at(90.0, 0.0), at(-90.0, 77.0), 20_015.1),
            (at(0.0, 0.0), at(0.0, 180.0), 20_015.1),
            (at(1.0, 1.0), at(1.0, 1.0), 0.0),
        ] {
            let distance = distance_km(from, to);
            assert!((distance - km).abs() < 0.1 + km / 10_000.0, "{from:?} {to:?}: {distance}");
        }
    }
}
