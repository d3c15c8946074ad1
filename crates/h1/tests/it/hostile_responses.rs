//! Hostile inputs on the response side: row 17, and rows 1 to 4, 7, 13 and 14 the other way round.

use evenkeel_h1::{FIELDS_MAX, HeadError, HeadScanner, Limits, ResponseError};

use crate::support::{GET, ok_with, response};

#[test]
fn row17_contradictory_lengths() {
    let table = [
        ("Content-Length: 5\r\nContent-Length: 6\r\n", HeadError::ContentLength),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", HeadError::ContentLength),
        ("Content-Length: 5, 6\r\n", HeadError::ContentLength),
        ("Content-Length: 5, 5\r\n", HeadError::ContentLength),
        ("Content-Length: +5\r\n", HeadError::ContentLength),
        ("Content-Length: 0x5\r\n", HeadError::ContentLength),
        ("Content-Length: -1\r\n", HeadError::ContentLength),
        ("Content-Length:\r\n", HeadError::ContentLength),
        ("Content-Length: 18446744073709551616\r\n", HeadError::ContentLength),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", HeadError::TwoLengths),
        ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", HeadError::TwoLengths),
        ("Transfer-Encoding: gzip\r\n", HeadError::TransferCoding),
        ("Transfer-Encoding: gzip, chunked\r\n", HeadError::TransferCoding),
        ("Transfer-Encoding: identity\r\n", HeadError::TransferCoding),
        ("Transfer-Encoding: chunked, identity\r\n", HeadError::TransferEncoding),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            HeadError::TransferEncoding,
        ),
        ("Transfer-Encoding: chunked\x0b\r\n", HeadError::Field),
    ];
    for (lines, error) in table {
        assert_eq!(ok_with(lines), Err(error.into()), "{lines:?}");
        // There is no status under which the fields may contradict each other.
        for status in [103, 204, 304, 500] {
            let text = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
            assert!(response(text, GET).is_err(), "{status} {lines:?}");
        }
    }
    let text = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(response(text, GET).err(), Some(HeadError::TransferEncodingInHttp10.into()));
}

#[test]
fn row17_a_second_response_stays_behind_the_first() {
    let first = "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n";
    let text = format!("{first}HTTP/1.1 200 OK\r\n\r\n");
    let (head, _) = response(&text, GET).expect("valid").expect("whole");
    assert_eq!(head.bytes, first.len());
}

#[test]
fn row17_oversized_heads() {
    let mib = "a".repeat(1 << 20);
    let table = [
        (format!("HTTP/1.1 200 OK\r\nA: {mib}\r\n\r\n"), HeadError::TooLarge),
        (format!("HTTP/1.1 200 {mib}\r\n\r\n"), HeadError::TooLarge),
        (
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX + 1)),
            HeadError::TooManyFields,
        ),
    ];
    for (text, error) in table {
        assert_eq!(response(&text, GET).err(), Some(error.into()));
        let mut scanner = HeadScanner::new();
        let mut fields = Vec::new();
        let failed = (4096..text.len() + 4096).step_by(4096).find_map(|end| {
            let buf = &text.as_bytes()[..end.min(text.len())];
            scanner.response(buf, GET, &Limits::default(), &mut fields).err()
        });
        assert_eq!(failed, Some(error.into()));
    }
    let most = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX));
    assert!(response(most, GET).is_ok_and(|parsed| parsed.is_some()));
}

#[test]
fn row17_malformed_fields_and_line_endings() {
    for lines in [
        "A: b\r\n c\r\n",
        "A : b\r\n",
        ": b\r\n",
        "A\r\n",
        "A: b\0\r\n",
        "A: b\rc\r\n",
        "A: b\nc: d\r\n",
        "A: b\n\r\n",
        "\u{e9}: b\r\n",
        " A: b\r\n",
        "A: b\x7f\r\n",
    ] {
        assert!(ok_with(lines).is_err(), "{lines:?}");
    }
    let good = "HTTP/1.1 200 OK\r\nA: b\r\nEmpty:\r\n\r\n";
    for (at, _) in good.match_indices("\r\n") {
        let text = format!("{}{}", &good[..at], &good[at + 1..]);
        assert_eq!(response(&text, GET).err(), Some(HeadError::LineEnding.into()), "{text:?}");
    }
    for text in [
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200\n\r\n",
        "HTTP/1.1 200 OK\r\n\n",
    ] {
        assert_eq!(response(text, GET).err(), Some(HeadError::LineEnding.into()), "{text:?}");
    }
}

#[test]
fn row31_a_switch_nobody_asked_for() {
    let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(response(text, GET).err(), Some(ResponseError::UpgradeNotAsked));
}
