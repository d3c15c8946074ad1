//! DNS records: every type in both of its forms, names, refusals, neighbours, filters and batches.

use evenkeel_api::dns_record::{self, Batch, Filter, Query, RecordData, check};
use evenkeel_api::{DnsRecord, Problem, Verb};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, Resource, World, created, merged};

impl Resource for DnsRecord {
    fn minimal() -> Value {
        json!({"type": "A", "name": "www", "content": "192.0.2.1"})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let body = body.to_string();
        dns_record::apply(verb, body.as_bytes(), current, "example.com", &world.context())
    }
}

fn record(id: &str, members: Value) -> DnsRecord {
    DnsRecord { id: id.to_owned(), ..created(members) }
}

#[test]
fn a_record_has_the_published_members_and_defaults() {
    assert_eq!(
        created::<DnsRecord>(json!({})).answer(),
        json!({
            "id": NEW, "name": "www.example.com", "type": "A", "content": "192.0.2.1",
            "proxiable": true, "proxied": false, "ttl": 1, "settings": {}, "meta": {},
            "comment": null, "tags": [], "created_on": EARLY, "modified_on": EARLY,
        })
    );
    let sent = json!({"type": "CNAME", "name": "*.Shop", "content": "Target.example.NET.", "ttl": 300,
        "comment": "why", "tags": ["team:web", "old"]});
    assert_eq!(
        created::<DnsRecord>(sent).answer(),
        json!({
            "id": NEW, "name": "*.shop.example.com", "type": "CNAME",
            "content": "Target.example.NET", "proxiable": true, "proxied": false, "ttl": 300,
            "settings": {"flatten_cname": false}, "meta": {}, "comment": "why",
            "tags": ["team:web", "old"], "created_on": EARLY, "modified_on": EARLY,
            "comment_modified_on": EARLY, "tags_modified_on": EARLY,
        })
    );
    let proxied: DnsRecord = created(json!({"proxied": true, "ttl": 300}));
    assert_eq!((proxied.proxied, proxied.ttl), (true, 1), "proxied records are automatic");
}

