//! `evenkeel dns`: DNS records, which are known by name and type; zone files; DNSSEC.

mod dnssec;
mod zone_file;

use serde_json::Value;
use ureq::http::Method;

use super::body::Body;
use super::object::{Column, Found, Kind, Labels, delete, list, make, set, show, text};
use super::output;
use super::session::{Session, id};
use crate::cli::{DnsArgs, DnsVerb, RecordFields, RecordName};
use crate::exit::Failure;

/// DNS records.
const KIND: Kind = Kind {
    noun: "DNS record",
    label: "name",
    columns: &[
        Column { head: "NAME", cell: |record, _| text(record, "name") },
        Column { head: "TYPE", cell: |record, _| text(record, "type") },
        Column { head: "CONTENT", cell: |record, _| text(record, "content") },
        Column { head: "TTL", cell: |record, _| ttl(record) },
        Column { head: "PROXIED", cell: |record, _| text(record, "proxied") },
        Column { head: "ID", cell: |record, _| text(record, "id") },
    ],
    flags: &[
        ("name", "NAME"),
        ("type", "TYPE"),
        ("content", "CONTENT"),
        ("ttl", "--ttl"),
        ("proxied", "--proxied"),
        ("priority", "--priority"),
        ("comment", "--comment"),
    ],
};

fn ttl(record: &Value) -> String {
    if record["ttl"] == 1 { "auto".to_owned() } else { text(record, "ttl") }
}

/// Does what a command about DNS records asks.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(crate) fn run(args: &DnsArgs) -> Result<(), Failure> {
    let session = &Session::open(&args.remote)?.within(args.zone.clone());
    let json = args.remote.json;
    match &args.verb {
        DnsVerb::List => {
            let mut all = Vec::new();
            for zone in session.zones()? {
                all.extend(records(session, &zone)?.into_iter().map(|found| found.object));
            }
            list(&KIND, all, &Labels::new(), json)
        }
        DnsVerb::Get(record) => show(&find(session, record)?.object, json),
        DnsVerb::Create { name, kind, content, fields, body } => {
            let zone = session.zone_of(name)?;
            let home = home(&zone);
            let mut sent = Body::begin(body, Value::Null)?;
            sent.put("name", Some(name.as_str()));
            sent.put("type", Some(kind.to_ascii_uppercase()));
            sent.put("content", content.as_deref());
            fields.lay(&mut sent);
            // The API has no default for it; 1 is the server's own choice.
            if !sent.sends("ttl") {
                sent.put("ttl", Some(1));
            }
            sent.assign(&body.set)?;
            make(session, &KIND, &home, &sent.finish(), name, json)
        }
        DnsVerb::Set { record, content, fields, body } => {
            let found = find(session, record)?;
            let mut sent = Body::begin(body, found.object.clone())?;
            sent.put("content", content.as_deref());
            fields.lay(&mut sent);
            set(session, &KIND, &found, sent, body, json)
        }
        DnsVerb::Delete(record) => delete(session, &KIND, &find(session, record)?, json),
        DnsVerb::Import { file, proxied } => zone_file::import(session, file, *proxied, json),
        DnsVerb::Export => zone_file::export(session),
        DnsVerb::Sign(zone) => dnssec::sign(session, &zone.zone, json),
        DnsVerb::Ds(zone) => dnssec::show(session, &zone.zone, json),
        DnsVerb::Notify(zone) => notify(session, &zone.zone, json),
        DnsVerb::Unsign { zone, forget_key } => {
            dnssec::unsign(session, &zone.zone, *forget_key, json)
        }
    }
}

/// Has the secondary name servers of a zone told of it, though nothing has changed.
fn notify(session: &Session, zone: &str, json: bool) -> Result<(), Failure> {
    let zone = session.zone(zone)?;
    let path = format!("/zones/{}/secondary_dns/outgoing/force_notify", id(&zone));
    let answer = session.client.call(Method::POST, &path, None);
    let answer = session.asked(answer, "notifying the secondary name servers")?;
    if json {
        return output::print_json(&answer);
    }
    output::print(&format!("the secondaries of {} are being notified\n", text(&zone, "name")))
}

impl RecordFields {
    fn lay(&self, body: &mut Body) {
        body.put("ttl", self.ttl);
        body.put("proxied", self.proxied);
        body.put("priority", self.priority);
        body.put("comment", self.comment.as_deref());
    }
}

fn home(zone: &Value) -> String {
    format!("/zones/{}/dns_records", id(zone))
}

fn records(session: &Session, zone: &Value) -> Result<Vec<Found>, Failure> {
    let collection = home(zone);
    let records = session.asked(session.client.pages(&collection), "listing DNS records")?;
    let found = |object| Found { collection: collection.clone(), object };
    Ok(records.into_iter().map(found).collect())
}

/// The one record that a name, or an id, and perhaps a type mean.
fn find(session: &Session, wanted: &RecordName) -> Result<Found, Failure> {
    let is_id = wanted.name.len() == 32 && !wanted.name.contains('.');
    let zones = if is_id { session.zones()? } else { vec![session.zone_of(&wanted.name)?] };
    let name = wanted.name.trim_end_matches('.').to_ascii_lowercase();
    let mut all = Vec::new();
    for zone in zones {
        all.extend(records(session, &zone)?);
    }
    let is_meant = |found: &Found| {
        let object = &found.object;
        let is_kind =
            |kind: &String| object["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case(kind));
        object["id"] == *wanted.name
            || (object["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(&name))
                && wanted.kind.as_ref().is_none_or(is_kind))
    };
    let mut meant: Vec<Found> = all.into_iter().filter(is_meant).collect();
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => {
            let kind = wanted.kind.as_deref().map(|kind| format!("{kind} "));
            let kind = kind.unwrap_or_default().to_ascii_uppercase();
            Err(Failure::Usage(format!("{name} has no {kind}record; evenkeel dns list shows all")))
        }
        count => {
            let each = meant.iter().map(|found| {
                let record = &found.object;
                format!("\n  {} {} {}", text(record, "type"), text(record, "content"), id(record))
            });
            let each: String = each.collect();
            Err(Failure::Usage(format!(
                "{name} has {count} records; name one by type or id:{each}"
            )))
        }
    }
}
