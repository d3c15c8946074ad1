//! Hostile inputs, rows 1 to 16 and 29 to 30, on the request side.

use evenkeel_h1::{
    Body, CONNECTION_OPTIONS_MAX, FIELDS_MAX, FieldKind, HeadError, HeadScanner, Limits, Method,
    RequestError,
};

use crate::support::{accepted, get_with, post_with, refused, request};

#[test]
fn row01_content_length_and_transfer_encoding() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length: 0\r\nTRANSFER-ENCODING: chunked\r\n",
        "Content-Length:\r\nTransfer-Encoding:\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
    ] {
        assert_eq!(request(post_with(lines)).err(), Some(HeadError::TwoLengths.into()), "{lines}");
        assert_eq!(refused(get_with(lines)), 400);
    }
}

#[test]
fn row02_content_length_spellings() {
    for value in [
        " +5",
        " -5",
        " 0x5",
        " 5, 6",
        " 5,5",
        " 5 6",
        " 5.0",
        " 5;",
        " five",
        " ",
        "",
        " 05",
        " 00",
        " 9223372036854775808",
        " 18446744073709551616",
        " 99999999999999999999999",
        " 0b1",
        " 1e2",
        " \u{ff15}",
        " 5\u{a0}",
        "  5",
        " 5 ",
        "5 ",
        "\t5",
        " \t5",
        " 5\t",
        " 1_000",
        " '5'",
        " \"5\"",
    ] {
        let lines = format!("Content-Length:{value}\r\n");
        assert_eq!(
            request(post_with(&lines)).err(),
            Some(HeadError::ContentLength.into()),
            "{lines}"
        );
    }
    for lines in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nA: b\r\ncontent-length: 5\r\n",
        "Content-Length: 5\r\nContent-Length:\r\n",
        "Content-Length : 5\r\n",
        "Content-Length\r\n",
        "Content-Length: 5\0\r\n",
        "Content-Length: 5\x0b\r\n",
        "Content-Length:\r\n 5\r\n",
    ] {
        assert_eq!(refused(post_with(lines)), 400, "{lines:?}");
    }
}

#[test]
fn row03_transfer_encoding_obfuscations() {
    let table = [
        ("Transfer-Encoding: chunked\x0b\r\n", 400),
        ("Transfer-Encoding: \x0bchunked\r\n", 400),
        ("Transfer-Encoding: chunked\x00\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding: x chunked\r\n", 400),
        ("Transfer-Encoding: identity\r\n", 501),
        ("Transfer-Encoding: gzip\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: ,chunked\r\n", 400),
        ("Transfer-Encoding: chunked,\r\n", 400),
        ("Transfer-Encoding: , chunked\r\n", 400),
        ("Transfer-Encoding:\tchunked\r\n", 400),
        ("Transfer-Encoding: \tchunked\r\n", 400),
        ("Transfer-Encoding: chunked\t\r\n", 400),
        ("Transfer-Encoding: chunked \r\n", 400),
        ("Transfer-Encoding:  chunked\r\n", 400),
        ("Transfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: \"chunked\"\r\n", 400),
        ("Transfer-Encoding: 'chunked'\r\n", 501),
        ("Transfer-Encoding: chunked;q=1\r\n", 400),
        ("Transfer-Encoding: chunk\u{212a}ed\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding\t: chunked\r\n", 400),
        (" Transfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding\x0b: chunked\r\n", 400),
        ("Transfer-Encoding:\r\n chunked\r\n", 400),
        ("Transfer-Encoding:\n chunked\r\n", 400),
        ("A: b\rTransfer-Encoding: chunked\r\n", 400),
        ("A: b\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: gzip\r\nTransfer-encoding: chunked\r\n", 400),
    ];
    for (lines, status) in table {
        assert_eq!(refused(post_with(lines)), status, "{lines:?}");
    }
    // Other names are other fields, and no more.
    for lines in ["Transfer_Encoding: chunked\r\n", "X-Transfer-Encoding: chunked\r\n"] {
        assert_eq!(accepted(post_with(lines)).0.body, Body::None);
    }
}