/// Every type with parts: the data, the content that says the same, and the RDATA of both.
const PARTS: &[(&str, &str, &str, &str)] = &[
    (
        "CAA",
        r#"{"flags": 0, "tag": "issue", "value": "ca.example; policy=\"ev\""}"#,
        r#"0 issue "ca.example; policy=\"ev\"""#,
        "0005697373756563612e6578616d706c653b20706f6c6963793d22657622",
    ),
    (
        "CERT",
        r#"{"type": 9, "key_tag": 65535, "algorithm": 8, "certificate": "AQID"}"#,
        "9 65535 8 AQID",
        "0009ffff08010203",
    ),
    (
        "DNSKEY",
        r#"{"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "AQID"}"#,
        "257 3 13 AQID",
        "0101030d010203",
    ),
    (
        "DS",
        r#"{"key_tag": 42, "algorithm": 13, "digest_type": 2, "digest": "ABcd"}"#,
        "42 13 2 ABcd",
        "002a0d02abcd",
    ),
    (
        "HTTPS",
        r#"{"priority": 1, "target": ".", "value": "alpn=\"h2\" port=\"443\""}"#,
        r#"1 . alpn="h2" port="443""#,
        "0001000001000302683200030002 01bb",
    ),
    (
        "SVCB",
        r#"{"priority": 0, "target": "a.example.", "value": ""}"#,
        "0 a.example.",
        "00000161076578616d706c6500",
    ),
    (
        "LOC",
        r#"{"lat_degrees": 42, "lat_minutes": 21, "lat_seconds": 54, "lat_direction": "N",
            "long_degrees": 71, "long_minutes": 6, "long_seconds": 18, "long_direction": "W",
            "altitude": -24, "size": 30, "precision_horz": 10000, "precision_vert": 10}"#,
        "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
        "00331613 89172dd0 70be15f0 00988d20",
    ),
    (
        "NAPTR",
        r#"{"order": 100, "preference": 10, "flags": "u", "service": "E2U+sip",
            "regex": "!^.*$!sip:\\1@example.com!", "replacement": "."}"#,
        r#"100 10 "u" "E2U+sip" "!^.*$!sip:\\1@example.com!" ."#,
        "0064000a0175074532552b73697019215e2e2a24217369703a5c31406578616d706c652e636f6d2100",
    ),
    (
        "SMIMEA",
        r#"{"usage": 3, "selector": 0, "matching_type": 1, "certificate": "abcd"}"#,
        "3 0 1 abcd",
        "030001abcd",
    ),
    (
        "SRV",
        r#"{"priority": 5, "weight": 0, "port": 5060, "target": "sip.example"}"#,
        "5 0 5060 sip.example",
        "0005000013c403736970076578616d706c6500",
    ),
    ("SSHFP", r#"{"algorithm": 4, "type": 2, "fingerprint": "abcd"}"#, "4 2 abcd", "0402abcd"),
    (
        "TLSA",
        r#"{"usage": 3, "selector": 1, "matching_type": 1, "certificate": "abcd"}"#,
        "3 1 1 abcd",
        "030101abcd",
    ),
    (
        "URI",
        r#"{"weight": 1, "target": "https://a.example/b c"}"#,
        r#"1 "https://a.example/b c""#,
        "0007000168747470733a2f2f612e6578616d706c652f622063",
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn data_and_content_say_the_same() {
    for &(kind, data, content, rdata) in PARTS {
        let data: Value = serde_json::from_str(data).unwrap();
        let base = json!({"type": kind, "priority": 7, "content": null});
        let by_data: DnsRecord = created(merged(base.clone(), json!({"data": data.clone()})));
        let by_content: DnsRecord = created(merged(base, json!({"content": content})));
        for record in [&by_data, &by_content] {
            assert_eq!(record.content, content, "{kind}");
            assert_eq!(record.answer()["data"], data, "{kind}");
            let said = record.record_data().unwrap().rdata();
            assert_eq!(hex(&said), rdata.replace(' ', ""), "{kind}");
        }
        assert_eq!(by_data, by_content, "{kind}");
    }
}

#[test]
fn types_without_parts_are_read_as_what_they_are() {
    let text = |text: &str| text.as_bytes().to_vec();
    for (kind, content, said) in [
        ("A", "192.0.2.1", RecordData::A("192.0.2.1".parse().unwrap())),
        ("AAAA", "2001:db8::1", RecordData::Aaaa("2001:db8::1".parse().unwrap())),
        ("CNAME", "a.example", RecordData::Cname("a.example".into())),
        ("NS", "ns1.example", RecordData::Ns("ns1.example".into())),
        ("PTR", "a.example", RecordData::Ptr("a.example".into())),
        ("MX", "mail.example", RecordData::Mx { preference: 7, exchange: "mail.example".into() }),
        ("TXT", "v=spf1 -all", RecordData::Txt(vec![text("v=spf1 -all")])),
        ("TXT", "\"a\" \"b\\\"c\"", RecordData::Txt(vec![text("a"), text("b\"c")])),
        ("TXT", "\"\"", RecordData::Txt(vec![vec![]])),
        (
            "TXT",
            &"x".repeat(300),
            RecordData::Txt(vec![text(&"x".repeat(255)), text(&"x".repeat(45))]),
        ),
        ("OPENPGPKEY", "AQID", RecordData::Other(vec![1, 2, 3])),
    ] {
        let body = json!({"type": kind, "content": content, "priority": 7});
        let record: DnsRecord = created(body);
        assert_eq!(record.content, content, "comes back as sent");
        assert_eq!((record.priority, record.data.is_some()), (Some(7), false));
        assert_eq!(record.record_data(), Some(said), "{kind}");
    }
}

#[test]
fn records_are_refused() {
    let ttl = &["/ttl: Invalid TTL. Must be between 30 and 86400 seconds, or 1 for Automatic."];
    let long = "x".repeat(5000);
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({"type": null}), &["/type: type is required: validation failed"]),
        (json!({"name": null}), &["/name: name is required: validation failed"]),
        (json!({"name": "a b"}), &["/name: DNS name is invalid."]),
        (json!({"name": "www.example.net."}), &["/name: DNS name is invalid."]),
        (json!({"content": null}), &["/content: content is required: validation failed"]),
        (
            json!({"content": "1.2.3"}),
            &["/content: Content for A record must be a valid IPv4 address."],
        ),
        (
            json!({"type": "AAAA"}),
            &["/content: Content for AAAA record must be a valid IPv6 address."],
        ),
        (json!({"type": "CNAME"}), &["/content: Content for CNAME record must be a host name."]),
        (
            json!({"type": "CNAME", "content": "WWW.example.com."}),
            &["/content: CNAME content cannot reference itself."],
        ),
        (
            json!({"type": "MX", "content": "mail.example"}),
            &["/priority: priority is required: validation failed"],
        ),
        (
            json!({"type": "TXT", "content": "\"open"}),
            &["/content: Content for TXT record must close its quotes, and escape those inside."],
        ),
        (
            json!({"type": "TXT", "content": long}),
            &["/content: Record content exceeds the allowed length of 4096 wire format bytes."],
        ),
        (
            json!({"type": "SRV", "content": "1 2 sip.example"}),
            &["/content: Content for SRV record is invalid: port is invalid."],
        ),
        (
            json!({"type": "SRV", "content": "1 2 3"}),
            &["/content: Content for SRV record is invalid: target is missing."],
        ),
        (
            json!({"type": "CAA", "data": {"flags": 256, "tag": "a b"}}),
            &[
                "/data/flags: flags is not in range [0, 255]: validation failed",
                "/data/tag: tag must be letters and digits: validation failed",
                "/data/value: value is required: validation failed",
            ],
        ),
        (
            json!({"type": "TXT", "content": "x", "proxied": true}),
            &["/proxied: This record type cannot be proxied."],
        ),
        (json!({"ttl": 0}), ttl),
        (json!({"ttl": 29}), ttl),
        (json!({"ttl": 86_401}), ttl),
        (
            json!({"comment": "x".repeat(501)}),
            &["/comment: the comment length must be in range [0, 500]: validation failed"],
        ),
        (json!({"tags": ["a", "A:b"]}), &["/tags/1: value not unique"]),
        (
            json!({"settings": {"ipv4_only": true, "ipv6_only": true}}),
            &["/settings/ipv6_only: ipv6_only is not allowed with ipv4_only: validation failed"],
        ),
    ];
    for (members, expected) in cases {
        let problems = DnsRecord::create(&DnsRecord::with(members.clone())).unwrap_err();
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected, "{members}");
    }
    let codes = |body: Value| DnsRecord::create(&DnsRecord::with(body)).unwrap_err()[0].code;
    assert_eq!(codes(json!({"content": "x"})), 9005);
    assert_eq!(codes(json!({"name": ".."})), 9000);
    assert_eq!(codes(json!({"ttl": 2})), 9021);
}

