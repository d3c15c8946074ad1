//! A request's head, from the fields of HTTP/2 to the form that requests have inside the proxy
//! (RFC 9113 section 8.3, RFC 8441).
//!
//! What is written here is read by the codec of HTTP/1.1, whose strictness decides: whatever could
//! be read in two ways by an endpoint is refused there, whichever protocol it came by.
//!
//! On the request path.

use evenkeel_h1::{Body, Field, FieldKind, RequestHead};
use h2::Reason;
use h2::ext::Protocol;
use http::header::{self, HeaderName};
use http::{Method, Request};

use super::fields::write_line;
use super::websocket::Key;
use crate::refusal::Refusal;

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unserved {
    /// It is answered.
    Refused(Refusal),
    /// It breaks HTTP/2, which takes no answer (RFC 9113 section 8.1.1).
    Malformed,
}

impl Unserved {
    /// The code its stream is reset with.
    pub(super) const MALFORMED_CODE: Reason = Reason::PROTOCOL_ERROR;
}

/// Writes the head of a request. A request that opens a WebSocket asks for an upgrade with the key
/// that is returned, from a nonce that is drawn then.
pub(super) fn write<B>(
    out: &mut Vec<u8>,
    request: &Request<B>,
    nonce: impl FnOnce() -> u128,
) -> Result<Option<Key>, Unserved> {
    let key = match request.extensions().get::<Protocol>() {
        _ if request.method() != Method::CONNECT => None,
        Some(protocol) if protocol.as_str() == "websocket" => Some(Key::new(nonce())),
        Some(_) => return Err(Unserved::Refused(Refusal::of(501))),
        None => return Err(Unserved::Refused(Refusal::of(405))),
    };
    let uri = request.uri();
    if !matches!(uri.scheme_str(), None | Some("http" | "https")) {
        return Err(Unserved::Malformed);
    }
    let target = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let is_asterisk = target == "*" && request.method() == Method::OPTIONS;
    if !target.starts_with('/') && !is_asterisk {
        return Err(Unserved::Malformed);
    }
    let fields = request.headers();
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let has_host = fields.contains_key(header::HOST);

    let method = if key.is_some() { "GET" } else { request.method().as_str() };
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    match authority {
        // The absolute form: then both are there to be compared.
        Some(authority) if has_host => {
            out.extend_from_slice(uri.scheme_str().unwrap_or("http").as_bytes());
            out.extend_from_slice(b"://");
            out.extend_from_slice(authority.as_bytes());
            if !is_asterisk {
                out.extend_from_slice(target.as_bytes());
            }
            out.extend_from_slice(b" HTTP/1.1\r\n");
        }
        _ => {
            out.extend_from_slice(target.as_bytes());
            out.extend_from_slice(b" HTTP/1.1\r\n");
            if let Some(authority) = authority {
                out.extend_from_slice(b"host: ");
                out.extend_from_slice(authority.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    for (name, value) in fields {
        if is_padded(value.as_bytes()) {
            return Err(Unserved::Malformed);
        }
        if *name != header::COOKIE && !(key.is_some() && is_of_handshake(name)) {
            write_line(out, name, value);
        }
    }
    let mut crumbs = fields.get_all(header::COOKIE).iter();
    if let Some(first) = crumbs.next() {
        out.extend_from_slice(b"cookie: ");
        out.extend_from_slice(first.as_bytes());
        for crumb in crumbs {
            out.extend_from_slice(b"; ");
            out.extend_from_slice(crumb.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
    if let Some(key) = &key {
        out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ");
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(key)
}

/// Whether a value has whitespace around it, which it must not have (RFC 9113 section 8.2.1).
fn is_padded(value: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(value.first()) || is_space(value.last())
}

/// Whether a field belongs to the handshake of HTTP/1.1, which is ours to hold.
fn is_of_handshake(name: &HeaderName) -> bool {
    *name == header::SEC_WEBSOCKET_KEY || *name == header::SEC_WEBSOCKET_ACCEPT
}

/// Tells a head what only the stream knows: whether more follows it.
pub(super) fn complete(head: &mut RequestHead, fields: &[Field], is_whole: bool, is_tunnel: bool) {
    if is_whole || is_tunnel || !matches!(head.body, Body::None) {
        return;
    }
    head.body = Body::UntilClose;
    head.expect_continue = fields.iter().any(|field| field.kind == FieldKind::Expect);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(request: http::request::Builder) -> Result<String, Unserved> {
        let mut out = Vec::new();
        write(&mut out, &request.body(()).unwrap(), || 0)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn heads_are_written_out() {
        let cases = [
            (
                Request::get("https://a.example/p?q").header("accept", "*/*").header("x-a", "1"),
                "GET /p?q HTTP/1.1\r\nhost: a.example\r\naccept: */*\r\nx-a: 1\r\n\r\n",
            ),
            (
                Request::get("https://a.example/p").header("host", "b.example"),
                "GET https://a.example/p HTTP/1.1\r\nhost: b.example\r\n\r\n",
            ),
            (
                Request::get("/p").header("host", "b.example"),
                "GET /p HTTP/1.1\r\nhost: b.example\r\n\r\n",
            ),
            (
                Request::post("http://a.example/")
                    .header("cookie", "a=1")
                    .header("x-a", "1")
                    .header("cookie", "b=2; c=3")
                    .header("cookie", "d=4"),
                "POST / HTTP/1.1\r\nhost: a.example\r\nx-a: 1\r\ncookie: a=1; b=2; c=3; d=4\r\n\r\n",
            ),
            (Request::options("*").header("host", "a"), "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
            (
                Request::connect("https://a.example/ws")
                    .extension(Protocol::from_static("websocket"))
                    .header("sec-websocket-key", "mine")
                    .header("sec-websocket-version", "13"),
                "GET /ws HTTP/1.1\r\nhost: a.example\r\nsec-websocket-version: 13\r\n\
                 connection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(written(request).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn row30_tunnels_to_anywhere_are_refused() {
        let connect = || Request::connect("a.example:443");
        let refused = |status| Err(Unserved::Refused(Refusal::of(status)));
        assert_eq!(written(connect()), refused(405));
        for protocol in ["connect-udp", "connect-ip", "webtransport", "WebSocket"] {
            let request =
                Request::connect("https://a.example/").extension(Protocol::from(protocol));
            assert_eq!(written(request), refused(501), "{protocol}");
        }
    }

    #[test]
    fn values_with_whitespace_around_them_are_malformed() {
        for (value, is_served) in
            [("", true), ("a b", true), (" a", false), ("a ", false), ("\ta", false), (" ", false)]
        {
            let request = Request::get("http://a.example/").header("x-a", value);
            assert_eq!(written(request).is_ok(), is_served, "{value:?}");
            let request = Request::get("http://a.example/").header("cookie", value);
            assert_eq!(written(request).is_ok(), is_served, "{value:?}");
        }
    }

    #[test]
    fn row27_other_schemes_and_targets_are_malformed() {
        for uri in ["gopher://a.example/", "ftp://a.example/"] {
            assert_eq!(written(Request::get(uri)), Err(Unserved::Malformed), "{uri}");
        }
        for path in ["*", "?a"] {
            let mut parts = http::uri::Parts::default();
            parts.path_and_query = Some(path.parse().unwrap());
            let request = Request::get(http::Uri::from_parts(parts).unwrap());
            let request = request.header("host", "a.example");
            assert_eq!(written(request), Err(Unserved::Malformed), "{path}");
        }
    }
}
