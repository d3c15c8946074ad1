//! Request smuggling: a connection's worth of requests is forwarded as a proxy would, and read
//! again by an endpoint that takes everything it can make sense of. Both must see the same
//! requests with the same bodies.

use evenkeel_h1::{Body, Field, FieldKind, LAST_CHUNK, RequestHead, chunk_head, parse_request};

use crate::bodies::decode;
use crate::heads::{LIMITS, trim};

/// A request as one side understood it.
#[derive(Debug, PartialEq, Eq)]
struct Understood {
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    body: Vec<u8>,
}

/// Checks the stream of one client connection.
pub fn check(mut stream: &[u8]) {
    let mut sent = Vec::new();
    let mut upstream = Vec::new();
    let mut fields = Vec::new();
    while let Ok(Some(head)) = parse_request(stream, &LIMITS, &mut fields) {
        let (buf, rest) = stream.split_at(head.bytes);
        let Some((body, trailers, body_bytes)) = read_body(head.body, rest) else { break };
        let before = upstream.len();
        forward(buf, &head, &fields, &body, &trailers, &mut upstream);
        same_head(&upstream[before..], buf, &head);
        sent.push(Understood {
            method: head.method.of(buf).to_vec(),
            target: head.target.of(buf).to_vec(),
            host: head.host.of(buf).to_vec(),
            body,
        });
        if !head.keep_alive {
            break;
        }
        stream = &rest[body_bytes..];
    }
    let received = careless_endpoint(&upstream);
    assert_eq!(sent, received, "upstream: {:?}", String::from_utf8_lossy(&upstream));
}

/// Body, trailers and their length on the wire, once they are complete.
fn read_body(body: Body, rest: &[u8]) -> Option<(Vec<u8>, Vec<u8>, usize)> {
    match body {
        Body::None => Some((Vec::new(), Vec::new(), 0)),
        Body::Length(length) => {
            let data = rest.get(..usize::try_from(length).ok()?)?;
            Some((data.to_vec(), Vec::new(), data.len()))
        }
        Body::Chunked => {
            let decoded = decode([rest].into_iter()).ok()?;
            decoded.done.then_some((decoded.data, decoded.trailers, decoded.consumed))
        }
        Body::UntilClose => panic!("a request body that ends with the connection"),
    }
}

/// Writes the request as it goes upstream: own request line, `Host` and framing, other fields raw.
fn forward(
    buf: &[u8],
    head: &RequestHead,
    fields: &[Field],
    body: &[u8],
    trailers: &[u8],
    out: &mut Vec<u8>,
) {
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    put(&[head.method.of(buf), b" ", &head.target.of(buf), b" HTTP/1.1\r\n"]);
    put(&[b"Host: ", head.host.of(buf), b"\r\n"]);
    for field in fields {
        let ours = match field.kind {
            FieldKind::Host | FieldKind::ContentLength => true,
            FieldKind::Expect => !head.expect_continue,
            _ => false,
        };
        if !ours && !field.kind.is_hop_by_hop() {
            put(&[field.line.of(buf)]);
        }
    }
    match head.body {
        Body::Length(length) => {
            put(&[b"Content-Length: ", length.to_string().as_bytes(), b"\r\n\r\n", body]);
        }
        Body::Chunked => {
            put(&[b"Transfer-Encoding: chunked\r\n\r\n"]);
            if !body.is_empty() {
                put(&[chunk_head(body.len() as u64, &mut [0; 18]), body, b"\r\n"]);
            }
            put(&[LAST_CHUNK, trailers, b"\r\n"]);
        }
        Body::None | Body::UntilClose => put(&[b"\r\n"]),
    }
}

/// Parses what was forwarded: it says the same, apart from what was meant for us alone.
fn same_head(forwarded: &[u8], buf: &[u8], head: &RequestHead) {
    let mut fields = Vec::new();
    let limits = evenkeel_h1::Limits { head_bytes: 2 * LIMITS.head_bytes, ..LIMITS };
    let again = parse_request(forwarded, &limits, &mut fields).expect("valid").expect("whole");
    assert_eq!(again.method_kind, head.method_kind);
    assert_eq!(again.method.of(forwarded), head.method.of(buf));
    assert_eq!(again.target.of(forwarded), head.target.of(buf));
    assert_eq!(again.host.of(forwarded), head.host.of(buf));
    assert_eq!(again.host_name.of(forwarded), head.host_name.of(buf));
    assert_eq!(again.body, head.body);
    assert!(again.keep_alive && !again.upgrade && !again.te_trailers);
    assert!(fields.iter().all(|field| field.kind != FieldKind::Named));
}

/// An endpoint with every leniency that smuggling has been built on: lines end at any LF, lines
/// are folded, names are trimmed, any mention of `chunked` counts, numbers end where digits do.
fn careless_endpoint(mut stream: &[u8]) -> Vec<Understood> {
    let mut requests = Vec::new();
    while !stream.is_empty() {
        let mut request_line = take_line(&mut stream);
        while request_line.is_empty() && !stream.is_empty() {
            request_line = take_line(&mut stream);
        }
        let mut words = request_line.split(|byte| byte.is_ascii_whitespace());
        let mut word = || words.next().unwrap_or_default().to_vec();
        let (method, target) = (word(), word());

        let mut fields: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        loop {
            let line = take_line(&mut stream);
            if line.is_empty() {
                break;
            }
            match fields.last_mut() {
                Some((_, value)) if line[0].is_ascii_whitespace() => value.extend_from_slice(line),
                _ => {
                    let colon = line.iter().position(|&b| b == b':').unwrap_or(line.len());
                    let name = trim(&line[..colon]).to_ascii_lowercase();
                    fields.push((name, line.get(colon + 1..).unwrap_or_default().to_vec()));
                }
            }
        }
        let value = |name: &[u8]| {
            fields.iter().filter(|(found, _)| found == name).map(|(_, v)| trim(v)).next_back()
        };
        let coding = value(b"transfer-encoding").unwrap_or_default().to_ascii_lowercase();
        let body = if coding.windows(7).any(|word| word == b"chunked") {
            careless_chunks(&mut stream)
        } else {
            let length = number(value(b"content-length").unwrap_or_default(), 10);
            take(&mut stream, length)
        };
        requests.push(Understood {
            method,
            target,
            host: value(b"host").unwrap_or_default().to_vec(),
            body,
        });
    }
    requests
}

fn careless_chunks(stream: &mut &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let size = number(take_line(stream), 16);
        if size == 0 {
            while !take_line(stream).is_empty() {}
            return body;
        }
        body.extend(take(stream, size));
        take_line(stream);
    }
}

/// Up to any LF, without what is CR before it.
fn take_line<'a>(stream: &mut &'a [u8]) -> &'a [u8] {
    let end = stream.iter().position(|&byte| byte == b'\n').unwrap_or(stream.len());
    let line = &stream[..end];
    *stream = stream.get(end + 1..).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn take(stream: &mut &[u8], length: usize) -> Vec<u8> {
    let (data, rest) = stream.split_at(length.min(stream.len()));
    *stream = rest;
    data.to_vec()
}

fn number(text: &[u8], radix: u32) -> usize {
    let digits = text.iter().map_while(|&byte| char::from(byte).to_digit(radix));
    digits.fold(0, |number: usize, digit| number.saturating_mul(radix as usize) + digit as usize)
}
