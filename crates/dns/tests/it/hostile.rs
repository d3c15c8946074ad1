//! What strangers send (row 38 of the list of hostile inputs, RFC 6891, RFC 7871, RFC 7873): a table
//! of what each malformation is answered with, and mutations without end.

use domain::base::Message;
use evenkeel_decision::{NoSessions, Trail};
use evenkeel_dns::answer;
use evenkeel_dns::wire::{EdnsOut, Parsed, Query, write, write_rejection};
use proptest::prelude::*;

use crate::dig::Asked;
use crate::notation::{Seeded, World, env};

/// A header with these flags and counts, and what follows it.
fn message(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34];
    bytes.extend(flags.to_be_bytes());
    bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    bytes.extend(rest);
    bytes
}

/// `www.example.com A IN`.
const QUESTION: &[u8] = b"\x03www\x07example\x03com\0\0\x01\0\x01";

/// A query with an OPT record that has these options.
fn with_options(options: &[u8]) -> Vec<u8> {
    with_opt(0, options)
}

fn with_opt(version: u8, options: &[u8]) -> Vec<u8> {
    let length = u16::try_from(options.len()).expect("a length").to_be_bytes();
    let opt = [&[0, 0, 41, 4, 0xD0, 0, version, 0x80, 0][..], &length, options].concat();
    message(0x0100, [1, 0, 0, 1], &[QUESTION, &opt].concat())
}

/// What is done with a message: the code it is rejected with, or another word.
fn fate(message: &[u8]) -> &'static str {
    match Query::parse(message) {
        Parsed::Silent => "silence",
        Parsed::Query(_) => "answer",
        Parsed::Transfer(_) => "transfer",
        Parsed::Refuse(rejection) => rejection.rcode.as_str(),
    }
}

