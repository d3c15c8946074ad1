//! Zones as they are served: what becomes of records, name servers and the SOA record.

use evenkeel_api::{DnsRecord, Zone, ZoneParts, build_dns_record, build_zone, dns_record};
use evenkeel_model::{self as model, Record, Transfer, ZoneKey};
use serde_json::{Value, json};

use crate::world::{EARLY, Resource, created};

const APEX: &[u8] = b"\x07example\x03com\0";

fn parts(document: &Zone) -> ZoneParts<'_> {
    ZoneParts {
        document,
        name_servers: &[],
        serial: 7,
        keys: Vec::new(),
        is_multi_signer: false,
        transfer: Transfer::default(),
    }
}

fn built(bodies: &[Value]) -> Vec<Record> {
    bodies
        .iter()
        .map(|body| build_dns_record(&created::<DnsRecord>(body.clone())).unwrap())
        .collect()
}

/// The zone of documents with these members and records.
fn zone(members: Value, bodies: &[Value]) -> model::Zone {
    build_zone(parts(&created::<Zone>(members)), &built(bodies)).unwrap()
}

/// Names, types, TTLs and RDATA, with bytes that are no letters as `.`.
fn told(zone: &model::Zone) -> Vec<String> {
    let text = |bytes: &[u8]| -> String {
        let letter = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        bytes.iter().map(letter).collect()
    };
    let line = |record: &Record| {
        let Record { name, rtype, ttl_s, rdata, proxied, flatten } = record;
        let proxied = if *proxied { " proxied" } else { "" };
        let flatten = if *flatten { " flatten" } else { "" };
        format!("{} {rtype} {ttl_s} {}{proxied}{flatten}", text(name), text(rdata))
    };
    zone.records.iter().map(line).collect()
}

#[test]
fn a_zone_without_records_has_name_servers_and_a_soa() {
    let zone = zone(json!({}), &[]);
    assert_eq!((&*zone.name, zone.serial), (APEX, 7));
    assert_eq!(zone.id.to_string(), crate::world::NEW);
    assert_eq!(told(&zone), [".example.com. 2 86400 .ns1.example."]);
    let soa = &zone.soa;
    assert_eq!(&*soa.mname, b"\x03ns1\x07example\0");
    assert_eq!(&*soa.rname, b"\x03dns\x07example\x03com\0");
    assert_eq!(
        (soa.refresh_s, soa.retry_s, soa.expire_s, soa.minimum_ttl_s, soa.ttl_s),
        (10_000, 2_400, 604_800, 1_800, 3_600)
    );
}

#[test]
fn name_servers_are_the_users_own_or_the_zones_or_the_nodes() {
    let vanity = json!({"vanity_name_servers": ["NS.Example.com.", "ns2.example.com"]});
    let own = zone(vanity, &[]);
    assert_eq!(
        told(&own),
        [".example.com. 2 86400 .ns.example.com.", ".example.com. 2 86400 .ns2.example.com."]
    );
    assert_eq!(&*own.soa.mname, b"\x02ns\x07example\x03com\0");

    let nameless = Zone { name_servers: Vec::new(), ..created(json!({})) };
    let node = ["ns9.example".to_owned()];
    let by_node = build_zone(ZoneParts { name_servers: &node, ..parts(&nameless) }, &[]).unwrap();
    assert_eq!(told(&by_node), [".example.com. 2 86400 .ns9.example."]);

    let body = json!({"type": "NS", "name": "@", "content": "Other.example", "ttl": 60});
    let by_record = build_zone(parts(&nameless), &built(&[body])).unwrap();
    assert_eq!(&*by_record.soa.mname, b"\x05Other\x07example\0");
    let nobody = build_zone(parts(&nameless), &[]).unwrap();
    assert_eq!((nobody.records.len(), &*nobody.soa.mname), (0, APEX));
}

#[test]
fn records_of_one_name_and_type_have_one_ttl_and_are_told_once() {
    let bodies = [
        json!({"type": "A", "name": "www", "content": "192.0.2.66", "ttl": 600}),
        json!({"type": "A", "name": "WWW", "content": "192.0.2.65", "ttl": 1}),
        json!({"type": "AAAA", "name": "www", "content": "4141::", "ttl": 900}),
        json!({"type": "NS", "name": "@", "content": "NS1.example", "ttl": 60}),
        json!({"type": "TXT", "name": "*.www", "content": "x", "ttl": 60}),
    ];
    let text = told(&zone(json!({}), &bodies));
    assert_eq!(
        text,
        [
            ".*.www.example.com. 16 60 .x",
            ".www.example.com. 1 300 ...A",
            ".www.example.com. 1 300 ...B",
            ".www.example.com. 28 900 AA..............",
            ".example.com. 2 60 .NS1.example.",
        ]
    );
}

