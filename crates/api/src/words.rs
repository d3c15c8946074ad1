//! Closed sets of words. A word is matched exactly, letter case included (api.md 1.8), and comes
//! back as sent.

/// A set of words.
pub(crate) trait Word: Copy + 'static {
    /// Every word with its meaning, in the order messages list them.
    const ALL: &'static [(&'static str, Self)];

    /// The meaning of a word; `None` when it is not one of the set.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
    }
}

/// Declares enums that are words on the wire.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// The word itself.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl crate::words::Word for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];
        }
    )*};
}

pub(crate) use words;

words! {
    /// Where probes come from, `check_regions` (api.md 3.4).
    #[expect(missing_docs, reason = "region codes, api.md 2.10")]
    CheckRegion {
        Wnam = "WNAM", Enam = "ENAM", Weu = "WEU", Eeu = "EEU", Nsam = "NSAM", Ssam = "SSAM",
        Oc = "OC", Me = "ME", Naf = "NAF", Saf = "SAF", Sas = "SAS", Seas = "SEAS", Neas = "NEAS",
        China = "CHINA", AllRegions = "ALL_REGIONS",
    }
}
