//! Which settings there are, and what each may be.

use alloc::string::ToString;
use core::fmt;
use core::ops::RangeInclusive;

use serde_json::Value;

use crate::Number;

/// Longest request body that a zone may ask for, in MiB: a TiB. More is no limit but a typing error.
const MAX_UPLOAD_MIB_MAX: u32 = 1024 * 1024;
/// Longest silence of an endpoint that a zone may ask for, in seconds, as published.
const READ_TIMEOUT_S_MAX: u32 = 6000;
/// How long endpoints may be silent where neither the zone nor the node says it, in seconds.
const READ_TIMEOUT_S_DEFAULT: u32 = 125;

/// One setting.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its name.
    pub(super) name: &'static str,
    /// What it may be.
    pub(super) values: Values,
    /// Why it does nothing here, when it does nothing.
    pub(super) kept_only: Option<&'static str>,
}

/// What a setting may be, and what it is while nobody has set it.
#[derive(Debug)]
pub(super) enum Values {
    /// `on` or `off`.
    Switch(&'static str),
    /// One of these words.
    Words(&'static [&'static str], &'static str),
    /// A whole number, also written as a text.
    Whole(RangeInclusive<u32>, u32),
}

/// All of them, by name.
pub(super) const ALL: &[Definition] = &[
    honoured("always_use_https", Values::Switch("off")),
    honoured("http2", Values::Switch("on")),
    honoured("max_upload", Values::Whole(0..=MAX_UPLOAD_MIB_MAX, 0)),
    honoured("min_tls_version", Values::Words(&["1.0", "1.1", "1.2", "1.3"], "1.2")),
    honoured("origin_max_http_version", Values::Words(&["1", "2"], "2")),
    honoured("proxy_read_timeout", Values::Whole(1..=READ_TIMEOUT_S_MAX, READ_TIMEOUT_S_DEFAULT)),
    honoured("ssl", Values::Words(&["off", "flexible", "full", "strict"], "off")),
    Definition {
        name: "tls_1_3",
        values: Values::Words(&["on", "off", "zrt"], "on"),
        kept_only: Some("TLS 1.3 is always offered, and never with early data"),
    },
    honoured("tls_client_auth", Values::Switch("off")),
    honoured("websockets", Values::Switch("on")),
];

const fn honoured(name: &'static str, values: Values) -> Definition {
    Definition { name, values, kept_only: None }
}

/// The setting of a name.
pub(super) fn find(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.name == name)
}

/// A whole number, or a text of one: older clients send these.
pub(super) fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => {
            let number: u32 = text.parse().ok()?;
            // Neither a sign nor zeros in front.
            (number.to_string() == *text).then_some(number)
        }
        value => {
            let number = value.as_f64().and_then(Number::new)?.whole()?;
            u32::try_from(number).ok()
        }
    }
}

impl Values {
    /// Whether a setting may be that.
    pub(super) fn allow(&self, value: &Value) -> bool {
        match self {
            Self::Switch(_) => matches!(value.as_str(), Some("on" | "off")),
            Self::Words(words, _) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Whole(range, _) => whole(value).is_some_and(|number| range.contains(&number)),
        }
    }

    /// What it is while nobody has set it.
    pub(super) fn default(&self) -> Value {
        match self {
            Self::Switch(word) | Self::Words(_, word) => Value::from(*word),
            Self::Whole(_, number) => Value::from(*number),
        }
    }

    /// Whether it is on or off.
    pub(super) const fn is_switch(&self) -> bool {
        matches!(self, Self::Switch(_))
    }
}

impl fmt::Display for Values {
    /// What it may be, after "must be".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(_) => f.write_str("on or off"),
            Self::Words(words, _) => {
                f.write_str("one of ")?;
                words.iter().enumerate().try_for_each(|(place, word)| {
                    let separator = if place == 0 { "" } else { ", " };
                    write!(f, "{separator}{word}")
                })
            }
            Self::Whole(range, _) => {
                write!(f, "a whole number in range [{}, {}]", range.start(), range.end())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_in_order_and_defaults_are_allowed() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        assert!(ALL.iter().all(|definition| definition.values.allow(&definition.values.default())));
    }

    #[test]
    fn whole_numbers_may_be_texts() {
        for (sent, number) in [
            (json!(900), Some(900)),
            (json!(900.0), Some(900)),
            (json!("900"), Some(900)),
            (json!("0900"), None),
            (json!("+900"), None),
            (json!(900.5), None),
            (json!(-1), None),
            (json!("4294967296"), None),
            (json!(true), None),
        ] {
            assert_eq!(whole(&sent), number, "{sent}");
        }
    }
}
