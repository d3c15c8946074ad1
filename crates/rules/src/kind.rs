//! Kinds of values, and the shapes they come in.

use core::fmt;

/// What a single value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Boolean,
    Ip,
}

/// How many values an operand has, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    One(Kind),
    /// An array, to be indexed or counted.
    Array(Kind),
    /// An array after `[*]`: what is done to it is done to each of its values.
    Each(Kind),
    /// A map from strings to arrays of strings.
    Map,
    /// A map after `[*]`: each of its arrays.
    EachArray,
}

impl Kind {
    const fn plural(self) -> &'static str {
        match self {
            Self::Text => "strings",
            Self::Integer => "integers",
            Self::Boolean => "booleans",
            Self::Ip => "IP addresses",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Boolean => "a boolean",
            Self::Ip => "an IP address",
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(kind) => kind.fmt(f),
            Self::Array(kind) => write!(f, "an array of {}", kind.plural()),
            Self::Each(kind) => write!(f, "each of an array of {}", kind.plural()),
            Self::Map => f.write_str("a map of arrays"),
            Self::EachArray => f.write_str("each array of a map"),
        }
    }
}
