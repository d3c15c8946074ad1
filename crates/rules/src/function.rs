//! Names of the functions.
//!
//! What arguments they take is [`crate::check`]'s, what they do [`crate::eval`]'s business.

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FunctionName {
    All,
    Any,
    Cidr,
    Cidr6,
    Concat,
    EndsWith,
    Len,
    LookupJsonInteger,
    LookupJsonString,
    Lower,
    RegexReplace,
    RemoveBytes,
    StartsWith,
    Substring,
    ToString,
    Upper,
    UrlDecode,
}

/// Every function by its name.
const FUNCTIONS: [(&str, FunctionName); 17] = [
    ("all", FunctionName::All),
    ("any", FunctionName::Any),
    ("cidr", FunctionName::Cidr),
    ("cidr6", FunctionName::Cidr6),
    ("concat", FunctionName::Concat),
    ("ends_with", FunctionName::EndsWith),
    ("len", FunctionName::Len),
    ("lookup_json_integer", FunctionName::LookupJsonInteger),
    ("lookup_json_string", FunctionName::LookupJsonString),
    ("lower", FunctionName::Lower),
    ("regex_replace", FunctionName::RegexReplace),
    ("remove_bytes", FunctionName::RemoveBytes),
    ("starts_with", FunctionName::StartsWith),
    ("substring", FunctionName::Substring),
    ("to_string", FunctionName::ToString),
    ("upper", FunctionName::Upper),
    ("url_decode", FunctionName::UrlDecode),
];

impl FunctionName {
    /// Every name.
    pub(crate) fn all() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, _)| *name)
    }

    /// The function of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}