#[test]
fn a_patch_of_content_or_data_says_the_other_anew() {
    let srv: DnsRecord = created(json!({"type": "SRV", "name": "_sip._tcp", "content": null,
        "data": {"priority": 1, "weight": 2, "port": 3, "target": "a.example"}}));
    let patched = srv.patch(json!({"content": "4 5 6 b.example"})).unwrap();
    assert_eq!(patched.answer()["data"]["port"], 6);
    let back = patched.patch(json!({"data": srv.answer()["data"]})).unwrap();
    assert_eq!((back.content.as_str(), back.modified_on.as_str()), ("1 2 3 a.example", LATE));
    let kept = srv.patch(json!({"ttl": 120, "comment": "why"})).unwrap();
    assert_eq!((&kept.data, kept.ttl), (&srv.data, 120));
    assert_eq!(kept.comment_modified_on.as_deref(), Some(LATE));
    let a: DnsRecord = created(json!({"comment": "why"}));
    let same = a.patch(json!({"ttl": 60})).unwrap();
    assert_eq!(same.comment_modified_on.as_deref(), Some(EARLY), "the comment is the same");
    assert!(a.patch(json!({"comment": null})).unwrap().comment_modified_on.is_none());
    a.patch(json!({"type": "TXT"})).unwrap_err();
    let txt = a.patch(json!({"type": "TXT", "content": "x"})).unwrap();
    assert!(!txt.proxiable);
    let replaced = a.replace(json!({"type": "A", "name": "@", "content": "192.0.2.2"})).unwrap();
    assert_eq!((replaced.name.as_str(), replaced.comment), ("example.com", None));
    assert_eq!(replaced.created_on, a.created_on);
}

