//! Reads a whole record and fills in its defaults (api.md 6.3).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::data::RecordData;
use super::document::{DnsRecord, RecordMeta, RecordSettings, RecordType};
use super::fields::{self, Member};
use super::{CONTENT_CHARS_MAX, TTL_MIN, name};
use crate::Map;
use crate::context::Context;
use crate::problem::{
    CONTENT_TOO_LONG, INVALID, INVALID_A, INVALID_AAAA, INVALID_CNAME, INVALID_MX, INVALID_NAME,
    INVALID_TTL, NOT_PROXIABLE, SELF_REFERENCE,
};
use crate::read::{Node, Object, unique};

/// Longest comment, in characters: that of the largest published plan.
pub(super) const COMMENT_CHARS_MAX: usize = 500;
/// Most tags of one record, likewise.
const TAGS_MAX: usize = 20;
/// Longest name of a tag, in characters.
const TAG_NAME_CHARS_MAX: usize = 32;
/// Longest value of a tag, in characters.
const TAG_VALUE_CHARS_MAX: usize = 100;
/// The TTL that leaves the choice to the server.
const TTL_AUTOMATIC: u32 = 1;
/// Most bytes a record may say on the wire.
const RDATA_BYTES_MAX: usize = 4096;

/// Reads the document. The result counts only when no problem was noted.
pub(super) fn read(
    object: &Object<'_>,
    current: Option<&DnsRecord>,
    zone: &str,
    cx: &Context<'_>,
) -> DnsRecord {
    object.require("type");
    let r#type = object.word("type");
    let name = name(object, zone);
    let priority = priority(object, r#type);
    let (content, data) = match r#type {
        Some(r#type) => said(object, r#type, &name, priority),
        None => (String::new(), None),
    };
    let r#type = r#type.unwrap_or(RecordType::A);
    let proxied = proxied(object, r#type);
    let ttl = ttl(object, cx);
    let comment = object.text_within("comment", 0..=COMMENT_CHARS_MAX);
    let tags = tags(object);
    let comment_modified_on = comment.as_ref().filter(|comment| !comment.is_empty()).map(|_| {
        let same = current.filter(|current| current.comment == comment);
        same.and_then(|same| same.comment_modified_on.as_deref()).unwrap_or(cx.now).to_owned()
    });
    let tags_modified_on = (!tags.is_empty()).then(|| {
        let same = current.filter(|current| current.tags == tags);
        same.and_then(|same| same.tags_modified_on.as_deref()).unwrap_or(cx.now).to_owned()
    });
    DnsRecord {
        id: current.map_or(cx.id, |current| &current.id).to_owned(),
        name,
        r#type,
        content,
        priority,
        data,
        proxiable: r#type.is_proxiable(),
        proxied,
        ttl: if proxied { TTL_AUTOMATIC } else { ttl },
        settings: settings(object, r#type, proxied),
        meta: RecordMeta {},
        comment,
        tags,
        private_routing: object.boolean("private_routing"),
        created_on: current.map_or(cx.now, |current| &current.created_on).to_owned(),
        modified_on: cx.now.to_owned(),
        comment_modified_on,
        tags_modified_on,
    }
}

fn name(object: &Object<'_>, zone: &str) -> String {
    object.require("name");
    let Some(text) = object.text("name") else { return String::new() };
    name::full(text, zone).unwrap_or_else(|| {
        object.coded_at("name", INVALID_NAME, format_args!("DNS name is invalid."));
        String::new()
    })
}

fn priority(object: &Object<'_>, r#type: Option<RecordType>) -> Option<u16> {
    if r#type.is_some_and(RecordType::has_priority) {
        object.require("priority");
    }
    let priority = object.integer("priority", 0..=65_535)?;
    u16::try_from(priority).ok()
}

/// The content and, of types that have parts, the data: whichever was sent says the other, the data
/// when it was both.
fn said(
    object: &Object<'_>,
    r#type: RecordType,
    name: &str,
    priority: Option<u16>,
) -> (String, Option<Map<Member>>) {
    let has_parts = !fields::of(r#type).is_empty();
    let sent = object.object("data").filter(|_| has_parts);
    if let Some(sent) = sent {
        let data = fields::read(r#type, &sent);
        let content = fields::render(r#type, &data);
        check_length(object, "data", r#type, &content, priority);
        return (content, Some(data));
    }
    object.require("content");
    let content = object.text_within("content", 1..=CONTENT_CHARS_MAX).unwrap_or_default();
    if content.is_empty() {
        return (content, None);
    }
    if let Err(reason) = RecordData::parse(r#type, &content, priority) {
        let code = match r#type {
            RecordType::A => INVALID_A,
            RecordType::Aaaa => INVALID_AAAA,
            RecordType::Cname => INVALID_CNAME,
            RecordType::Mx => INVALID_MX,
            _ => INVALID,
        };
        let word = r#type.as_str();
        let message = format_args!("Content for {word} record {reason}.");
        object.coded_at("content", code, message);
        return (content, None);
    }
    check_length(object, "content", r#type, &content, priority);
    let content = match r#type {
        RecordType::Cname | RecordType::Mx | RecordType::Ns | RecordType::Ptr => {
            name::host(&content).unwrap_or(content)
        }
        // Its host loses the final dot as well.
        RecordType::Srv => {
            fields::parse(r#type, &content).map_or(content, |data| fields::render(r#type, &data))
        }
        _ => content,
    };
    if r#type == RecordType::Cname && content.eq_ignore_ascii_case(name) {
        let message = format_args!("CNAME content cannot reference itself.");
        object.coded_at("content", SELF_REFERENCE, message);
    }
    let data = has_parts.then(|| fields::parse(r#type, &content).ok()).flatten();
    (content, data)
}

fn check_length(
    object: &Object<'_>,
    member: &str,
    r#type: RecordType,
    content: &str,
    priority: Option<u16>,
) {
    let data = RecordData::parse(r#type, content, priority);
    if data.is_ok_and(|data| data.rdata().len() > RDATA_BYTES_MAX) {
        let message = format_args!(
            "Record content exceeds the allowed length of {RDATA_BYTES_MAX} wire format bytes."
        );
        object.coded_at(member, CONTENT_TOO_LONG, message);
    }
}

fn proxied(object: &Object<'_>, r#type: RecordType) -> bool {
    let proxied = object.boolean("proxied").unwrap_or(false);
    if proxied && !r#type.is_proxiable() {
        let message = format_args!("This record type cannot be proxied.");
        object.coded_at("proxied", NOT_PROXIABLE, message);
    }
    proxied
}

fn ttl(object: &Object<'_>, cx: &Context<'_>) -> u32 {
    let max = cx.limits.ttl_max;
    let Some(ttl) = object.integer("ttl", 0..=u32::MAX) else { return TTL_AUTOMATIC };
    if ttl != TTL_AUTOMATIC && !(TTL_MIN..=max).contains(&ttl) {
        let message = format_args!(
            "Invalid TTL. Must be between {TTL_MIN} and {max} seconds, or 1 for Automatic."
        );
        object.coded_at("ttl", INVALID_TTL, message);
    }
    ttl
}

fn settings(object: &Object<'_>, r#type: RecordType, proxied: bool) -> RecordSettings {
    let is_cname = r#type == RecordType::Cname;
    let none = RecordSettings { flatten_cname: is_cname.then_some(false), ..Default::default() };
    let Some(object) = object.object("settings") else { return none };
    let settings = RecordSettings {
        ipv4_only: object.boolean("ipv4_only"),
        ipv6_only: object.boolean("ipv6_only"),
        flatten_cname: object.boolean("flatten_cname").or(none.flatten_cname),
    };
    if settings.ipv4_only == Some(true) && settings.ipv6_only == Some(true) {
        let reason = format_args!("ipv6_only is not allowed with ipv4_only");
        object.problem_at("ipv6_only", reason);
    }
    if settings.flatten_cname == Some(true) && (!is_cname || proxied) {
        let reason = format_args!("flatten_cname is for CNAME records that are not proxied");
        object.problem_at("flatten_cname", reason);
    }
    settings
}

fn tags(object: &Object<'_>) -> Vec<String> {
    let items = object.items("tags", "tags", 0..=TAGS_MAX).unwrap_or_default();
    unique(items, |item: &Node<'_>| {
        let text = item.text()?;
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        let is_tag = (1..=TAG_NAME_CHARS_MAX).contains(&name.chars().count())
            && name.chars().all(is_name)
            && value.chars().count() <= TAG_VALUE_CHARS_MAX;
        if !is_tag {
            item.problem(format_args!(
                "a tag must be name or name:value, the name of letters, digits, - and _"
            ));
        }
        Some((name.to_ascii_lowercase(), text.to_owned()))
    })
}
