//! Values of flags that say several things at once: an endpoint, a geo map's entry, coordinates; and
//! times.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Number, Value, json};

/// A key of a geo map and the pools that it stands for.
pub(crate) type Place = (String, Vec<String>);

/// A monitor of a group and what it counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// By description or id.
    pub(crate) monitor: String,
    pub(crate) enabled: bool,
    pub(crate) must_be_healthy: bool,
    pub(crate) monitoring_only: bool,
}

/// The shortest monitor interval that a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IntervalMin {
    /// 100 to 3,600,000.
    pub(crate) ms: u32,
}

impl Default for IntervalMin {
    fn default() -> Self {
        Self { ms: 10_000 }
    }
}

impl FromStr for IntervalMin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "is not a number of seconds from 0.1 to 3600";
        let seconds = text.parse().ok().and_then(evenkeel_api::Number::new).ok_or(EXPECTED)?;
        let ms = seconds.thousandths();
        if (100..=3_600_000).contains(&ms) { Ok(Self { ms }) } else { Err(EXPECTED) }
    }
}

/// How long, as people write it: `30m`, `1h30m`, `2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a time such as 30s, 30m, 1h, 1h30m, 2d or 1w";
        let mut whole: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(EXPECTED)?;
            let count: u64 = rest[..end].parse().map_err(|_| EXPECTED)?;
            let seconds = match rest.as_bytes()[end] {
                b's' => 1,
                b'm' => 60,
                b'h' => 60 * 60,
                b'd' => 24 * 60 * 60,
                b'w' => 7 * 24 * 60 * 60,
                _ => return Err(EXPECTED),
            };
            let part = count.checked_mul(seconds).ok_or(EXPECTED)?;
            whole = whole.checked_add(part).ok_or(EXPECTED)?;
            rest = &rest[end + 1..];
        }
        if whole == 0 { Err(EXPECTED) } else { Ok(Self(Duration::from_secs(whole))) }
    }
}

/// A number as JSON has it: whole ones stay whole.
pub(super) fn number(text: &str) -> Result<Number, String> {
    serde_json::from_str(text).map_err(|_| "expected a number".to_owned())
}

pub(super) fn place(text: &str) -> Result<Place, String> {
    let (code, pools) = text.split_once('=').ok_or("expected CODE=POOL,…")?;
    let pools = pools.split(',').map(str::trim).filter(|pool| !pool.is_empty());
    Ok((code.trim().to_ascii_uppercase(), pools.map(str::to_owned).collect()))
}

pub(super) fn weight(text: &str) -> Result<(String, f64), String> {
    const EXPECTED: &str = "expected POOL=WEIGHT with a weight from 0 to 1";
    let (pool, weight) = text.split_once('=').ok_or(EXPECTED)?;
    Ok((pool.to_owned(), weight.parse().map_err(|_| EXPECTED)?))
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected SETTING=VALUE, such as ssl=full".to_owned()),
    }
}

pub(super) fn coordinates(text: &str) -> Result<(f64, f64), String> {
    const EXPECTED: &str = "expected degrees north and east, as 38.72/-9.14";
    let (latitude, longitude) = text.split_once('/').ok_or(EXPECTED)?;
    let degrees = |text: &str| text.trim().parse().map_err(|_| EXPECTED.to_owned());
    Ok((degrees(latitude)?, degrees(longitude)?))
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(super) fn member(text: &str) -> Result<Member, String> {
    let mut words = text.split(',');
    let monitor = words.next().unwrap_or_default().to_owned();
    let mut member =
        Member { monitor, enabled: true, must_be_healthy: false, monitoring_only: false };
    for word in words {
        match word {
            "must_be_healthy" => member.must_be_healthy = true,
            "monitoring_only" => member.monitoring_only = true,
            "disabled" => member.enabled = false,
            other => {
                let flags = "must_be_healthy, monitoring_only and disabled";
                return Err(format!("{other:?} is no flag of a member; there are {flags}"));
            }
        }
    }
    Ok(member)
}

/// An origin as the API takes it. It goes by its address unless it is given a name.
pub(super) fn origin(text: &str) -> Result<Value, String> {
    let mut words = text.split(',');
    let first = words.next().unwrap_or_default();
    let (name, place) = match first.split_once('=') {
        Some((name, place)) => (name, place),
        None => (first, first),
    };
    let (address, port) = address(place);
    if address.is_empty() {
        return Err("expected [NAME=]ADDRESS[:PORT][,KEY=VALUE…]".to_owned());
    }
    let mut origin = json!({ "name": name, "address": address });
    if let Some(port) = port {
        origin["port"] = json!(port);
    }
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("{word:?} is not KEY=VALUE"))?;
        let typed = || {
            serde_json::from_str::<Value>(value)
                .map_err(|_| format!("{key}: {value:?} is neither a number nor true or false"))
        };
        match key {
            "name" | "virtual_network_id" => origin[key] = json!(value),
            "weight" | "enabled" | "port" | "flatten_cname" => origin[key] = typed()?,
            "host" => origin["header"] = json!({ "Host": [value] }),
            _ => {
                let keys =
                    "name, weight, enabled, port, host, flatten_cname and virtual_network_id";
                return Err(format!("{key:?} is no key of an origin; there are {keys}"));
            }
        }
    }
    Ok(origin)
}

