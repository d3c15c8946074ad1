//! One database: read from bytes, proven readable throughout, asked for one address.
//!
//! Publishers lay their records out differently. MaxMind's and DB-IP's nest (`country.iso_code`,
//! `location.latitude`), others are flat (`country_code`, `latitude`); both are understood, and
//! members that are neither are passed over.
//!
//! [`Database::find`] is on the path of every new connection.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The countries that are built in; see `data/README.md`.
static BUILT_IN: &[u8] = include_bytes!("../../data/iptoasn-country.mmdb");

/// Why a database cannot be used.
#[derive(Debug)]
pub enum GeoError {
    /// The file cannot be read.
    Unreadable(std::io::Error),
    /// It is not a whole database of the MaxMind format.
    Corrupt(MaxMindDbError),
    /// Its search tree has more leaves than nodes allow: it runs in circles.
    Endless,
}

impl fmt::Display for GeoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable(_) => "cannot be read",
            Self::Corrupt(_) => "is not a whole database of the MaxMind format",
            Self::Endless => "is damaged: its search tree runs in circles",
        })
    }
}

impl std::error::Error for GeoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            Self::Corrupt(error) => Some(error),
            Self::Endless => None,
        }
    }
}

/// Where a database came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It is part of the program.
    BuiltIn,
    /// The operator named its file.
    File,
}

/// A database in memory.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) source: Source,
    reader: Reader<Cow<'static, [u8]>>,
}

impl Database {
    pub(super) fn builtin() -> Self {
        let reader = Reader::from_source(Cow::Borrowed(BUILT_IN));
        let reader = reader.expect("a test reads all of the built-in database");
        Self { source: Source::BuiltIn, reader }
    }

    /// From a file's bytes, after reading every record of it: a second for the largest ones.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, GeoError> {
        let reader = Reader::from_source(Cow::Owned(bytes)).map_err(GeoError::Corrupt)?;
        let database = Self { source: Source::File, reader };
        database.prove()?;
        Ok(database)
    }

    /// Reads everything once, so that a file that was cut or altered is told apart from a good one
    /// while the old one is still there.
    pub(super) fn prove(&self) -> Result<(), GeoError> {
        // A tree of n nodes has n + 1 leaves, of which the ones that other networks lead to as well
        // are left out here.
        let leaves_max = u64::from(self.reader.metadata().node_count) + 1;
        let options = WithinOptions::default().include_networks_without_data();
        let networks = self.reader.networks(options).map_err(GeoError::Corrupt)?;
        for (n, network) in (1u64..).zip(networks) {
            if n > leaves_max {
                return Err(GeoError::Endless);
            }
            network.and_then(|found| found.decode::<Record>()).map_err(GeoError::Corrupt)?;
        }
        Ok(())
    }

    /// What it says of an address; nothing when that cannot be read.
    pub(super) fn find(&self, address: IpAddr) -> Option<Found> {
        let record = self.reader.lookup(address).ok()?.decode::<Record>().ok()??;
        Some(Found::from(record))
    }
}

/// What one database says of an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) country: Option<[u8; 2]>,
    pub(super) subdivision: Option<[u8; 2]>,
    pub(super) coordinates: Option<(f64, f64)>,
    pub(super) asn: Option<u32>,
}

/// The members of a record that are understood, nested and flat.
#[derive(Debug, Deserialize)]
struct Record {
    country: Option<Code>,
    country_code: Option<Code>,
    subdivisions: Option<First>,
    location: Option<Location>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    autonomous_system_number: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl From<Record> for Found {
    fn from(record: Record) -> Self {
        let code = |code: Option<Code>| code.and_then(|Code(code)| code);
        let subdivision = code(record.subdivisions.map(|First(code)| code));
        let nested = record.location.and_then(|at| at.latitude.zip(at.longitude));
        let on_earth = |(latitude, longitude): &(f64, f64)| {
            (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
        };
        Self {
            country: code(record.country).or(code(record.country_code)),
            subdivision,
            coordinates: nested.or(record.latitude.zip(record.longitude)).filter(on_earth),
            asn: record.autonomous_system_number,
        }
    }
}

/// What a country or its subdivision is called: two letters, or a map that has them as `iso_code`.
/// `None` for whatever else stands there.
#[derive(Debug)]
struct Code(Option<[u8; 2]>);

impl Code {
    fn of(code: &str) -> Self {
        let code: Option<[u8; 2]> = code.as_bytes().try_into().ok();
        let code = code.map(|code| code.map(|letter| letter.to_ascii_uppercase()));
        Self(code.filter(|code| code.iter().all(u8::is_ascii_uppercase) && !is_nowhere(*code)))
    }
}

/// Codes that ISO 3166-1 leaves to users, of which publishers use these for "unknown".
const fn is_nowhere(code: [u8; 2]) -> bool {
    matches!(&code, b"ZZ" | b"XX")
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodeVisitor)
    }
}

struct CodeVisitor;

impl<'de> Visitor<'de> for CodeVisitor {
    type Value = Code;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code, or a record that has one")
    }

    fn visit_str<E>(self, code: &str) -> Result<Code, E> {
        Ok(Code::of(code))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Code, A::Error> {
        let mut code = Code(None);
        while let Some(name) = members.next_key::<&str>()? {
            if name == "iso_code" {
                code = Code::of(members.next_value::<&str>()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(code)
    }
}

/// The first of a list: the widest subdivision comes first.
#[derive(Debug)]
struct First(Code);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstVisitor)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = First;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of subdivisions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First, A::Error> {
        let first = items.next_element::<Code>()?.unwrap_or(Code(None));
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(First(first))
    }
}
