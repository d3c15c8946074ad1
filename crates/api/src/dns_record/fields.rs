//! The structured types: what their `data` is made of. One table says for each type which members
//! it has, in the order of the presentation form, which is that of the RDATA as well; reading,
//! writing and sending all follow it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::RecordType;
use super::tokens::{CHARACTER_STRING_BYTES_MAX, Token, quote, tokens};
use super::{CONTENT_CHARS_MAX, loc, name, svcb};
use crate::read::{Node, Object};
use crate::{Map, Number};

/// A member of a record's `data`: a number or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Member {
    /// Whole except in LOC records.
    Number(Number),
    /// Names, words, hexadecimal digits, base64; numbers that were sent as texts.
    Text(String),
}

/// One member of a type's `data`.
pub(super) struct Field {
    pub(super) name: &'static str,
    kind: Kind,
}

/// How a member is written, read and sent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A whole number in one byte.
    Byte,
    /// A whole number in two bytes.
    Short,
    /// A fraction with a unit behind it.
    Decimal { min: f64, max: f64, places: usize, unit: &'static str },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A host name, told without its final dot.
    Host,
    /// A name as written.
    Name,
    /// The letters and digits of a property's name.
    Tag,
    /// A character string.
    Text,
    /// A quoted text of any length, up to the end.
    LongText,
    /// Bytes in hexadecimal digits, up to the end.
    Hex,
    /// Bytes in base64, up to the end.
    Base64,
    /// Service parameters, up to the end.
    Parameters,
}

/// Longest name of a CAA property (RFC 8659 section 4.1).
const TAG_CHARS_MAX: usize = 15;

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

const CAA: &[Field] =
    &[field("flags", Kind::Byte), field("tag", Kind::Tag), field("value", Kind::LongText)];
const CERT: &[Field] = &[
    field("type", Kind::Short),
    field("key_tag", Kind::Short),
    field("algorithm", Kind::Byte),
    field("certificate", Kind::Base64),
];
const DNSKEY: &[Field] = &[
    field("flags", Kind::Short),
    field("protocol", Kind::Byte),
    field("algorithm", Kind::Byte),
    field("public_key", Kind::Base64),
];
const DS: &[Field] = &[
    field("key_tag", Kind::Short),
    field("algorithm", Kind::Byte),
    field("digest_type", Kind::Byte),
    field("digest", Kind::Hex),
];
const LOC: &[Field] = &[
    field("lat_degrees", decimal(0.0, 90.0, 0, "")),
    field("lat_minutes", decimal(0.0, 59.0, 0, "")),
    field("lat_seconds", decimal(0.0, 59.999, 3, "")),
    field("lat_direction", Kind::Word(&["N", "S"])),
    field("long_degrees", decimal(0.0, 180.0, 0, "")),
    field("long_minutes", decimal(0.0, 59.0, 0, "")),
    field("long_seconds", decimal(0.0, 59.999, 3, "")),
    field("long_direction", Kind::Word(&["E", "W"])),
    field("altitude", decimal(-100_000.0, 42_849_672.95, 2, "m")),
    field("size", decimal(0.0, 90_000_000.0, 2, "m")),
    field("precision_horz", decimal(0.0, 90_000_000.0, 2, "m")),
    field("precision_vert", decimal(0.0, 90_000_000.0, 2, "m")),
];
const NAPTR: &[Field] = &[
    field("order", Kind::Short),
    field("preference", Kind::Short),
    field("flags", Kind::Text),
    field("service", Kind::Text),
    field("regex", Kind::Text),
    field("replacement", Kind::Name),
];
const SRV: &[Field] = &[
    field("priority", Kind::Short),
    field("weight", Kind::Short),
    field("port", Kind::Short),
    field("target", Kind::Host),
];
const SSHFP: &[Field] =
    &[field("algorithm", Kind::Byte), field("type", Kind::Byte), field("fingerprint", Kind::Hex)];
const SVCB: &[Field] = &[
    field("priority", Kind::Short),
    field("target", Kind::Name),
    field("value", Kind::Parameters),
];
const TLSA: &[Field] = &[
    field("usage", Kind::Byte),
    field("selector", Kind::Byte),
    field("matching_type", Kind::Byte),
    field("certificate", Kind::Hex),
];
/// Its priority stands outside of the data.
const URI: &[Field] = &[field("weight", Kind::Short), field("target", Kind::LongText)];

const fn decimal(min: f64, max: f64, places: usize, unit: &'static str) -> Kind {
    Kind::Decimal { min, max, places, unit }
}