#[test]
fn neighbours_are_refused() {
    let others = [
        record("1", json!({})),
        record("2", json!({"name": "alias", "type": "CNAME", "content": "b.example"})),
        record("3", json!({"name": "@", "type": "MX", "content": "m.example", "priority": 1})),
        record("4", json!({"name": "long", "type": "TXT", "content": "x".repeat(4000)})),
        record("5", json!({"name": "long", "type": "TXT", "content": "y".repeat(4000)})),
    ];
    for (members, code) in [
        (json!({"content": "192.0.2.2"}), None),
        (json!({}), Some(81_057)),
        (json!({"type": "AAAA", "content": "::1"}), None),
        (json!({"type": "CNAME", "content": "b.example"}), Some(81_053)),
        (json!({"name": "alias"}), Some(81_053)),
        (json!({"name": "alias", "type": "CNAME", "content": "c.example"}), Some(81_053)),
        (json!({"name": "alias", "type": "TXT", "content": "x"}), None),
        (json!({"name": "@", "type": "CNAME", "content": "b.example"}), None),
        (json!({"name": "@", "type": "MX", "content": "M.example", "priority": 2}), None),
        (json!({"name": "@", "type": "MX", "content": "m.example", "priority": 1}), Some(81_057)),
        (json!({"name": "long", "type": "TXT", "content": "z".repeat(193)}), Some(83_011)),
        (json!({"name": "long", "type": "TXT", "content": "z".repeat(192)}), None),
    ] {
        let new = record("new", members.clone());
        let found = check(&new, &others).err().map(|problem| problem.code);
        assert_eq!(found, code, "{members}");
    }
    check(&others[0], &others).unwrap();
}

