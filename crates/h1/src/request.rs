//! Request heads (RFC 9112 sections 3 and 6). On the request path.

use alloc::vec::Vec;

use crate::error::{HeadError, RequestError, of_fields};
use crate::field::Field;
use crate::framing::Body;
use crate::head::{Limits, Seen, Version, offset, slots};
use crate::host::Authority;
use crate::method::Method;
use crate::span::Span;
use crate::target::{self, Target, TargetAuthority};

/// Longest method name. The longest registered one has 17 letters.
pub const METHOD_BYTES_MAX: usize = 64;

/// Empty lines that may precede a request line: some clients send one behind the body of a POST
/// (RFC 9112 section 2.2).
const BLANK_LINES_MAX: usize = 4;

/// A request's head, in spans of the buffer it was parsed from.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead {
    /// Length of the head: the body starts at this offset.
    pub bytes: usize,
    /// The method as sent.
    pub method: Span,
    /// The method by name.
    pub method_kind: Method,
    /// What to ask the endpoint for.
    pub target: Target,
    /// The authority asked for, with its port if it has one: of an absolute-form target, else of
    /// `Host`.
    pub host: Span,
    /// The same without port and final dot, in the case it was sent in: what to route by.
    pub host_name: Span,
    /// The client's version.
    pub version: Version,
    /// How the body is delimited. Never [`Body::UntilClose`].
    pub body: Body,
    /// Whether another request may follow on the connection.
    pub keep_alive: bool,
    /// Whether the client waits for a 100 before it sends the body. Never set without a body or by
    /// HTTP/1.0. Unless set, an `Expect` is not passed on: the endpoint hears a newer version.
    pub expect_continue: bool,
    /// Whether to offer the `Upgrade` to the endpoint: asked for by HTTP/1.1 in both fields,
    /// without a body, and not to another version of HTTP.
    pub upgrade: bool,
    /// Whether the client takes trailers (`TE: trailers`).
    pub te_trailers: bool,
}

/// Reads the request at the start of `buf`. `None`: the head is not complete yet.
///
/// For a head that arrives in pieces use [`crate::HeadScanner`], which does not start over with
/// each of them. `fields` is cleared first, and of no meaning unless a head is returned.
///
/// # Errors
/// When the head breaks RFC 9112 or a limit. What follows it in `buf` cannot be trusted to be a
/// request: answer with [`RequestError::status`] and close.
pub fn parse_request(
    buf: &[u8],
    limits: &Limits,
    fields: &mut Vec<Field>,
) -> Result<Option<RequestHead>, RequestError> {
    match parse_whole(buf, limits, fields)? {
        Some(head) => Ok(Some(head)),
        None => check_partial(buf, limits).map(|()| None),
    }
}

/// Enforces the limits on a head that is not complete.
pub(crate) fn check_partial(buf: &[u8], limits: &Limits) -> Result<(), RequestError> {
    // Whoever sends no end of the line must not have its beginning searched time and again.
    let line = &buf[blank_lines(buf)..];
    if line.len() > METHOD_BYTES_MAX {
        let method_end = memchr::memchr(b' ', &line[..=METHOD_BYTES_MAX]);
        let target = &line[method_end.ok_or(RequestError::RequestLine)? + 1..];
        if target.len() > limits.target_bytes
            && memchr::memchr(b' ', &target[..=limits.target_bytes]).is_none()
        {
            return Err(RequestError::TargetTooLong);
        }
    }
    if buf.len() >= limits.head_bytes { Err(HeadError::TooLarge.into()) } else { Ok(()) }
}

/// As [`parse_request`], without the limits on an incomplete head.
pub(crate) fn parse_whole(
    buf: &[u8],
    limits: &Limits,
    fields: &mut Vec<Field>,
) -> Result<Option<RequestHead>, RequestError> {
    let buf = limits.window(buf);
    let start = blank_lines(buf);
    match &buf[start..] {
        [] | [b'\r'] => return Ok(None),
        [b'\r' | b'\n', ..] => return Err(RequestError::RequestLine),
        _ => {}
    }

    let mut slots = slots();
    let mut request = httparse::Request::new(&mut []);
    let end = match request.parse_with_uninit_headers(&buf[start..], &mut slots) {
        Ok(httparse::Status::Complete(len)) => start + len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(refusal(error, &buf[start..])),
    };
    let (Some(method), Some(path), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(RequestError::RequestLine);
    };

    let method = Span::new(start, start + method.len());
    if method.len() > METHOD_BYTES_MAX {
        return Err(RequestError::RequestLine);
    }
    let target = offset(buf, path.as_bytes());
    let target = Span::new(target, target + path.len());
    if target.len() > limits.target_bytes {
        return Err(RequestError::TargetTooLong);
    }
    let first_line = target.end as usize + b" HTTP/1.1\r\n".len();
    let seen = Seen::collect(buf, request.headers, first_line, end, fields)?;
    let line = RequestLine { method, target, version: Version::of_minor(minor) };
    line.with(buf, &seen, end).map(Some)
}