#[test]
fn row04_bare_lf_and_cr() {
    let good = "GET / HTTP/1.1\r\nHost: a.example\r\nA: b\r\nEmpty:\r\nC: d\r\n\r\n";
    accepted(good);
    for (at, _) in good.match_indices("\r\n") {
        let without_cr = format!("{}{}", &good[..at], &good[at + 1..]);
        assert_eq!(refused(&without_cr), 400, "{without_cr:?}");
        let without_lf = format!("{}{}x", &good[..=at], &good[at + 2..]);
        assert_eq!(refused(&without_lf), 400, "{without_lf:?}");
        let two_crs = format!("{}\r{}", &good[..at], &good[at..]);
        assert_eq!(refused(&two_crs), 400, "{two_crs:?}");
    }
    assert_eq!(refused(good.replace("\r\n", "\n")), 400);
    assert_eq!(refused(good.replace("\r\n", "\r") + "x"), 400);
    for lines in ["A: b\rc\r\n", "A: b\nc\r\n", "A\r: b\r\n", "A\n: b\r\n", "A: \r\r\n", "A:\n\r\n"]
    {
        assert_eq!(refused(get_with(lines)), 400, "{lines:?}");
    }
}

#[test]
fn row07_http10() {
    let lines = "Host: a\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(refused(format!("POST / HTTP/1.0\r\n{lines}\r\n")), 400);
    assert_eq!(refused(format!("GET / HTTP/1.0\r\n{lines}Connection: keep-alive\r\n\r\n")), 400);
    // What follows may be a body delimited by the end of the connection: it is not the next request.
    for method in ["POST", "PUT", "PATCH", "REPORT"] {
        let text =
            format!("{method} / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /2");
        let (head, _) = accepted(&text);
        assert_eq!((head.body, head.keep_alive), (Body::None, false), "{method}");
    }
    let text =
        "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi";
    assert!(accepted(text).0.keep_alive);
    // Things that HTTP/1.0 does not have.
    let (head, _) = accepted(
        "POST / HTTP/1.0\r\nHost: a\r\nConnection: upgrade, te\r\nUpgrade: x\r\nTE: trailers\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert!(!head.upgrade && !head.te_trailers && !head.expect_continue);
    // We route by host, also where the version does not ask for one.
    assert_eq!(refused("GET / HTTP/1.0\r\n\r\n"), 400);
    assert_eq!(accepted("GET http://a/ HTTP/1.0\r\n\r\n").0.host.of(b"GET http://a/"), b"a");
}

#[test]
fn row08_a_request_behind_an_upgrade_stays_where_it_is() {
    let upgrade = get_with("Connection: Upgrade\r\nUpgrade: websocket\r\n");
    let text = format!("{upgrade}{}", get_with(""));
    let (head, _) = accepted(&text);
    assert!(head.upgrade);
    assert_eq!(head.bytes, upgrade.len());
}

#[test]
fn row09_upgrade_with_a_body_is_a_request_with_a_body() {
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let table = [
        ("", Body::None, true),
        ("Content-Length: 0\r\n", Body::Length(0), true),
        ("Content-Length: 4\r\n", Body::Length(4), false),
        ("Transfer-Encoding: chunked\r\n", Body::Chunked, false),
    ];
    for (lines, body, upgraded) in table {
        let (head, _) = accepted(get_with(&format!("{upgrade}{lines}")));
        assert_eq!((head.body, head.upgrade), (body, upgraded), "{lines}");
    }
    for lines in
        ["Upgrade: websocket\r\n", "Connection: upgrade\r\n", "Connection: upgrade\r\nUpgrade:\r\n"]
    {
        assert!(!accepted(get_with(lines)).0.upgrade, "{lines}");
    }
}

#[test]
fn row10_connection_options_strike_out_only_what_means_nothing_to_us() {
    let text = get_with(
        "X-Forwarded-For: 192.0.2.1\r\nAuthorization: x\r\nCF-Connecting-IP: 192.0.2.1\r\n\
         Cookie: a\r\nAccept: b\r\nContent-Length: 0\r\nConnection: close, X-Forwarded-For, Host\r\n\
         Connection: authorization,CF-Connecting-IP, cookie, content-length, nothing\r\n",
    );
    let (head, fields) = accepted(&text);
    assert!(!head.keep_alive);
    assert_eq!(
        (head.body, head.host_name.of(text.as_bytes())),
        (Body::Length(0), &b"a.example"[..])
    );
    let kinds: Vec<_> = fields.iter().map(|field| field.kind).collect();
    assert_eq!(
        kinds,
        [
            FieldKind::Host,
            FieldKind::XForwardedFor,
            FieldKind::Named,
            FieldKind::CfConnectingIp,
            FieldKind::Cookie,
            FieldKind::Other,
            FieldKind::ContentLength,
            FieldKind::Connection,
            FieldKind::Connection,
        ]
    );
    let options =
        |count: u32| get_with(&format!("Connection: {}\r\n", "x,".repeat(count as usize)));
    accepted(options(CONNECTION_OPTIONS_MAX));
    assert_eq!(refused(options(CONNECTION_OPTIONS_MAX + 1)), 400);
}

#[test]
fn row11_hosts() {
    let table = [
        ("", RequestError::HostMissing),
        ("Host:\r\n", RequestError::HostInvalid),
        ("Host: a\r\nHost: a\r\n", RequestError::HostRepeated),
        ("Host: a\r\nhost: b\r\n", RequestError::HostRepeated),
        ("Host: a\r\nHost:\r\n", RequestError::HostRepeated),
        ("Host: a@b\r\n", RequestError::HostInvalid),
        ("Host: user:pw@b\r\n", RequestError::HostInvalid),
        ("Host: a:99999\r\n", RequestError::HostInvalid),
        ("Host: a:x\r\n", RequestError::HostInvalid),
        ("Host: a b\r\n", RequestError::HostInvalid),
        ("Host: a, b\r\n", RequestError::HostInvalid),
        ("Host: http://a\r\n", RequestError::HostInvalid),
        ("Host: a/b\r\n", RequestError::HostInvalid),
        ("Host: .\r\n", RequestError::HostInvalid),
        ("Host: \u{e9}.example\r\n", RequestError::HostInvalid),
    ];
    for (lines, error) in table {
        let text = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(request(&text).err(), Some(error), "{lines}");
        assert_eq!(error.status(), 400);
    }
    for (host, name) in
        [("A.example.", "A.example"), ("a.example.:80", "a.example"), ("[::1]:8", "[::1]")]
    {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (head, _) = accepted(&text);
        assert_eq!(head.host.of(text.as_bytes()), host.as_bytes());
        assert_eq!(head.host_name.of(text.as_bytes()), name.as_bytes());
    }
}

#[test]
fn row11_absolute_form_and_host() {
    let with = |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (target, host) in [
        ("http://a.example/x", "a.example"),
        ("http://A.EXAMPLE:80/x", "a.example"),
        ("https://a.example/", "a.example:443"),
        ("http://a.example.:8080/", "a.example:8080"),
    ] {
        let text = with(target, host);
        let (head, _) = accepted(&text);
        let authority = target.split('/').nth(2).expect("an authority");
        assert_eq!(head.host.of(text.as_bytes()), authority.as_bytes());
    }
    for (target, host, error) in [
        ("http://a.example/", "b.example", RequestError::HostMismatch),
        ("http://a.example:81/", "a.example", RequestError::HostMismatch),
        ("https://a.example/", "a.example:80", RequestError::HostMismatch),
        ("http://a@a.example/", "a.example", RequestError::HostInvalid),
        ("http://a.example@b/", "b", RequestError::HostInvalid),
        ("http://a.example\\@b/", "b", RequestError::HostInvalid),
        ("http:///", "a", RequestError::HostInvalid),
        ("http://a:99999/", "a", RequestError::HostInvalid),
        ("http://a.example/", "", RequestError::HostInvalid),
    ] {
        assert_eq!(request(with(target, host)).err(), Some(error), "{target} {host}");
    }
    assert_eq!(refused("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
}

#[test]
fn row12_paths_are_passed_as_they_came() {
    for path in
        ["//", "/..;/", "/%2e%2e/", "/a%2fb", "/%c0%af", "/a/../b", "/./", "/\\", "/a;b=c", "/%"]
    {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(accepted(&text).0.target.path(text.as_bytes()), path.as_bytes());
    }
    for path in ["/\0", "/a%00", "/%00/..", "/\x7f", "/\x01", "/\t", "/\u{e9}"] {
        assert_eq!(refused(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")), 400, "{path:?}");
    }
    assert_eq!(refused(b"GET /\xc0\xaf HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "overlong");
}

#[test]
fn row13_oversized_heads_are_refused_without_being_read_to_the_end() {
    let mib = "a".repeat(1 << 20);
    let fields = "A: b\r\n".repeat(10_000);
    let table = [
        ("request line", format!("GET /{mib} HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        ("unending target", format!("GET /{mib}"), 414),
        ("value", get_with(&format!("A: {mib}\r\n")), 431),
        ("name", get_with(&format!("{mib}: b\r\n")), 431),
        ("fields", get_with(&fields), 431),
        ("method", format!("{mib} / HTTP/1.1\r\nHost: a\r\n\r\n"), 400),
        ("one field too many", get_with(&"A: b\r\n".repeat(FIELDS_MAX)), 431),
        ("spaces", get_with(&format!("A:{}\r\n", " ".repeat(1 << 20))), 431),
        ("no method", format!(" {mib}"), 400),
    ];
    for (what, text, status) in table {
        assert_eq!(refused(&text), status, "{what}");
        // The same in reads of 4 KiB, and well before the end of what is sent.
        let mut scanner = HeadScanner::new();
        let mut list = Vec::new();
        let failed = (4096..text.len() + 4096).step_by(4096).find_map(|end| {
            let buf = &text.as_bytes()[..end.min(text.len())];
            scanner.request(buf, &Limits::default(), &mut list).err().map(|e| (e.status(), end))
        });
        let (failed, end) = failed.expect(what);
        assert_eq!(failed, status, "{what} in pieces");
        assert!(end <= 132 * 1024, "{what}: refused only after {end} bytes");
    }
    accepted(get_with(&"A: b\r\n".repeat(FIELDS_MAX - 1)));
    accepted(get_with(&format!("A: {}\r\n", "a".repeat(127 * 1024))));
}

#[test]
fn row14_malformed_fields() {
    for lines in [
        "A: b\r\n c\r\n",
        "A: b\r\n\tc\r\n",
        " A: b\r\n",
        "\tA: b\r\n",
        "A : b\r\n",
        "A\t: b\r\n",
        ": b\r\n",
        ":\r\n",
        "A\r\n",
        "A b\r\n",
        "A b: c\r\n",
        "\u{e9}: b\r\n",
        "A\0: b\r\n",
        "A: b\0\r\n",
        "A: \x01\r\n",
        "A: b\x7f\r\n",
        "A: \x1b[m\r\n",
        "A(b): c\r\n",
        "A,b: c\r\n",
        "A\"b: c\r\n",
        "A/b: c\r\n",
        "{A}: c\r\n",
        "A=b: c\r\n",
        "\r: b\r\n",
        "A: b\x0cc\r\n",
    ] {
        assert_eq!(refused(get_with(lines)), 400, "{lines:?}");
    }
    // Folding of the very first line would continue the request line.
    assert_eq!(refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
    // Odd but well-formed.
    for lines in
        ["A:b\r\n", "A:\r\n", "A: :\r\n", "!#$%&'*+-.^_`|~1: b\r\n", "A: \u{e9}\r\n", "A: b\tc\r\n"]
    {
        accepted(get_with(lines));
    }
}

#[test]
fn row15_expectations() {
    let table = [
        ("Expect: 100-continue\r\nContent-Length: 5\r\n", Some(true)),
        ("expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", Some(true)),
        ("Expect: 100-continue\r\n", Some(false)),
        ("Expect: 100-continue\r\nContent-Length: 0\r\n", Some(false)),
        ("Expect: 101-continue\r\nContent-Length: 5\r\n", None),
        ("Expect: 100-continue, x\r\nContent-Length: 5\r\n", None),
        ("Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n", None),
        ("Expect:\r\n", None),
        ("Expect: x=y\r\n", None),
    ];
    for (lines, expected) in table {
        match expected {
            Some(waits) => {
                assert_eq!(accepted(post_with(lines)).0.expect_continue, waits, "{lines}");
            }
            None => assert_eq!(refused(post_with(lines)), 417, "{lines}"),
        }
    }
}

#[test]
fn row16_pipelined_requests_are_cut_one_by_one() {
    let text = get_with("A: b\r\n").repeat(1000);
    let mut rest = text.as_bytes();
    let mut count = 0;
    while !rest.is_empty() {
        let (head, fields) = accepted(rest);
        assert_eq!((fields.len(), head.keep_alive), (2, true));
        rest = &rest[head.bytes..];
        count += 1;
    }
    assert_eq!(count, 1000);
}

#[test]
fn row29_upgrades_to_another_http_are_not_offered() {
    for protocol in ["h2c", "H2C", "websocket, h2c", "h2c,websocket", "h2", "HTTP/2.0", "http/3"] {
        let lines = format!(
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABk\r\n"
        );
        let (head, fields) = accepted(get_with(&lines));
        assert!(!head.upgrade, "{protocol}");
        assert!(fields[1..].iter().all(|field| field.kind.is_hop_by_hop()), "{protocol}");
    }
    let (head, _) =
        accepted(get_with("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"));
    assert!(!head.upgrade);
}

#[test]
fn row30_connect_and_trace() {
    for line in
        ["CONNECT a:443", "CONNECT a", "CONNECT /", "CONNECT http://a/", "TRACE /", "TRACE *"]
    {
        assert_eq!(refused(format!("{line} HTTP/1.1\r\nHost: a:443\r\n\r\n")), 405, "{line}");
    }
    let text = "connect / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(accepted(text).0.method_kind, Method::Other, "names are case-sensitive");
}
