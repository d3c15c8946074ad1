//! Whole answers, signed and denied; and the example of RFC 6605.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use evenkeel_decision::{Env, NoGeography, NoLoads, NoSessions, Rng, Trail};
use evenkeel_model::{
    AffinityKey, AffinityKeys, ConfigBuilder, Health, Node, Record, Soa, Timestamp, Transfer, View,
    Zone, ZoneId, ZoneKey, Zones,
};

use super::{Signatures, delegation_digest};
use crate::answer::{Advertised, Context, Family, Resolved, answer};
use crate::wire::{EdnsOut, Parsed, Query, rtype, write_signed};
use crate::zone::Catalog;

/// RFC 6605 section 6.1.
const PUBLIC: [u8; 64] = [
    0x1A, 0x88, 0xC8, 0x86, 0x15, 0xD4, 0x37, 0xFB, 0xB8, 0xBF, 0x9E, 0x19, 0x42, 0xA1, 0x92, 0x9F,
    0x28, 0x56, 0x27, 0x06, 0xAE, 0x6C, 0x2B, 0xD3, 0x99, 0xE7, 0xB1, 0xBF, 0xB6, 0xD1, 0xE9, 0xE7,
    0x5B, 0x92, 0xB4, 0xAA, 0x42, 0x91, 0x7A, 0xE1, 0xC6, 0x1B, 0x70, 0x1E, 0xF0, 0x35, 0xC3, 0xFE,
    0x7B, 0xE3, 0x00, 0x9C, 0xBA, 0xFE, 0x5A, 0x2F, 0x71, 0x31, 0x6C, 0x90, 0x2D, 0xCF, 0x0D, 0x00,
];