#[test]
fn filters_find_and_order() {
    let records = [
        record("1", json!({"comment": "Web Front", "tags": ["team:web"], "ttl": 60})),
        record("2", json!({"name": "mail", "content": "192.0.2.9", "proxied": true})),
        record("3", json!({"name": "@", "type": "MX", "content": "mail.example", "priority": 1})),
        record("4", json!({"name": "@", "type": "TXT", "content": "Hello", "tags": ["team:ops"]})),
    ];
    for (query, found) in [
        (json!({}), "3 4 2 1"),
        (json!({"type": "MX"}), "3"),
        (json!({"name": "WWW.Example.com."}), "1"),
        (json!({"name.exact": "example.com"}), "3 4"),
        (json!({"name.startswith": "m"}), "2"),
        (json!({"name.endswith": ".EXAMPLE.com"}), "2 1"),
        (json!({"name.contains": "ai"}), "2"),
        (json!({"content": "hello"}), "4"),
        (json!({"content.startswith": "192."}), "2 1"),
        (json!({"content.endswith": ".9"}), "2"),
        (json!({"content.contains": "ell"}), "4"),
        (json!({"comment": "web front"}), "1"),
        (json!({"comment.contains": "FRONT"}), "1"),
        (json!({"comment.present": ""}), "1"),
        (json!({"comment.absent": "x"}), "3 4 2"),
        (json!({"tag": "TEAM:web"}), "1"),
        (json!({"tag.startswith": "team:o"}), "4"),
        (json!({"tag.present": "team"}), "4 1"),
        (json!({"tag.absent": "team"}), "3 2"),
        (json!({"tag.exact": "team:web", "tag.contains": "team:o"}), ""),
        (json!({"tag.exact": "team:web", "tag.contains": "team:o", "tag_match": "any"}), "4 1"),
        (json!({"tag.exact": "team:web", "tag.contains": "team:o", "tag-match": "any"}), "4 1"),
        (json!({"proxied": true}), "2"),
        (json!({"proxied": true, "type": "TXT"}), ""),
        (json!({"proxied": true, "type": "TXT", "match": "any"}), "4 2"),
        (json!({"match": "any"}), "3 4 2 1"),
        (json!({"search": "MAIL"}), "3 2"),
        (json!({"search": "txt"}), "4"),
        (json!({"order": "type"}), "2 1 3 4"),
        (json!({"order": "content", "direction": "desc"}), "3 4 2 1"),
        (json!({"order": "ttl", "direction": "desc"}), "1 2 4 3"),
        (json!({"order": "proxied"}), "3 4 1 2"),
        (json!({"unknown": "ignored", "direction": "asc"}), "3 4 2 1"),
    ] {
        let filter = Filter::new(&serde_json::from_value::<Query>(query.clone()).unwrap());
        let mut list: Vec<_> = records.iter().filter(|record| filter.wants(record)).collect();
        list.sort_by(|a, b| filter.compare(a, b));
        let ids: Vec<_> = list.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids.join(" "), found, "{query}");
    }
}

#[test]
fn a_batch_goes_through_its_parts_in_order() {
    let records = [record("1", json!({})), record("2", json!({"name": "b"}))];
    let run = |body: Value| {
        let batch = Batch::of_body(body.to_string().as_bytes())?;
        let world = World::late();
        let ids: Vec<_> = (0..batch.posts()).map(|place| format!("new{place}")).collect();
        batch.run(&records, "example.com", &ids, &world.context())
    };
    let answer = run(json!({
        // Both names are free only because of what comes first.
        "posts": [{"type": "CNAME", "name": "www", "content": "b.example.com"}],
        "puts": [{"id": "2", "type": "A", "name": "c", "content": "192.0.2.3"}],
        "patches": [{"id": "2", "ttl": 60}],
        "deletes": [{"id": "1"}],
    }))
    .unwrap();
    assert_eq!(answer.deletes, [records[0].clone()]);
    assert_eq!((answer.patches[0].ttl, answer.patches[0].name.as_str()), (60, "b.example.com"));
    assert_eq!((answer.puts[0].ttl, answer.puts[0].name.as_str()), (1, "c.example.com"));
    assert_eq!(answer.posts[0].id, "new0");
    assert_eq!(run(json!({})).unwrap(), Default::default());
    let problems = run(json!({
        "deletes": [{"id": "1"}, {"id": "1"}],
        "patches": [{"id": "1", "ttl": 60}],
        "posts": [{"type": "A", "name": "b", "content": "192.0.2.1"}, {"type": "A", "name": "x"}],
    }))
    .unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "/deletes/1/id: Record does not exist.",
            "/patches/0/id: Record does not exist.",
            "/posts/0/content: An identical record already exists.",
            "/posts/1/content: content is required: validation failed",
        ]
    );
    run(json!({"posts": [7]})).unwrap_err();
    run(json!({"posts": {}})).unwrap_err();
}

