//! What functions do to a value.
//!
//! A function is bound first: its further arguments are evaluated, once, however many values it is
//! then applied to. A missing argument makes the result missing.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::decode::Decoding;
use super::json::{self, Found, JsonKey, JsonKind};
use super::{Evaluation, Replacement, Source, Value};
use crate::network::network;

/// Longest string that is put together; a longer one is missing. Larger than any request head.
const CONCAT_BYTES_MAX: usize = 128 << 10;

/// A function with its arguments, apart from the first.
#[derive(Debug)]
pub(crate) enum Function {
    Lower,
    Upper,
    Len,
    ToString,
    StartsWith(Source),
    EndsWith(Source),
    Concat(Box<[Source]>),
    RemoveBytes(Source),
    Substring(Source, Option<Source>),
    UrlDecode {
        recursive: bool,
        unicode: bool,
    },
    LookupJson(JsonKind, Box<[JsonKey]>),
    RegexReplace(Box<Replacement>),
    /// Lengths of the prefixes kept of IPv4 and IPv6 addresses.
    Cidr(u8, u8),
}

/// A function whose arguments are known.
pub(super) enum Bound<'a> {
    Lower,
    Upper,
    Len,
    ToString,
    StartsWith(Cow<'a, [u8]>),
    EndsWith(Cow<'a, [u8]>),
    /// What is appended.
    Concat(Cow<'a, [u8]>),
    RemoveBytes(Cow<'a, [u8]>),
    Substring(i64, Option<i64>),
    UrlDecode(Decoding),
    LookupJson(JsonKind, &'a [JsonKey]),
    RegexReplace(&'a Replacement),
    Cidr(u8, u8),
}

impl Function {
    /// Evaluates the arguments. `None` if one is missing.
    pub(super) fn bind<'a>(&'a self, e: &Evaluation<'a>) -> Option<Bound<'a>> {
        Some(match self {
            Self::Lower => Bound::Lower,
            Self::Upper => Bound::Upper,
            Self::Len => Bound::Len,
            Self::ToString => Bound::ToString,
            Self::StartsWith(start) => Bound::StartsWith(start.value(e)?.into_text()?),
            Self::EndsWith(end) => Bound::EndsWith(end.value(e)?.into_text()?),
            Self::Concat(others) => Bound::Concat(concat(others, e)?),
            Self::RemoveBytes(bytes) => Bound::RemoveBytes(bytes.value(e)?.into_text()?),
            Self::Substring(start, end) => Bound::Substring(
                start.value(e)?.into_integer()?,
                match end {
                    Some(end) => Some(end.value(e)?.into_integer()?),
                    None => None,
                },
            ),
            Self::UrlDecode { recursive, unicode } => {
                Bound::UrlDecode(Decoding { recursive: *recursive, unicode: *unicode })
            }
            Self::LookupJson(kind, path) => Bound::LookupJson(*kind, path),
            Self::RegexReplace(replacement) => Bound::RegexReplace(replacement),
            Self::Cidr(v4_bits, v6_bits) => Bound::Cidr(*v4_bits, *v6_bits),
        })
    }
}

impl<'a> Bound<'a> {
    /// What becomes of a value. `None` is a missing value.
    pub(super) fn apply(&self, value: Value<'a>) -> Option<Value<'a>> {
        Some(match self {
            Self::ToString => Value::Text(as_text(value)),
            Self::Cidr(v4_bits, v6_bits) => {
                let Value::Ip(address) = value else { return None };
                Value::Ip(match address {
                    IpAddr::V4(_) => network(address, *v4_bits),
                    IpAddr::V6(_) => network(address, *v6_bits),
                })
            }
            Self::Concat(end) => {
                let mut text = as_text(value);
                if text.len() + end.len() > CONCAT_BYTES_MAX {
                    return None;
                }
                text.to_mut().extend_from_slice(end);
                Value::Text(text)
            }
            Self::Lower => Value::Text(lower(value.into_text()?)),
            Self::Upper => Value::Text(upper(value.into_text()?)),
            Self::Len => Value::Integer(i64::try_from(value.into_text()?.len()).ok()?),
            Self::StartsWith(start) => Value::Boolean(value.into_text()?.starts_with(start)),
            Self::EndsWith(end) => Value::Boolean(value.into_text()?.ends_with(end)),
            Self::RemoveBytes(bytes) => Value::Text(remove(value.into_text()?, bytes)),
            Self::Substring(start, end) => Value::Text(substring(value.into_text()?, *start, *end)),
            Self::UrlDecode(decoding) => Value::Text(decoding.apply(value.into_text()?)),
            Self::LookupJson(kind, path) => {
                let found = match value.into_text()? {
                    Cow::Borrowed(text) => json::lookup(text, path)?,
                    Cow::Owned(text) => match json::lookup(&text, path)? {
                        Found::String(found) => Found::String(found.into_owned().into()),
                        Found::Integer(found) => Found::Integer(found),
                    },
                };
                match (kind, found) {
                    (JsonKind::Integer, Found::Integer(found)) => Value::Integer(found),
                    (JsonKind::String, Found::String(Cow::Borrowed(found))) => {
                        Value::text(found.as_bytes())
                    }
                    (JsonKind::String, Found::String(Cow::Owned(found))) => {
                        Value::Text(found.into_bytes().into())
                    }
                    _ => return None,
                }
            }
            Self::RegexReplace(replacement) => Value::Text(replacement.apply(value.into_text()?)),
        })
    }
}

/// A value as text. Addresses as RFC 5952 writes them.
fn as_text(value: Value<'_>) -> Cow<'_, [u8]> {
    match value {
        Value::Text(text) => text,
        Value::Integer(value) => value.to_string().into_bytes().into(),
        Value::Boolean(true) => Cow::Borrowed(b"true"),
        Value::Boolean(false) => Cow::Borrowed(b"false"),
        Value::Ip(address) => address.to_string().into_bytes().into(),
    }
}

/// One value after the other. `None` if one is missing or there is too much.
fn concat<'a>(sources: &'a [Source], e: &Evaluation<'a>) -> Option<Cow<'a, [u8]>> {
    let Some((first, others)) = sources.split_first() else {
        return Some(Cow::Borrowed(b""));
    };
    let mut text = as_text(first.value(e)?);
    for other in others {
        let other = as_text(other.value(e)?);
        if text.len() + other.len() > CONCAT_BYTES_MAX {
            return None;
        }
        text.to_mut().extend_from_slice(&other);
    }
    Some(text)
}

fn lower(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        text.to_mut().make_ascii_lowercase();
    }
    text
}

fn upper(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_lowercase) {
        text.to_mut().make_ascii_uppercase();
    }
    text
}

/// Without any of `bytes`.
fn remove<'a>(mut text: Cow<'a, [u8]>, bytes: &[u8]) -> Cow<'a, [u8]> {
    let mut removed = [false; 256];
    for byte in bytes {
        removed[usize::from(*byte)] = true;
    }
    if text.iter().any(|byte| removed[usize::from(*byte)]) {
        text.to_mut().retain(|byte| !removed[usize::from(*byte)]);
    }
    text
}

/// From `start` up to, not including, `end`; negative indexes count from the end, those outside
/// mean the nearer end.
fn substring(text: Cow<'_, [u8]>, start: i64, end: Option<i64>) -> Cow<'_, [u8]> {
    let index = |index: i64| {
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        if index < 0 { text.len().saturating_sub(distance) } else { distance.min(text.len()) }
    };
    let start = index(start);
    let end = end.map_or(text.len(), index).max(start);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) => Cow::Owned(Vec::from(&text[start..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substrings() {
        for (start, end, expected) in [
            (2, Some(5), "dfg"),
            (2, None, "dfghjk"),
            (-2, None, "jk"),
            (0, Some(-2), "asdfgh"),
            (0, None, "asdfghjk"),
            (8, None, ""),
            (9, None, ""),
            (-9, Some(1), "a"),
            (5, Some(2), ""),
            (0, Some(i64::MAX), "asdfghjk"),
            (i64::MIN, Some(i64::MIN), ""),
        ] {
            let text = substring(Cow::Borrowed(b"asdfghjk"), start, end);
            assert_eq!(*text, *expected.as_bytes(), "{start} {end:?}");
            let text = substring(Cow::Owned(b"asdfghjk".to_vec()), start, end);
            assert_eq!(*text, *expected.as_bytes(), "{start} {end:?}");
        }
    }
}