#[test]
fn row_38_each_malformation_has_its_answer() {
    let one = [1, 0, 0, 0];
    let typed = |qtype: u16| {
        let [t1, t2] = qtype.to_be_bytes();
        message(0, one, &[&QUESTION[..17], &[t1, t2, 0, 1]].concat())
    };
    let class = |class: u8| message(0, one, &[&QUESTION[..20], &[class]].concat());
    let name = |name: &[u8]| message(0, one, &[name, &[0, 1, 0, 1]].concat());
    let longest = [&[63; 64][..], &[63; 64], &[63; 64], &[61; 62], &[0]].concat();
    let longer = [&[63; 64][..], &[63; 64], &[63; 64], &[62; 63], &[0]].concat();
    let opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let soa = b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let tsig = b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\0";
    let rows: &[(&str, Vec<u8>, &str)] = &[
        ("nothing", vec![], "silence"),
        ("less than a header", vec![0; 11], "silence"),
        ("a response", message(0x8000, one, QUESTION), "silence"),
        ("a malformed response", message(0x8000, [9; 4], b""), "silence"),
        ("a query", message(0x0100, one, QUESTION), "answer"),
        ("AA, TC, RA, Z, AD, CD and a code are set", message(0x07FF, one, QUESTION), "answer"),
        ("QDCOUNT 0", message(0, [0; 4], b""), "FORMERR"),
        ("QDCOUNT 0 with EDNS", message(0, [0, 0, 0, 1], opt), "FORMERR"),
        ("QDCOUNT 2", message(0, [2, 0, 0, 0], &QUESTION.repeat(2)), "FORMERR"),
        ("QDCOUNT 65535", message(0, [65535, 0, 0, 0], QUESTION), "FORMERR"),
        ("an answer in the query", message(0, [1, 1, 0, 0], &[QUESTION, soa].concat()), "FORMERR"),
        ("ARCOUNT 65535", message(0, [1, 0, 0, 65535], &[QUESTION, opt].concat()), "FORMERR"),
        ("no room for the type", message(0, one, &QUESTION[..18]), "FORMERR"),
        ("a name that points at itself", name(b"\xc0\x0c"), "FORMERR"),
        ("a name that points at the header", name(b"\x03www\xc0\x00"), "FORMERR"),
        ("a name that points beyond", name(b"\xc0\xff"), "FORMERR"),
        ("a label of 64", name(&[&[64; 65][..], &[0]].concat()), "FORMERR"),
        ("an extended label", name(b"\x41\x01\0"), "FORMERR"),
        ("a name of 255", name(&longest), "answer"),
        ("a name of 256", name(&longer), "FORMERR"),
        ("a name without end", message(0, one, b"\x03ww"), "FORMERR"),
        ("trailing bytes", message(0, one, &[QUESTION, b"garbage"].concat()), "FORMERR"),
        (
            "half an OPT record",
            message(0, [1, 0, 0, 1], &[QUESTION, &opt[..7]].concat()),
            "FORMERR",
        ),
        ("no OPT record", message(0, [1, 0, 0, 1], QUESTION), "FORMERR"),
        ("two OPT records", message(0, [1, 0, 0, 2], &[QUESTION, opt, opt].concat()), "FORMERR"),
        (
            "OPT with a name",
            message(0, [1, 0, 0, 1], &[QUESTION, b"\x01a", opt].concat()),
            "FORMERR",
        ),
        ("OPT among the authority", message(0, [1, 0, 1, 0], &[QUESTION, opt].concat()), "FORMERR"),
        (
            "a loop behind the question",
            message(0, [1, 0, 0, 1], &[QUESTION, b"\xc0\x21", &opt[1..]].concat()),
            "FORMERR",
        ),
        ("EDNS version 1", with_opt(1, b""), "BADVERS"),
        ("EDNS version 255 with options", with_opt(255, b"\0\x08\xff\xff"), "BADVERS"),
        ("an unknown option", with_options(b"\0\x64\0\x02hi"), "answer"),
        ("an option beyond the record", with_options(b"\0\x64\0\x03hi"), "FORMERR"),
        ("half an option", with_options(b"\0\x64\0"), "FORMERR"),
        ("a subnet", with_options(b"\0\x08\0\x07\0\x01\x18\0\x0a\x31\x07"), "answer"),
        ("a subnet of IPv6", with_options(b"\0\x08\0\x06\0\x02\x10\0\x20\x01"), "answer"),
        ("a subnet of no bits", with_options(b"\0\x08\0\x04\0\x01\0\0"), "answer"),
        ("a subnet of family 3", with_options(b"\0\x08\0\x04\0\x03\0\0"), "FORMERR"),
        ("a subnet of /33", with_options(b"\0\x08\0\x09\0\x01\x21\0\x0a\0\0\0\x80"), "FORMERR"),
        (
            "a subnet of /129",
            with_options(&[b"\0\x08\0\x15\0\x02\x81\0".as_slice(), &[0; 17]].concat()),
            "FORMERR",
        ),
        (
            "a subnet with bits behind the prefix",
            with_options(b"\0\x08\0\x07\0\x01\x17\0\x0a\x31\x07"),
            "FORMERR",
        ),
        (
            "a subnet with too many bytes",
            with_options(b"\0\x08\0\x08\0\x01\x18\0\x0a\x31\x07\0"),
            "FORMERR",
        ),
        (
            "a subnet with too few bytes",
            with_options(b"\0\x08\0\x06\0\x01\x18\0\x0a\x31"),
            "FORMERR",
        ),
        (
            "a subnet with a scope",
            with_options(b"\0\x08\0\x07\0\x01\x18\x18\x0a\x31\x07"),
            "FORMERR",
        ),
        ("an empty subnet", with_options(b"\0\x08\0\0"), "FORMERR"),
        ("a client's cookie", with_options(b"\0\x0a\0\x0812345678"), "answer"),
        ("both cookies", with_options(b"\0\x0a\0\x101234567812345678"), "answer"),
        ("a cookie of 7", with_options(b"\0\x0a\0\x071234567"), "FORMERR"),
        ("a cookie of 15", with_options(b"\0\x0a\0\x0f123456781234567"), "FORMERR"),
        (
            "a cookie of 41",
            with_options(&[b"\0\x0a\0\x29".as_slice(), &[7; 41]].concat()),
            "FORMERR",
        ),
        // RFC 7873 section 5.4.
        (
            "a cookie and no question",
            message(0, [0, 0, 0, 1], b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x0812345678"),
            "NOERROR",
        ),
        ("IQUERY", message(0x0800, one, QUESTION), "NOTIMP"),
        ("STATUS", message(0x1000, one, QUESTION), "NOTIMP"),
        ("NOTIFY", message(0x2000, one, QUESTION), "NOTIMP"),
        ("UPDATE", message(0x2800, one, QUESTION), "NOTIMP"),
        ("opcode 15", message(0x7800, one, QUESTION), "NOTIMP"),
        ("opcode 15, otherwise malformed", message(0x7800, [9; 4], b"x"), "NOTIMP"),
        ("class CH", class(3), "REFUSED"),
        ("class NONE", class(254), "REFUSED"),
        ("class ANY", class(255), "REFUSED"),
        ("AXFR", typed(252), "transfer"),
        ("IXFR without a serial", typed(251), "FORMERR"),
        ("IXFR", message(0, [1, 0, 1, 0], &[&typed(251)[12..], soa].concat()), "transfer"),
        ("an authority section", message(0, [1, 0, 1, 0], &[QUESTION, soa].concat()), "FORMERR"),
        ("TSIG", message(0, [1, 0, 0, 1], &[QUESTION, tsig].concat()), "answer"),
        (
            "TSIG before another",
            message(0, [1, 0, 0, 2], &[QUESTION, tsig, opt].concat()),
            "FORMERR",
        ),
        ("type 0", typed(0), "answer"),
        ("type OPT", typed(41), "FORMERR"),
        ("type NXNAME", typed(128), "FORMERR"),
        ("type TKEY", typed(249), "NOTIMP"),
        ("type TSIG", typed(250), "NOTIMP"),
        ("type MAILA", typed(254), "NOTIMP"),
        ("type ANY", typed(255), "answer"),
        ("type 65535", typed(65535), "answer"),
    ];
    for (what, message, expected) in rows {
        assert_eq!(fate(message), *expected, "{what}");
    }
}

/// Does with a message what the server does.
fn respond(world: &World, message: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let extra =
        EdnsOut { nsid: b"here", cookie: &[7; 24], keepalive_ds: Some(80), ..EdnsOut::default() };
    match Query::parse(message) {
        Parsed::Silent => return None,
        Parsed::Refuse(rejection) => write_rejection(&mut out, &rejection, limit, &extra),
        Parsed::Transfer(query) | Parsed::Query(query) => {
            let (mut rng, mut sessions) = (Seeded(1), NoSessions);
            let mut env = env(&mut rng, &mut sessions);
            let source = [192, 0, 2, 1].into();
            let answer = answer(&query, source, &world.context(), &mut env, &mut Trail::new());
            write(&mut out, &query, &answer, limit, &extra);
        }
    }
    Some(out)
}

/// Whether every record of a message can be read.
fn is_readable(message: &[u8]) -> bool {
    let message = Message::from_slice(message).expect("a header");
    message.iter().all(|record| record.is_ok())
}

#[test]
fn what_is_rejected_is_told_so_in_the_form_it_asked_in() {
    let world = World::parse("zone example.com");
    for (what, message, expected) in [
        // Of flags, nothing but the opcode comes back.
        (
            "an opcode",
            message(0x7FFF, [1, 0, 0, 0], QUESTION),
            &[b"\x12\x34\xf8\x04\0\x01\0\0\0\0\0\0".as_slice(), QUESTION].concat()[..],
        ),
        (
            "a class",
            message(0x0100, [1, 0, 0, 0], b"\0\0\x01\0\x03"),
            b"\x12\x34\x81\x05\0\x01\0\0\0\0\0\0\0\0\x01\0\x03",
        ),
        // RD and CD come back; AA, TC, RA, Z and AD are not theirs to set.
        ("all flags", message(0x07F0, [0; 4], b""), b"\x12\x34\x81\x11\0\0\0\0\0\0\0\0"),
        ("no question", message(0, [0; 4], b""), b"\x12\x34\x80\x01\0\0\0\0\0\0\0\0"),
    ] {
        let found = respond(&world, &message, 512).expect("a response");
        assert_eq!(found, expected, "{what}");
    }
    // The upper bits of the code are the OPT record's, which has version 0 and no options unasked.
    let found = respond(&world, &with_opt(1, b"\0\x64\0\0"), 512).expect("a response");
    let opt = &found[12 + QUESTION.len()..];
    assert_eq!(found[3] & 0x0F, 0);
    assert_eq!(opt[..11], *b"\0\0\x29\x04\xd0\x01\0\x80\0\0\x1c");
}

#[test]
fn options_come_back_to_those_who_asked() {
    let world = World::parse("zone example.com");
    let all =
        b"\0\x03\0\0\0\x0b\0\0\0\x0a\0\x0812345678\0\x08\0\x07\0\x01\x18\0\x0a\x31\x07\0\x64\0\0";
    let found = respond(&world, &with_options(all), 1232).expect("a response");
    let cookie = [b"\0\x0a\0\x18".as_slice(), &[7; 24]].concat();
    let expected =
        [&cookie[..], b"\0\x03\0\x04here\0\x08\0\x07\0\x01\x18\0\x0a\x31\x07\0\x0b\0\x02\0\x50"];
    assert!(found.ends_with(&expected.concat()), "{}", found.escape_ascii());
    // To those who did not, nothing but the cookie, which the server gives or not.
    let found = respond(&world, &with_options(b""), 1232).expect("a response");
    assert!(found.ends_with(&[&b"\0\x1c"[..], &cookie].concat()), "{}", found.escape_ascii());
    let found = respond(&world, &message(0, [1, 0, 0, 0], QUESTION), 512).expect("a response");
    assert_eq!(found[10..12], [0, 0]);
}

const WORLD: &str = "zone example.com; @ NS ns1; @ MX 10 mail; ns1 A 10.0.0.1; mail A 10.0.0.2
    www TXT hello; c CNAME d; d CNAME www; *.w A 10.0.0.3; sub NS ns.sub; ns.sub A 10.0.0.4
    lb www | eu: 10.0.0.5 10.0.0.6; lb * ecs geo:DE=eu | eu: 10.0.0.7 | us: 2001:db8::1
    host app.example.net 60 10.0.0.8; lb app | eu: app.example.net";

proptest! {
    // 100,000 messages: each case mutates every seed.
    #![proptest_config(ProptestConfig { cases: 12_500, ..ProptestConfig::default() })]

    #[test]
    fn row_38_no_mutation_of_a_query_panics_or_gets_an_unreadable_response(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..8),
        limit in 512..2000usize,
    ) {
        thread_local! {
            static SEEDS: (World, Vec<Vec<u8>>) = {
                let queries = [
                    "www.example.com A ecs=10.49.7.0/24 do", "x.w.example.com A", "c.example.com TXT",
                    "x.sub.example.com AAAA do", "gone.example.com ANY edns=4096", "example.com MX",
                    "app.example.com A", "a.b.example.com AAAA ecs=2001:db8::/32",
                ];
                let messages = queries.iter().map(|query| Asked::parse(query).message).collect();
                (World::parse(WORLD), messages)
            };
        }
        SEEDS.with(|(world, seeds)| {
            for seed in seeds {
                let mut message = seed.clone();
                for (place, byte, what) in &edits {
                    let at = place.index(message.len());
                    match what {
                        0 => message[at] = *byte,
                        1 => message[at] ^= 1 << (byte % 8),
                        2 => message.insert(at, *byte),
                        _ => drop(message.remove(at)),
                    }
                }
                if let Some(response) = respond(world, &message, limit) {
                    assert!(response.len() <= limit);
                    assert_eq!(response[..2], message[..2]);
                    assert!(response[2] & 0x80 != 0);
                    assert!(is_readable(&response), "{}", message.escape_ascii());
                }
            }
        });
    }

    #[test]
    fn no_bytes_at_all_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = fate(&bytes);
    }
}
