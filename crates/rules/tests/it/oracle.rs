//! A second reading of the language, the plainest possible: a tree over values that are owned, with
//! every list collected. It shares nothing with the crate but the facts it is asked about.

use std::net::IpAddr;

use crate::support::Sample;

/// A value. `None` stands for a missing one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(Vec<u8>),
    Integer(i64),
    Boolean(bool),
    Ip(IpAddr),
}

/// A truth value.
#[derive(Debug, Clone)]
pub(crate) enum Truth {
    Constant(bool),
    Not(Box<Self>),
    /// `and`, `or` or `xor`.
    Logic(&'static str, Vec<Self>),
    Is(One, Test),
    Bare(One),
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) enum One {
    Field(&'static str),
    Literal(Value),
    Nth(Box<Many>, usize),
    Len(Box<Many>),
    Call(Call, Box<Self>),
    Truth(Box<Truth>),
    /// `any` or `all`.
    Quantified(&'static str, Box<Truths>),
}

/// Many values.
#[derive(Debug, Clone)]
pub(crate) enum Many {
    /// An array field.
    Field(&'static str),
    /// A map's array at a key.
    Key(&'static str, String),
    /// Every map value's every value.
    Each(&'static str),
    /// Every map value's nth value.
    EachNth(&'static str, usize),
    Mapped(Call, Box<Self>),
    Joined(Box<Self>, Box<Self>),
}

/// Truth values, one for each of many values.
#[derive(Debug, Clone)]
pub(crate) enum Truths {
    Not(Box<Self>),
    Logic(&'static str, Vec<Self>),
    Is(Many, Test),
    Bare(Many),
}

/// A function and its arguments but the first.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<One>,
}

/// An operator and what it compares with.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// By its word.
    Order(&'static str, Value),
    Contains(Vec<u8>),
    Matches(&'static str),
    Wildcard {
        strict: bool,
        pattern: &'static str,
    },
    In(Vec<Item>),
}

/// A member of a list.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Value(Value),
    Range(Value, Value),
    Network(IpAddr, u8),
}

impl Truth {
    pub(crate) fn holds(&self, facts: &Sample) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Not(truth) => !truth.holds(facts),
            Self::Logic(op, items) => {
                fold(op, &items.iter().map(|item| item.holds(facts)).collect::<Vec<_>>())
            }
            Self::Is(one, test) => one.value(facts).is_some_and(|value| test.holds(&value)),
            Self::Bare(one) => one.value(facts) == Some(Value::Boolean(true)),
        }
    }
}

fn fold(op: &str, values: &[bool]) -> bool {
    match op {
        "and" => !values.contains(&false),
        "or" => values.contains(&true),
        "xor" => values.iter().filter(|value| **value).count() % 2 == 1,
        _ => unreachable!("{op}"),
    }
}

impl One {
    fn value(&self, facts: &Sample) -> Option<Value> {
        match self {
            Self::Field(name) => field(name, facts),
            Self::Literal(value) => Some(value.clone()),
            Self::Nth(many, nth) => many.values(facts)?.get(*nth)?.clone(),
            Self::Len(many) => Some(Value::Integer(many.values(facts)?.len() as i64)),
            Self::Call(call, one) => call.apply(&one.value(facts)?, facts),
            // An operand by itself is passed on as it is, missing or not.
            Self::Truth(truth) => match &**truth {
                Truth::Bare(one) => one.value(facts),
                truth => Some(Value::Boolean(truth.holds(facts))),
            },
            Self::Quantified(name, truths) => {
                let values = truths.values(facts)?;
                Some(Value::Boolean(fold(if *name == "any" { "or" } else { "and" }, &values)))
            }
        }
    }
}

impl Many {
    fn values(&self, facts: &Sample) -> Option<Vec<Option<Value>>> {
        let text = |text: &Vec<u8>| Some(Value::Text(text.clone()));
        match self {
            Self::Field(name) => {
                let arguments = arguments(facts)?;
                let side = |(name_of, value): &(Vec<u8>, Vec<u8>)| match *name {
                    "http.request.uri.args.names" => text(name_of),
                    _ => text(value),
                };
                Some(arguments.iter().map(side).collect())
            }
            Self::Key(map, key) => {
                let map = entries(map, facts)?;
                let (_, values) = map.iter().find(|(name, _)| name == key.as_bytes())?;
                Some(values.iter().map(text).collect())
            }
            // Maps keep no order between keys, and neither does what is made of this.
            Self::Each(map) => {
                let map = entries(map, facts)?;
                Some(map.iter().flat_map(|(_, values)| values.iter().map(text)).collect())
            }
            Self::EachNth(map, nth) => {
                let map = entries(map, facts)?;
                Some(map.iter().filter_map(|(_, values)| values.get(*nth).map(text)).collect())
            }
            Self::Mapped(call, many) => {
                let values = many.values(facts)?;
                // A missing argument makes every result missing, and the array with them.
                for argument in &call.arguments {
                    argument.value(facts)?;
                }
                Some(values.into_iter().map(|value| call.apply(&value?, facts)).collect())
            }
            Self::Joined(first, second) => {
                Some([first.values(facts)?, second.values(facts)?].concat())
            }
        }
    }
}

impl Truths {
    fn values(&self, facts: &Sample) -> Option<Vec<bool>> {
        match self {
            Self::Not(truths) => Some(truths.values(facts)?.iter().map(|value| !value).collect()),
            Self::Logic(op, items) => {
                let columns =
                    items.iter().map(|item| item.values(facts)).collect::<Option<Vec<_>>>()?;
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let row = |row: usize| {
                    fold(op, &columns.iter().map(|column| column[row]).collect::<Vec<_>>())
                };
                Some((0..rows).map(row).collect())
            }
            Self::Is(many, test) => Some(
                many.values(facts)?
                    .iter()
                    .map(|value| value.as_ref().is_some_and(|value| test.holds(value)))
                    .collect(),
            ),
            Self::Bare(many) => {
                let values = many.values(facts)?;
                Some(values.iter().map(|value| *value == Some(Value::Boolean(true))).collect())
            }
        }
    }
}

fn field(name: &str, facts: &Sample) -> Option<Value> {
    if (name.starts_with("http.") && !facts.proxied) || (name.starts_with("dns.") && facts.proxied)
    {
        return None;
    }
    let header = |name: &str| {
        let mut headers = facts.headers.iter();
        headers.find(|(known, _)| known.to_lowercase() == name).map(|(_, value)| value.clone())
    };
    Some(match name {
        "http.host" => Value::Text(facts.host.clone().into()),
        "http.request.method" => Value::Text(facts.method.clone().into()),
        "http.request.uri.path" => Value::Text(facts.path.clone().into()),
        "http.request.uri.query" => Value::Text(facts.query.clone().into()),
        "http.cookie" => Value::Text(header("cookie")?),
        "http.request.timestamp.sec" => Value::Integer(facts.timestamp),
        "ip.src" => Value::Ip(facts.ip),
        "ip.src.asnum" => Value::Integer(facts.asn?),
        "dns.qry.name" => Value::Text(facts.query_name.clone().into()),
        "dns.qry.name.len" => Value::Integer(facts.query_name.len() as i64),
        "dns.qry.type" => Value::Integer(facts.query_type),
        "dns.qry.qu" => Value::Boolean(facts.unicast),
        "dns.rr.opt.client" => Value::Boolean(facts.subnet.is_some()),
        "dns.rr.opt.client.addr" => Value::Text(facts.subnet.clone()?.into()),
        _ => unreachable!("{name}"),
    })
}

fn arguments(facts: &Sample) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    facts.proxied.then(|| {
        let pieces = facts.query.split('&').filter(|piece| !piece.is_empty());
        let pairs = pieces.map(|piece| piece.split_once('=').unwrap_or((piece, "")));
        pairs.map(|(name, value)| (name.into(), value.into())).collect()
    })
}

/// Names with the values of each.
type Entries = Vec<(Vec<u8>, Vec<Vec<u8>>)>;

fn entries(map: &str, facts: &Sample) -> Option<Entries> {
    let pairs = match map {
        "http.request.headers" if facts.proxied => facts
            .headers
            .iter()
            .map(|(name, value)| (name.to_lowercase().into_bytes(), value.clone()))
            .collect(),
        "http.request.uri.args" => arguments(facts)?,
        _ => return None,
    };
    let mut entries = Entries::new();
    for (name, value) in pairs {
        match entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => entries.push((name, vec![value])),
        }
    }
    Some(entries)
}

impl Call {
    fn apply(&self, subject: &Value, facts: &Sample) -> Option<Value> {
        let arguments: Vec<_> = self
            .arguments
            .iter()
            .map(|argument| argument.value(facts))
            .collect::<Option<Vec<_>>>()?;
        let bytes = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            Value::Integer(value) => value.to_string().into(),
            Value::Boolean(value) => value.to_string().into(),
            Value::Ip(address) => address.to_string().into(),
        };
        let integer = |index: usize| match arguments.get(index) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        };
        let text = bytes(subject);
        Some(match self.name {
            "lower" => Value::Text(text.to_ascii_lowercase()),
            "upper" => Value::Text(text.to_ascii_uppercase()),
            "len" => Value::Integer(text.len() as i64),
            "to_string" => Value::Text(text),
            "starts_with" => Value::Boolean(text.starts_with(&bytes(&arguments[0]))),
            "ends_with" => Value::Boolean(text.ends_with(&bytes(&arguments[0]))),
            "concat" => {
                let ends = arguments.iter().map(bytes);
                Value::Text(ends.fold(text, |text, end| [text, end].concat()))
            }
            "remove_bytes" => {
                let removed = bytes(&arguments[0]);
                Value::Text(text.into_iter().filter(|byte| !removed.contains(byte)).collect())
            }
            "substring" => {
                let len = text.len() as i64;
                let index = |index: i64| if index < 0 { len + index } else { index }.clamp(0, len);
                let start = index(integer(0)?);
                let end = integer(1).map_or(len, index).max(start);
                Value::Text(text[start as usize..end as usize].to_vec())
            }
            _ => unreachable!("{}", self.name),
        })
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Order(word, constant), value) => {
                let (less, equal) = match (value, constant) {
                    (Value::Text(a), Value::Text(b)) => (a < b, a == b),
                    (Value::Integer(a), Value::Integer(b)) => (a < b, a == b),
                    (a, b) => (false, a == b),
                };
                match *word {
                    "eq" => equal,
                    "ne" => !equal,
                    "lt" => less,
                    "le" => less || equal,
                    "gt" => !less && !equal,
                    "ge" => !less,
                    _ => unreachable!("{word}"),
                }
            }
            (Self::Contains(part), Value::Text(text)) => {
                part.is_empty() || text.windows(part.len()).any(|window| window == part)
            }
            (Self::Matches(pattern), Value::Text(text)) => match *pattern {
                "^a" => text.starts_with(b"a"),
                "b$" => text.ends_with(b"b"),
                "(?i)AB" => text.to_ascii_lowercase().windows(2).any(|window| window == b"ab"),
                r#"["/]"# => text.contains(&b'"') || text.contains(&b'/'),
                r"\." => text.contains(&b'.'),
                _ => unreachable!("{pattern}"),
            },
            (Self::Wildcard { strict, pattern }, Value::Text(text)) => {
                let (pattern, text) = if *strict {
                    (pattern.as_bytes().to_vec(), text.clone())
                } else {
                    (pattern.to_ascii_lowercase().into_bytes(), text.to_ascii_lowercase())
                };
                wildcard(&pattern, &text)
            }
            (Self::In(items), value) => items.iter().any(|item| item.has(value)),
            _ => unreachable!("{self:?} {value:?}"),
        }
    }
}

fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', pattern @ ..] => (0..=text.len()).any(|skip| wildcard(pattern, &text[skip..])),
        [b'\\', byte, pattern @ ..] | [byte, pattern @ ..] => {
            text.first() == Some(byte) && wildcard(pattern, &text[1..])
        }
    }
}

impl Item {
    fn has(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Value(item), value) => item == value,
            (Self::Range(Value::Integer(first), Value::Integer(last)), Value::Integer(value)) => {
                (first..=last).contains(&value)
            }
            (Self::Range(Value::Ip(first), Value::Ip(last)), Value::Ip(value)) => {
                first.is_ipv4() == value.is_ipv4() && (first..=last).contains(&value)
            }
            (Self::Network(IpAddr::V4(network), bits), Value::Ip(IpAddr::V4(value))) => {
                let different = network.to_bits() ^ value.to_bits();
                different.leading_zeros() >= u32::from(*bits)
            }
            (Self::Network(IpAddr::V6(network), bits), Value::Ip(IpAddr::V6(value))) => {
                let different = network.to_bits() ^ value.to_bits();
                different.leading_zeros() >= u32::from(*bits)
            }
            _ => false,
        }
    }
}
