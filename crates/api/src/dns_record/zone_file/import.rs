//! A zone file as the requests that would create its records. `$INCLUDE` is refused, for there is
//! nothing to include.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::attributes::Attributes;
use super::entries::{Entry, entries};
use super::{absolute, quoted};
use crate::context::Context;
use crate::dns_record::batch::{BATCH_RECORDS_MAX, Batch};
use crate::dns_record::document::RecordType;
use crate::dns_record::tokens::{Token, tokens};
use crate::dns_record::{TTL_MIN, fields};
use crate::problem::{Problem, Problems};
use crate::words::Word;

impl Batch {
    /// The records that a zone file brings to the zone of this name; `proxied` is wished for those
    /// that can be, unless their comment says otherwise. TTLs are brought into the range that records have here, and records that exist
    /// already are passed over.
    ///
    /// # Errors
    /// Everything wrong with the file, by line.
    pub fn of_zone_file(
        zone: &str,
        text: &str,
        proxied: bool,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let problems = Problems::default();
        let mut file = File {
            apex: absolute(zone),
            origin: absolute(zone),
            ttl: None,
            owner: absolute(zone),
            proxied,
            ttl_max: cx.limits.ttl_max,
            bodies: Vec::new(),
        };
        for (line, entry) in entries(text) {
            let taken = entry.map_err(ToOwned::to_owned).and_then(|entry| file.entry(&entry));
            if let Err(reason) = taken {
                problems.invalid("", format_args!("line {line}: {reason}"));
            }
            if file.bodies.len() > BATCH_RECORDS_MAX {
                let reason = format_args!("a file may bring at most {BATCH_RECORDS_MAX} records");
                problems.invalid("", reason);
                break;
            }
        }
        problems.unless_any(Self::of_posts(file.bodies))
    }
}

/// Types that the server makes of its own, or that only sign those.
const OWN_TYPES: [&str; 5] = ["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM"];

/// What the entries so far have said.
struct File {
    /// With its final dot, as the origin and the owner.
    apex: String,
    origin: String,
    ttl: Option<u32>,
    owner: String,
    proxied: bool,
    ttl_max: u32,
    bodies: Vec<Value>,
}

impl File {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let text = entry.text.as_str();
        let words = tokens(text).ok_or("a quote is open or an escape is none")?;
        let word = |place: usize| words.get(place).and_then(Token::text).unwrap_or_default();
        match word(0) {
            "$ORIGIN" => {
                self.origin = self.name(text, words.get(1))?;
                return Ok(());
            }
            "$TTL" => {
                self.ttl = Some(ttl(word(1)).ok_or("$TTL is not a number of seconds")?);
                return Ok(());
            }
            directive if directive.starts_with('$') => {
                return Err(format!("{directive} is not supported"));
            }
            _ => {}
        }
        let mut place = 0;
        if !entry.is_indented {
            self.owner = self.name(text, words.first())?;
            place = 1;
        }
        let mut own_ttl = self.ttl;
        loop {
            let word = word(place);
            if word.eq_ignore_ascii_case("IN") {
                place += 1;
            } else if let Some(seconds) = ttl(word) {
                own_ttl = Some(seconds);
                place += 1;
            } else {
                break;
            }
        }
        let kind = word(place).to_ascii_uppercase();
        let is_apex = self.owner.eq_ignore_ascii_case(&self.apex);
        if OWN_TYPES.contains(&kind.as_str()) || (is_apex && kind == "NS") {
            return Ok(());
        }
        let r#type = RecordType::parse(&kind)
            .ok_or_else(|| format!("the type {kind:?} is not supported"))?;
        let rest = words.get(place + 1).map(|word| &text[word.start..]);
        let said = rest.unwrap_or_default().trim_end();
        let body = self.body(r#type, own_ttl, said, Attributes::read(&entry.comment))?;
        self.bodies.push(Value::Object(body));
        Ok(())
    }

    /// The request that would create the record.
    fn body(
        &self,
        r#type: RecordType,
        ttl: Option<u32>,
        said: &str,
        attributes: Attributes,
    ) -> Result<Map<String, Value>, String> {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("type", json!(r#type.as_str()));
        set("name", json!(self.owner));
        let in_range = |ttl: u32| if ttl > 1 { ttl.clamp(TTL_MIN, self.ttl_max) } else { 1 };
        set("ttl", json!(ttl.map_or(1, in_range)));
        let mut content = said;
        if r#type.has_priority() {
            let (priority, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
            // What is no number is refused where the body is read.
            set("priority", priority.parse::<u32>().map_or(json!(priority), Value::from));
            content = rest.trim_start();
        }
        set("content", json!(self.absolute(r#type, content)?));
        let Attributes { comment, tags, proxied } = attributes;
        if r#type.is_proxiable() && proxied.unwrap_or(self.proxied) {
            set("proxied", json!(true));
        }
        if let Some(comment) = comment {
            set("comment", json!(comment));
        }
        if !tags.is_empty() {
            set("tags", json!(tags));
        }
        Ok(body)
    }

    /// Content with its names made full.
    fn absolute(&self, r#type: RecordType, content: &str) -> Result<String, String> {
        let words = tokens(content).unwrap_or_default();
        match r#type {
            RecordType::Cname | RecordType::Ns | RecordType::Ptr | RecordType::Mx => {
                match &*words {
                    [name] => self.name(content, Some(name)),
                    _ => Ok(content.to_owned()),
                }
            }
            RecordType::Txt => Ok(quoted(words.iter().map(|word| &*word.bytes))),
            _ => {
                let all = fields::of(r#type);
                let place = all.iter().position(fields::Field::is_name);
                let (Some(place), Ok(mut data)) = (place, fields::parse(r#type, content)) else {
                    return Ok(content.to_owned());
                };
                // Every member before a name is one word. What was read has lost its final dot.
                let written = self.name(content, words.get(place))?;
                if let Some(fields::Member::Text(name)) = data.get_mut(all[place].name) {
                    *name = written;
                }
                Ok(fields::render(r#type, &data))
            }
        }
    }

    /// The name that a word of a text is, in full.
    fn name(&self, text: &str, word: Option<&Token>) -> Result<String, String> {
        let Some(word) = word else { return Ok(String::new()) };
        let written = written(text, word);
        // Told apart from the dots between labels only as it is written.
        if ["\\.", "\\046"].iter().any(|dot| written.contains(dot)) {
            return Err(format!(
                "{written} has a label with a dot in it, which no record can have"
            ));
        }
        Ok(self.full(word.text().unwrap_or_default()))
    }

    /// A name in full and with its final dot; what is none stays, to be refused.
    fn full(&self, name: &str) -> String {
        match name {
            "@" => self.origin.clone(),
            name if name.ends_with('.') => name.to_owned(),
            name if self.origin == "." => format!("{name}."),
            name => format!("{name}.{}", self.origin),
        }
    }
}

/// A word with its escapes.
fn written<'t>(text: &'t str, word: &Token) -> &'t str {
    let rest = text.get(word.start..).unwrap_or_default();
    let mut escaped = false;
    let ends = |char: char| {
        let ends = char.is_whitespace() && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    };
    rest.split(ends).next().unwrap_or(rest)
}

/// Seconds, as a number or as numbers with units (`1h30m`).
fn ttl(text: &str) -> Option<u32> {
    if !text.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let (mut sum, mut number) = (0_u32, Some(0_u32));
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        let unit = match char.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        sum = sum.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    sum.checked_add(number.unwrap_or(0))
}
