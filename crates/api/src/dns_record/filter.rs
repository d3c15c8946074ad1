//! Which records a list is asked for, and in which order (api.md 6.3). Texts are compared without
//! regard to letter case.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::{DnsRecord, RecordType};
use crate::words::words;

/// The query of a list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Query {
    /// Only records of this type.
    pub r#type: Option<RecordType>,
    /// Only records of this name.
    pub name: Option<String>,
    /// The same.
    #[serde(rename = "name.exact")]
    pub name_exact: Option<String>,
    /// Only names that contain this.
    #[serde(rename = "name.contains")]
    pub name_contains: Option<String>,
    /// Only names that begin with this.
    #[serde(rename = "name.startswith")]
    pub name_startswith: Option<String>,
    /// Only names that end with this.
    #[serde(rename = "name.endswith")]
    pub name_endswith: Option<String>,
    /// Only records of this content.
    pub content: Option<String>,
    /// The same.
    #[serde(rename = "content.exact")]
    pub content_exact: Option<String>,
    /// Only content that contains this.
    #[serde(rename = "content.contains")]
    pub content_contains: Option<String>,
    /// Only content that begins with this.
    #[serde(rename = "content.startswith")]
    pub content_startswith: Option<String>,
    /// Only content that ends with this.
    #[serde(rename = "content.endswith")]
    pub content_endswith: Option<String>,
    /// Only records with this comment.
    pub comment: Option<String>,
    /// The same.
    #[serde(rename = "comment.exact")]
    pub comment_exact: Option<String>,
    /// Only comments that contain this.
    #[serde(rename = "comment.contains")]
    pub comment_contains: Option<String>,
    /// Only comments that begin with this.
    #[serde(rename = "comment.startswith")]
    pub comment_startswith: Option<String>,
    /// Only comments that end with this.
    #[serde(rename = "comment.endswith")]
    pub comment_endswith: Option<String>,
    /// Only records with a comment, whatever the value.
    #[serde(rename = "comment.present")]
    pub comment_present: Option<String>,
    /// Only records without a comment, whatever the value.
    #[serde(rename = "comment.absent")]
    pub comment_absent: Option<String>,
    /// Only records with this tag, `name:value`.
    pub tag: Option<String>,
    /// The same.
    #[serde(rename = "tag.exact")]
    pub tag_exact: Option<String>,
    /// `name:value`: only records with a tag of the name whose value contains this.
    #[serde(rename = "tag.contains")]
    pub tag_contains: Option<String>,
    /// `name:value`: only records with a tag of the name whose value begins with this.
    #[serde(rename = "tag.startswith")]
    pub tag_startswith: Option<String>,
    /// `name:value`: only records with a tag of the name whose value ends with this.
    #[serde(rename = "tag.endswith")]
    pub tag_endswith: Option<String>,
    /// Only records with a tag of this name.
    #[serde(rename = "tag.present")]
    pub tag_present: Option<String>,
    /// Only records without a tag of this name.
    #[serde(rename = "tag.absent")]
    pub tag_absent: Option<String>,
    /// Only records that are, or are not, proxied.
    pub proxied: Option<bool>,
    /// Only records where name, content, comment, a tag or the type has this; counts beside `match`.
    pub search: Option<String>,
    /// Whether all of the filters must hold or one; all when absent. Filters of tags count as one.
    pub r#match: Option<Match>,
    /// The same among the filters of tags.
    #[serde(alias = "tag-match")]
    pub tag_match: Option<Match>,
    /// By what the list is put in order; by name when absent.
    pub order: Option<OrderBy>,
    /// Ascending when absent.
    pub direction: Option<Direction>,
    /// The page, from 1.
    pub page: Option<u64>,
    /// Records on a page; 100 when absent.
    pub per_page: Option<u64>,
}

/// A query made ready to be asked of many records.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
    tags: Vec<Condition>,
    any: Option<Match>,
    any_tag: Option<Match>,
    search: Option<String>,
    order: Option<OrderBy>,
    direction: Option<Direction>,
}

words! {
    /// Whether one condition is enough.
    Match {
        /// All must hold.
        All = "all",
        /// One must hold.
        Any = "any",
    }

    /// Which end of a list comes first.
    Direction {
        /// The least.
        Asc = "asc",
        /// The greatest.
        Desc = "desc",
    }

    /// By what records are put in order.
    OrderBy {
        /// By type.
        Type = "type",
        /// By name.
        Name = "name",
        /// By content.
        Content = "content",
        /// By TTL.
        Ttl = "ttl",
        /// Those that are not proxied first.
        Proxied = "proxied",
    }
}

/// One wish.
#[derive(Debug, Clone)]
enum Condition {
    Type(RecordType),
    Proxied(bool),
    Name(How, String),
    Content(How, String),
    Comment(How, String),
    HasComment(bool),
    Tag { how: How, name: String, value: String },
    HasTag(String, bool),
}

/// How a text is compared.
#[derive(Debug, Clone, Copy)]
enum How {
    Exact,
    Contains,
    StartsWith,
    EndsWith,
}

impl How {
    /// `wanted` is in lower case.
    fn holds(self, text: &str, wanted: &str) -> bool {
        let text = text.to_lowercase();
        match self {
            Self::Exact => text == wanted,
            Self::Contains => text.contains(wanted),
            Self::StartsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
        }
    }
}

/// One parameter of a text in each of its forms.
type Texts<'q> = [(How, &'q Option<String>); 5];

