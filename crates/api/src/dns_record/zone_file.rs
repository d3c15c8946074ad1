//! Records as a zone file (RFC 1035 section 5), out and in. `$INCLUDE` is refused, for there is
//! nothing to include, and SOA records are passed over: the server makes its own.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use serde_json::{Map, Value, json};

use super::batch::{BATCH_RECORDS_MAX, Batch};
use super::document::{DnsRecord, RecordType};
use super::tokens::{Token, quote, tokens};
use super::{TTL_MIN, fields};
use crate::context::Context;
use crate::problem::{Problem, Problems};
use crate::words::Word;

/// The records of the zone of this name as a zone file; `now` says when.
#[must_use]
pub fn export<'a>(
    zone: &str,
    now: &str,
    records: impl IntoIterator<Item = &'a DnsRecord>,
) -> String {
    let mut records: Vec<_> = records.into_iter().collect();
    let key =
        |record: &DnsRecord| (record.r#type.as_str(), record.name.clone(), record.content.clone());
    records.sort_by_cached_key(|record| key(record));
    let mut text = format!(";; Domain:     {zone}.\n;; Exported:   {now}\n\n$ORIGIN {zone}.\n");
    let mut section = None;
    for record in records {
        if section.replace(record.r#type) != Some(record.r#type) {
            let _ = writeln!(text, "\n;; {} Records", record.r#type.as_str());
        }
        let (name, ttl, kind) = (&record.name, record.ttl, record.r#type.as_str());
        let _ = write!(text, "{name}.\t{ttl}\tIN\t{kind}\t{}", rdata(record));
        if record.proxiable {
            let _ = write!(text, " ; cf_tags=cf-proxied:{}", record.proxied);
        }
        text.push('\n');
    }
    text
}

/// What a record says, names in full and with a final dot.
fn rdata(record: &DnsRecord) -> String {
    let content = &record.content;
    match record.r#type {
        RecordType::A | RecordType::Aaaa | RecordType::Openpgpkey => content.clone(),
        RecordType::Cname | RecordType::Ns | RecordType::Ptr => absolute(content),
        RecordType::Mx => format!("{} {}", record.priority.unwrap_or_default(), absolute(content)),
        RecordType::Txt => {
            let Some(super::RecordData::Txt(strings)) = record.record_data() else {
                return content.clone();
            };
            quoted(strings.iter().map(Vec::as_slice))
        }
        r#type => {
            let Ok(mut data) = fields::parse(r#type, content) else { return content.clone() };
            for field in fields::of(r#type).iter().filter(|field| field.is_name()) {
                if let Some(fields::Member::Text(name)) = data.get_mut(field.name) {
                    *name = absolute(name);
                }
            }
            let said = fields::render(r#type, &data);
            match record.priority.filter(|_| r#type.has_priority()) {
                Some(priority) => format!("{priority} {said}"),
                None => said,
            }
        }
    }
}

/// Character strings in quotes, one space apart.
fn quoted<'s>(strings: impl Iterator<Item = &'s [u8]>) -> String {
    let mut text = String::new();
    for string in strings {
        if !text.is_empty() {
            text.push(' ');
        }
        quote(string, &mut text);
    }
    text
}

fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

impl Batch {
    /// The records that a zone file brings to the zone of this name; `proxied` is wished for those
    /// that can be. TTLs are brought into the range that records have here, and records that exist
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

/// One entry: its text on one line, without comment and parentheses.
struct Entry {
    text: String,
    /// Whether it begins with a space, which stands for the name before it.
    is_indented: bool,
}

/// The entries of a file, each with the number of its first line.
fn entries(text: &str) -> impl Iterator<Item = (usize, Result<Entry, &'static str>)> {
    let mut lines = text.lines().enumerate();
    core::iter::from_fn(move || {
        loop {
            let (number, first) = lines.next()?;
            let mut entry =
                Entry { text: String::new(), is_indented: first.starts_with([' ', '\t']) };
            let mut depth = add(&mut entry.text, first, 0);
            while depth.is_some_and(|depth| depth > 0) {
                match lines.next() {
                    Some((_, line)) => depth = add(&mut entry.text, line, depth.unwrap_or(0)),
                    None => return Some((number + 1, Err("a parenthesis is open"))),
                }
            }
            if depth.is_none() {
                return Some((number + 1, Err("a parenthesis is closed that is not open")));
            }
            if !entry.text.trim().is_empty() {
                return Some((number + 1, Ok(entry)));
            }
        }
    })
}

/// Adds a line without its comment, parentheses as spaces; returns how many of these are open.
fn add(text: &mut String, line: &str, mut depth: usize) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for char in line.chars() {
        if escaped {
            escaped = false;
            text.push(char);
            continue;
        }
        match char {
            ';' if !quoted => break,
            '(' if !quoted => {
                depth += 1;
                text.push(' ');
            }
            ')' if !quoted => {
                depth = depth.checked_sub(1)?;
                text.push(' ');
            }
            char => {
                escaped = char == '\\';
                quoted ^= char == '"';
                text.push(char);
            }
        }
    }
    text.push(' ');
    Some(depth)
}

/// What the entries so far have said.
struct File {
    /// With its final dot, as the owner.
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
                self.origin = self.full(word(1));
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
            self.owner = self.full(word(0));
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
        if kind == "SOA" {
            return Ok(());
        }
        let r#type = RecordType::parse(&kind)
            .ok_or_else(|| format!("the type {kind:?} is not supported"))?;
        let rest = words.get(place + 1).map(|word| &text[word.start..]);
        let body = self.body(r#type, own_ttl, rest.unwrap_or_default().trim_end());
        self.bodies.push(Value::Object(body));
        Ok(())
    }

    /// The request that would create the record.
    fn body(&self, r#type: RecordType, ttl: Option<u32>, said: &str) -> Map<String, Value> {
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
        set("content", json!(self.absolute(r#type, content)));
        if self.proxied && r#type.is_proxiable() {
            set("proxied", json!(true));
        }
        body
    }

    /// Content with its names made full.
    fn absolute(&self, r#type: RecordType, content: &str) -> String {
        match r#type {
            RecordType::Cname | RecordType::Ns | RecordType::Ptr | RecordType::Mx => {
                self.full(content)
            }
            RecordType::Txt => {
                quoted(tokens(content).unwrap_or_default().iter().map(|word| &*word.bytes))
            }
            _ => {
                let all = fields::of(r#type);
                let place = all.iter().position(fields::Field::is_name);
                let (Some(place), Ok(mut data), Some(words)) =
                    (place, fields::parse(r#type, content), tokens(content))
                else {
                    return content.to_owned();
                };
                // Every member before a name is one word. What was read has lost its final dot.
                let written = words.get(place).and_then(Token::text).unwrap_or_default();
                if let Some(fields::Member::Text(name)) = data.get_mut(all[place].name) {
                    *name = self.full(written);
                }
                fields::render(r#type, &data)
            }
        }
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
