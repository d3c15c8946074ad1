//! The header section that both directions share: from `httparse`'s fields to spans, and what the
//! fields say about connection and framing. On the request path.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use httparse::Header;

use crate::error::HeadError;
use crate::field::{Field, FieldKind};
use crate::framing::{self, Body};
use crate::grammar::members;
use crate::span::Span;

/// Most field lines of a head. Browsers send some 20; more than this is 431 or a bad response.
/// `httparse` writes into an array of this length on the stack (4 KiB).
pub const FIELDS_MAX: usize = 128;

/// Most options of all `Connection` lines together. Each unknown one is compared with every field
/// name, so this bounds the work that one head can cause; real messages name one or two.
pub const CONNECTION_OPTIONS_MAX: u32 = 32;

/// How much of a head is read before it is refused (behaviour.md 11.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest head in bytes, start line and final CR LF included; 128 KiB unless told, 4 GiB at
    /// most. Beyond it: 431, or a bad response.
    pub head_bytes: usize,
    /// Longest request target in bytes; 16 KiB unless told. Beyond it: 414.
    pub target_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes: 128 * 1024, target_bytes: 16 * 1024 }
    }
}

impl Limits {
    /// The part of the buffer that a head may take up.
    pub(crate) fn window<'b>(&self, buf: &'b [u8]) -> &'b [u8] {
        // Spans count in 32 bits.
        &buf[..buf.len().min(self.head_bytes).min(u32::MAX as usize)]
    }
}

/// The versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: no chunked coding, no upgrade, no expectations; closes unless told to stay.
    Http10,
    /// HTTP/1.1
    Http11,
}

impl Version {
    pub(crate) fn of_minor(minor: u8) -> Self {
        if minor == 0 { Self::Http10 } else { Self::Http11 }
    }
}

/// Room for `httparse` to write its fields into.
pub(crate) type Slots<'b> = [MaybeUninit<Header<'b>>; FIELDS_MAX];

/// Slots that cost nothing to make.
pub(crate) const fn slots<'b>() -> Slots<'b> {
    [const { MaybeUninit::uninit() }; FIELDS_MAX]
}

/// Offset of `part` in the buffer it was cut from.
pub(crate) fn offset(buf: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - buf.as_ptr() as usize
}

/// Whether a line that ends at `end` ends in CR LF. `httparse` takes a lone LF as well, but lets
/// no CR pass within a line, so the two bytes tell.
pub(crate) fn ends_in_crlf(buf: &[u8], end: usize) -> bool {
    buf[..end].ends_with(b"\r\n")
}

/// What the fields of a head say together.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub host: Option<Span>,
    pub hosts: u32,
    pub close: bool,
    pub keep_alive: bool,
    /// `Connection: upgrade`
    pub connection_upgrade: bool,
    /// Some protocol is offered in `Upgrade`.
    pub upgrade_offered: bool,
    /// One of them is another version of HTTP.
    pub upgrade_to_http: bool,
    pub te_trailers: bool,
    pub expect_continue: bool,
    pub expect_unknown: bool,
    pub keep_alive_timeout_s: Option<u32>,
    pub content_length: Option<Field>,
    content_lengths: u32,
    pub transfer_encoding: Option<Field>,
    transfer_encodings: u32,
    connection_options: u32,
    /// `Connection` names fields that mean nothing to us.
    names_others: bool,
}

