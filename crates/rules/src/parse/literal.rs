//! Constants: strings in their three spellings, integers, addresses, and inline lists of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use winnow::Parser;
use winnow::combinator::opt;
use winnow::stream::Stream;
use winnow::token::{any, take_till, take_while};

use super::lexical::{fail, peek_char, position, shortened, space, take};
use super::{Input, Parsed};
use crate::error::ParseError;
use crate::network::network;
use crate::syntax::{At, Constant, Item, ItemValue, Literal};

/// The constant after an operator.
pub(super) fn one(input: &mut Input<'_>) -> Parsed<Literal> {
    space(input)?;
    let at = At(position(input));
    if peek_char(input) == Some('{') {
        return Err(fail(input, "expected one value, a list needs `in`"));
    }
    constant(input).map(|value| Literal { at, value })
}

/// Whether what comes next can only be a constant, rather than a field or a function.
pub(super) fn is_next(input: &Input<'_>) -> bool {
    // Addresses may begin with a letter, names have no colon.
    let bare = peek_bare(input);
    is_string(input)
        || bare.contains(':')
        || bare.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

/// Whether a string comes next.
pub(super) fn is_string(input: &Input<'_>) -> bool {
    ["\"", "r\"", "r#"].iter().any(|start| input.starts_with(start))
}

/// A string, an integer, an address or a truth value.
pub(super) fn constant(input: &mut Input<'_>) -> Parsed<Constant> {
    if is_string(input) {
        return string(input).map(Constant::Text);
    }
    let start = position(input);
    let bare = bare(input)?;
    if bare.contains('/') || bare.contains("..") {
        return Err(ParseError::new(start, "a range of values needs a list: `in {…}`"));
    }
    scalar(start, bare)
}

/// An index into an array.
pub(super) fn index(input: &mut Input<'_>) -> Parsed<u32> {
    let start = position(input);
    let bare = bare(input)?;
    bare.parse().map_err(|_| {
        ParseError::new(start, format!("`{}` is not an index of an array", shortened(bare)))
    })
}

/// The list after `in`.
pub(super) fn list(input: &mut Input<'_>) -> Parsed<Vec<Item>> {
    space(input)?;
    let open = position(input);
    if peek_char(input) == Some('$') {
        let message = "named lists (`$name`) are not supported in load balancing rules; \
                       write the values: `in {…}`";
        return Err(ParseError::new(open, message));
    }
    if !take(input, "{")? {
        return Err(fail(input, "expected a list: `{`, values separated by spaces, `}`"));
    }
    let mut items = Vec::new();
    loop {
        space(input)?;
        if take(input, "}")? {
            return Ok(items);
        }
        match peek_char(input) {
            None => return Err(fail(input, &format!("expected `}}` for the `{{` at byte {open}"))),
            Some(',') => {
                return Err(fail(input, "values of a list are separated by spaces"));
            }
            Some(_) => items.push(item(input)?),
        }
    }
}

/// A value, a range or a network.
fn item(input: &mut Input<'_>) -> Parsed<Item> {
    let start = position(input);
    let at = At(start);
    if is_string(input) {
        return string(input).map(|text| Item { at, value: ItemValue::One(Constant::Text(text)) });
    }
    let bare = bare(input)?;
    let value = if let Some((first, last)) = bare.split_once("..") {
        range(start, scalar(start, first)?, scalar(start + first.len() + 2, last)?)?
    } else if let Some((address, bits)) = bare.split_once('/') {
        cidr(start, address, bits)?
    } else {
        ItemValue::One(scalar(start, bare)?)
    };
    Ok(Item { at, value })
}

fn range(at: usize, first: Constant, last: Constant) -> Parsed<ItemValue> {
    let (ascends, range) = match (first, last) {
        (Constant::Integer(first), Constant::Integer(last)) => {
            (first <= last, ItemValue::Integers(first, last))
        }
        (Constant::Ip(first), Constant::Ip(last)) if first.is_ipv4() == last.is_ipv4() => {
            (first <= last, ItemValue::Ips(first, last))
        }
        _ => {
            let message = "a range goes from integer to integer, or from address to address of the \
                           same version";
            return Err(ParseError::new(at, message));
        }
    };
    if ascends {
        Ok(range)
    } else {
        Err(ParseError::new(at, "the range's end lies before its start"))
    }
}

fn cidr(at: usize, address: &str, bits: &str) -> Parsed<ItemValue> {
    let Ok(address) = address.parse::<IpAddr>() else {
        let message = format!("`{}` is not an IP address", shortened(address));
        return Err(ParseError::new(at, message));
    };
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    // No sign, no leading zeros: one way to write each.
    let canonical = bits.len() < 4 && !(bits.starts_with(['+', '0']) && bits != "0");
    match bits.parse::<u8>() {
        Ok(bits) if bits <= bits_max && canonical => {
            Ok(ItemValue::Cidr(network(address, bits), bits))
        }
        _ => {
            let message =
                format!("`{}` is not the length of a prefix, 0 to {bits_max}", shortened(bits));
            Err(ParseError::new(at, message))
        }
    }
}

/// An unquoted constant.
fn bare<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    match peek_bare(input) {
        "" => Err(fail(input, "expected a value: a string in quotes, an integer or an IP address")),
        bare => {
            take(input, bare)?;
            Ok(bare)
        }
    }
}