#[test]
fn the_digest_of_a_key_is_the_rfcs() {
    let (public, private) = (PUBLIC.into(), Box::default());
    let key = ZoneKey { algorithm: 13, flags: 257, public, private };
    let rdata = delegation_digest(b"\x07example\x03net\0", &key);
    let digits: String = rdata[4..].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(rdata[..4], [0xD9, 0x60, 13, 2]);
    assert_eq!(digits, "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
}

#[derive(Debug)]
struct Nothing;

impl Resolved for Nothing {
    fn addresses(&self, _: &str, _: Family, _: &mut dyn FnMut(std::net::IpAddr)) -> Option<u32> {
        None
    }
}

/// No chance takes part.
struct Zero;

impl Rng for Zero {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

fn wire(name: &str) -> Box<[u8]> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire.into()
}

/// A signed zone `example.com` with a name, a wildcard and two delegations.
fn view() -> View {
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let public = pair.public_key().as_ref()[1..].into();
    let key = ZoneKey { algorithm: 13, flags: 257, public, private: pkcs8.as_ref().into() };
    let record = |name: &str, rtype: u16, rdata: &[u8]| Record {
        name: wire(name),
        rtype,
        ttl_s: 300,
        rdata: rdata.into(),
        proxied: false,
        flatten: false,
    };
    let soa = Soa {
        mname: wire("ns1.example.com"),
        rname: wire("dns.example.com"),
        refresh_s: 10_000,
        retry_s: 2400,
        expire_s: 604_800,
        minimum_ttl_s: 1800,
        ttl_s: 3600,
    };
    let zone = Zone {
        id: ZoneId([1; 16]),
        name: wire("example.com"),
        serial: 7,
        records: vec![
            record("example.com", rtype::NS, &wire("ns1.example.com")),
            record("www.example.com", rtype::A, &[192, 0, 2, 2]),
            record("www.example.com", rtype::A, &[192, 0, 2, 1]),
            record("*.wild.example.com", rtype::TXT, b"\x01x"),
            record("plain.example.com", rtype::NS, &wire("ns.elsewhere.test")),
            record("signed.example.com", rtype::NS, &wire("ns.elsewhere.test")),
            record("signed.example.com", rtype::DS, &[0, 1, 13, 2, 9, 9]),
        ],
        soa,
        keys: vec![key],
        transfer: Transfer::default(),
    };
    let keys = AffinityKeys { current: AffinityKey([1; 32]), previous: None };
    let config = Arc::new(ConfigBuilder::new(keys).build());
    let zones = Arc::new(Zones::new(vec![Arc::new(zone)]));
    View { config, health: Health::default(), zones, revision: 1 }
}

/// A record of a response, its names not compressed where it matters here.
#[derive(Debug)]
struct Seen {
    section: usize,
    owner: Vec<u8>,
    rtype: u16,
    ttl_s: u32,
    rdata: Vec<u8>,
}

struct Response {
    rcode: u8,
    records: Vec<Seen>,
}

impl Response {
    fn of(&self, section: usize) -> Vec<u16> {
        let here = self.records.iter().filter(|seen| seen.section == section);
        here.map(|seen| seen.rtype).filter(|rtype| *rtype != rtype::OPT).collect()
    }
}

/// Reads a response; owners are expanded, data is left as it is.
fn read(message: &[u8]) -> Response {
    let word = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    let name = |mut at: usize| {
        let (mut name, mut end) = (Vec::new(), None);
        loop {
            let length = usize::from(message[at]);
            if length >= 0xC0 {
                end.get_or_insert(at + 2);
                at = word(at) & 0x3FFF;
            } else {
                name.extend_from_slice(&message[at..=at + length]);
                at += 1 + length;
                if length == 0 {
                    return (name, end.unwrap_or(at));
                }
            }
        }
    };
    let mut at = name(12).1 + 4;
    let mut records = Vec::new();
    for section in 1..4 {
        for _ in 0..word(4 + 2 * section) {
            let (owner, after) = name(at);
            let bytes = word(after + 8);
            let rdata = message[after + 10..after + 10 + bytes].to_vec();
            let ttl_s = (word(after + 4) as u32) << 16 | word(after + 6) as u32;
            records.push(Seen { section, owner, rtype: word(after) as u16, ttl_s, rdata });
            at = after + 10 + bytes;
        }
    }
    Response { rcode: message[3] & 15, records }
}

struct Server {
    view: View,
    signatures: Signatures,
}

impl Server {
    fn new() -> Self {
        Self { view: view(), signatures: Signatures::default() }
    }

    /// Asks with DO, and with CO if so; at this second.
    fn ask(&mut self, name: &str, qtype: u16, flags: u16, now_s: u64) -> Response {
        let mut message = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        message.extend_from_slice(&wire(name));
        message.extend_from_slice(&qtype.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 41, 4, 0xD0, 0, 0]);
        message.extend_from_slice(&flags.to_be_bytes());
        message.extend_from_slice(&[0, 0]);
        let Parsed::Query(query) = Query::parse(&message) else { panic!("no query") };
        let catalog = Catalog::new(&self.view, None);
        let context = Context {
            view: &self.view,
            catalog: &catalog,
            node: &Node::default(),
            geography: &NoGeography,
            advertised: &Advertised::default(),
            resolved: &Nothing,
        };
        let mut out = Vec::new();
        let mut env = Env {
            now: Timestamp(now_s * 1000),
            rng: &mut Zero,
            loads: &NoLoads,
            ejections: None,
            sessions: &mut NoSessions,
        };
        let source = [192, 0, 2, 9].into();
        let mut answer = answer(&query, source, &context, &mut env, &mut Trail::new());
        let mut signer = self.signatures.complete(&query, &mut answer, now_s);
        let signer = signer.as_mut().map(|signer| signer as _);
        write_signed(&mut out, &query, &answer, 4096, &EdnsOut::default(), signer);
        read(&out)
    }

    /// Checks the signature over the sets of one section against records whose data has no names.
    fn verify(&self, response: &Response, covered: u16, labels: u8) {
        let key = &self.view.zones.iter().next().unwrap().keys[0];
        let signature = response
            .records
            .iter()
            .find(|seen| seen.rtype == rtype::RRSIG && seen.rdata[..2] == covered.to_be_bytes());
        let signature = signature.expect("a signature");
        assert_eq!(signature.rdata[3], labels);
        let zone = wire("example.com");
        let head = 18 + zone.len();
        assert_eq!(signature.rdata[18..head], *zone, "the signer");
        assert_eq!(signature.rdata[16..18], key.tag().to_be_bytes());
        let mut signed = signature.rdata[..head].to_vec();
        let mut records: Vec<_> =
            response.records.iter().filter(|seen| seen.rtype == covered).collect();
        records.sort_by(|a, b| a.rdata.cmp(&b.rdata));
        for record in records {
            signed.extend_from_slice(&record.owner);
            signed.extend_from_slice(&covered.to_be_bytes());
            signed.extend_from_slice(&[0, 1]);
            signed.extend_from_slice(&record.ttl_s.to_be_bytes());
            signed.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
            signed.extend_from_slice(&record.rdata);
        }
        let public = [&[4][..], &key.public].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(&signed, &signature.rdata[head..])
            .expect("a good signature");
    }
}

const DO: u16 = 0x8000;
const CO: u16 = 0x4000;
const NOW_S: u64 = 1_800_000_000;

#[test]
fn sets_are_signed_for_those_who_ask_and_for_nobody_else() {
    let mut server = Server::new();
    let signed = server.ask("www.example.com", rtype::A, DO, NOW_S);
    assert_eq!(signed.of(1), [rtype::A, rtype::A, rtype::RRSIG]);
    server.verify(&signed, rtype::A, 3);
    assert_eq!(server.ask("www.example.com", rtype::A, 0, NOW_S).of(1), [rtype::A, rtype::A]);
    let keys = server.ask("example.com", rtype::DNSKEY, DO, NOW_S);
    server.verify(&keys, rtype::DNSKEY, 2);
    for (qtype, of) in [(rtype::CDS, 36), (rtype::CDNSKEY, 68)] {
        let keys = server.ask("example.com", qtype, DO, NOW_S);
        assert_eq!(keys.records[0].rdata.len(), of);
        server.verify(&keys, qtype, 2);
    }
}

