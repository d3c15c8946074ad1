//! The thirteen regions, and which country lies in which.
//!
//! Published are the codes and what belongs to `WNAM` (api.md 2.10). The rest follows the United
//! Nations' M49 geoscheme (api.md 9, item 20):
//!
//! | region | of M49 |
//! |---|---|
//! | `WNAM` | as published: Haiti, Mexico, the west of Canada and of the United States |
//! | `ENAM` | Northern America without that |
//! | `NSAM` | Central America and the Caribbean, the north of South America |
//! | `SSAM` | the south of South America, from Brazil and Bolivia down |
//! | `WEU`, `EEU` | Northern, Western and Southern Europe; Eastern Europe |
//! | `NAF`, `SAF` | Northern and Western Africa; Eastern, Middle and Southern Africa |
//! | `ME` | Western Asia |
//! | `SAS`, `SEAS`, `NEAS` | Central and Southern Asia; South-eastern Asia; Eastern Asia |
//! | `OC` | Oceania, and Antarctica |

use core::fmt;

use crate::{Country, Subdivision};

/// A region of the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the published codes, see the module")]
pub enum Region {
    Wnam,
    Enam,
    Weu,
    Eeu,
    Nsam,
    Ssam,
    Oc,
    Me,
    Naf,
    Saf,
    Sas,
    Seas,
    Neas,
}

