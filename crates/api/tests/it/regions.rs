//! The regions endpoints' answers.

use evenkeel_api::regions::{RegionFilter, regions};
use evenkeel_model::Region;
use serde_json::json;

/// An answer in one line: `REGION country country-part,part`.
fn told(country: &str, subdivision: &str) -> String {
    let sent = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (country, subdivision) = (sent(country), sent(subdivision));
    let filter = RegionFilter::parse(country.as_deref(), subdivision.as_deref()).unwrap();
    let regions = regions(&filter).regions.into_iter().map(|region| {
        let countries = region.countries.into_iter().map(|country| {
            let parts: Vec<_> = country
                .country_subdivisions
                .into_iter()
                .map(|part| part.subdivision_code_a2)
                .collect();
            match parts.join(",") {
                none if none.is_empty() => country.country_code_a2,
                parts => format!("{}-{parts}", country.country_code_a2),
            }
        });
        format!("{} {}", region.region_code, countries.collect::<Vec<_>>().join(" "))
    });
    regions.collect::<Vec<_>>().join("; ")
}

#[test]
fn filters_leave_the_part_of_the_world_asked_for() {
    for (country, subdivision, expected) in [
        ("DE", "", "WEU DE"),
        ("de", "", "WEU DE"),
        ("XK", "", "WEU XK"),
        ("ZZ", "", ""),
        ("DE", "BY", ""),
        ("US", "CA", "WNAM US-CA"),
        ("us", "ny", "ENAM US-NY"),
        ("", "CA", "WNAM US-CA"),
        ("CA", "", "WNAM CA-AB,BC; ENAM CA-MB,NB,NL,NS,NT,NU,ON,PE,QC,SK,YT"),
        ("CA", "CA", ""),
        ("US", "ZZ", ""),
    ] {
        assert_eq!(told(country, subdivision), expected, "{country}-{subdivision}");
    }
}

#[test]
fn the_published_part_has_the_published_shape() {
    let filter = RegionFilter { region: Some(Region::Wnam), ..RegionFilter::default() };
    let part =
        |code: &str, name: &str| json!({"subdivision_code_a2": code, "subdivision_name": name});
    assert_eq!(
        serde_json::to_value(regions(&filter)).unwrap(),
        json!({
            "iso_standard": "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2",
            "regions": [{"region_code": "WNAM", "countries": [
                {"country_code_a2": "CA", "country_name": "Canada", "country_subdivisions": [
                    part("AB", "Alberta"), part("BC", "British Columbia")]},
                {"country_code_a2": "HT", "country_name": "Haiti"},
                {"country_code_a2": "MX", "country_name": "Mexico"},
                {"country_code_a2": "US", "country_name": "United States", "country_subdivisions": [
                    part("AZ", "Arizona"), part("CA", "California"), part("CO", "Colorado"),
                    part("HI", "Hawaii"), part("MN", "Minnesota"), part("MO", "Missouri"),
                    part("NV", "Nevada"), part("OR", "Oregon"), part("TX", "Texas"),
                    part("UT", "Utah"), part("WA", "Washington")]}]}]
        })
    );
}

#[test]
fn unfiltered_it_is_the_whole_world() {
    let world = regions(&RegionFilter::default());
    let codes: Vec<_> = world.regions.iter().map(|region| region.region_code.as_str()).collect();
    assert_eq!(codes.len(), 13);
    assert_eq!((codes[0], codes[12]), ("WNAM", "NEAS"));
    let entries = world.regions.iter().flat_map(|region| &region.countries);
    // 249 assigned codes and Kosovo; the United States and Canada lie in two regions.
    assert_eq!(entries.count(), 252);
}

#[test]
fn what_is_no_code_is_refused() {
    for (country, subdivision, problems) in [
        ("DEU", None, vec!["\"DEU\" is not a country code: validation failed"]),
        ("", None, vec!["\"\" is not a country code: validation failed"]),
        (
            "1\n",
            Some("C"),
            vec![
                "\"1\u{fffd}\" is not a country code: validation failed",
                "\"C\" is not a subdivision code: validation failed",
            ],
        ),
    ] {
        let found = RegionFilter::parse(Some(country), subdivision).unwrap_err();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, problems, "{country}");
    }
}