/// What a zone file brings to a zone with some records, as `name ttl type content` lines.
fn imported(text: &str, proxied: bool, records: &[DnsRecord]) -> Result<Vec<String>, Vec<String>> {
    let world = World::late();
    let told =
        |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let batch =
        Batch::of_zone_file("example.com", text, proxied, &world.context()).map_err(told)?;
    let ids: Vec<_> = (0..batch.posts()).map(|place| format!("new{place}")).collect();
    let answer = batch.run(records, "example.com", &ids, &world.context()).map_err(told)?;
    let line = |record: &DnsRecord| {
        let (name, ttl, kind) = (&record.name, record.ttl, record.r#type.as_str());
        let priority = record.priority.map(|priority| format!("{priority} ")).unwrap_or_default();
        let proxied = if record.proxied { " proxied" } else { "" };
        let notes = [record.comment.clone().unwrap_or_default(), record.tags.join(",")];
        let notes = notes.join(" ");
        let notes = if notes == " " { String::new() } else { format!(" ; {}", notes.trim()) };
        format!("{name} {ttl} {kind} {priority}{}{proxied}{notes}", record.content)
    };
    Ok(answer.posts.iter().map(line).collect())
}

#[test]
fn zone_files_are_read() {
    let text = r#"
; A comment; with "quotes" ( and parentheses
$TTL 1h
@   IN SOA ns1 admin (
        1 ; serial
        2 3 4 5 )
    IN NS ns1.example.net.
    IN RRSIG NS 13 2 3600 20260101000000 20250101000000 7 example.com. AQID
www 120 IN A 192.0.2.1
    IN 20 AAAA 2001:db8::1
mail.example.com. IN 1w MX 10 mx   ; relative
\095dmarc TXT "v=DMARC1" ; why cf_tags=team:mail
plain A 192.0.2.7 ; cf_tags=cf-proxied:false
alias CNAME \119ww
below NS ns1
$ORIGIN sub.example.com.
@   TXT ( "one; two"
          "three (3)" )
_sip._tcp SRV 1 2 3 host
https HTTPS 1 . alpn=h2
uri URI 10 1 "https://a.example/"
"#;
    let expected = [
        "www.example.com 1 A 192.0.2.1 proxied",
        "www.example.com 1 AAAA 2001:db8::1 proxied",
        "mail.example.com 86400 MX 10 mx.example.com ; relative",
        "_dmarc.example.com 3600 TXT \"v=DMARC1\" ; why team:mail",
        "plain.example.com 3600 A 192.0.2.7",
        "alias.example.com 1 CNAME www.example.com proxied",
        "below.example.com 3600 NS ns1.example.com",
        r#"sub.example.com 3600 TXT "one; two" "three (3)""#,
        "_sip._tcp.sub.example.com 3600 SRV 1 2 3 host.sub.example.com",
        "https.sub.example.com 3600 HTTPS 1 . alpn=h2",
        r#"uri.sub.example.com 3600 URI 10 1 "https://a.example/""#,
    ];
    assert_eq!(imported(text, true, &[]).unwrap(), expected);
}

#[test]
fn zone_files_are_refused_by_line() {
    for (text, expected) in [
        (
            "www A",
            "/posts/0/content: the content length must be in range [1, 16384]: validation failed",
        ),
        ("www A x", "/posts/0/content: Content for A record must be a valid IPv4 address."),
        ("www.example.net. A 192.0.2.1", "/posts/0/name: DNS name is invalid."),
        ("\nwww WKS 1", "line 2: the type \"WKS\" is not supported: validation failed"),
        ("www", "line 1: the type \"\" is not supported: validation failed"),
        ("$INCLUDE /etc/passwd", "line 1: $INCLUDE is not supported: validation failed"),
        ("$TTL x", "line 1: $TTL is not a number of seconds: validation failed"),
        (
            "a\\.b A 192.0.2.1",
            "line 1: a\\.b has a label with a dot in it, which no record can have: validation failed",
        ),
        (
            "a SRV 1 2 3 \\046",
            "line 1: \\046 has a label with a dot in it, which no record can have: validation failed",
        ),
        ("a TXT \"b", "line 1: a quote is open or an escape is none: validation failed"),
        ("a TXT ( b", "line 1: a parenthesis is open: validation failed"),
        ("a TXT b )", "line 1: a parenthesis is closed that is not open: validation failed"),
    ] {
        assert_eq!(imported(text, false, &[]).unwrap_err()[0], expected, "{text:?}");
    }
    assert_eq!(imported("", false, &[]).unwrap(), [""; 0]);
}

#[test]
fn an_export_is_what_an_import_takes() {
    let mut records = vec![
        record("a", json!({"ttl": 300, "proxied": true})),
        record("n", json!({"name": "noted", "comment": "why cf_tags=", "tags": ["a", "b:c,\"d"]})),
        record("b", json!({"name": "*.wild", "type": "CNAME", "content": "Target.example"})),
        record("c", json!({"name": "@", "type": "MX", "content": "mail.example", "priority": 5})),
        record("d", json!({"name": "@", "type": "TXT", "content": "a \"b\" \\ ; (c"})),
        record("e", json!({"name": "@", "type": "TXT", "content": "\"a;b\" \"c\""})),
    ];
    for &(kind, data, ..) in PARTS {
        let data: Value = serde_json::from_str(data).unwrap();
        let body =
            json!({"type": kind, "name": kind, "priority": 7, "content": null, "data": data});
        records.push(record(kind, body));
    }
    let text = dns_record::export("example.com", LATE, None, &records);
    assert_eq!(imported(&text, false, &records), Ok(vec![]), "all of them exist:\n{text}");
    assert_eq!(imported(&text, false, &[]).unwrap().len(), records.len(), "{text}");
}

/// Texts made of what content is made of, so that many of them nearly are some.
fn content() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0",
        "1",
        "255",
        "65536",
        "-1",
        "1.5",
        "N",
        "W",
        "m",
        " ",
        "\"",
        "\\",
        "\\065",
        "\\2",
        ".",
        "a.example",
        "a.example.",
        "ü",
        "issue",
        "AQID",
        "=",
        ",",
        "alpn=h2",
        "mandatory=",
        "port=1",
        "key7=\"a b\"",
        ";",
        "(",
        ")",
        "\n",
        "\t",
        "192.0.2.1",
        "::1",
        "@",
        "*",
        "$TTL ",
        "IN ",
        "TXT ",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn kinds() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "A",
        "AAAA",
        "CAA",
        "CERT",
        "CNAME",
        "DNSKEY",
        "DS",
        "HTTPS",
        "LOC",
        "MX",
        "NAPTR",
        "NS",
        "OPENPGPKEY",
        "PTR",
        "SMIMEA",
        "SRV",
        "SSHFP",
        "SVCB",
        "TLSA",
        "TXT",
        "URI",
    ])
}

