//! A zone as a zone file.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use evenkeel_model::{Record, Soa, Zone};

use super::{absolute, attributes, quoted};
use crate::dns_record::document::{DnsRecord, RecordType};
use crate::dns_record::{RecordData, fields};

/// The records of the zone of this name as a zone file; `now` says when. What is served beside them
/// comes first, if the zone is served: its SOA record and its name servers.
#[must_use]
pub fn export<'a>(
    zone: &str,
    now: &str,
    served: Option<&Zone>,
    records: impl IntoIterator<Item = &'a DnsRecord>,
) -> String {
    let is_told = |record: &&DnsRecord| {
        served.is_some() && record.r#type == RecordType::Ns && record.name == zone
    };
    let mut records: Vec<_> = records.into_iter().filter(|record| !is_told(record)).collect();
    let key =
        |record: &DnsRecord| (record.r#type.as_str(), record.name.clone(), record.content.clone());
    records.sort_by_cached_key(|record| key(record));
    let mut text = format!(";; Domain:     {zone}.\n;; Exported:   {now}\n\n$ORIGIN {zone}.\n");
    if let Some(served) = served {
        apex(zone, served, &mut text);
    }
    let mut section = None;
    for record in records {
        if section.replace(record.r#type) != Some(record.r#type) {
            let _ = writeln!(text, "\n;; {} Records", record.r#type.as_str());
        }
        let (name, ttl, kind) = (&record.name, record.ttl, record.r#type.as_str());
        let _ = write!(text, "{name}.\t{ttl}\tIN\t{kind}\t{}", rdata(record));
        attributes::write(record, &mut text);
        text.push('\n');
    }
    text
}

/// The SOA record and the name servers.
fn apex(zone: &str, served: &Zone, text: &mut String) {
    let Soa { mname, rname, refresh_s, retry_s, expire_s, minimum_ttl_s, ttl_s } = &served.soa;
    let (mname, rname, serial) = (in_words(mname), in_words(rname), served.serial);
    let numbers = format!("{serial} {refresh_s} {retry_s} {expire_s} {minimum_ttl_s}");
    let _ = writeln!(text, "\n;; SOA Record\n{zone}.\t{ttl_s}\tIN\tSOA\t{mname} {rname} {numbers}");
    let is_server =
        |record: &&Record| record.rtype == RecordType::Ns.code() && record.name == served.name;
    let mut servers = served.records.iter().filter(is_server).peekable();
    if servers.peek().is_some() {
        text.push_str("\n;; NS Records of the zone itself\n");
    }
    for server in servers {
        let (ttl_s, name) = (server.ttl_s, in_words(&server.rdata));
        let _ = writeln!(text, "{zone}.\t{ttl_s}\tIN\tNS\t{name}");
    }
}

/// A name in full. Those of documents need no escapes.
fn in_words(wire: &[u8]) -> String {
    let (mut text, mut rest) = (String::new(), wire);
    while let Some((&length, labels)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, others) = labels.split_at(labels.len().min(length.into()));
        text.extend(label.iter().map(|byte| char::from(*byte)));
        text.push('.');
        rest = others;
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// What a record says, names in full and with a final dot.
fn rdata(record: &DnsRecord) -> String {
    let content = &record.content;
    match record.r#type {
        RecordType::A | RecordType::Aaaa | RecordType::Openpgpkey => content.clone(),
        RecordType::Cname | RecordType::Ns | RecordType::Ptr => absolute(content),
        RecordType::Mx => format!("{} {}", record.priority.unwrap_or_default(), absolute(content)),
        RecordType::Txt => {
            let Some(RecordData::Txt(strings)) = record.record_data() else {
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