/// Address and port. An IPv6 address with a port stands in brackets.
pub(crate) fn address(text: &str) -> (&str, Option<u16>) {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return (text, None);
    }
    let bare =
        |text: &'_ str| text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).is_some();
    match text.rsplit_once(':').map(|(address, port)| (address, port.parse())) {
        Some((address, Ok(port))) => {
            (address.trim_start_matches('[').trim_end_matches(']'), Some(port))
        }
        _ if bare(text) => (&text[1..text.len() - 1], None),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counts_and_units() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("30m", Some(1800)),
            ("1h30m", Some(5400)),
            ("2d", Some(172_800)),
            ("1w", Some(604_800)),
            ("0m", None),
            ("", None),
            ("30", None),
            ("m", None),
            ("1.5h", None),
            ("-1h", None),
            ("1 h", None),
            ("1µ", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(text.parse::<Span>().ok().map(|span| span.0.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn times_may_be_fractions_of_a_second() {
        for (text, ms) in [
            ("10", Some(10_000)),
            ("0.2", Some(200)),
            ("3600", Some(3_600_000)),
            ("0.09", None),
            ("3601", None),
            ("nan", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(text.parse::<IntervalMin>().ok().map(|min| min.ms), ms, "{text}");
        }
        assert_eq!(number("60").unwrap().to_string(), "60");
        assert_eq!(number("0.25").unwrap().to_string(), "0.25");
        assert!(number("soon").is_err());
    }

    #[test]
    fn origins_are_written_on_one_line() {
        for (text, expected) in [
            ("192.0.2.1", json!({ "name": "192.0.2.1", "address": "192.0.2.1" })),
            ("192.0.2.1:81", json!({ "name": "192.0.2.1:81", "address": "192.0.2.1", "port": 81 })),
            ("a=h.example:1", json!({ "name": "a", "address": "h.example", "port": 1 })),
            ("2001:db8::1", json!({ "name": "2001:db8::1", "address": "2001:db8::1" })),
            ("b=[2001:db8::1]:1", json!({ "name": "b", "address": "2001:db8::1", "port": 1 })),
            ("b=[2001:db8::1]", json!({ "name": "b", "address": "2001:db8::1" })),
            (
                "a=192.0.2.1,weight=0.5,enabled=false,host=w.example",
                json!({
                    "name": "a", "address": "192.0.2.1", "weight": 0.5, "enabled": false,
                    "header": { "Host": ["w.example"] },
                }),
            ),
        ] {
            assert_eq!(origin(text), Ok(expected), "{text}");
        }
        for text in ["", "a=", "192.0.2.1,heavy=1", "192.0.2.1,weight=much", "192.0.2.1,weight"] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places_members_and_coordinates_are_read() {
        assert_eq!(place("weu=a, b"), Ok(("WEU".into(), vec!["a".into(), "b".into()])));
        assert_eq!(place("PT="), Ok(("PT".into(), vec![])));
        assert_eq!(coordinates("38.72/-9.14"), Ok((38.72, -9.14)));
        assert_eq!(weight("a=0.25"), Ok(("a".into(), 0.25)));
        let read = member("live,must_be_healthy,disabled").unwrap();
        assert!(read.must_be_healthy && !read.enabled && !read.monitoring_only);
        assert!(member("live,fast").is_err() && place("WEU").is_err());
        assert!(weight("a").is_err() && coordinates("1").is_err() && header("x").is_err());
    }
}
