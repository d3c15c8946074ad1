//! Requests for zones, as bytes in and messages out; and the arithmetic of signatures.

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_model::{
    AffinityKey, AffinityKeys, ConfigBuilder, Health, HostPattern, LoadBalancer, LoadBalancerId,
    Peer, PoolId, PoolSpec, Record, Soa, Transfer, TsigAlgorithm, TsigKey, View, Zone, ZoneId,
    ZoneKey, Zones,
};

use super::history::Histories;
use super::outgoing::{Begun, Request, begin};
use super::tsig::{Session, Unverified, refuse, verify};
use crate::answer::Advertised;
use crate::wire::{Parsed, Query, Rcode, host_to_wire, rtype};
use crate::zone::Catalog;

const NOW_S: u64 = 1_800_000_000;
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 53));

fn wire(name: &str) -> Box<[u8]> {
    host_to_wire(name).unwrap().as_slice().into()
}

fn key(secret: &[u8]) -> TsigKey {
    TsigKey { name: wire("key.test"), algorithm: TsigAlgorithm::Sha256, secret: secret.into() }
}

/// `example.com` with these A records, in this version, for one secondary.
fn zone(serial: u32, hosts: &[(&str, u8)], tsig: Option<TsigKey>) -> Arc<Zone> {
    let record = |(name, last): &(&str, u8)| Record {
        name: wire(&format!("{name}.example.com")),
        rtype: rtype::A,
        ttl_s: 300,
        rdata: [192, 0, 2, *last].into(),
        proxied: *name == "proxied",
        flatten: false,
    };
    let soa = Soa {
        mname: wire("ns1.example.com"),
        rname: wire("dns.example.com"),
        refresh_s: 1,
        retry_s: 2,
        expire_s: 3,
        minimum_ttl_s: 4,
        ttl_s: 5,
    };
    let tsig = tsig.map(Arc::new);
    let peers = vec![Peer { address: CLIENT, port: 53, tsig, ixfr: true }];
    Arc::new(Zone {
        id: ZoneId([1; 16]),
        name: wire("example.com"),
        serial,
        records: hosts.iter().map(record).collect(),
        soa,
        keys: Vec::new(),
        transfer: Transfer { peers },
    })
}

