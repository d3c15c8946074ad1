//! Where an address is: its country, and where a database tells them its coordinates and the number
//! of its network (ASN). Databases are files of the MaxMind format; a country database is built in.
//!
//! ```text
//! built in ◀ country.mmdb ◀ city.mmdb ◀ asn.mmdb      later files are asked first
//! ```
//!
//! What a country means for steering is not known here.

mod database;
mod files;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;

use database::{Database, Source};

pub use database::GeoError;
pub use files::{GeoChange, GeoFiles};

/// The country of an address that no database knows, as `CF-IPCountry` writes it (behaviour.md
/// 11.1).
pub const COUNTRY_UNKNOWN: [u8; 2] = *b"XX";

/// What is known of where an address is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whereabouts {
    /// ISO 3166-1 alpha-2 in upper case, or [`COUNTRY_UNKNOWN`].
    pub country: [u8; 2],
    /// The state or province, by the last two letters of ISO 3166-2, where it is told in two.
    pub subdivision: Option<[u8; 2]>,
    /// Latitude (-90 to 90) and longitude (-180 to 180) in degrees.
    pub coordinates: Option<(f64, f64)>,
    /// Number of the autonomous system that announces the address.
    pub asn: Option<u32>,
}

impl Default for Whereabouts {
    fn default() -> Self {
        Self { country: COUNTRY_UNKNOWN, subdivision: None, coordinates: None, asn: None }
    }
}

/// The databases in use. Clones see the same ones, and every replacement by [`GeoFiles`].
#[derive(Debug, Clone)]
pub struct Geo(Arc<ArcSwap<Vec<Arc<Database>>>>);

impl Geo {
    /// Nothing but the built-in countries.
    #[must_use]
    pub fn builtin() -> Self {
        Self::over([])
    }

    fn over(files: impl IntoIterator<Item = Arc<Database>>) -> Self {
        let all = std::iter::once(Arc::new(Database::builtin())).chain(files).collect();
        Self(Arc::new(ArcSwap::from_pointee(all)))
    }

    /// Where an address is. Takes about a microsecond, no lock and no allocation.
    ///
    /// Private addresses are nowhere, unless a file of the operator lists them: networks of their
    /// own. IPv4 addresses in IPv6 notation count as IPv4.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Whereabouts {
        let address = address.to_canonical();
        let mut found = Whereabouts::default();
        for database in self.0.load().iter().rev() {
            if database.source == Source::BuiltIn && !is_public(address) {
                continue;
            }
            let Some(record) = database.find(address) else { continue };
            if found.country == COUNTRY_UNKNOWN {
                found.country = record.country.unwrap_or(COUNTRY_UNKNOWN);
            }
            // A subdivision means something only within its country.
            if record.country == Some(found.country) {
                found.subdivision = found.subdivision.or(record.subdivision);
            }
            found.coordinates = found.coordinates.or(record.coordinates);
            found.asn = found.asn.or(record.asn);
        }
        found
    }
}

/// Whether an address can belong to somebody in the internet (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_documentation()
                || is_shared)
        }
        IpAddr::V6(v6) => {
            let is_documentation = v6.segments()[..2] == [0x2001, 0x0db8];
            !(v6 == Ipv6Addr::UNSPECIFIED
                || v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || is_documentation)
        }
    }
}

#[cfg(test)]
mod tests;
