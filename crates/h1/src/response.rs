//! Response heads (RFC 9112 sections 4 and 6). On the request path.

use alloc::vec::Vec;

use crate::error::{HeadError, ResponseError, of_fields};
use crate::field::Field;
use crate::framing::Body;
use crate::head::{Limits, Seen, Version, offset, slots};
use crate::method::Method;
use crate::span::Span;

/// What a response answers: its framing depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerTo {
    /// The method of the request; HEAD has answers without a body.
    pub method: Method,
    /// Whether the request offered an upgrade to the endpoint; without, a 101 is an error.
    pub upgrade_asked: bool,
}

/// A response's head, in spans of the buffer it was parsed from.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead {
    /// Length of the head: the body starts at this offset.
    pub bytes: usize,
    /// The status, 100 to 999. 1xx other than 101 precede the final response; how many are too
    /// many is for the caller to say.
    pub status: u16,
    /// The endpoint's version.
    pub version: Version,
    /// The reason phrase; may be empty, may have non-ASCII bytes.
    pub reason: Span,
    /// How the body is delimited. [`Body::None`] for 1xx, 204, 304 and answers to HEAD, whatever
    /// their fields say; on 1xx and 204 such fields must not be passed on.
    pub body: Body,
    /// Whether the connection is fit for another request once the body has been read.
    pub keep_alive: bool,
    /// The seconds of `Keep-Alive: timeout=N`, after which the endpoint closes an idle connection.
    pub keep_alive_timeout_s: Option<u32>,
    /// A 101: what follows is the other protocol.
    pub upgrade: bool,
}

/// Reads the response at the start of `buf`. `None`: the head is not complete yet.
///
/// For a head that arrives in pieces use [`crate::HeadScanner`], which does not start over with
/// each of them. `fields` is cleared first, and of no meaning unless a head is returned.
///
/// # Errors
/// When the head breaks RFC 9112 or a limit. Close the connection: where the next response
/// would start is unknown.
pub fn parse_response(
    buf: &[u8],
    answer_to: AnswerTo,
    limits: &Limits,
    fields: &mut Vec<Field>,
) -> Result<Option<ResponseHead>, ResponseError> {
    match parse_whole(buf, answer_to, limits, fields)? {
        Some(head) => Ok(Some(head)),
        None => check_partial(buf, limits).map(|()| None),
    }
}

/// Enforces the limit on a head that is not complete.
pub(crate) fn check_partial(buf: &[u8], limits: &Limits) -> Result<(), ResponseError> {
    if buf.len() >= limits.head_bytes { Err(HeadError::TooLarge.into()) } else { Ok(()) }
}

/// As [`parse_response`], without the limit on an incomplete head.
pub(crate) fn parse_whole(
    buf: &[u8],
    answer_to: AnswerTo,
    limits: &Limits,
    fields: &mut Vec<Field>,
) -> Result<Option<ResponseHead>, ResponseError> {
    let buf = limits.window(buf);
    // Only requests may be preceded by empty lines.
    if let Some(b'\r' | b'\n') = buf.first() {
        return Err(ResponseError::StatusLine);
    }
    let mut slots = slots();
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let end = match config.parse_response_with_uninit_headers(&mut response, buf, &mut slots) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            return Err(match of_fields(error) {
                Some(error) => error.into(),
                None if error == httparse::Error::Version => ResponseError::Version,
                None => ResponseError::StatusLine,
            });
        }
    };
    let (Some(minor), Some(status @ 100..)) = (response.version, response.code) else {
        return Err(ResponseError::StatusLine);
    };
    let version = Version::of_minor(minor);
    let first_line = response
        .headers
        .first()
        .map_or(end - b"\r\n".len(), |header| offset(buf, header.name.as_bytes()));
    let seen = Seen::collect(buf, response.headers, first_line, end, fields)?;
    let reason_start = (b"HTTP/1.1 200 ".len()).min(first_line - b"\r\n".len());

    let body = body(&seen, buf, answer_to, status, version)?;
    let upgrade = status == 101;
    if upgrade && !answer_to.upgrade_asked {
        return Err(ResponseError::UpgradeNotAsked);
    }
    Ok(Some(ResponseHead {
        bytes: end,
        status,
        version,
        reason: Span::new(reason_start, first_line - b"\r\n".len()),
        body,
        keep_alive: seen.stays_open(version) && body != Body::UntilClose && !upgrade,
        keep_alive_timeout_s: seen.keep_alive_timeout_s,
        upgrade,
    }))
}

/// The body that follows (RFC 9112 section 6.3). Contradictory fields are an error even where there
/// is no body: the client may believe them.
fn body(
    seen: &Seen,
    buf: &[u8],
    answer_to: AnswerTo,
    status: u16,
    version: Version,
) -> Result<Body, HeadError> {
    let framing = seen.framing(buf, version)?;
    Ok(match status {
        100..200 | 204 | 304 => Body::None,
        _ if answer_to.method == Method::Head => Body::None,
        _ => framing.unwrap_or(Body::UntilClose),
    })
}
