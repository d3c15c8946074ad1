//! Responses as they should be.

use evenkeel_h1::{AnswerTo, Body, FieldKind, Method, Version};

use crate::support::{GET, ok_with, response};

#[test]
fn every_part_is_found_where_it_stands() {
    let text = b"HTTP/1.1 404 Not \xfcberall\r\nServer: x\r\nset-cookie: a=b\r\nSet-Cookie: c\r\n\
        X-Accel-Redirect: /x\r\nContent-Length: 3\r\nKeep-Alive: max=5, Timeout=12\r\n\r\nabcHTTP";
    let (head, fields) = response(text, GET).expect("valid").expect("whole");
    assert_eq!(head.bytes, text.len() - b"abcHTTP".len());
    assert_eq!((head.status, head.version), (404, Version::Http11));
    assert_eq!(head.reason.of(text), b"Not \xfcberall");
    assert_eq!((head.body, head.keep_alive, head.upgrade), (Body::Length(3), true, false));
    assert_eq!(head.keep_alive_timeout_s, Some(12));
    let kinds: Vec<_> = fields.iter().map(|field| field.kind).collect();
    assert_eq!(
        kinds,
        [
            FieldKind::Server,
            FieldKind::SetCookie,
            FieldKind::SetCookie,
            FieldKind::XAccel,
            FieldKind::ContentLength,
            FieldKind::KeepAlive
        ]
    );
    assert_eq!(fields[1].line.of(text), b"set-cookie: a=b\r\n");
}

#[test]
fn status_lines() {
    let table: [(&str, u16, &str); 8] = [
        ("HTTP/1.1 200 OK", 200, "OK"),
        ("HTTP/1.0 200 OK", 200, "OK"),
        ("HTTP/1.1 200 ", 200, ""),
        ("HTTP/1.1 200", 200, ""),
        ("HTTP/1.1 299  two spaces ", 299, " two spaces "),
        ("HTTP/1.1 999 \tx", 999, "\tx"),
        ("HTTP/1.1 204 No Content", 204, "No Content"),
        ("HTTP/1.1 599 ", 599, ""),
    ];
    for (line, status, reason) in table {
        for fields in ["", "A: b\r\n"] {
            let text = format!("{line}\r\n{fields}\r\n");
            let (head, _) = response(&text, GET).expect(line).expect(line);
            assert_eq!((head.status, head.reason.of(text.as_bytes())), (status, reason.as_bytes()));
        }
    }
    let refused = [
        "HTTP/2 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1 099 x",
        "HTTP/1.1 000 x",
        "HTTP/1.1 20 x",
        "HTTP/1.1 2000 x",
        "HTTP/1.1 2x0 x",
        "HTTP/1.1  200 x",
        "HTTP/1.1\t200 x",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200 a\0b",
        "HTTP/1.1 200 a\x7fb",
        "ICY 200 OK",
        "HTTP/1.1 -20 x",
        "HTTP/1.1",
        "",
        " HTTP/1.1 200 OK",
        "\r\nHTTP/1.1 200 OK",
        "hello",
        "HTTP/1.1 200 a\rb",
        "HTTP/1.1 200OK",
    ];
    for line in refused {
        assert!(response(format!("{line}\r\n\r\n"), GET).is_err(), "{line:?}");
    }
}

#[test]
fn bodies_by_status_and_method() {
    let lines = ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"];
    let bodies = [Body::UntilClose, Body::Length(5), Body::Chunked];
    for (lines, body) in lines.into_iter().zip(bodies) {
        for (status, method, expected) in [
            (200, Method::Get, body),
            (200, Method::Head, Body::None),
            (100, Method::Get, Body::None),
            (103, Method::Get, Body::None),
            (204, Method::Get, Body::None),
            (205, Method::Get, body),
            (304, Method::Get, Body::None),
            (404, Method::Post, body),
            (500, Method::Head, Body::None),
        ] {
            let answer_to = AnswerTo { method, upgrade_asked: false };
            let text = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
            let (head, _) = response(&text, answer_to).expect(&text).expect(&text);
            assert_eq!(head.body, expected, "{method:?}: {text}");
            assert_eq!(head.keep_alive, expected != Body::UntilClose, "{method:?}: {text}");
        }
    }
}

#[test]
fn persistence() {
    let table = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: upgrade, Close\r\n", false),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: keep-alive\r\n", true),
    ];
    for (version, lines, keep_alive) in table {
        let text = format!("{version} 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
        let (head, _) = response(&text, GET).expect(&text).expect(&text);
        assert_eq!(head.keep_alive, keep_alive, "{text}");
    }
}

#[test]
fn keep_alive_timeouts() {
    let table = [
        ("timeout=5", Some(5)),
        ("timeout=5, max=100", Some(5)),
        ("max=100,TIMEOUT=60", Some(60)),
        ("max=100", None),
        ("timeout=", None),
        ("timeout=-1", None),
        ("timeout=99999999999", None),
        ("", None),
    ];
    for (value, expected) in table {
        let text = format!("HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\n\r\n");
        let (head, _) = response(&text, GET).expect(&text).expect(&text);
        assert_eq!(head.keep_alive_timeout_s, expected, "{value}");
    }
}

#[test]
fn switching_protocols_only_when_asked() {
    let text =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let asked = AnswerTo { method: Method::Get, upgrade_asked: true };
    let (head, _) = response(text, asked).expect("asked").expect("whole");
    assert!(head.upgrade && !head.keep_alive);
    assert_eq!(head.body, Body::None);
    assert!(response(text, GET).is_err());
    // Asking does not turn another answer into a switch.
    let (head, _) = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", asked)
        .expect("valid")
        .expect("whole");
    assert!(!head.upgrade && head.keep_alive);
}

#[test]
fn fields_named_by_connection_are_hop_by_hop() {
    let text =
        "HTTP/1.1 200 OK\r\nX-Hop: 1\r\nConnection: x-hop, Set-Cookie\r\nSet-Cookie: a\r\n\r\n";
    let (_, fields) = response(text, GET).expect("valid").expect("whole");
    let kinds: Vec<_> = fields.iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [FieldKind::Named, FieldKind::Connection, FieldKind::SetCookie]);
    assert!(kinds[0].is_hop_by_hop() && kinds[1].is_hop_by_hop() && !kinds[2].is_hop_by_hop());
}

#[test]
fn padded_framing_is_read_by_the_standard() {
    // Endpoints are ours to trust a little more; the framing is written anew towards the client.
    assert_eq!(ok_with("Content-Length:   5 \t\r\n"), Ok((Body::Length(5), true)));
    assert_eq!(ok_with("Transfer-Encoding:\tchunked \r\n"), Ok((Body::Chunked, true)));
}
