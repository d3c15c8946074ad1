//! Requests as they should be: what a head says, spelled in the ways the standard has.

use std::borrow::Cow;

use evenkeel_h1::{Body, FieldKind, Limits, Method, RequestError, Version, find, parse_request};

use crate::support::{accepted, get_with, post_with, refused, request};

#[test]
fn every_part_is_found_where_it_stands() {
    let text = b"POST /a/b?c=d HTTP/1.1\r\nHost: A.Example.:8080\r\nAccept: */*\r\n\
        cookie:x=y \t\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhelloGET";
    let (head, fields) = accepted(text);
    assert_eq!(head.bytes, text.len() - b"helloGET".len());
    assert_eq!(head.method.of(text), b"POST");
    assert_eq!(head.method_kind, Method::Post);
    assert_eq!(*head.target.of(text), b"/a/b?c=d"[..]);
    assert!(matches!(head.target.of(text), Cow::Borrowed(_)));
    assert_eq!(head.target.path(text), b"/a/b");
    assert_eq!(head.target.query(text), Some(&b"c=d"[..]));
    assert_eq!(head.host.of(text), b"A.Example.:8080");
    assert_eq!(head.host_name.of(text), b"A.Example");
    assert_eq!((head.version, head.body), (Version::Http11, Body::Length(5)));
    assert!(head.keep_alive && !head.upgrade && !head.expect_continue && !head.te_trailers);

    let expected = [
        ("Host", "A.Example.:8080", "Host: A.Example.:8080\r\n", FieldKind::Host),
        ("Accept", "*/*", "Accept: */*\r\n", FieldKind::Other),
        ("cookie", "x=y", "cookie:x=y \t\r\n", FieldKind::Cookie),
        ("X-Empty", "", "X-Empty:\r\n", FieldKind::Other),
        ("Content-Length", "5", "Content-Length: 5\r\n", FieldKind::ContentLength),
    ];
    assert_eq!(fields.len(), expected.len());
    for (field, (name, value, line, kind)) in fields.iter().zip(expected) {
        assert_eq!(field.name.of(text), name.as_bytes());
        assert_eq!(field.value.of(text), value.as_bytes());
        assert_eq!(field.line.of(text), line.as_bytes());
        assert_eq!(field.kind, kind);
    }
    assert_eq!(find(&fields, text, b"COOKIE").collect::<Vec<_>>(), [b"x=y"]);
}

#[test]
fn targets() {
    let table = [
        // method, target, Host; what is sent upstream, path, query
        ("GET", "/", "a", "/", "/", None),
        ("GET", "/?", "a", "/?", "/", Some("")),
        ("GET", "/x?y?z=/..", "a", "/x?y?z=/..", "/x", Some("y?z=/..")),
        ("GET", "http://a", "a", "/", "/", None),
        ("GET", "HTTP://a/x", "A", "/x", "/x", None),
        ("GET", "https://a:443?q=1", "a", "/?q=1", "/", Some("q=1")),
        ("GET", "http://a:80/x?http://b", "a.", "/x?http://b", "/x", Some("http://b")),
        ("OPTIONS", "*", "a", "*", "*", None),
        ("OPTIONS", "http://a", "a", "*", "*", None),
        ("OPTIONS", "http://a/", "a", "/", "/", None),
        ("OPTIONS", "http://a?q", "a", "/?q", "/", Some("q")),
        ("PROPFIND", "/%7e", "a", "/%7e", "/%7e", None),
    ];
    for (method, target, host, sent, path, query) in table {
        let text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (head, _) = accepted(&text);
        let buf = text.as_bytes();
        assert_eq!(head.target.of(buf), sent.as_bytes(), "{target}");
        assert_eq!(head.target.path(buf), path.as_bytes(), "{target}");
        assert_eq!(head.target.query(buf), query.map(str::as_bytes), "{target}");
    }
}

#[test]
fn refused_targets() {
    let table = [
        "*",
        "a.example:443",
        "x",
        "x/y",
        "/a#b",
        "/#",
        "ftp://a.example/",
        "//",
        "http:/a.example/",
        "http:a.example",
        "http//a.example",
        "http://",
        "http:///x",
        "http://a.example#f",
        "/\u{e9}",
        "/a%00b",
        "/%00",
        "mailto:a@a.example",
        "http\u{0}://a.example",
        "?a",
        "",
    ];
    for target in table {
        let text = format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        match target {
            // A path like any other: no authority hides in it.
            "//" => drop(accepted(text)),
            _ => assert_eq!(refused(text), 400, "{target:?}"),
        }
    }
    // In a query an escaped NUL is data.
    accepted("GET /announce?hash=%00%ff HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn versions() {
    let with = |version: &str| format!("GET / {version}\r\nHost: a\r\n\r\n");
    assert_eq!(accepted(with("HTTP/1.1")).0.version, Version::Http11);
    assert_eq!(accepted(with("HTTP/1.0")).0.version, Version::Http10);
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3", "HTTP/9.9"] {
        assert_eq!(refused(with(version)), 505, "{version}");
    }
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    for version in [
        "http/1.1",
        "HTTP/1",
        "HTTP/11",
        "HTTP/1.x",
        "HTTP/1,1",
        "HTTP/x.1",
        "HTP/1.1",
        "",
        " HTTP/1.1",
    ] {
        assert_eq!(refused(with(version)), 400, "{version:?}");
    }
    for version in ["HTTP/1.1 ", "HTTP/1.10", "HTTP/1.1\t", "HTTP/1.1 x"] {
        assert_eq!(refused(with(version)), 400, "{version:?}");
    }
    assert_eq!(refused("GET /\r\n\r\n"), 400, "HTTP/0.9");
    assert_eq!(
        refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        400,
        "TLS on a plain port"
    );
}

