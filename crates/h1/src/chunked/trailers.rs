//! Trailer sections (RFC 9112 section 7.1.2): which fields may follow a body.

use alloc::vec::Vec;

use super::{ChunkError, TRAILER_BYTES_MAX};
use crate::field::FieldKind;
use crate::grammar::{is_token, is_value_byte};
use crate::head::FIELDS_MAX;

/// Collects the lines of a trailer section that may be passed on.
#[derive(Debug, Clone)]
pub(crate) struct Trailers {
    /// Accepted lines, then what has arrived of the current one.
    lines: Vec<u8>,
    /// Where the current line starts.
    line: usize,
    /// Bytes and fields met, accepted or not.
    bytes: usize,
    fields: usize,
    ended: bool,
}

impl Trailers {
    pub(crate) const fn new() -> Self {
        Self { lines: Vec::new(), line: 0, bytes: 0, fields: 0, ended: false }
    }

    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn accepted(&self) -> &[u8] {
        &self.lines[..self.line]
    }

    /// Takes the rest of the current line, or as much of it as there is; returns its length.
    pub(crate) fn take(&mut self, input: &[u8]) -> Result<usize, ChunkError> {
        let line_end = memchr::memchr(b'\n', input);
        let taken = line_end.map_or(input.len(), |at| at + 1);
        self.bytes += taken;
        if self.bytes > TRAILER_BYTES_MAX {
            return Err(ChunkError::TrailersTooLong);
        }
        // The common end, without a line in between, needs no memory.
        if self.lines.is_empty() && input.starts_with(b"\r\n") {
            self.ended = true;
            return Ok(taken);
        }
        self.lines.extend_from_slice(&input[..taken]);
        if line_end.is_some() {
            self.end_line()?;
        }
        Ok(taken)
    }

    fn end_line(&mut self) -> Result<(), ChunkError> {
        let line = self.lines[self.line..].strip_suffix(b"\r\n").ok_or(ChunkError::LineEnding)?;
        if line.is_empty() {
            self.ended = true;
            self.lines.truncate(self.line);
            return Ok(());
        }
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(ChunkError::TrailersTooLong);
        }
        let colon = memchr::memchr(b':', line).ok_or(ChunkError::Trailer)?;
        let (name, value) = line.split_at(colon);
        if !is_token(name) || !value.iter().copied().all(is_value_byte) {
            return Err(ChunkError::Trailer);
        }
        if may_trail(name) {
            self.line = self.lines.len();
        } else {
            self.lines.truncate(self.line);
        }
        Ok(())
    }
}

/// Fields that must come before the body or not at all: whoever merges trailers into the header
/// section would act upon them too late or on the wrong side's word (RFC 9110 section 6.5.1).
const NEVER_TRAIL: &[&[u8]] = &[
    b"age",
    b"authentication-info",
    b"authorization",
    b"cache-control",
    b"content-encoding",
    b"content-range",
    b"content-type",
    b"date",
    b"expires",
    b"forwarded",
    b"location",
    b"max-forwards",
    b"pragma",
    b"proxy-authentication-info",
    b"range",
    b"retry-after",
    b"vary",
    b"via",
    b"warning",
    b"www-authenticate",
];

/// Families of names that speak of the client's connection or give orders to a proxy.
const NEVER_TRAIL_PREFIX: &[&[u8]] = &[b"cf-", b"if-", b"x-accel-", b"x-forwarded-"];

/// Whether a field of this name may be passed on behind a body: it changes neither framing nor
/// routing, authentication or what is said about the client (RFC 9110 section 6.5.1).
#[must_use]
pub fn may_trail(name: &[u8]) -> bool {
    let starts_with = |prefix: &&[u8]| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    FieldKind::of(name) == FieldKind::Other
        && !NEVER_TRAIL.iter().any(|never| name.eq_ignore_ascii_case(never))
        && !NEVER_TRAIL_PREFIX.iter().any(starts_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row06_what_must_not_trail_does_not() {
        let never = [
            "Content-Length",
            "Transfer-Encoding",
            "Host",
            "Connection",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "CF-Connecting-IP",
            "cf-anything",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "x-real-ip",
            "True-Client-IP",
            "TE",
            "Trailer",
            "Upgrade",
            "Expect",
            "If-Match",
            "Content-Type",
            "Cache-Control",
            "Proxy-Authorization",
            "X-Accel-Redirect",
            "LOCATION",
        ];
        for name in never {
            assert!(!may_trail(name.as_bytes()), "{name}");
        }
        for name in ["Digest", "Server-Timing", "grpc-status", "X-Checksum", "cf", "X-For", "ETag"]
        {
            assert!(may_trail(name.as_bytes()), "{name}");
        }
    }
}
