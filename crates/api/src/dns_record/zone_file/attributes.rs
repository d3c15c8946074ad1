//! What a zone file cannot say of a record, in the comment behind it, as published:
//!
//! ```text
//! www.example.com.  1  IN  A  192.0.2.1 ; the shop cf_tags=cf-proxied:true,team:web
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use crate::dns_record::document::DnsRecord;
use crate::dns_record::validate::COMMENT_CHARS_MAX;

/// What the tags follow.
const TAGS: &str = "cf_tags=";
/// How the tags begin that are no user's.
const OWN: &str = "cf-";
/// The tag that says whether a record is proxied.
const PROXIED: &str = "cf-proxied";

/// What stands in a comment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    pub(super) comment: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) proxied: Option<bool>,
}

/// Appends the comment of a record, if there is anything to say.
pub(super) fn write(record: &DnsRecord, out: &mut String) {
    let proxied = record.proxiable.then(|| format!("{PROXIED}:{}", record.proxied));
    let own = record.tags.iter().map(|tag| match tag.split_once(':') {
        Some((name, value)) if value.contains(['"', '=', ',', '\\']) => {
            format!("{name}:{}", serde_json::Value::from(value))
        }
        _ => tag.clone(),
    });
    let tags: Vec<String> = proxied.into_iter().chain(own).collect();
    let comment = record.comment.as_deref().unwrap_or_default();
    if comment.is_empty() && tags.is_empty() {
        return;
    }
    out.push_str(" ;");
    if !comment.is_empty() {
        out.push(' ');
        // A line is a line.
        out.extend(comment.chars().map(|char| if char.is_control() { ' ' } else { char }));
    }
    if !tags.is_empty() {
        let _ = write!(out, " {TAGS}{}", tags.join(","));
    }
}

impl Attributes {
    /// Reads a comment, without its semicolon.
    pub(super) fn read(comment: &str) -> Self {
        let begins = |at: &usize| *at == 0 || comment[..*at].ends_with(' ');
        let at = comment.rmatch_indices(TAGS).map(|(at, _)| at).find(begins);
        let (comment, tags) = match at {
            Some(at) => (&comment[..at], &comment[at + TAGS.len()..]),
            None => (comment, ""),
        };
        let mut attributes = Self::default();
        let comment: String = comment.trim().chars().take(COMMENT_CHARS_MAX).collect();
        attributes.comment = Some(comment).filter(|comment| !comment.is_empty());
        for tag in split(tags) {
            let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
            let said: Option<String> = serde_json::from_str(value).ok();
            let value = said.unwrap_or_else(|| value.to_owned());
            match (name, value.as_str()) {
                (PROXIED, "true") => attributes.proxied = Some(true),
                (PROXIED, "false") => attributes.proxied = Some(false),
                (name, _) if name.starts_with(OWN) || name.is_empty() => {}
                (name, "") => attributes.tags.push(name.to_string()),
                (name, value) => attributes.tags.push(format!("{name}:{value}")),
            }
        }
        attributes
    }
}

/// Tags between commas outside of quotes.
fn split(tags: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let pieces = tags.split(move |char| {
        let ends = char == ',' && !quoted;
        quoted ^= char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    });
    pieces.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_say_what_files_cannot() {
        for (text, comment, tags, proxied) in [
            ("", None, &[][..], None),
            ("backup of the shop", Some("backup of the shop"), &[], None),
            ("cf_tags=cf-proxied:true", None, &[], Some(true)),
            (
                "the shop cf_tags=cf-proxied:false,team:web , old",
                Some("the shop"),
                &["team:web", "old"],
                Some(false),
            ),
            (r#"cf_tags=a:"x,y=\"z\"",b:,cf-new:1"#, None, &[r#"a:x,y="z""#, "b"], None),
            ("see cf_tags=, really cf_tags=a", Some("see cf_tags=, really"), &["a"], None),
            ("notcf_tags=a", Some("notcf_tags=a"), &[], None),
        ] {
            let read = Attributes::read(text);
            assert_eq!(read.comment.as_deref(), comment, "{text}");
            assert_eq!(
                (&*read.tags, read.proxied),
                (&*tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), proxied),
                "{text}"
            );
        }
        let long = "x".repeat(600);
        assert_eq!(Attributes::read(&long).comment.unwrap().len(), COMMENT_CHARS_MAX);
    }
}
