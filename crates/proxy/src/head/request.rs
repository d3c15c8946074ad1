//! The head of a request as an endpoint gets it (behaviour.md 11.1, 9.3).
//!
//! On the request path.

use std::fmt::Write;
use std::net::IpAddr;

use evenkeel_decision::{mentions_session_cookie, strip_session_cookie};
use evenkeel_h1::{Body, Field, FieldKind, RequestHead};
use evenkeel_telemetry::SpanContext;

use super::Runs;
use crate::ray::Ray;

/// The field that says which span a request belongs to (W3C Trace Context).
pub(crate) const TRACE_PARENT: &[u8] = b"traceparent";

/// The lines that are the same for every request of a client connection, written once.
#[derive(Debug)]
pub(crate) struct ClientLines {
    lines: Vec<u8>,
    address: String,
}

impl ClientLines {
    /// For a peer at this address that is, or speaks for, a client in this country (two letters),
    /// who came by this scheme.
    pub(crate) fn new(peer: IpAddr, client: IpAddr, country: [u8; 2], https: bool) -> Self {
        let [first, second] = country.map(char::from);
        let scheme = if https { "https" } else { "http" };
        let mut lines = String::new();
        write!(
            lines,
            "X-Forwarded-Proto: {scheme}\r\nCF-Connecting-IP: {client}\r\nCF-IPCountry: {first}{second}\r\n\
             CF-Visitor: {{\"scheme\":\"{scheme}\"}}\r\n"
        )
        .expect("writing to a String cannot fail");
        Self { lines: lines.into_bytes(), address: peer.to_string() }
    }
}

/// What is said to one endpoint besides what the client said.
#[derive(Debug)]
pub(crate) struct Forwarding<'a> {
    pub(crate) client: &'a ClientLines,
    pub(crate) ray: &'a Ray,
    /// Our own `CDN-Loop` entry.
    pub(crate) loop_token: &'a str,
    /// Host name that replaces the client's.
    pub(crate) host: Option<&'a str>,
    /// The request's place in a trace, where requests are traced. Otherwise what the client says of
    /// its trace goes through as it is.
    pub(crate) span: Option<&'a SpanContext>,
    /// Whether our session cookie is ours to take out.
    pub(crate) strips_session_cookie: bool,
}

/// Writes the head that goes to the endpoint.
pub(crate) fn write(
    out: &mut Vec<u8>,
    buffer: &[u8],
    head: &RequestHead,
    fields: &[Field],
    forwarding: &Forwarding<'_>,
) {
    out.extend_from_slice(head.method.of(buffer));
    out.push(b' ');
    out.extend_from_slice(&head.target.of(buffer));
    out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    match forwarding.host {
        Some(host) => out.extend_from_slice(host.as_bytes()),
        None => out.extend_from_slice(head.host.of(buffer)),
    }
    out.extend_from_slice(b"\r\n");

    let mut runs = Runs::new(buffer);
    let mut forwarded_for = ListLine::new(buffer, "X-Forwarded-For: ");
    let mut cdn_loop = ListLine::new(buffer, "CDN-Loop: ");
    let mut upgrade = None;
    for field in fields {
        match field.kind {
            FieldKind::Cookie
                if forwarding.strips_session_cookie
                    && mentions_session_cookie(field.value.of(buffer)) =>
            {
                runs.flush(out);
                write_cookie_line(out, field.value.of(buffer));
            }
            FieldKind::Other
                if forwarding.span.is_some_and(|span| replaces(span, field.name.of(buffer))) => {}
            FieldKind::XForwardedFor => forwarded_for.add(field),
            FieldKind::CdnLoop => cdn_loop.add(field),
            FieldKind::Upgrade => upgrade = Some(field.value),
            // HTTP/1.0 knows no expectations: the endpoint must not act on one that we ignored.
            FieldKind::Expect if !head.expect_continue => {}
            kind if is_kept(kind) => runs.keep(field, out),
            _ => {}
        }
    }
    runs.flush(out);

    forwarded_for.write(out, fields, forwarding.client.address.as_bytes());
    out.extend_from_slice(&forwarding.client.lines);
    if let Some(span) = forwarding.span {
        out.extend_from_slice(b"traceparent: ");
        span.write_traceparent(out);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"CF-Ray: ");
    out.extend_from_slice(forwarding.ray.as_bytes());
    out.extend_from_slice(b"\r\n");
    cdn_loop.write(out, fields, forwarding.loop_token.as_bytes());
    if matches!(head.body, Body::Chunked | Body::UntilClose) {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    match upgrade {
        Some(protocol) if head.upgrade => {
            out.extend_from_slice(b"Upgrade: ");
            out.extend_from_slice(protocol.of(buffer));
            out.extend_from_slice(b"\r\nConnection: Upgrade\r\n\r\n");
        }
        _ if head.te_trailers => {
            out.extend_from_slice(b"TE: trailers\r\nConnection: Keep-Alive, TE\r\n\r\n");
        }
        _ => out.extend_from_slice(b"Connection: Keep-Alive\r\n\r\n"),
    }
}

/// Whether a line of the client's trace gives way to ours: its parent always, and what vendors noted
/// of a trace that does not go on (Trace Context, section 3.3).
fn replaces(span: &SpanContext, name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(TRACE_PARENT)
        || !span.continues_trace() && name.eq_ignore_ascii_case(b"tracestate")
}

/// Whether a client's line goes on as it is. What is refused here is hop-by-hop, written anew by
/// us, or not for clients to say.
fn is_kept(kind: FieldKind) -> bool {
    !kind.is_hop_by_hop()
        && !matches!(
            kind,
            FieldKind::Host
                | FieldKind::CdnLoop
                | FieldKind::CfConnectingIp
                | FieldKind::CfConnectingIpv6
                | FieldKind::CfEwVia
                | FieldKind::CfIpCountry
                | FieldKind::CfPseudoIpv4
                | FieldKind::CfRay
                | FieldKind::CfVisitor
                | FieldKind::CfWorker
                | FieldKind::TrueClientIp
                | FieldKind::XForwardedFor
                | FieldKind::XForwardedProto
                | FieldKind::XRealIp
        )
}

fn write_cookie_line(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(b"Cookie: ");
    if strip_session_cookie(value, out) {
        out.extend_from_slice(b"\r\n");
    } else {
        out.truncate(start);
    }
}

/// A field that may come in several lines and leaves as one, with our own entry at its end.
struct ListLine<'a> {
    buffer: &'a [u8],
    name: &'static str,
    kind: Option<FieldKind>,
}

impl<'a> ListLine<'a> {
    fn new(buffer: &'a [u8], name: &'static str) -> Self {
        Self { buffer, name, kind: None }
    }

    fn add(&mut self, field: &Field) {
        self.kind = Some(field.kind);
    }

    fn write(&self, out: &mut Vec<u8>, fields: &[Field], own: &[u8]) {
        out.extend_from_slice(self.name.as_bytes());
        if let Some(kind) = self.kind {
            for field in fields.iter().filter(|field| field.kind == kind && !field.value.is_empty())
            {
                out.extend_from_slice(field.value.of(self.buffer));
                out.extend_from_slice(b", ");
            }
        }
        out.extend_from_slice(own);
        out.extend_from_slice(b"\r\n");
    }
}