proptest! {
    /// Whatever content is taken comes back the same when it is sent again, says the same by its
    /// data, and can be told on the wire.
    #[test]
    fn content_that_is_taken_stays_what_it_is(kind in kinds(), content in content()) {
        let body = json!({"type": kind, "name": "x", "content": content, "priority": 7});
        let Ok(record) = DnsRecord::create(&body) else { return Ok(()) };
        let said = record.record_data().expect("what is taken can be told");
        prop_assert!(said.rdata().len() <= 4096);
        let again: DnsRecord = created(merged(body.clone(), json!({"content": record.content})));
        prop_assert_eq!(&again, &record);
        if let Some(data) = &record.data {
            let by_data = created::<DnsRecord>(merged(body, json!({"content": null, "data": data})));
            prop_assert_eq!(by_data.record_data(), Some(said), "{}", by_data.content);
        }
        let text = dns_record::export("example.com", LATE, None, [&record]);
        prop_assert_eq!(imported(&text, false, &[record]), Ok(vec![]), "{}", text);
    }

    /// A file that nobody wrote for us is refused or read, and never more than that.
    #[test]
    fn any_text_is_a_zone_file_or_refused(lines in prop::collection::vec(content(), 0..8)) {
        let _ = imported(&lines.join("\n"), true, &[]);
    }
}