#[test]
fn proxied_records_wait_for_a_zone_that_is_not_paused() {
    let proxied = json!({"type": "A", "name": "www", "content": "65.66.67.68", "proxied": true});
    let mail = json!({"type": "MX", "name": "www", "content": "a", "priority": 1});
    let bodies = [proxied, mail];
    let text = told(&zone(json!({}), &bodies));
    assert_eq!(text[0], ".www.example.com. 1 300 ABCD proxied");
    assert_eq!(text[1], ".www.example.com. 15 300 ...a.");
    let text = told(&zone(json!({"paused": true}), &bodies));
    assert_eq!(text[0], ".www.example.com. 1 300 ABCD");
}

#[test]
fn cname_records_are_flattened_at_the_apex_and_where_it_is_wished() {
    let cname = |name: &str, settings: Value| json!({"type": "CNAME", "name": name, "content": "b", "settings": settings});
    let bodies = [
        cname("@", json!({})),
        cname("flat", json!({"flatten_cname": true})),
        cname("plain", json!({"flatten_cname": false})),
    ];
    let text = told(&zone(json!({}), &bodies));
    assert_eq!(
        text,
        [
            ".flat.example.com. 5 300 .b. flatten",
            ".plain.example.com. 5 300 .b.",
            ".example.com. 2 86400 .ns1.example.",
            ".example.com. 5 300 .b. flatten",
        ]
    );
}

#[test]
fn keys_of_others_are_told_beside_ours_only_where_others_sign() {
    let bodies = [
        json!({"type": "DNSKEY", "name": "@", "content": "257 3 13 QUJD"}),
        json!({"type": "DNSKEY", "name": "sub", "content": "257 3 13 QUJD"}),
    ];
    let document: Zone = created(json!({}));
    let records = built(&bodies);
    let key =
        ZoneKey { algorithm: 13, flags: 257, public: [1].into(), private: Default::default() };
    for (keys, is_multi_signer, told) in
        [(vec![], false, 2), (vec![key.clone()], false, 1), (vec![key], true, 2)]
    {
        let parts = ZoneParts { keys, is_multi_signer, ..parts(&document) };
        let zone = build_zone(parts, &records).unwrap();
        let keys = zone.records.iter().filter(|record| record.rtype == 48).count();
        assert_eq!(keys, told, "{is_multi_signer} {:?}", zone.keys);
    }
}

#[test]
fn an_export_of_what_is_served_is_a_whole_zone() {
    let bodies = [
        json!({"type": "NS", "name": "@", "content": "Other.example", "ttl": 60}),
        json!({"type": "NS", "name": "sub", "content": "ns.sub.example.com"}),
        json!({"type": "A", "name": "ns.sub", "content": "192.0.2.1", "ttl": 600}),
    ];
    let documents: Vec<DnsRecord> = bodies.iter().cloned().map(created).collect();
    let served = zone(json!({}), &bodies);
    let text = dns_record::export("example.com", EARLY, Some(&served), &documents);
    let expected = format!(
        ";; Domain:     example.com.\n\
         ;; Exported:   {EARLY}\n\n\
         $ORIGIN example.com.\n\n\
         ;; SOA Record\n\
         example.com.\t3600\tIN\tSOA\tns1.example. dns.example.com. 7 10000 2400 604800 1800\n\n\
         ;; NS Records of the zone itself\n\
         example.com.\t60\tIN\tNS\tns1.example.\n\
         example.com.\t60\tIN\tNS\tOther.example.\n\n\
         ;; A Records\n\
         ns.sub.example.com.\t600\tIN\tA\t192.0.2.1 ; cf_tags=cf-proxied:false\n\n\
         ;; NS Records\n\
         sub.example.com.\t1\tIN\tNS\tns.sub.example.com.\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn documents_that_no_request_left_behind_say_why_they_are_not_served() {
    let record: DnsRecord = created(json!({}));
    let damaged = DnsRecord { content: "nowhere".into(), ..record.clone() };
    assert_eq!(build_dns_record(&damaged).unwrap_err(), "the content is no A record's");
    let damaged = DnsRecord { name: "a..b".into(), ..record };
    assert_eq!(build_dns_record(&damaged).unwrap_err(), "\"a..b\" is no name");
    let damaged = Zone { id: "x".into(), ..created(json!({})) };
    assert!(build_zone(parts(&damaged), &[]).unwrap_err().starts_with("an identifier is"));
}

#[test]
fn internal_zones_are_not_for_the_public() {
    for (kind, served) in
        [("full", true), ("partial", true), ("secondary", true), ("internal", false)]
    {
        assert_eq!(created::<Zone>(json!({"type": kind})).is_served(), served, "{kind}");
    }
    assert!(Zone::create(&json!({"name": "x.example", "type": "odd"})).is_err());
}