/// Countries by region. The United States and Canada stand where their unnamed parts go.
const COUNTRIES: [(Region, &str); 13] = [
    (Region::Wnam, "HT MX"),
    (Region::Enam, "BM CA GL PM US"),
    (
        Region::Weu,
        "AD AL AT AX BA BE CH DE DK EE ES FI FO FR GB GG GI GR HR IE IM IS IT JE LI LT LU LV MC ME \
         MK MT NL NO PT RS SE SI SJ SM VA XK",
    ),
    (Region::Eeu, "BG BY CZ HU MD PL RO RU SK UA"),
    (
        Region::Nsam,
        "AG AI AW BB BL BQ BS BZ CO CR CU CW DM DO EC GD GF GP GT GY HN JM KN KY LC MF MQ MS NI PA \
         PE PR SR SV SX TC TT VC VE VG VI",
    ),
    (Region::Ssam, "AR BO BR BV CL FK GS PY UY"),
    (
        Region::Oc,
        "AQ AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    ),
    (Region::Me, "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE"),
    (Region::Naf, "BF BJ CI CV DZ EG EH GH GM GN GW LR LY MA ML MR NE NG SD SH SL SN TG TN"),
    (
        Region::Saf,
        "AO BI BW CD CF CG CM DJ ER ET GA GQ IO KE KM LS MG MU MW MZ NA RE RW SC SO SS ST SZ TD TF \
         TZ UG YT ZA ZM ZW",
    ),
    (Region::Sas, "AF BD BT IN IR KG KZ LK MV NP PK TJ TM UZ"),
    (Region::Seas, "BN ID KH LA MM MY PH SG TH TL VN"),
    (Region::Neas, "CN HK JP KP KR MN MO TW"),
];

/// The published parts of countries that lie in two regions: these are `WNAM`.
const WESTERN: [(&str, &str); 2] = [("CA", "AB BC"), ("US", "AZ CA CO HI MN MO NV OR TX UT WA")];

/// Region by the two letters of a country, as a place in [`Region::ALL`]; 255 for none.
const OF_COUNTRY: [[u8; 26]; 26] = {
    let mut table = [[u8::MAX; 26]; 26];
    let mut row = 0;
    while row < COUNTRIES.len() {
        let (region, codes) = COUNTRIES[row];
        let codes = codes.as_bytes();
        let mut at = 0;
        while at < codes.len() {
            let cell = &mut table[(codes[at] - b'A') as usize][(codes[at + 1] - b'A') as usize];
            assert!(*cell == u8::MAX, "a country is listed once");
            *cell = region as u8;
            at += 3;
        }
        row += 1;
    }
    table
};

impl Region {
    /// All of them, in the order of behaviour.md 0.
    pub const ALL: [Self; 13] = [
        Self::Wnam,
        Self::Enam,
        Self::Weu,
        Self::Eeu,
        Self::Nsam,
        Self::Ssam,
        Self::Oc,
        Self::Me,
        Self::Naf,
        Self::Saf,
        Self::Sas,
        Self::Seas,
        Self::Neas,
    ];

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wnam => "WNAM",
            Self::Enam => "ENAM",
            Self::Weu => "WEU",
            Self::Eeu => "EEU",
            Self::Nsam => "NSAM",
            Self::Ssam => "SSAM",
            Self::Oc => "OC",
            Self::Me => "ME",
            Self::Naf => "NAF",
            Self::Saf => "SAF",
            Self::Sas => "SAS",
            Self::Seas => "SEAS",
            Self::Neas => "NEAS",
        }
    }

    /// Reads a code, in any case.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.code().eq_ignore_ascii_case(code))
    }

    /// The region of a country. The United States and Canada lie in two: without the state or
    /// province they count as `ENAM`, where most of their people live.
    #[must_use]
    pub fn of(country: Country, subdivision: Option<Subdivision>) -> Option<Self> {
        let western = WESTERN.iter().find(|(code, _)| *code == country.as_str());
        if let (Some((_, parts)), Some(subdivision)) = (western, subdivision)
            && parts.split(' ').any(|part| part == subdivision.as_str())
        {
            return Some(Self::Wnam);
        }
        let [first, second] = country.bytes().map(|letter| usize::from(letter - b'A'));
        Self::ALL.get(usize::from(OF_COUNTRY[first][second])).copied()
    }

    /// The countries that lie in it, wholly or in part.
    pub fn countries(self) -> impl Iterator<Item = Country> {
        let (_, whole) = COUNTRIES[self as usize];
        let parts = WESTERN.iter().filter(move |_| self == Self::Wnam).map(|(code, _)| *code);
        whole.split(' ').chain(parts).filter_map(Country::parse)
    }

    /// The parts of a country that lie in it, where the country lies in two regions and this is the
    /// western one; all others are the eastern one's.
    pub fn subdivisions(self, country: Country) -> impl Iterator<Item = Subdivision> {
        let of_country = move |(code, _): &&(&str, &str)| *code == country.as_str();
        let parts = WESTERN.iter().filter(move |_| self == Self::Wnam).filter(of_country);
        parts.flat_map(|(_, parts)| parts.split(' ')).filter_map(Subdivision::parse)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Region> {
        let (country, part) = text.split_once('-').unwrap_or((text, ""));
        Region::of(Country::parse(country).unwrap(), Subdivision::parse(part))
    }

    #[test]
    fn the_published_part_is_as_published() {
        for text in ["HT", "MX", "CA-AB", "CA-BC", "US-CA", "US-HI", "US-MN", "US-WA"] {
            assert_eq!(of(text), Some(Region::Wnam), "{text}");
        }
        for text in ["US", "CA", "US-NY", "CA-ON", "BM"] {
            assert_eq!(of(text), Some(Region::Enam), "{text}");
        }
    }

    #[test]
    fn the_rest_follows_the_geoscheme() {
        for (text, region) in [
            ("DE", Region::Weu),
            ("SE", Region::Weu),
            ("PL", Region::Eeu),
            ("RU", Region::Eeu),
            ("CO", Region::Nsam),
            ("JM", Region::Nsam),
            ("BR", Region::Ssam),
            ("AR", Region::Ssam),
            ("NZ", Region::Oc),
            ("TR", Region::Me),
            ("NG", Region::Naf),
            ("ZA", Region::Saf),
            ("KZ", Region::Sas),
            ("IN", Region::Sas),
            ("SG", Region::Seas),
            ("JP", Region::Neas),
        ] {
            assert_eq!(of(text), Some(region), "{text}");
        }
        assert_eq!(of("ZZ"), None);
    }

    #[test]
    fn every_assigned_country_is_somewhere_once() {
        // 249 officially assigned codes, and Kosovo's user-assigned XK.
        let all = COUNTRIES.iter().flat_map(|(_, codes)| codes.split(' '));
        assert_eq!(all.count(), 250);
        for (place, (region, _)) in COUNTRIES.iter().enumerate() {
            assert_eq!(Region::ALL[place], *region, "both lists have one order");
        }
    }

    #[test]
    fn codes_are_read_back() {
        for region in Region::ALL {
            assert_eq!(Region::parse(region.code()), Some(region));
            let inside = |country| {
                let part = region.subdivisions(country).next();
                Region::of(country, part) == Some(region)
            };
            assert!(region.countries().all(inside), "{region}");
        }
        assert_eq!(Region::parse("ALL_REGIONS"), None);
    }
}