/// The members of a type's data; none for types whose content is all there is.
pub(super) const fn of(r#type: RecordType) -> &'static [Field] {
    match r#type {
        RecordType::A
        | RecordType::Aaaa
        | RecordType::Cname
        | RecordType::Mx
        | RecordType::Ns
        | RecordType::Openpgpkey
        | RecordType::Ptr
        | RecordType::Txt => &[],
        RecordType::Caa => CAA,
        RecordType::Cert => CERT,
        RecordType::Dnskey => DNSKEY,
        RecordType::Ds => DS,
        RecordType::Https | RecordType::Svcb => SVCB,
        RecordType::Loc => LOC,
        RecordType::Naptr => NAPTR,
        RecordType::Smimea | RecordType::Tlsa => TLSA,
        RecordType::Srv => SRV,
        RecordType::Sshfp => SSHFP,
        RecordType::Uri => URI,
    }
}

/// The data as sent, checked. Unknown members are left out; problems are noted where they are.
pub(super) fn read(r#type: RecordType, object: &Object<'_>) -> Map<Member> {
    let members = of(r#type).iter().filter_map(|field| {
        let Some(node) = object.get(field.name) else {
            let default = field.kind.default();
            if default.is_none() {
                object.require(field.name);
            }
            return Some((field.name.to_owned(), Member::Text(default?.to_owned())));
        };
        Some((field.name.to_owned(), field.kind.read(&node)?))
    });
    members.collect()
}

/// The data that content says.
///
/// # Errors
/// Which member is missing or malformed.
pub(super) fn parse(r#type: RecordType, content: &str) -> Result<Map<Member>, String> {
    if content.chars().any(|char| char.is_control() && char != '\t') {
        return Err("it has control characters".to_owned());
    }
    let mut words = tokens(content).ok_or("a quote is open or an escape is none")?;
    if matches!(r#type, RecordType::Loc) {
        let texts: Option<Vec<_>> =
            words.iter().map(|word| word.text().map(ToOwned::to_owned)).collect();
        let full = texts.and_then(|texts| loc::expanded(&texts));
        let full = full.ok_or("it must be like 51 30 12.748 N 0 7 39.611 W 0.00m")?;
        let word = |text: String| Token { bytes: text.into_bytes(), quoted: false, start: 0 };
        words = full.into_iter().map(word).collect();
    }
    let mut words = words.as_slice();
    let mut members = Vec::new();
    for field in of(r#type) {
        let (used, text) = field.kind.take(words, content);
        let text = text.ok_or_else(|| format!("{} is not UTF-8", field.name))?;
        words = &words[used..];
        let member = if used == 0 && text.is_empty() {
            field.kind.default().map(|default| Member::Text(default.to_owned()))
        } else {
            field.kind.member(&text)
        };
        let member = member.ok_or_else(|| {
            let what = if used == 0 { "missing" } else { "invalid" };
            format!("{} is {what}", field.name)
        })?;
        members.push((field.name.to_owned(), member));
    }
    if words.is_empty() {
        Ok(members.into_iter().collect())
    } else {
        Err("there is more than its members".to_owned())
    }
}

/// The content that says the data.
pub(super) fn render(r#type: RecordType, data: &Map<Member>) -> String {
    let mut content = String::new();
    for field in of(r#type) {
        let Some(member) = data.get(field.name) else { continue };
        let start = content.len();
        if start > 0 {
            content.push(' ');
        }
        match (field.kind, member) {
            (Kind::Decimal { places, unit, .. }, Member::Number(number)) => {
                content.push_str(&format!("{:.places$}{unit}", number.get()));
            }
            (_, Member::Number(number)) => content.push_str(&number.to_string()),
            (Kind::Text | Kind::LongText, Member::Text(text)) => {
                quote(text.as_bytes(), &mut content);
            }
            (_, Member::Text(text)) if text.is_empty() => content.truncate(start),
            (_, Member::Text(text)) => content.push_str(text),
        }
    }
    content
}

/// The RDATA of data that content says, as far as the data says it.
pub(super) fn wire(r#type: RecordType, data: &Map<Member>) -> Option<Vec<u8>> {
    if matches!(r#type, RecordType::Loc) {
        return loc::wire(data);
    }
    let mut out = Vec::new();
    for field in of(r#type) {
        match (field.kind, data.get(field.name)?) {
            (Kind::Byte, Member::Number(number)) => {
                out.push(u8::try_from(number.whole()?).ok()?);
            }
            (_, Member::Number(number)) => {
                out.extend_from_slice(&u16::try_from(number.whole()?).ok()?.to_be_bytes());
            }
            (Kind::Host | Kind::Name, Member::Text(text)) => name::wire(text, &mut out),
            (Kind::Tag | Kind::Text, Member::Text(text)) => {
                out.push(u8::try_from(text.len()).ok()?);
                out.extend_from_slice(text.as_bytes());
            }
            (Kind::Hex, Member::Text(text)) => out.extend(unhex(text)?),
            (Kind::Base64, Member::Text(text)) => out.extend(unbase64(text)?),
            (Kind::Parameters, Member::Text(text)) => out.extend(svcb::wire(text).ok()?),
            (_, Member::Text(text)) => out.extend_from_slice(text.as_bytes()),
        }
    }
    Some(out)
}