#[test]
fn blank_lines_in_front_are_skipped_up_to_a_point() {
    for lines in 0..=4 {
        let text = "\r\n".repeat(lines) + &get_with("");
        let (head, _) = accepted(&text);
        assert_eq!(head.bytes, text.len());
        assert_eq!(head.method.of(text.as_bytes()), b"GET");
    }
    assert_eq!(refused("\r\n".repeat(5)), 400);
    for text in ["\n", "\r\r", "\rG", " GET", "\r\n\n", "\t"] {
        assert_eq!(refused(text.to_owned() + &get_with("")), 400, "{text:?}");
    }
    for text in ["", "\r", "\r\n", "\r\n\r", "\r\n\r\n\r\n\r\n", "\r\n\r\n\r\n\r\n\r"] {
        assert!(matches!(request(text), Ok(None)), "{text:?}");
    }
}

#[test]
fn persistence() {
    let table = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.1", "Connection: keep-alive, CLOSE\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: x,close\r\n", false),
        ("HTTP/1.1", "Connection: closed\r\n", true),
        ("HTTP/1.1", "Proxy-Connection: close\r\n", true),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: keep-alive\r\n", true),
        ("HTTP/1.0", "Connection: ,, Keep-Alive ,\r\n", true),
        ("HTTP/1.0", "Connection: close, keep-alive\r\n", false),
        ("HTTP/1.0", "Proxy-Connection: keep-alive\r\n", false),
    ];
    for (version, lines, keep_alive) in table {
        let (head, _) = accepted(format!("GET / {version}\r\nHost: a\r\n{lines}\r\n"));
        assert_eq!(head.keep_alive, keep_alive, "{version} {lines}");
    }
}

#[test]
fn bodies() {
    let table = [
        (post_with(""), Body::None),
        (get_with(""), Body::None),
        (post_with("Content-Length: 0\r\n"), Body::Length(0)),
        (post_with("content-length:12345678901\r\n"), Body::Length(12_345_678_901)),
        (get_with("Content-Length: 3\r\n"), Body::Length(3)),
        (post_with("Transfer-Encoding: chunked\r\n"), Body::Chunked),
        (post_with("transfer-ENCODING:CHUNKED\r\n"), Body::Chunked),
    ];
    for (text, body) in table {
        assert_eq!(accepted(&text).0.body, body, "{text}");
    }
}

#[test]
fn te_trailers() {
    let table = [
        ("TE: trailers\r\nConnection: TE\r\n", true),
        ("TE: gzip;q=0.5, Trailers\r\n", true),
        ("TE: gzip\r\n", false),
        ("TE: trailers;q=1\r\n", false),
        ("TE:\r\n", false),
    ];
    for (lines, trailers) in table {
        assert_eq!(accepted(get_with(lines)).0.te_trailers, trailers, "{lines}");
    }
}

#[test]
fn limits_are_exact() {
    let text = get_with("A: b\r\n");
    let mut fields = Vec::new();
    let mut parse = |text: &str, head_bytes, target_bytes| {
        let limits = Limits { head_bytes, target_bytes };
        parse_request(text.as_bytes(), &limits, &mut fields).map_err(RequestError::status)
    };
    assert!(parse(&text, text.len(), 1).is_ok_and(|head| head.is_some()));
    assert_eq!(parse(&text, text.len() - 1, 1).err(), Some(431));
    assert_eq!(parse(&text, text.len(), 0).err(), Some(414));
    // The body behind the head does not count.
    assert!(parse(&(text.clone() + &"x".repeat(99)), text.len(), 1).is_ok());
    // An incomplete head fails as soon as it cannot be completed within the limit.
    assert_eq!(parse(&text[..text.len() - 1], text.len() - 1, 1).err(), Some(431));
    assert!(parse(&text[..text.len() - 1], text.len(), 1).is_ok_and(|head| head.is_none()));
}
