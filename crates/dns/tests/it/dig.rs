//! Queries and responses as text.
//!
//! A query is `NAME TYPE WORD…`: `from=ADDRESS`, `ecs=NETWORK`, `do`, `edns=BYTES`, `limit=BYTES`.
//!
//! A response is read by the library, not by what wrote it, and shown as
//! `RCODE FLAG… [scope=N] | NAME TTL TYPE DATA | … || AUTHORITY || ADDITIONAL`, the records of one
//! name and type in the order of their data.

use std::net::IpAddr;

use domain::base::opt::{ClientSubnet, OptRecord};
use domain::base::{Message, ParsedName, Rtype};
use domain::rdata::AllRecordData;
use evenkeel_dns::wire::{Parsed, Query, rtype};

/// A query as bytes, and who asks.
pub(crate) struct Asked {
    pub(crate) message: Vec<u8>,
    pub(crate) source: IpAddr,
    pub(crate) limit: usize,
}

impl Asked {
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let (name, qtype) = (words.next().expect("a name"), words.next().expect("a type"));
        let mut message = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        message.extend(wire_name(name, ""));
        message.extend(type_number(qtype).to_be_bytes());
        message.extend([0, 1]);
        let mut source = "192.0.2.53".parse().expect("an address");
        let (mut edns, mut limit, mut is_do, mut options) = (None, None, false, Vec::new());
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("from", address) => source = address.parse().expect("an address"),
                ("do", "") => (edns, is_do) = (Some(edns.unwrap_or(1232)), true),
                ("edns", bytes) => edns = Some(bytes.parse().expect("a number")),
                ("limit", bytes) => limit = Some(bytes.parse().expect("a number")),
                ("ecs", network) => {
                    let (address, prefix) = network.split_once('/').expect("a prefix");
                    let (address, prefix): (IpAddr, u8) =
                        (address.parse().expect("an address"), prefix.parse().expect("a length"));
                    let (family, octets) = match address {
                        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
                        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
                    };
                    let octets = &octets[..usize::from(prefix).div_ceil(8)];
                    options.extend([0, 8, 0, 4 + octets.len() as u8, 0, family, prefix, 0]);
                    options.extend(octets);
                    edns = Some(edns.unwrap_or(1232));
                }
                (other, _) => panic!("{other} is no part of a query"),
            }
        }
        if let Some(bytes) = edns {
            message[11] = 1;
            message.extend([0, 0, 41]);
            message.extend(u16::to_be_bytes(bytes));
            message.extend([0, 0, if is_do { 0x80 } else { 0 }, 0, 0, options.len() as u8]);
            message.extend(&options);
        }
        let Parsed::Query(query) = Query::parse(&message) else { panic!("no query: {text}") };
        let limit = limit.unwrap_or_else(|| query.udp_limit(1232));
        Self { message, source, limit }
    }
}

/// A response as text.
pub(crate) fn show(response: &[u8]) -> String {
    let message = Message::from_slice(response).expect("a message");
    let header = message.header();
    assert!(header.qr() && header.rd() && !header.ra() && !header.z(), "{header:?}");
    assert_eq!(header.id(), 0x1234);
    let mut text = format!("{}", message.opt_rcode());
    for (flag, is_set) in [("aa", header.aa()), ("tc", header.tc()), ("ad", header.ad())] {
        if is_set {
            text += &format!(" {flag}");
        }
    }
    let opt = message.opt();
    if let Some(opt) = &opt {
        let subnet = opt.opt().iter::<ClientSubnet>().next().map(|subnet| subnet.expect("valid"));
        if let Some(subnet) = subnet {
            text += &format!(" scope={}", subnet.scope_prefix_len());
        }
        assert_eq!(OptRecord::udp_payload_size(opt), 1232);
    }
    let mut section = message.question().answer().expect("a section");
    let mut shown = Vec::new();
    loop {
        let mut lines: Vec<String> = Vec::new();
        let mut sets: Vec<(String, Vec<String>)> = Vec::new();
        for record in section.by_ref() {
            let record = record.expect("a record");
            if record.rtype() == Rtype::OPT {
                continue;
            }
            let record = record.to_any_record::<AllRecordData<_, ParsedName<_>>>().expect("data");
            let (owner, ttl_s) = (record.owner(), record.ttl().as_secs());
            let key = format!("{owner} {ttl_s} {}", record.rtype());
            let said = record.data().to_string().trim_end().to_owned();
            match sets.last_mut().filter(|(last, _)| *last == key) {
                Some((_, data)) => data.push(said),
                None => sets.push((key, vec![said])),
            }
        }
        for (key, mut data) in sets {
            data.sort();
            lines.extend(data.iter().map(|data| format!("{key} {data}")));
        }
        shown.push(lines);
        match section.next_section().expect("a section") {
            Some(next) => section = next,
            None => break,
        }
    }
    while shown.last().is_some_and(Vec::is_empty) {
        shown.pop();
    }
    let sections: Vec<String> = shown.iter().map(|lines| lines.join(" | ")).collect();
    match &sections[..] {
        [] => {}
        [only] => text += &format!(" | {only}"),
        [answer, rest @ ..] => {
            if !answer.is_empty() {
                text += &format!(" | {answer}");
            }
            rest.iter().for_each(|section| text += &format!(" || {section}"));
        }
    }
    text.replace("||  ||", "|| ||")
}

/// A name in wire format, its case kept. Without a final dot it is below `origin`.
pub(crate) fn wire_name(name: &str, origin: &str) -> Vec<u8> {
    let full = match (name, origin) {
        ("@", origin) => origin.to_owned(),
        (name, "") => name.to_owned(),
        (name, _) if name.ends_with('.') => name.to_owned(),
        (name, origin) => format!("{name}.{origin}"),
    };
    let mut wire = Vec::new();
    for label in full.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// The number of a type.
pub(crate) fn type_number(name: &str) -> u16 {
    match name {
        "A" => rtype::A,
        "NS" => rtype::NS,
        "CNAME" => rtype::CNAME,
        "SOA" => rtype::SOA,
        "PTR" => rtype::PTR,
        "MX" => rtype::MX,
        "TXT" => rtype::TXT,
        "AAAA" => rtype::AAAA,
        "SRV" => rtype::SRV,
        "DS" => rtype::DS,
        "DNSKEY" => rtype::DNSKEY,
        "SVCB" => rtype::SVCB,
        "HTTPS" => rtype::HTTPS,
        "ANY" => rtype::ANY,
        "CAA" => 257,
        other => other.strip_prefix("TYPE").expect("a type").parse().expect("a number"),
    }
}
