//! Responses that a rule or a pool set prescribes (behaviour.md 1.8, 1.9): no endpoint is asked, and
//! no session begins.

use std::fmt::Write;

use evenkeel_model::FixedResponse;

use crate::ray::Ray;

/// What a body is when the document does not say. Text that a browser shows and does not run.
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// What a fixed response depends on besides its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) ray: &'a Ray,
    /// Whether the body is left out, as after HEAD.
    pub(crate) is_head: bool,
    /// `Connection` line, when one is needed.
    pub(crate) connection: Option<&'static str>,
}

/// Writes the whole response; `date` as HTTP writes it.
pub(crate) fn write(
    out: &mut Vec<u8>,
    response: &FixedResponse,
    occasion: &Occasion<'_>,
    date: &str,
) {
    let FixedResponse { status, content_type, location, body } = response;
    let mut head = String::with_capacity(256);
    let mut line = |name: &str, value: &str| {
        // Documents were validated; one that was not must not write lines of its own.
        if !value.bytes().any(|byte| byte.is_ascii_control()) {
            write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
        }
    };
    line("Date", date);
    // RFC 9110 sections 15.3.5 and 15.4.5: these have no content to describe.
    let has_content = !matches!(status, 204 | 304);
    if has_content {
        if !body.is_empty() || content_type.is_some() {
            line("Content-Type", content_type.as_deref().unwrap_or(CONTENT_TYPE));
        }
        line("Content-Length", &body.len().to_string());
    }
    if let Some(location) = location {
        line("Location", location);
    }
    line("Server", "evenkeel");
    line("CF-Ray", occasion.ray.as_str());
    if let Some(connection) = occasion.connection {
        line("Connection", connection);
    }
    let reason = reason(*status);
    out.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n{head}\r\n").as_bytes());
    if has_content && !occasion.is_head {
        out.extend_from_slice(body.as_bytes());
    }
}

/// The reason phrase of the statuses that people prescribe; clients do not need one (RFC 9112
/// section 4).
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