#[test]
fn a_name_that_a_wildcard_stands_in_for_is_signed_as_its_own() {
    let mut server = Server::new();
    let signed = server.ask("any.wild.example.com", rtype::TXT, DO, NOW_S);
    server.verify(&signed, rtype::TXT, 4);
    assert_eq!(signed.of(2), Vec::<u16>::new(), "nothing to prove");
    let asterisk = server.ask("*.wild.example.com", rtype::TXT, DO, NOW_S);
    server.verify(&asterisk, rtype::TXT, 3);
}

#[test]
fn what_is_absent_is_denied_by_one_record_of_its_own_name() {
    let mut server = Server::new();
    // Types in the bitmaps: A 1, NS 2, SOA 6, TXT 16, RRSIG 46, NSEC 47, NXNAME 128.
    let names = |name: &str, bitmap: &[u8]| [&b"\x01\0"[..], &wire(name), bitmap].concat();
    for (name, qtype, flags, rcode, nsec) in [
        (
            "nx.example.com",
            1,
            DO,
            0,
            names("nx.example.com", &[0, 17, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ),
        (
            "nx.example.com",
            1,
            DO | CO,
            3,
            names("nx.example.com", &[0, 17, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ),
        ("www.example.com", 28, DO, 0, names("www.example.com", &[0, 6, 0x40, 0, 0, 0, 0, 3])),
        ("wild.example.com", 1, DO, 0, names("wild.example.com", &[0, 6, 0, 0, 0, 0, 0, 3])),
        ("a.wild.example.com", 1, DO, 0, names("a.wild.example.com", &[0, 6, 0, 0, 0x80, 0, 0, 3])),
    ] {
        let response = server.ask(name, qtype, flags, NOW_S);
        assert_eq!(response.rcode, rcode, "{name}");
        assert_eq!(response.of(2), [rtype::SOA, rtype::RRSIG, rtype::NSEC, rtype::RRSIG], "{name}");
        let seen = response.records.iter().find(|seen| seen.rtype == rtype::NSEC).unwrap();
        assert_eq!((&seen.owner[..], seen.ttl_s), (&*wire(name), 1800));
        assert_eq!(seen.rdata, nsec, "{name}");
        let labels = u8::try_from(name.split('.').count()).unwrap();
        server.verify(&response, rtype::NSEC, labels);
    }
    assert_eq!(server.ask("nx.example.com", 1, 0, NOW_S).rcode, 3, "without DO");
}

#[test]
fn who_asks_for_the_proof_itself_gets_it_as_an_answer() {
    let mut server = Server::new();
    let response = server.ask("www.example.com", rtype::NSEC, DO, NOW_S);
    assert_eq!(response.of(1), [rtype::NSEC, rtype::RRSIG]);
    assert_eq!(response.of(2), Vec::<u16>::new());
}

#[test]
fn referrals_prove_whether_the_delegated_zone_is_signed() {
    let mut server = Server::new();
    let plain = server.ask("a.plain.example.com", 1, DO, NOW_S);
    assert_eq!(plain.of(2), [rtype::NS, rtype::NSEC, rtype::RRSIG]);
    let seen = plain.records.iter().find(|seen| seen.rtype == rtype::NSEC).unwrap();
    assert_eq!(*seen.owner, *wire("plain.example.com"));
    assert!(seen.rdata.ends_with(&[0, 6, 0x20, 0, 0, 0, 0, 3]));
    server.verify(&plain, rtype::NSEC, 3);
    let signed = server.ask("a.signed.example.com", 1, DO, NOW_S);
    assert_eq!(signed.of(2), [rtype::NS, rtype::DS, rtype::RRSIG]);
    server.verify(&signed, rtype::DS, 3);
}

#[test]
fn a_signature_is_made_once_and_again_in_good_time() {
    let mut server = Server::new();
    let mut times = |now_s: u64| {
        let response = server.ask("www.example.com", rtype::A, DO, now_s);
        let signature = response.records.iter().find(|seen| seen.rtype == rtype::RRSIG).unwrap();
        let time = |at: usize| {
            u64::from(u32::from_be_bytes(signature.rdata[at..at + 4].try_into().unwrap()))
        };
        (time(12), time(8))
    };
    let first = times(NOW_S);
    assert_eq!(first, (NOW_S - 3600, NOW_S + 3 * 86_400));
    assert_eq!(times(NOW_S + 86_399), first);
    assert_eq!(times(NOW_S + 86_400), (NOW_S + 82_800, NOW_S + 4 * 86_400));
}