impl Filter {
    /// The records that a query asks for.
    #[must_use]
    pub fn new(query: &Query) -> Self {
        use How::{Contains, EndsWith, Exact, StartsWith};
        let names = [
            (Exact, &query.name),
            (Exact, &query.name_exact),
            (Contains, &query.name_contains),
            (StartsWith, &query.name_startswith),
            (EndsWith, &query.name_endswith),
        ];
        let contents = [
            (Exact, &query.content),
            (Exact, &query.content_exact),
            (Contains, &query.content_contains),
            (StartsWith, &query.content_startswith),
            (EndsWith, &query.content_endswith),
        ];
        let comments = [
            (Exact, &query.comment),
            (Exact, &query.comment_exact),
            (Contains, &query.comment_contains),
            (StartsWith, &query.comment_startswith),
            (EndsWith, &query.comment_endswith),
        ];
        let tags = [
            (Exact, &query.tag),
            (Exact, &query.tag_exact),
            (Contains, &query.tag_contains),
            (StartsWith, &query.tag_startswith),
            (EndsWith, &query.tag_endswith),
        ];
        let name = |how, text: String| {
            // A name is asked for as people write it.
            Condition::Name(how, text.strip_suffix('.').unwrap_or(&text).to_owned())
        };
        let tag = |how, text: String| {
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            Condition::Tag { how, name: name.to_owned(), value: value.to_owned() }
        };
        let mut conditions = Vec::new();
        conditions.extend(query.r#type.map(Condition::Type));
        conditions.extend(query.proxied.map(Condition::Proxied));
        conditions.extend(asked(names, name));
        conditions.extend(asked(contents, Condition::Content));
        conditions.extend(asked(comments, Condition::Comment));
        conditions.extend(query.comment_present.as_ref().map(|_| Condition::HasComment(true)));
        conditions.extend(query.comment_absent.as_ref().map(|_| Condition::HasComment(false)));
        let mut of_tags: Vec<_> = asked(tags, tag).collect();
        for (name, wanted) in [(&query.tag_present, true), (&query.tag_absent, false)] {
            of_tags.extend(name.as_ref().map(|name| Condition::HasTag(name.clone(), wanted)));
        }
        Self {
            conditions,
            tags: of_tags,
            any: query.r#match,
            any_tag: query.tag_match,
            search: query.search.as_ref().map(|text| text.to_lowercase()),
            order: query.order,
            direction: query.direction,
        }
    }

    /// Whether a record is wanted.
    #[must_use]
    pub fn wants(&self, record: &DnsRecord) -> bool {
        let tags = (!self.tags.is_empty())
            .then(|| holds(self.any_tag, self.tags.iter().map(|tag| tag.holds(record))));
        let conditions = self.conditions.iter().map(|condition| condition.holds(record));
        let found = self.search.as_ref().is_none_or(|wanted| {
            let texts = [&record.name, &record.content].into_iter();
            let mut texts = texts.chain(&record.comment).chain(&record.tags);
            record.r#type.as_str().eq_ignore_ascii_case(wanted)
                || texts.any(|text| How::Contains.holds(text, wanted))
        });
        found && holds(self.any, conditions.chain(tags))
    }

    /// Which of two records comes first: by the wish, then by name, type and content.
    #[must_use]
    pub fn compare(&self, a: &DnsRecord, b: &DnsRecord) -> Ordering {
        let kind = |record: &DnsRecord| record.r#type.as_str();
        let first = match self.order {
            None | Some(OrderBy::Name) => Ordering::Equal,
            Some(OrderBy::Type) => kind(a).cmp(kind(b)),
            Some(OrderBy::Content) => a.content.cmp(&b.content),
            Some(OrderBy::Ttl) => a.ttl.cmp(&b.ttl),
            Some(OrderBy::Proxied) => a.proxied.cmp(&b.proxied),
        };
        let rest =
            || (&a.name, kind(a), &a.content, &a.id).cmp(&(&b.name, kind(b), &b.content, &b.id));
        let order = first.then_with(rest);
        if self.direction == Some(Direction::Desc) { order.reverse() } else { order }
    }
}

fn asked<'q>(
    texts: Texts<'q>,
    condition: impl Fn(How, String) -> Condition + 'q,
) -> impl Iterator<Item = Condition> + 'q {
    let asked = texts.into_iter().filter_map(|(how, text)| Some((how, text.as_ref()?)));
    asked.map(move |(how, text)| condition(how, text.to_lowercase()))
}

fn holds(any: Option<Match>, conditions: impl Iterator<Item = bool>) -> bool {
    let mut conditions = conditions.peekable();
    match any {
        Some(Match::Any) => conditions.peek().is_none() || conditions.any(|holds| holds),
        _ => conditions.all(|holds| holds),
    }
}

impl Condition {
    fn holds(&self, record: &DnsRecord) -> bool {
        let comment = record.comment.as_deref().unwrap_or_default();
        match self {
            Self::Type(wanted) => record.r#type == *wanted,
            Self::Proxied(wanted) => record.proxied == *wanted,
            Self::Name(how, wanted) => how.holds(&record.name, wanted),
            Self::Content(how, wanted) => how.holds(&record.content, wanted),
            Self::Comment(how, wanted) => how.holds(comment, wanted),
            Self::HasComment(wanted) => comment.is_empty() != *wanted,
            Self::Tag { how, name, value } => record.tags.iter().any(|tag| {
                let (known, said) = tag.split_once(':').unwrap_or((tag, ""));
                known.eq_ignore_ascii_case(name) && how.holds(said, value)
            }),
            Self::HasTag(name, wanted) => {
                let is_it = |tag: &String| {
                    tag.split(':').next().is_some_and(|known| known.eq_ignore_ascii_case(name))
                };
                record.tags.iter().any(is_it) == *wanted
            }
        }
    }
}
