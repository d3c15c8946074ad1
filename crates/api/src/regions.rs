//! The regions traffic is steered by, and which countries lie in them: what the regions endpoints
//! answer (api.md 2.10). Which country lies where is `model`'s to say; here it gets names and the
//! published shape.

mod names;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{Country, Region, Subdivision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};
use crate::read::Clipped;

/// The sentence that goes with every answer.
const ISO_STANDARD: &str = "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2";

/// `result` of the regions endpoints: an object around the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Regions {
    /// Where the codes come from.
    pub iso_standard: String,
    /// In the order of `region_code`s that everything else has.
    pub regions: Vec<RegionEntry>,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionEntry {
    /// `WNAM` to `NEAS`.
    pub region_code: String,
    /// By code. A country that lies in two regions is in both.
    pub countries: Vec<CountryEntry>,
}

/// A country, or the part of it that lies in the region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountryEntry {
    /// ISO 3166-1 alpha-2.
    pub country_code_a2: String,
    /// In English.
    pub country_name: String,
    /// Its states or provinces that lie in the region, by code. Absent, on the wire too, for
    /// countries that lie in one region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub country_subdivisions: Vec<SubdivisionEntry>,
}

/// A state or province.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubdivisionEntry {
    /// The part of ISO 3166-2 after the country.
    pub subdivision_code_a2: String,
    /// In English.
    pub subdivision_name: String,
}

/// Which part of the world is asked for; everything, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegionFilter {
    /// Only this region.
    pub region: Option<Region>,
    /// Only this country, in whichever regions it lies.
    pub country: Option<Country>,
    /// Only states and provinces of this code, hence only countries that have them.
    pub subdivision: Option<Subdivision>,
}

impl RegionFilter {
    /// Reads the codes of a query, in any case.
    ///
    /// # Errors
    /// A problem for each text that has not the form of a code. One that has it and belongs to no
    /// country is a filter that nothing passes.
    pub fn parse(country: Option<&str>, subdivision: Option<&str>) -> Result<Self, Vec<Problem>> {
        let problems = Problems::default();
        let wrong = |noun, text| {
            problems.invalid("", format_args!("\"{}\" is not a {noun} code", Clipped(text)));
        };
        let filter = Self {
            region: None,
            country: country.and_then(|text| {
                Country::parse(text).or_else(|| {
                    wrong("country", text);
                    None
                })
            }),
            subdivision: subdivision.and_then(|text| {
                Subdivision::parse(text).or_else(|| {
                    wrong("subdivision", text);
                    None
                })
            }),
        };
        problems.unless_any(filter)
    }
}

/// What passes a filter. Regions and countries of which nothing does are left out.
#[must_use]
pub fn regions(filter: &RegionFilter) -> Regions {
    let wanted = Region::ALL.into_iter().filter(|region| is_wanted(filter.region, *region));
    let regions = wanted.map(|region| RegionEntry {
        region_code: region.to_string(),
        countries: countries(region, filter),
    });
    Regions {
        iso_standard: ISO_STANDARD.to_string(),
        regions: regions.filter(|region| !region.countries.is_empty()).collect(),
    }
}

fn countries(region: Region, filter: &RegionFilter) -> Vec<CountryEntry> {
    let mut countries: Vec<_> =
        region.countries().filter(|country| is_wanted(filter.country, *country)).collect();
    countries.sort();
    let entries = countries.into_iter().map(|country| CountryEntry {
        country_code_a2: country.to_string(),
        country_name: names::of_country(country).to_string(),
        country_subdivisions: subdivisions(region, country, filter),
    });
    entries
        .filter(|entry| filter.subdivision.is_none() || !entry.country_subdivisions.is_empty())
        .collect()
}

fn subdivisions(region: Region, country: Country, filter: &RegionFilter) -> Vec<SubdivisionEntry> {
    names::of_parts(country)
        .filter(|(part, _)| is_wanted(filter.subdivision, *part))
        .filter(|(part, _)| Region::of(country, Some(*part)) == Some(region))
        .map(|(part, name)| SubdivisionEntry {
            subdivision_code_a2: part.to_string(),
            subdivision_name: name.to_string(),
        })
        .collect()
}

fn is_wanted<T: Copy + PartialEq>(wanted: Option<T>, candidate: T) -> bool {
    wanted.is_none_or(|wanted| wanted == candidate)
}
