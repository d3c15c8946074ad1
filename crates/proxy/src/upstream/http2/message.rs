//! Heads and trailers between the form of HTTP/1.1, which the proxy works on, and that of HTTP/2
//! (RFC 9113 section 8).
//!
//! On the request path.

use std::fmt;

use bytes::Bytes;
use evenkeel_h1::{FieldKind, may_trail};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

/// Why a request has no form in HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Untranslatable;

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request cannot be said in HTTP/2")
    }
}

impl std::error::Error for Untranslatable {}

/// Takes apart a whole head as [`crate::head::request`] writes it. Host becomes the authority; what
/// speaks of one connection only is left out, except that trailers are welcome.
pub(super) fn request(head: &[u8], scheme: Scheme) -> Result<Request<()>, Untranslatable> {
    // Values are pieces of this one copy.
    let head = Bytes::copy_from_slice(head.strip_suffix(b"\r\n\r\n").ok_or(Untranslatable)?);
    let mut lines = Lines { head: &head, at: 0 };
    let line = lines.next().ok_or(Untranslatable)?;
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = words.next().zip(words.next()).ok_or(Untranslatable)?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).map_err(|_| Untranslatable)?;
    let path = path(head.slice_ref(target))?;
    let mut authority = None;
    let fields = request.headers_mut();
    for line in lines {
        let Some((name, value)) = split_field(line) else { continue };
        match FieldKind::of(name) {
            FieldKind::Host => {
                let host = Authority::from_maybe_shared(head.slice_ref(value));
                authority = Some(host.map_err(|_| Untranslatable)?);
                continue;
            }
            FieldKind::Te => {}
            kind if kind.is_hop_by_hop() => continue,
            _ => {}
        }
        append(fields, name, head.slice_ref(value));
    }
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = authority;
    parts.path_and_query = Some(path);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Untranslatable)?;
    Ok(request)
}

/// Lines of a head without their ends.
struct Lines<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.head.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at += end + 1;
        let line = &rest[..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

/// Adds a field. One that HTTP/2 has no form for is left out (behaviour.md 11.1).
fn append(fields: &mut HeaderMap, name: &[u8], value: Bytes) {
    let name = HeaderName::from_bytes(name);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value)) {
        fields.append(name, value);
    }
}

/// A target. What is not allowed in a URI and passes in HTTP/1.1 all the same is escaped.
fn path(target: Bytes) -> Result<PathAndQuery, Untranslatable> {
    if let Ok(path) = PathAndQuery::from_maybe_shared(target.clone()) {
        return Ok(path);
    }
    let mut escaped = Vec::with_capacity(target.len() * 2);
    for byte in target {
        if byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte) {
            escaped.push(byte);
        } else {
            let digit = |value: u8| char::from_digit(value.into(), 16).map_or(b'0', |c| c as u8);
            escaped.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    PathAndQuery::from_maybe_shared(Bytes::from(escaped)).map_err(|_| Untranslatable)
}

/// Writes the head of a response in the form of HTTP/1.1.
pub(super) fn write_response(status: StatusCode, fields: &HeaderMap) -> Bytes {
    let mut out = Vec::with_capacity(256 + 32 * fields.len());
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields {
        write_field(&mut out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Bytes::from(out)
}

/// Writes trailers as lines; those that may not come behind a body are left out.
pub(super) fn write_trailers(fields: &HeaderMap) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        if may_trail(name.as_str().as_bytes()) {
            write_field(&mut out, name, value);
        }
    }
    out
}

fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Reads trailer lines.
pub(super) fn trailers(lines: &[u8]) -> HeaderMap {
    let lines = Bytes::copy_from_slice(lines);
    let mut fields = HeaderMap::new();
    for line in (Lines { head: &lines, at: 0 }) {
        if let Some((name, value)) = split_field(line) {
            append(&mut fields, name, lines.slice_ref(value));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_everything_but_what_speaks_of_its_connection() {
        let head = b"POST /a?b=c HTTP/1.1\r\nHost: lb.test:8443\r\nX-Two: 1\r\nCookie: a=b\r\n\
            x-two:2 \r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nX-Empty:\r\n\
            TE: trailers\r\nConnection: Keep-Alive, TE\r\n\r\n";
        let request = request(head, Scheme::HTTPS).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://lb.test:8443/a?b=c");
        let fields: Vec<_> =
            request.headers().iter().map(|(n, v)| format!("{n}={}", v.to_str().unwrap())).collect();
        assert_eq!(
            fields,
            ["x-two=1", "x-two=2", "cookie=a=b", "content-length=3", "x-empty=", "te=trailers"]
        );
    }

    #[test]
    fn any_target_that_passed_in_http1_has_a_form() {
        for (target, expected) in [
            ("/", "/"),
            ("*", "*"),
            ("/a?b?c=%20", "/a?b?c=%20"),
            ("/a^b`c\\d", "/a%5eb%60c%5cd"),
            ("/a?<b>", "/a?%3cb%3e"),
            ("/\u{e4}\u{7f}", "/%c3%a4%7f"),
        ] {
            let head = format!("OPTIONS {target} HTTP/1.1\r\nHost: lb.test\r\n\r\n");
            let request = request(head.as_bytes(), Scheme::HTTP).unwrap();
            assert_eq!(request.uri().path_and_query().unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_request_has_none() {
        for head in ["", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost: a", "GE(T / HTTP/1.1\r\n\r\n"] {
            assert_eq!(
                request(head.as_bytes(), Scheme::HTTP).err(),
                Some(Untranslatable),
                "{head}"
            );
        }
    }

    #[test]
    fn a_response_reads_as_in_http1() {
        let mut fields = HeaderMap::new();
        append(&mut fields, b"Content-Type", Bytes::from_static(b"text/plain"));
        append(&mut fields, b"set-cookie", Bytes::from_static(b"a=b"));
        append(&mut fields, b"set-cookie", Bytes::from_static(b"c=d"));
        append(&mut fields, b"bad name", Bytes::from_static(b"left out"));
        let head = write_response(StatusCode::NOT_FOUND, &fields);
        let expected = "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nset-cookie: a=b\r\n\
                        set-cookie: c=d\r\n\r\n";
        assert_eq!(std::str::from_utf8(&head).unwrap(), expected);
        let head = write_response(StatusCode::from_u16(599).unwrap(), &HeaderMap::new());
        assert_eq!(&head[..], b"HTTP/1.1 599 \r\n\r\n");
    }

    #[test]
    fn trailers_survive_both_ways_except_those_that_may_not_trail() {
        let lines = b"grpc-status: 0\r\ngrpc-message: ok\r\n";
        assert_eq!(write_trailers(&trailers(lines)), lines);
        assert_eq!(write_trailers(&trailers(b"Content-Length: 5\r\nX: y\r\n")), b"x: y\r\n");
        assert!(trailers(b"").is_empty());
    }
}