impl Seen {
    /// Fills `fields` from what `httparse` found in `buf[first_line..end]`, where `first_line` is
    /// behind the start line and `end` behind the empty line.
    pub(crate) fn collect(
        buf: &[u8],
        headers: &[Header<'_>],
        first_line: usize,
        end: usize,
        fields: &mut Vec<Field>,
    ) -> Result<Self, HeadError> {
        if !ends_in_crlf(buf, first_line) || !ends_in_crlf(buf, end) {
            return Err(HeadError::LineEnding);
        }
        let mut seen = Self::default();
        let mut start = first_line;
        let mut rest = headers.iter();
        fields.clear();
        fields.reserve(headers.len());
        while let Some(header) = rest.next() {
            // A line ends where the next name starts, the last one before the empty line.
            let end = match rest.as_slice() {
                [next, ..] => offset(buf, next.name.as_bytes()),
                [] => end - b"\r\n".len(),
            };
            debug_assert_eq!(start, offset(buf, header.name.as_bytes()), "lines have gaps");
            if !ends_in_crlf(buf, end) {
                return Err(HeadError::LineEnding);
            }
            let value = offset(buf, header.value);
            let field = Field {
                line: Span::new(start, end),
                name: Span::new(start, start + header.name.len()),
                value: Span::new(value, value + header.value.len()),
                kind: FieldKind::of(header.name.as_bytes()),
            };
            if field.kind != FieldKind::Other {
                seen.note(field, header.value)?;
            }
            fields.push(field);
            start = end;
        }
        if seen.names_others {
            mark_named(buf, fields);
        }
        Ok(seen)
    }

    fn note(&mut self, field: Field, value: &[u8]) -> Result<(), HeadError> {
        match field.kind {
            FieldKind::Host => {
                self.hosts += 1;
                self.host = Some(field.value);
            }
            FieldKind::Connection => return self.note_connection(value),
            FieldKind::ContentLength => {
                self.content_lengths += 1;
                self.content_length = Some(field);
            }
            FieldKind::TransferEncoding => {
                self.transfer_encodings += 1;
                self.transfer_encoding = Some(field);
            }
            FieldKind::Te => {
                self.te_trailers |=
                    members(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
            }
            FieldKind::Upgrade => {
                for protocol in members(value) {
                    self.upgrade_offered = true;
                    self.upgrade_to_http |= is_http(protocol);
                }
            }
            FieldKind::Expect if value.eq_ignore_ascii_case(b"100-continue") => {
                self.expect_continue = true;
            }
            FieldKind::Expect => self.expect_unknown = true,
            FieldKind::KeepAlive => {
                self.keep_alive_timeout_s = members(value).find_map(timeout_s);
            }
            _ => {}
        }
        Ok(())
    }

    fn note_connection(&mut self, value: &[u8]) -> Result<(), HeadError> {
        for option in members(value) {
            self.connection_options += 1;
            if self.connection_options > CONNECTION_OPTIONS_MAX {
                return Err(HeadError::ConnectionOptions);
            }
            if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.connection_upgrade = true;
            } else {
                self.names_others = true;
            }
        }
        Ok(())
    }

    /// The body that the framing fields announce, `None` when there are none of them.
    pub(crate) fn framing(&self, buf: &[u8], version: Version) -> Result<Option<Body>, HeadError> {
        match (self.content_length, self.transfer_encoding) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(HeadError::TwoLengths),
            // Even when repeated with the same value: who joins the lines makes a list of them.
            (Some(_), None) if self.content_lengths > 1 => Err(HeadError::ContentLength),
            (None, Some(_)) if self.transfer_encodings > 1 => Err(HeadError::TransferEncoding),
            (Some(length), None) => framing::content_length(length.value.of(buf))
                .map(|length| Some(Body::Length(length))),
            (None, Some(_)) if version == Version::Http10 => {
                Err(HeadError::TransferEncodingInHttp10)
            }
            (None, Some(coding)) => {
                framing::transfer_encoding(coding.value.of(buf)).map(|()| Some(Body::Chunked))
            }
        }
    }

    /// Whether the connection stays open behind the message (RFC 9112 section 9.3).
    pub(crate) fn stays_open(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// Protocols under which a tunnel would carry requests past us: h2c and what it was called before.
fn is_http(protocol: &[u8]) -> bool {
    let name = protocol.split(|&byte| byte == b'/').next().unwrap_or(protocol);
    [&b"h2c"[..], b"h2", b"http"].iter().any(|http| name.eq_ignore_ascii_case(http))
}

/// The seconds of a `timeout=N` parameter of `Keep-Alive`.
fn timeout_s(parameter: &[u8]) -> Option<u32> {
    let (name, seconds) = parameter.split_at_checked(b"timeout=".len())?;
    if !name.eq_ignore_ascii_case(b"timeout=") {
        return None;
    }
    core::str::from_utf8(seconds).ok()?.parse().ok()
}

/// Marks the fields that only concern this connection because `Connection` says so.
#[cold]
fn mark_named(buf: &[u8], fields: &mut [Field]) {
    for at in 0..fields.len() {
        if fields[at].kind != FieldKind::Connection {
            continue;
        }
        for option in members(fields[at].value.of(buf)) {
            for field in fields.iter_mut().filter(|field| field.kind.can_be_named()) {
                if field.name.of(buf).eq_ignore_ascii_case(option) {
                    field.kind = FieldKind::Named;
                }
            }
        }
    }
}