fn question(qtype: u16, serial: Option<u32>) -> Vec<u8> {
    let authority = u8::from(serial.is_some());
    let mut message = vec![0xAB, 0xCD, 0, 0, 0, 1, 0, 0, 0, authority, 0, 0];
    message.extend_from_slice(&wire("example.com"));
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    if let Some(serial) = serial {
        message.extend_from_slice(&[0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
        message.extend_from_slice(&serial.to_be_bytes());
        message.extend_from_slice(&[0; 16]);
    }
    message
}

/// The view of one zone, in which these names are those of load balancers.
fn view(zone: &Arc<Zone>, hosts: &[&str]) -> View {
    let keys = AffinityKeys { current: AffinityKey([1; 32]), previous: None };
    let mut builder = ConfigBuilder::new(keys);
    let pool = builder.pool(PoolSpec::new(PoolId([1; 16]), "pool", Vec::new()));
    for (n, host) in (1..).zip(hosts) {
        let host = HostPattern::parse(&format!("{host}.example.com")).unwrap();
        let id = LoadBalancerId([n; 16]);
        let load_balancer = LoadBalancer::new(id, host, vec![pool], pool);
        let load_balancer = LoadBalancer { zone: zone.id, ..load_balancer };
        builder.load_balancer(load_balancer).unwrap();
    }
    let zones = Arc::new(Zones::new(vec![Arc::clone(zone)]));
    View { config: Arc::new(builder.build()), health: Health::default(), zones, revision: 1 }
}

fn ask(message: &[u8], zone: Option<&Zone>, histories: &Histories, is_stream: bool) -> Begun {
    let catalog = zone.map(|zone| Catalog::new(&view(&Arc::new(zone.clone()), &["hidden"]), None));
    let zone = catalog.as_ref().and_then(|catalog| catalog.zones().next());
    let (Parsed::Transfer(query) | Parsed::Query(query)) = Query::parse(message) else {
        panic!("no query")
    };
    let request = Request { query: &query, source: CLIENT, zone, is_stream };
    let advertised = Advertised { v4: vec![[198, 51, 100, 1].into()], v6: Vec::new() };
    begin(&request, histories, &advertised, NOW_S)
}

/// What a transfer's records are, in short: serials of SOA records, the last octet of addresses.
fn told(begun: Begun) -> Vec<String> {
    let Begun::Sent(mut outgoing) = begun else { panic!("{begun:?}") };
    let mut told = Vec::new();
    let mut message = Vec::new();
    while outgoing.next(&mut message, NOW_S) {
        assert_eq!(message[..4], [0xAB, 0xCD, 0x84, 0]);
        let questions = usize::from(message[5]);
        let mut rest = &message[12 + questions * (wire("example.com").len() + 4)..];
        for _ in 0..u16::from_be_bytes([message[6], message[7]]) {
            let end = rest.iter().position(|byte| *byte == 0).unwrap() + 1;
            let length = usize::from(u16::from_be_bytes([rest[end + 8], rest[end + 9]]));
            let rdata = &rest[end + 10..end + 10 + length];
            told.push(match rdata {
                [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
                soa => {
                    let serial: &[u8; 20] = soa.last_chunk().unwrap();
                    format!("SOA {}", u32::from_be_bytes(*serial.first_chunk().unwrap()))
                }
            });
            rest = &rest[end + 10 + length..];
        }
        message.clear();
    }
    told
}

#[test]
fn a_whole_zone_begins_and_ends_with_its_soa_and_shows_no_endpoint_behind_others() {
    let zone = zone(7, &[("a", 1), ("b", 2), ("proxied", 66), ("hidden", 67)], None);
    let begun = ask(&question(rtype::AXFR, None), Some(&zone), &Histories::default(), true);
    let mut told = told(begun);
    assert_eq!((told.remove(0), told.pop().unwrap()), ("SOA 7".to_owned(), "SOA 7".to_owned()));
    told.sort();
    assert_eq!(told, ["192.0.2.1", "192.0.2.2", "198.51.100.1"]);
}

#[test]
fn what_is_flattened_is_not_handed_out() {
    let mut zone = Zone::clone(&zone(7, &[("a", 1)], None));
    for (name, flatten) in [("example.com", false), ("flat.example.com", true)] {
        let (name, rdata) = (wire(name), wire("a.example.com"));
        let (rtype, ttl_s, proxied) = (rtype::CNAME, 300, false);
        zone.records.push(Record { name, rtype, ttl_s, rdata, proxied, flatten });
    }
    let begun = ask(&question(rtype::AXFR, None), Some(&zone), &Histories::default(), true);
    assert_eq!(told(begun), ["SOA 7", "192.0.2.1", "SOA 7"]);
}

#[test]
fn large_zones_take_several_messages() {
    let names: Vec<String> = (0..2000).map(|n| format!("host-number-{n}")).collect();
    let hosts: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let zone = zone(1, &hosts, None);
    let begun = ask(&question(rtype::AXFR, None), Some(&zone), &Histories::default(), true);
    assert_eq!(told(begun).len(), 2002);
}

#[test]
fn differences_are_told_as_far_as_they_are_remembered() {
    let versions = [
        zone(1, &[("a", 1)], None),
        zone(2, &[("a", 2)], None),
        zone(3, &[("a", 2), ("b", 3)], None),
    ];
    let histories = Histories::default();
    let views = versions.each_ref().map(|zone| view(zone, &[]));
    for pair in views.windows(2) {
        let next = Catalog::new(&pair[1], None);
        histories.follow(&pair[0].zones, &next, &Advertised::default());
    }
    let ask = |serial, is_stream| {
        let message = question(rtype::IXFR, Some(serial));
        told(ask(&message, Some(&versions[2]), &histories, is_stream))
    };
    assert_eq!(ask(3, true), ["SOA 3"]);
    assert_eq!(ask(9, true), ["SOA 3"], "a serial ahead of ours");
    assert_eq!(ask(2, true), ["SOA 3", "SOA 2", "SOA 3", "192.0.2.3", "SOA 3"]);
    assert_eq!(
        ask(1, true),
        [
            "SOA 3",
            "SOA 1",
            "192.0.2.1",
            "SOA 2",
            "192.0.2.2",
            "SOA 2",
            "SOA 3",
            "192.0.2.3",
            "SOA 3"
        ]
    );
    assert_eq!(ask(0, true), ["SOA 3", "192.0.2.2", "192.0.2.3", "SOA 3"], "everything");
    assert_eq!(ask(1, false), ["SOA 3"], "by UDP");
}

#[test]
fn nobody_gets_a_zone_who_is_not_a_peer_of_it() {
    let message = question(rtype::AXFR, None);
    let histories = Histories::default();
    let refused = |zone: Option<&Zone>, is_stream| match ask(&message, zone, &histories, is_stream)
    {
        Begun::Refused(rcode, _) => rcode,
        other => panic!("{other:?}"),
    };
    let mut others = Zone::clone(&zone(1, &[], None));
    others.transfer.peers[0].address = [192, 0, 2, 54].into();
    let with_key = zone(1, &[], Some(key(b"secret")));
    let mut signed = Zone::clone(&zone(1, &[], None));
    let (public, private) = (Box::default(), Box::default());
    signed.keys.push(ZoneKey { algorithm: 13, flags: 257, public, private });
    assert_eq!(refused(None, true), Rcode::NotAuth);
    for zone in [&others, &*with_key, &signed] {
        assert_eq!(refused(Some(zone), true), Rcode::Refused);
    }
    assert_eq!(refused(Some(&zone(1, &[], None)), false), Rcode::Refused, "AXFR by UDP");
}

#[test]
fn a_key_opens_the_zone_from_anywhere_and_every_message_is_signed() {
    let mut zone = Zone::clone(&zone(1, &[("a", 1)], Some(key(b"secret"))));
    zone.transfer.peers[0].address = [203, 0, 113, 1].into();
    let mut message = question(rtype::AXFR, None);
    Session::begin(&key(b"secret")).sign(&mut message, 0, NOW_S);
    let begun = ask(&message, Some(&zone), &Histories::default(), true);
    let Begun::Sent(mut outgoing) = begun else { panic!("{begun:?}") };
    let mut first = Vec::new();
    assert!(outgoing.next(&mut first, NOW_S));
    assert_eq!(first[10..12], [0, 1], "an additional record");
}

#[test]
fn signatures_are_judged() {
    let mut message = question(rtype::SOA, None);
    let at = message.len();
    Session::begin(&key(b"secret")).sign(&mut message, 0, NOW_S);
    let right = key(b"secret");
    let verdict = |message: &[u8], key: &TsigKey, now_s| {
        verify(message, at, [key], now_s).map(|session| session.is_out_of_time())
    };
    assert_eq!(verdict(&message, &right, NOW_S + 300), Ok(false));
    assert_eq!(verdict(&message, &right, NOW_S + 301), Ok(true));
    assert_eq!(verdict(&message, &key(b"other"), NOW_S), Err(Unverified::Signature));
    let named = TsigKey { name: wire("other.test"), ..key(b"secret") };
    assert_eq!(verdict(&message, &named, NOW_S), Err(Unverified::Key));
    let stronger = TsigKey { algorithm: TsigAlgorithm::Sha512, ..key(b"secret") };
    assert_eq!(verdict(&message, &stronger, NOW_S), Err(Unverified::Key));
    for n in 0..at {
        // The identifier may change on the way; the record has the one that was signed. Without the
        // count of additional records, nobody would have found it.
        if n >= 2 && n != 11 {
            let mut altered = message.clone();
            altered[n] ^= 1;
            assert!(verdict(&altered, &right, NOW_S).is_err(), "byte {n}");
        }
    }
    for cut in at..message.len() {
        assert!(verdict(&message[..cut], &right, NOW_S).is_err(), "cut at {cut}");
    }
    // The key's name may end with a pointer, here to the zone's `com`; what is signed is the same.
    let named = TsigKey { name: wire("key.com"), ..key(b"secret") };
    let mut compressed = question(rtype::SOA, None);
    Session::begin(&named).sign(&mut compressed, 0, NOW_S);
    compressed.splice(at + 4..at + 9, [0xC0, 20]);
    assert_eq!(verdict(&compressed, &named, NOW_S), Ok(false));
    assert_eq!(verdict(&compressed, &right, NOW_S), Err(Unverified::Key));
    // Whose clock is wrong is told the time, in a message that it can believe by its own.
    let mut late = verify(&message, at, [&right], NOW_S + 9000).unwrap();
    let mut answer = question(rtype::SOA, None);
    late.sign(&mut answer, 0, NOW_S + 9000);
    let time = |time_s: u64| time_s.to_be_bytes()[2..].to_vec();
    assert!(answer.ends_with(&[&[0, 18, 0, 6][..], &time(NOW_S + 9000)].concat()));
    assert!(answer.windows(6).any(|bytes| bytes == time(NOW_S)));
    let mut answer = question(rtype::SOA, None);
    let before = answer.len();
    refuse(Unverified::Key, &message, at, &mut answer, 0, NOW_S);
    assert_eq!(answer[answer.len() - 4..], [0, 17, 0, 0]);
    assert!(answer.len() > before);
}
