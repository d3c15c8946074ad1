//! From the documents of a zone to the zone that is served (behaviour.md 8.5, 8.6): records on the
//! wire, name servers, SOA.
//!
//! A record is built by itself, so that whoever keeps zones up to date builds only the one that
//! changed. Which zones there are, their keys and their serials are handed in.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{self as model, Record, Soa, Transfer, ZoneKey};

use crate::dns_record::{RecordType, wire_name};
use crate::zone::ZoneType;
use crate::{DnsRecord, Zone, hosts};

/// The TTL of records that leave it to the server, in seconds (behaviour.md 8.6).
const TTL_AUTOMATIC_S: u32 = 300;
/// The TTL that stands for it in documents.
const TTL_AUTOMATIC: u32 = 1;
/// The TTL of the name servers of the apex, in seconds: who serves a zone changes rarely, and every
/// resolver asks for it.
const NAME_SERVERS_TTL_S: u32 = 86_400;

/// The timers of every SOA record, in seconds: those of the published service.
const REFRESH_S: u32 = 10_000;
const RETRY_S: u32 = 2_400;
const EXPIRE_S: u32 = 604_800;
/// How long "there is no such name" may be kept.
const MINIMUM_TTL_S: u32 = 1_800;
const SOA_TTL_S: u32 = 3_600;

/// What a zone is made of besides its records.
#[derive(Debug, Clone)]
pub struct ZoneParts<'a> {
    /// The zone's document.
    pub document: &'a Zone,
    /// Who serves zones whose document does not say.
    pub name_servers: &'a [String],
    /// The serial of this state of the zone.
    pub serial: u32,
    /// What it is signed with, if it is.
    pub keys: Vec<ZoneKey>,
    /// Whether others sign it as well, so that its DNSKEY records name their keys.
    pub is_multi_signer: bool,
    /// Who may copy it.
    pub transfer: Transfer,
}

impl Zone {
    /// Whether the public may ask for it.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.r#type != ZoneType::Internal
    }

    /// Those who serve it, the user's own names first of all; empty when nobody says.
    fn served_by<'a>(&'a self, otherwise: &'a [String]) -> &'a [String] {
        let lists = [&*self.vanity_name_servers, &*self.name_servers, otherwise];
        lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default()
    }
}

/// The record as it is served.
///
/// # Errors
/// Why the document, which no request can have left behind, says nothing.
pub fn build_dns_record(document: &DnsRecord) -> Result<Record, String> {
    let data = document.record_data();
    let kind = document.r#type.as_str();
    let data = data.ok_or_else(|| format!("the content is no {kind} record's"))?;
    let name = name(&document.name)?;
    Ok(Record {
        name,
        rtype: document.r#type.code(),
        ttl_s: match document.ttl {
            TTL_AUTOMATIC => TTL_AUTOMATIC_S,
            seconds => seconds,
        },
        rdata: data.rdata().into(),
        proxied: document.proxied && document.r#type.is_proxiable(),
        flatten: document.r#type == RecordType::Cname
            && document.settings.flatten_cname == Some(true),
    })
}

/// The zone as it is served; its records are those built of the documents, in any order.
///
/// All records of one name and type get the shortest TTL among them (RFC 2181 section 5.2), and
/// those that say the same are one.
///
/// # Errors
/// Why the document, which no request can have left behind, is no zone's.
pub fn build_zone<'r>(
    parts: ZoneParts<'_>,
    records: impl IntoIterator<Item = &'r Record>,
) -> Result<model::Zone, String> {
    let ZoneParts { document, name_servers, serial, keys, is_multi_signer, transfer } = parts;
    let id = document.id.parse().map_err(|error: model::IdError| error.to_string())?;
    let apex = name(&document.name)?;
    let owns_keys = !keys.is_empty() && !is_multi_signer;
    let kept = |record: &&Record| {
        !(owns_keys && record.rtype == RecordType::Dnskey.code() && record.name == apex)
    };
    let mut all: Vec<Cow<'r, Record>> =
        records.into_iter().filter(kept).map(Cow::Borrowed).collect();
    let server = |text: &String| hosts::name(text).and_then(|text| name(&text).ok());
    let servers: Vec<_> = document.served_by(name_servers).iter().filter_map(server).collect();
    all.extend(servers.iter().map(|server| Cow::Owned(name_server(&apex, server))));
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    all.dedup_by(|later, first| order(later) == order(first));

    let mut records: Vec<Record> = Vec::with_capacity(all.len());
    for set in all.chunk_by(|a, b| (a.rtype, &a.name) == (b.rtype, &b.name)) {
        let ttl_s = set.iter().map(|record| record.ttl_s).min().unwrap_or_default();
        records.extend(set.iter().map(|record| {
            let flatten =
                record.flatten || record.rtype == RecordType::Cname.code() && record.name == apex;
            let proxied = record.proxied && !document.paused;
            Record { ttl_s, flatten, proxied, ..Record::clone(record) }
        }));
    }
    let named = |record: &&Record| record.rtype == RecordType::Ns.code() && record.name == apex;
    let mname = servers.into_iter().next();
    let mname = mname.or_else(|| Some(records.iter().find(named)?.rdata.clone()));
    let soa = Soa {
        mname: mname.unwrap_or_else(|| apex.clone()),
        rname: responsible(&apex),
        refresh_s: REFRESH_S,
        retry_s: RETRY_S,
        expire_s: EXPIRE_S,
        minimum_ttl_s: MINIMUM_TTL_S,
        ttl_s: SOA_TTL_S,
    };
    Ok(model::Zone { id, name: apex, serial, records, soa, keys, transfer })
}

/// In which order records are told, and what makes two of them the same. Letter case does not tell
/// name servers apart.
fn order(record: &Record) -> (&[u8], u16, Cow<'_, [u8]>) {
    let rdata = if record.rtype == RecordType::Ns.code() {
        record.rdata.to_ascii_lowercase().into()
    } else {
        (&*record.rdata).into()
    };
    (&record.name, record.rtype, rdata)
}

fn name_server(apex: &[u8], server: &[u8]) -> Record {
    Record {
        name: apex.into(),
        rtype: RecordType::Ns.code(),
        ttl_s: NAME_SERVERS_TTL_S,
        rdata: server.into(),
        proxied: false,
        flatten: false,
    }
}

/// The mailbox `dns` of the zone; the zone itself where that name would be too long.
fn responsible(apex: &[u8]) -> Box<[u8]> {
    const NAME_BYTES_MAX: usize = 255;
    let name = [b"\x03dns", apex].concat();
    if name.len() > NAME_BYTES_MAX { apex.into() } else { name.into() }
}

/// A name of a document, which is in lower case, on the wire.
fn name(text: &str) -> Result<Box<[u8]>, String> {
    if hosts::pattern(text).is_none() {
        return Err(format!("{text:?} is no name"));
    }
    let mut wire = Vec::with_capacity(text.len() + 2);
    wire_name(text, &mut wire);
    Ok(wire.into())
}