/// The parts of a request line.
struct RequestLine {
    method: Span,
    target: Span,
    version: Version,
}

impl RequestLine {
    /// Draws the conclusions from request line and fields together.
    fn with(self, buf: &[u8], seen: &Seen, end: usize) -> Result<RequestHead, RequestError> {
        let Self { method, target, version } = self;
        let http11 = version == Version::Http11;
        let method_kind = Method::of(method.of(buf));
        if matches!(method_kind, Method::Connect | Method::Trace) {
            return Err(RequestError::Method);
        }
        let (target, authority) = target::parse(buf, target, method_kind)?;
        let (host, host_name) = effective_host(buf, seen, authority, version)?;

        check_plain(buf, seen)?;
        let framing = seen.framing(buf, version)?;
        let body = framing.unwrap_or(Body::None);
        let has_body = !matches!(body, Body::None | Body::Length(0));
        if http11 && seen.expect_unknown {
            return Err(RequestError::Expectation);
        }
        // HTTP/1.0 once let a request's body end with the connection. What follows such a head may
        // be that body, and must not be taken for the next request.
        let delimited = http11 || framing.is_some() || !method_kind.expects_body();
        Ok(RequestHead {
            bytes: end,
            method,
            method_kind,
            target,
            host,
            host_name,
            version,
            body,
            keep_alive: seen.stays_open(version) && delimited,
            expect_continue: http11 && seen.expect_continue && has_body,
            upgrade: http11
                && seen.connection_upgrade
                && seen.upgrade_offered
                && !seen.upgrade_to_http
                && !has_body,
            te_trailers: http11 && seen.te_trailers,
        })
    }
}

/// Length of the empty lines in front, of at most [`BLANK_LINES_MAX`].
fn blank_lines(buf: &[u8]) -> usize {
    let pairs = buf.chunks_exact(2).take(BLANK_LINES_MAX);
    2 * pairs.take_while(|pair| *pair == b"\r\n").count()
}

/// Which host is asked for. RFC 9112 section 3.2.2 lets the target's authority win over `Host`;
/// as the endpoint may look at either, they have to agree.
fn effective_host(
    buf: &[u8],
    seen: &Seen,
    target: Option<TargetAuthority>,
    version: Version,
) -> Result<(Span, Span), RequestError> {
    if seen.hosts > 1 {
        return Err(RequestError::HostRepeated);
    }
    let parse = |span: Span| Authority::parse(span.of(buf)).map_err(|_| RequestError::HostInvalid);
    let (span, authority) = match (target, seen.host) {
        (Some(target), Some(host)) => {
            let authority = parse(target.span)?;
            if !authority.is_same(&parse(host)?, target.default_port) {
                return Err(RequestError::HostMismatch);
            }
            (target.span, authority)
        }
        (Some(target), None) if version == Version::Http10 => (target.span, parse(target.span)?),
        (None, Some(host)) => (host, parse(host)?),
        // HTTP/1.0 did not ask for it, but there is nothing else to route by.
        (_, None) => return Err(RequestError::HostMissing),
    };
    let name = span.start as usize;
    Ok((span, Span::new(name, name + authority.name.len())))
}

/// Refuses framing fields in a spelling that only padding or obfuscation explains: anything but
/// one space between colon and value, leading zeros. RFC 9110 allows them, no client sends them,
/// and endpoints have read them differently.
fn check_plain(buf: &[u8], seen: &Seen) -> Result<(), HeadError> {
    let padded = |field: &Field| {
        let before = &buf[field.name.end as usize..field.value.start as usize];
        !matches!(before, b":" | b": ") || field.value.end + 2 != field.line.end
    };
    let leading_zero = |field: &Field| matches!(field.value.of(buf), [b'0', _, ..]);
    if seen.content_length.as_ref().is_some_and(|field| padded(field) || leading_zero(field)) {
        return Err(HeadError::ContentLength);
    }
    if seen.transfer_encoding.as_ref().is_some_and(padded) {
        return Err(HeadError::TransferEncoding);
    }
    Ok(())
}

/// Why `httparse` gave up on the request in `line`.
#[cold]
fn refusal(error: httparse::Error, line: &[u8]) -> RequestError {
    match of_fields(error) {
        Some(error) => error.into(),
        None if error == httparse::Error::Version && is_other_version(line) => {
            RequestError::Version
        }
        None => RequestError::RequestLine,
    }
}

/// Whether the request line ends in a version that is well-formed and not ours.
fn is_other_version(line: &[u8]) -> bool {
    let version = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
    match version.strip_prefix(b"HTTP/") {
        Some([b'1', b'.', minor, ..]) => minor.is_ascii_digit(),
        Some([b'1', ..]) => false,
        Some([major, ..]) => major.is_ascii_digit(),
        _ => false,
    }
}
