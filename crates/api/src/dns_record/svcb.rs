//! The parameters of service bindings (RFC 9460): their text, and their wire form.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::fields::unbase64;
use super::tokens::tokens;

/// Parameters with a name (RFC 9460 section 14.3.2, RFC 9461, RFC 9540), numbered by their place.
const KEYS: [&str; 9] = [
    "mandatory",
    "alpn",
    "no-default-alpn",
    "port",
    "ipv4hint",
    "ech",
    "ipv6hint",
    "dohpath",
    "ohttp",
];

/// The wire form of parameters written as in a zone file: ascending by number, each key once.
///
/// # Errors
/// What is wrong, naming the key.
pub(super) fn wire(text: &str) -> Result<Vec<u8>, String> {
    let mut parameters = BTreeMap::new();
    for word in split(text).ok_or("a quote is open, or one of ;() is not in quotes")? {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let number = key_number(key).ok_or_else(|| format!("{key} is no parameter"))?;
        // Quotes are the text's; what remains may still be a list with escapes of its own.
        let value = match tokens(value).as_deref() {
            Some([]) => Vec::new(),
            Some([token]) => token.bytes.clone(),
            _ => return Err(format!("the value of {key} is malformed")),
        };
        let value =
            value_wire(number, &value).ok_or_else(|| format!("the value of {key} is malformed"))?;
        match parameters.entry(number) {
            Entry::Vacant(entry) => entry.insert(value),
            Entry::Occupied(_) => return Err(format!("{key} is there twice")),
        };
    }
    check_mandatory(&parameters)?;
    let mut out = Vec::new();
    for (number, value) in parameters {
        let length = u16::try_from(value.len()).map_err(|_| "a value is too long")?;
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend(value);
    }
    Ok(out)
}

/// Parameters between spaces outside of quotes.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut escaped) = (None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if !quoted && !escaped && byte.is_ascii_whitespace() {
            words.extend(start.take().map(|start| &text[start..at]));
            continue;
        }
        // A zone file would take these for its own.
        if !quoted && !escaped && matches!(byte, b';' | b'(' | b')') {
            return None;
        }
        start = start.or(Some(at));
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        }
    }
    words.extend(start.map(|start| &text[start..]));
    (!quoted && !escaped).then_some(words)
}

/// The number of a key, by name or as `key` and digits without leading zeros.
fn key_number(key: &str) -> Option<u16> {
    if let Some(place) = KEYS.iter().position(|known| *known == key) {
        return u16::try_from(place).ok();
    }
    let digits = key.strip_prefix("key")?;
    let is_plain = !digits.starts_with('0') || digits == "0";
    // The last number is reserved.
    digits.parse().ok().filter(|number| is_plain && !digits.starts_with('+') && *number != u16::MAX)
}

fn value_wire(number: u16, value: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(value).ok();
    match number {
        0 => {
            let keys: Option<Vec<_>> = text?.split(',').map(key_number).collect();
            let mut keys = keys?;
            keys.sort_unstable();
            let differ = keys.windows(2).all(|pair| pair[0] != pair[1]) && keys[0] != 0;
            differ.then(|| keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        1 => {
            let mut out = Vec::new();
            for protocol in protocols(value) {
                let length = u8::try_from(protocol.len()).ok().filter(|length| *length > 0)?;
                out.push(length);
                out.extend(protocol);
            }
            Some(out)
        }
        2 | 8 => value.is_empty().then(Vec::new),
        3 => Some(text?.parse::<u16>().ok()?.to_be_bytes().into()),
        4 => addresses(text?, |ip: Ipv4Addr| ip.octets().into()),
        5 => unbase64(text?).filter(|bytes| !bytes.is_empty()),
        6 => addresses(text?, |ip: Ipv6Addr| ip.octets().into()),
        7 => text?.contains("{?dns}").then(|| value.to_owned()),
        _ => Some(value.to_owned()),
    }
}

/// The protocols of a comma list, where a backslash keeps a comma or a backslash (RFC 9460
/// appendix A.1).
fn protocols(value: &[u8]) -> Vec<Vec<u8>> {
    let mut list = alloc::vec![Vec::new()];
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => list.push(Vec::new()),
            byte => {
                let byte = if *byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte };
                list.last_mut().expect("begins with one").push(*byte);
            }
        }
    }
    list
}

fn addresses<T: core::str::FromStr>(list: &str, octets: fn(T) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for text in list.split(',') {
        out.extend(octets(text.parse().ok()?));
    }
    Some(out)
}

fn check_mandatory(parameters: &BTreeMap<u16, Vec<u8>>) -> Result<(), String> {
    let listed = parameters.get(&0).map_or(&[][..], Vec::as_slice);
    let is_there = |pair: &[u8]| parameters.contains_key(&u16::from_be_bytes([pair[0], pair[1]]));
    if !listed.chunks_exact(2).all(is_there) {
        return Err("a mandatory parameter is missing".to_owned());
    }
    if parameters.contains_key(&2) && !parameters.contains_key(&1) {
        return Err("no-default-alpn needs alpn".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_follow_the_test_vectors_of_rfc_9460() {
        for (text, bytes) in [
            ("", Ok(&b""[..])),
            ("port=53", Ok(b"\x00\x03\x00\x02\x00\x35")),
            ("key667=hello", Ok(b"\x02\x9b\x00\x05hello")),
            (r#"key667="hello\210qoo""#, Ok(b"\x02\x9b\x00\x09hello\xd2qoo")),
            (
                r#"ipv6hint="2001:db8::1,2001:db8::53:1""#,
                Ok(b"\x00\x06\x00\x20\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x53\x00\x01"),
            ),
            (
                "alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
                Ok(b"\x00\x00\x00\x04\x00\x01\x00\x04\x00\x01\x00\x09\x02h2\x05h3-19\x00\x04\x00\x04\xc0\x00\x02\x01"),
            ),
            (
                r#"alpn="f\\\\oo\\,bar,h2""#,
                Ok(b"\x00\x01\x00\x0c\x08f\\oo,bar\x02h2"),
            ),
            ("no-default-alpn alpn=h2", Ok(b"\x00\x01\x00\x03\x02h2\x00\x02\x00\x00")),
            ("key123=abc key123=def", Err("key123 is there twice")),
            ("mandatory", Err("the value of mandatory is malformed")),
            ("alpn", Err("the value of alpn is malformed")),
            ("port", Err("the value of port is malformed")),
            ("ipv4hint", Err("the value of ipv4hint is malformed")),
            ("no-default-alpn=abc", Err("the value of no-default-alpn is malformed")),
            ("mandatory=key123", Err("a mandatory parameter is missing")),
            ("mandatory=mandatory", Err("the value of mandatory is malformed")),
            (
                "mandatory=key123,key123 key123=abc",
                Err("the value of mandatory is malformed"),
            ),
            ("no-default-alpn", Err("no-default-alpn needs alpn")),
            ("key65535=a", Err("key65535 is no parameter")),
            ("key01=a", Err("key01 is no parameter")),
            ("colour=red", Err("colour is no parameter")),
            ("alpn=\"h2", Err("a quote is open, or one of ;() is not in quotes")),
            ("key9=a;b", Err("a quote is open, or one of ;() is not in quotes")),
            ("key9=\"a;b\"", Ok(b"\x00\x09\x00\x03a;b")),
        ] {
            let got = wire(text);
            assert_eq!(got.as_deref(), bytes.map_err(str::to_owned).as_deref(), "{text}");
        }
    }
}