impl Kind {
    /// What stands in for a member that is left out; most must not be.
    const fn default(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::Parameters => Some(""),
            _ => None,
        }
    }

    /// A member of a body.
    fn read(self, node: &Node<'_>) -> Option<Member> {
        match self {
            // The Terraform provider says flags as texts, and expects a text afterwards.
            Self::Byte | Self::Short if node.is_text() => {
                let text = node.text()?;
                let number = self.member(text);
                if !matches!(&number, Some(Member::Number(number)) if number.to_string() == text) {
                    node.problem(format_args!("{} must be a number", node.label()));
                    return None;
                }
                Some(Member::Text(text.to_owned()))
            }
            Self::Byte => node.integer(0..=255).map(whole),
            Self::Short => node.integer(0..=65_535).map(whole),
            Self::Decimal { min, max, places, .. } => {
                let number = node.number(min..=max)?;
                if places == 0 && number.whole().is_none() {
                    node.problem(format_args!("{} must be a whole number", node.label()));
                }
                Some(Member::Number(number))
            }
            _ => {
                let text = node.text_within(0..=CONTENT_CHARS_MAX)?;
                let member = self.member(&text);
                if member.is_none() {
                    node.problem(format_args!("{} must be {}", node.label(), self.wanted()));
                }
                member
            }
        }
    }

    /// A member as content has it; `None` when it is none.
    fn member(self, text: &str) -> Option<Member> {
        let text = match self {
            Self::Byte => return text.parse::<u8>().ok().map(|number| whole(number.into())),
            Self::Short => return text.parse::<u16>().ok().map(|number| whole(number.into())),
            Self::Decimal { min, max, places, .. } => {
                let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
                let number = Number::new(text.parse().ok()?)?;
                let fits = text.bytes().all(plain)
                    && (min..=max).contains(&number.get())
                    && (places > 0 || number.whole().is_some());
                return fits.then_some(Member::Number(number));
            }
            Self::Word(words) => words.contains(&text).then(|| text.to_owned()),
            Self::Host => name::host(text),
            Self::Name => name::target(text).map(Into::into),
            Self::Tag => {
                let is_tag = (1..=TAG_CHARS_MAX).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                is_tag.then(|| text.to_owned())
            }
            Self::Text => (text.len() <= CHARACTER_STRING_BYTES_MAX).then(|| text.to_owned()),
            Self::LongText => (!text.is_empty()).then(|| text.to_owned()),
            Self::Hex => unhex(text).filter(|bytes| !bytes.is_empty()).map(|_| text.to_owned()),
            Self::Base64 => {
                unbase64(text).filter(|bytes| !bytes.is_empty()).map(|_| text.to_owned())
            }
            Self::Parameters if text.chars().any(char::is_control) => None,
            Self::Parameters => svcb::wire(text).ok().map(|_| text.to_owned()),
        };
        text.map(Member::Text)
    }

    /// What a member must be, for messages.
    fn wanted(self) -> &'static str {
        match self {
            Self::Byte | Self::Short | Self::Decimal { .. } => "a number",
            Self::Word(words) if words[0] == "N" => "N or S",
            Self::Word(_) => "E or W",
            Self::Host | Self::Name => "a host name",
            Self::Tag => "letters and digits",
            Self::Text => "at most 255 bytes long",
            Self::LongText => "a text",
            Self::Hex => "hexadecimal digits",
            Self::Base64 => "base64",
            Self::Parameters => "service parameters such as alpn=\"h2\" port=\"443\"",
        }
    }

    /// How many of the words are this member's, and their text; `None` for what is no text.
    fn take(self, words: &[Token], content: &str) -> (usize, Option<String>) {
        let Some(first) = words.first() else { return (0, Some(String::new())) };
        match self {
            Self::Parameters => (words.len(), content.get(first.start..).map(str::to_owned)),
            Self::Hex | Self::Base64 => {
                let texts: Option<String> = words.iter().map(Token::text).collect();
                (words.len(), texts)
            }
            _ => (1, first.text().map(ToOwned::to_owned)),
        }
    }

    /// Whether a name stands here that a zone file may write relative to its origin.
    const fn is_name(self) -> bool {
        matches!(self, Self::Host | Self::Name)
    }
}

impl Field {
    /// Whether a name stands here that a zone file may write relative to its origin.
    pub(super) const fn is_name(&self) -> bool {
        self.kind.is_name()
    }
}

fn whole(number: u32) -> Member {
    Member::Number(Number::new(number.into()).unwrap_or(Number::ZERO))
}

/// Bytes from hexadecimal digits of either case; spaces between them do not count.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> =
        text.chars().filter(|char| *char != ' ').map(|char| char.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect()
}

/// Bytes from base64; spaces do not count.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let letters: String = text.chars().filter(|char| *char != ' ').collect();
    BASE64.decode(letters).ok()
}
