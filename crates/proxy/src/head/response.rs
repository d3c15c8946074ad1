//! The head of an endpoint's response as a client gets it (behaviour.md 11.2).
//!
//! On the request path.

use evenkeel_h1::{Body, Field, FieldKind, ResponseHead};

use super::Runs;
use crate::ray::Ray;

/// How a response leaves.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) ray: &'a Ray,
    /// Whether the body leaves in chunks of ours.
    pub(crate) is_chunked: bool,
    /// What the client is told about the connection.
    pub(crate) connection: ConnectionLine,
    /// A date for responses without one (RFC 9110 section 6.6.1).
    pub(crate) date: &'a str,
}

/// The `Connection` line of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionLine {
    /// None: the version's default holds.
    Default,
    /// This is the last response.
    Close,
    /// More may follow, which an HTTP/1.0 client has to be told.
    KeepAlive,
    /// The protocol changes after this head.
    Upgrade,
}

/// Writes the head for the client up to, but without, the empty line: the caller may add lines of
/// its own and then calls [`finish`].
pub(crate) fn write(
    out: &mut Vec<u8>,
    buffer: &[u8],
    head: &ResponseHead,
    fields: &[Field],
    reply: &Reply<'_>,
) {
    write_status_line(out, buffer, head);
    let has_no_length = head.status == 204 || head.status < 200 || reply.is_chunked;
    let mut has_server = false;
    let mut has_date = false;
    let mut runs = Runs::new(buffer);
    for field in fields {
        match field.kind {
            FieldKind::Server => has_server = true,
            FieldKind::Date => has_date = true,
            FieldKind::ContentLength if has_no_length => continue,
            FieldKind::Upgrade if reply.connection == ConnectionLine::Upgrade => {}
            kind if is_kept(kind) => {}
            _ => continue,
        }
        runs.keep(field, out);
    }
    runs.flush(out);
    if !has_date && head.status >= 200 {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(reply.date.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if !has_server && head.status >= 200 {
        out.extend_from_slice(b"Server: evenkeel\r\n");
    }
    if reply.is_chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    out.extend_from_slice(match reply.connection {
        ConnectionLine::Default => b"",
        ConnectionLine::Close => b"Connection: close\r\n",
        ConnectionLine::KeepAlive => b"Connection: keep-alive\r\n",
        ConnectionLine::Upgrade => b"Connection: Upgrade\r\n",
    });
    out.extend_from_slice(b"CF-Ray: ");
    out.extend_from_slice(reply.ray.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Ends a head.
pub(crate) fn finish(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

fn write_status_line(out: &mut Vec<u8>, buffer: &[u8], head: &ResponseHead) {
    let status = head.status;
    let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or(0);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status), b' ']);
    out.extend_from_slice(head.reason.of(buffer));
    out.extend_from_slice(b"\r\n");
}

/// Whether an endpoint's line goes on as it is. What is refused here is hop-by-hop, a ray that is
/// not ours, or meant for a proxy of another make.
fn is_kept(kind: FieldKind) -> bool {
    !kind.is_hop_by_hop() && !matches!(kind, FieldKind::XAccel | FieldKind::CfRay)
}

/// Whether the body of a response, as the codec framed it, can be shown to the client by its
/// length, and if not, whether in chunks: HTTP/1.0 knows none.
pub(crate) fn needs_chunks(body: &Body, client_knows_chunks: bool) -> bool {
    matches!(body, Body::Chunked | Body::UntilClose) && client_knows_chunks
}
