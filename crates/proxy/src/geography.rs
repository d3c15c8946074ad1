//! What a decision may ask about places: the databases of `net`, in the model's words.

use std::net::IpAddr;

use evenkeel_decision::Geography;
use evenkeel_model::{Coordinates, Country, Location, Subdivision};
use evenkeel_net::geo::{Geo, Whereabouts};

/// The databases.
#[derive(Debug, Clone)]
pub struct Atlas(pub Geo);

impl Geography for Atlas {
    fn location(&self, address: IpAddr) -> Location {
        location(&self.0.find(address))
    }

    fn asn(&self, address: IpAddr) -> Option<u32> {
        self.0.find(address).asn
    }
}

/// A client and where it is, looked up once for all requests of its connection: a database that
/// changes meanwhile counts from the next connection on.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Its country for people to read; `XX` when unknown.
    pub(crate) country: [u8; 2],
    location: Location,
    asn: Option<u32>,
    geo: Geo,
}

impl Client {
    pub(crate) fn at(address: IpAddr, geo: &Geo) -> Self {
        let found = geo.find(address);
        let (country, location) = (found.country, location(&found));
        Self { address, country, location, asn: found.asn, geo: geo.clone() }
    }
}

impl Geography for Client {
    fn location(&self, address: IpAddr) -> Location {
        if address == self.address { self.location } else { location(&self.geo.find(address)) }
    }

    fn asn(&self, address: IpAddr) -> Option<u32> {
        if address == self.address { self.asn } else { self.geo.find(address).asn }
    }
}

fn location(found: &Whereabouts) -> Location {
    Location {
        country: parse(found.country, Country::parse),
        subdivision: found.subdivision.and_then(|code| parse(code, Subdivision::parse)),
        coordinates: found.coordinates.and_then(|(north, east)| Coordinates::new(north, east)),
    }
}

fn parse<T>(code: [u8; 2], read: fn(&str) -> Option<T>) -> Option<T> {
    read(std::str::from_utf8(&code).ok()?)
}
