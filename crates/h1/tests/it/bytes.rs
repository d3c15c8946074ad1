//! Every byte in every kind of place, at many offsets: the tokeniser below checks 8 to 32 bytes at
//! once, in code that differs between processors.

use evenkeel_h1::{Limits, parse_request, parse_response};

use crate::support::GET;

fn token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

fn target(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && byte != b'#'
}

/// Puts each byte behind 0 to 70 letters between `before` and `after`, and asks whether the head is
/// accepted exactly when `expected` says so.
fn check(
    before: &str,
    after: &str,
    expected: impl Fn(u8) -> bool,
    accepts: impl Fn(&[u8]) -> bool,
) {
    for offset in 0..70 {
        for byte in 0..=255 {
            let mut text = before.as_bytes().to_vec();
            text.resize(text.len() + offset, b'x');
            text.push(byte);
            text.extend_from_slice(after.as_bytes());
            assert_eq!(accepts(&text), expected(byte), "byte {byte:#04x} at {offset}: {before:?}");
        }
    }
}

fn request(text: &[u8]) -> bool {
    parse_request(text, &Limits::default(), &mut Vec::new()).is_ok_and(|head| head.is_some())
}

fn response(text: &[u8]) -> bool {
    parse_response(text, GET, &Limits::default(), &mut Vec::new()).is_ok_and(|head| head.is_some())
}

#[test]
fn row14_bytes_in_requests() {
    let host = "\r\nHost: a\r\n\r\n";
    for tail in [" / HTTP/1.1\r\nHost: a\r\n\r\n", " /a-longer-one HTTP/1.1\r\nHost: a\r\n\r\n"] {
        // Beyond 64 letters a method is refused for its length.
        for offset in 0..64 {
            for byte in 0..=255 {
                let text = [&vec![b'x'; offset][..], &[byte], tail.as_bytes()].concat();
                assert_eq!(request(&text), token(byte), "byte {byte:#04x} at {offset}");
            }
        }
    }
    check("GET /", &format!(" HTTP/1.1{host}"), target, request);
    check("GET /", &format!("{} HTTP/1.1{host}", "y".repeat(40)), target, request);
    for tail in
        [": b\r\n\r\n".to_owned(), format!("{}: {}\r\n\r\n", "y".repeat(40), "z".repeat(40))]
    {
        // A colon ends the name early; the rest is then a value.
        let name = |byte| token(byte) || byte == b':';
        check("GET / HTTP/1.1\r\nHost: a\r\nx", &tail, name, request);
    }
    for tail in ["\r\n\r\n".to_owned(), format!("{}\r\n\r\n", "y".repeat(40))] {
        check("GET / HTTP/1.1\r\nHost: a\r\nA: ", &tail, value, request);
    }
}

#[test]
fn row14_bytes_in_responses() {
    for tail in
        [": b\r\n\r\n".to_owned(), format!("{}: {}\r\n\r\n", "y".repeat(40), "z".repeat(40))]
    {
        let name = |byte| token(byte) || byte == b':';
        check("HTTP/1.1 200 OK\r\nx", &tail, name, response);
    }
    for tail in ["\r\n\r\n".to_owned(), format!("{}\r\n\r\n", "y".repeat(40))] {
        check("HTTP/1.1 200 OK\r\nA: ", &tail, value, response);
        check("HTTP/1.1 200 ", &tail, value, response);
    }
}
