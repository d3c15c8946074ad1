//! Request targets: the four forms of RFC 9112 section 3.2, and what of them goes upstream.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::error::RequestError;
use crate::method::Method;
use crate::span::Span;

/// A target as it is to be sent upstream: origin-form, or `*` for OPTIONS.
///
/// Nothing is decoded or normalised: rules and endpoint see the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// What is not in the buffer but has to be sent before `rest`.
    lead: Lead,
    /// From the path on, without the fragment that is never sent.
    rest: Span,
    /// Where in `rest` the path ends: at the `?` or at the end.
    path_len: u32,
}

/// An absolute-form target may leave out the path, which an origin-form target may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// The path is in the buffer.
    None,
    /// `http://example.com?a`: becomes `/?a`.
    Slash,
    /// `OPTIONS http://example.com`: becomes `*` (RFC 9112 section 3.2.4).
    Asterisk,
}

impl Target {
    /// The path, up to the query: starts with `/`, or is `*`.
    #[must_use]
    pub fn path(self, buf: &[u8]) -> &[u8] {
        match self.lead {
            Lead::None => &self.rest.of(buf)[..self.path_len as usize],
            Lead::Slash => b"/",
            Lead::Asterisk => b"*",
        }
    }

    /// The query without its `?`, when there is one; `/?` has an empty one.
    #[must_use]
    pub fn query(self, buf: &[u8]) -> Option<&[u8]> {
        self.rest.of(buf).get(self.path_len as usize + 1..)
    }

    /// The whole target. It is a slice of the buffer, unless the client sent an absolute URI with a
    /// query and no path, which some clients may and none does.
    #[must_use]
    pub fn of(self, buf: &[u8]) -> Cow<'_, [u8]> {
        let rest = self.rest.of(buf);
        match self.lead {
            Lead::None => Cow::Borrowed(rest),
            Lead::Slash | Lead::Asterisk if rest.is_empty() => Cow::Borrowed(self.path(buf)),
            Lead::Slash | Lead::Asterisk => {
                let mut whole = Vec::with_capacity(1 + rest.len());
                whole.extend_from_slice(self.path(buf));
                whole.extend_from_slice(rest);
                Cow::Owned(whole)
            }
        }
    }
}

/// The host part of an absolute-form target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TargetAuthority {
    pub span: Span,
    /// The port that the scheme means when none is given.
    pub default_port: u16,
}

/// Reads the target at `raw`. `CONNECT` was refused before, so authority-form is not a case.
pub(crate) fn parse(
    buf: &[u8],
    raw: Span,
    method: Method,
) -> Result<(Target, Option<TargetAuthority>), RequestError> {
    let bytes = raw.of(buf);
    // No URI has raw non-ASCII bytes, and a fragment is never sent. (Controls and spaces are
    // refused by the tokeniser.) One pass without an early exit, so that it runs on vectors.
    if bytes.iter().fold(false, |bad, &byte| bad | (byte >= 0x80) | (byte == b'#')) {
        return Err(RequestError::Target);
    }
    let (start, authority) = match bytes {
        [b'/', ..] => (0, None),
        b"*" if method == Method::Options => (0, None),
        _ => {
            let (authority, default_port) = absolute(bytes).ok_or(RequestError::Target)?;
            let span =
                Span::new(raw.start as usize + authority.start, raw.start as usize + authority.end);
            (authority.end, Some(TargetAuthority { span, default_port }))
        }
    };
    let rest = &bytes[start..];
    let path_len = memchr::memchr(b'?', rest).unwrap_or(rest.len());
    if has_nul(&rest[..path_len]) {
        return Err(RequestError::Target);
    }
    let lead = match rest.first() {
        Some(b'/' | b'*') => Lead::None,
        None if method == Method::Options => Lead::Asterisk,
        _ => Lead::Slash,
    };
    let rest = Span::new(raw.start as usize + start, raw.end as usize);
    Ok((Target { lead, rest, path_len: path_len as u32 }, authority))
}

/// The authority of an `http` or `https` URI, and the scheme's port.
fn absolute(uri: &[u8]) -> Option<(core::ops::Range<usize>, u16)> {
    let colon = memchr::memchr(b':', uri)?;
    let default_port = match &uri[..colon] {
        scheme if scheme.eq_ignore_ascii_case(b"http") => 80,
        scheme if scheme.eq_ignore_ascii_case(b"https") => 443,
        _ => return None,
    };
    let start = colon + b"://".len();
    if !uri[colon..].starts_with(b"://") {
        return None;
    }
    let len = memchr::memchr2(b'/', b'?', &uri[start..]).unwrap_or(uri.len() - start);
    Some((start..start + len, default_port))
}

/// Whether the path has an escaped NUL: endpoints written in C end the path there, and a rule that
/// looks at the whole of it would be got around.
fn has_nul(path: &[u8]) -> bool {
    memchr::memchr_iter(b'%', path).any(|at| path[at..].starts_with(b"%00"))
}