fn peek_bare<'t>(input: &Input<'t>) -> &'t str {
    let rest: &'t str = &input.input;
    let is_bare =
        |char: char| char.is_alphanumeric() || matches!(char, '.' | ':' | '-' | '/' | '_' | '%');
    &rest[..rest.find(|char| !is_bare(char)).unwrap_or(rest.len())]
}

/// An integer, an address or a truth value from its text.
fn scalar(at: usize, text: &str) -> Parsed<Constant> {
    match text {
        "true" => return Ok(Constant::Boolean(true)),
        "false" => return Ok(Constant::Boolean(false)),
        _ => {}
    }
    if let Ok(address) = text.parse() {
        return Ok(Constant::Ip(address));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let shown = shortened(text);
    if digits.is_empty() || !digits.chars().all(|char| char.is_digit(radix)) {
        let looks_like_ip = text.contains(':') || text.matches('.').count() == 3;
        let message = if looks_like_ip {
            format!("`{shown}` is not an IP address")
        } else {
            format!("`{shown}` is neither an integer nor an IP address; strings need quotes")
        };
        return Err(ParseError::new(at, message));
    }
    if radix == 10 && digits.len() > 1 && digits.starts_with('0') {
        let message = format!("`{shown}` has leading zeros");
        return Err(ParseError::new(at, message));
    }
    let magnitude = i128::from_str_radix(digits, radix).unwrap_or(i128::MAX);
    let value = if negative { -magnitude } else { magnitude };
    match i64::try_from(value) {
        Ok(value) => Ok(Constant::Integer(value)),
        Err(_) => Err(ParseError::new(at, format!("`{shown}` does not fit into 64 bits"))),
    }
}

/// A quoted or a raw string.
pub(super) fn string(input: &mut Input<'_>) -> Parsed<Vec<u8>> {
    let open = position(input);
    if !take(input, "\"")? {
        return raw(input).map(|text| text.as_bytes().to_vec());
    }
    let mut text = Vec::new();
    loop {
        let plain: &str = take_till(0.., ['"', '\\']).parse_next(input)?;
        text.extend_from_slice(plain.as_bytes());
        let escape = position(input);
        if take(input, "\"")? {
            return Ok(text);
        }
        take(input, "\\")?;
        match opt(any).parse_next(input)? {
            None => return Err(unterminated(open)),
            Some(char @ ('"' | '\\')) => text.push(char as u8),
            Some('x') => {
                let digits = opt(take_while(2, |char: char| char.is_ascii_hexdigit()))
                    .parse_next(input)?
                    .and_then(|digits: &str| u8::from_str_radix(digits, 16).ok());
                let Some(byte) = digits else {
                    return Err(ParseError::new(escape, "`\\x` needs two hexadecimal digits"));
                };
                text.push(byte);
            }
            Some(char) => {
                let message = format!(
                    "unknown escape `\\{}`; a backslash is written `\\\\`, or in a raw string: \
                     r\"…\"",
                    char.escape_default()
                );
                return Err(ParseError::new(escape, message));
            }
        }
    }
}

/// The regular expression after `matches`.
///
/// In double quotes backslashes are the regular expression's own, except that `\"` is a quote; and
/// a quote within a class does not end the string.
pub(super) fn pattern(input: &mut Input<'_>) -> Parsed<String> {
    if !is_string(input) {
        return Err(fail(input, "expected a regular expression in quotes"));
    }
    let open = position(input);
    if !take(input, "\"")? {
        return raw(input).map(String::from);
    }
    let mut pattern = String::new();
    let mut in_class = false;
    while let Some(char) = opt(any).parse_next(input)? {
        match char {
            '"' if !in_class => return Ok(pattern),
            '\\' => {
                let Some(escaped) = opt(any).parse_next(input)? else { break };
                if escaped != '"' {
                    pattern.push('\\');
                }
                pattern.push(escaped);
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        pattern.push(char);
    }
    Err(unterminated(open))
}

/// `r"…"`, or with as many `#` on both sides as it takes.
fn raw<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    let open = position(input);
    take(input, "r")?;
    let hashes: &str = take_while(0.., '#').parse_next(input)?;
    if !take(input, "\"")? {
        return Err(fail(input, "expected `\"` of a raw string"));
    }
    let text: &'t str = &input.input;
    let mut quotes = text.match_indices('"').map(|(quote, _)| quote);
    let Some(end) = quotes.find(|quote| text[quote + 1..].starts_with(hashes)) else {
        return Err(unterminated(open));
    };
    input.next_slice(end + 1 + hashes.len());
    Ok(&text[..end])
}

fn unterminated(open: usize) -> ParseError {
    ParseError::new(open, "the string does not end")
}
