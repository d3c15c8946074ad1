//! Responses that the proxy makes itself, when no endpoint could or the request was refused
//! (behaviour.md 1.6, 11.5): a small page for people, RFC 9457 JSON for programs, always with the
//! ray that finds the log line.

use std::fmt::Write;

use evenkeel_decision::{DialFailure, GiveUp, Unavailable};
use evenkeel_h1::{Field, RequestError};
use evenkeel_model::Timestamp;

use crate::grpc;
use crate::ray::Ray;

/// Why a request gets no answer of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// The 1xxx code of behaviour.md 11.5, where there is one.
    pub(crate) code: Option<u16>,
    /// One sentence for this case; the kind's own sentence when empty.
    detail: &'static str,
}

/// What is the same for every refusal of one status.
struct Kind {
    title: &'static str,
    detail: &'static str,
    name: &'static str,
    category: &'static str,
    retry_after_s: Option<u32>,
    advice: &'static str,
}

impl Refusal {
    pub(crate) const fn of(status: u16) -> Self {
        Self { status, code: None, detail: "" }
    }

    const fn with_code(status: u16, code: u16, detail: &'static str) -> Self {
        Self { status, code: Some(code), detail }
    }

    /// The request came back to this node.
    pub(crate) const LOOP: Self = Self::with_code(
        508,
        1019,
        "The request has passed this node before: an endpoint leads back to it.",
    );
    /// The connection was opened for another host, whose zone asks for less of it (RFC 9110 section
    /// 15.5.20).
    pub(crate) const MISDIRECTED: Self = Self::of(421);
    /// The zone lets no WebSockets through.
    pub(crate) const UPGRADE_FORBIDDEN: Self = Self::of(403);
    /// The client did not finish its head or body in time.
    pub(crate) const REQUEST_TIMEOUT: Self = Self::of(408);
    /// The endpoint's answer was empty, cut off or malformed.
    pub(crate) const BAD_RESPONSE: Self = Self::of(520);
    /// The endpoint stopped acknowledging data.
    pub(crate) const UNACKNOWLEDGED: Self = Self::of(522);
    /// The endpoint did not answer in time.
    pub(crate) const RESPONSE_TIMEOUT: Self = Self::of(524);

    /// Whether it is the endpoint's fault.
    pub(crate) const fn blames_endpoint(self) -> bool {
        self.status >= Self::BAD_RESPONSE.status
    }

    fn kind(self) -> Kind {
        let (title, detail, name, category, retry_after_s, advice) = match self.status {
            400 => (
                "Bad request",
                "The request is malformed.",
                "bad_request",
                "client",
                None,
                "Send a request that RFC 9112 allows.",
            ),
            403 => (
                "Forbidden",
                "The zone does not let connections be upgraded.",
                "upgrade_forbidden",
                "config",
                None,
                "Turn the zone's setting websockets on.",
            ),
            405 => (
                "Method not allowed",
                "This method is not forwarded.",
                "method_not_allowed",
                "client",
                None,
                "Use another method.",
            ),
            408 => (
                "Request timeout",
                "The request did not arrive in time.",
                "request_timeout",
                "client",
                None,
                "Send the request without long pauses.",
            ),
            409 => (
                "Host not configured",
                "No load balancer of this node has this host name.",
                "host_not_configured",
                "config",
                None,
                "Check the host name, or add a load balancer for it.",
            ),
            413 => (
                "Content too large",
                "The request body is too large.",
                "content_too_large",
                "client",
                None,
                "Send a smaller body.",
            ),
            414 => (
                "URI too long",
                "The request target is too long.",
                "uri_too_long",
                "client",
                None,
                "Send a shorter URL.",
            ),
            417 => (
                "Expectation failed",
                "The Expect field asks for something unknown.",
                "expectation_failed",
                "client",
                None,
                "Leave the Expect field out.",
            ),
            421 => (
                "Misdirected request",
                "This connection may not be used for this host.",
                "misdirected_request",
                "client",
                None,
                "Open another connection, whose TLS handshake names this host.",
            ),
            431 => (
                "Request header fields too large",
                "The request head is too large.",
                "header_fields_too_large",
                "client",
                None,
                "Send fewer or shorter header fields; often a cookie has grown too long.",
            ),
            501 => (
                "Not implemented",
                "The request uses a transfer coding that is not supported.",
                "not_implemented",
                "client",
                None,
                "Use chunked or a Content-Length.",
            ),
            503 => (
                "Service unavailable",
                "This node is at a limit.",
                "service_unavailable",
                "cloudflare",
                Some(30),
                "Try again shortly.",
            ),
            505 => (
                "HTTP version not supported",
                "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
                "http_version",
                "client",
                None,
                "Use HTTP/1.1.",
            ),
            508 => (
                "Loop detected",
                "The request has passed this node before.",
                "loop_detected",
                "config",
                None,
                "Point the endpoint at a server instead of the load balancer.",
            ),
            521 => (
                "Web server is down",
                "The endpoint refused the connection.",
                "origin_down",
                "origin",
                Some(120),
                "Check that the endpoint runs and listens on the configured port.",
            ),
            522 => (
                "Connection timed out",
                "The endpoint did not answer the connection in time.",
                "origin_connection_timeout",
                "origin",
                Some(120),
                "Check the endpoint's load, address and firewall.",
            ),
            523 => (
                "Origin is unreachable",
                "There is no route to the endpoint.",
                "origin_unreachable",
                "origin",
                Some(120),
                "Check the endpoint's address and the network.",
            ),
            524 => (
                "A timeout occurred",
                "The endpoint took the request and did not answer in time.",
                "origin_response_timeout",
                "origin",
                Some(120),
                "Look for slow requests on the endpoint.",
            ),
            525 => (
                "SSL handshake failed",
                "TLS with the endpoint failed.",
                "origin_ssl_handshake",
                "ssl",
                None,
                "Check the endpoint's TLS versions and ciphers.",
            ),
            526 => (
                "Invalid SSL certificate",
                "The endpoint's certificate was rejected.",
                "origin_ssl_certificate",
                "ssl",
                None,
                "Renew the endpoint's certificate.",
            ),
            530 => (
                "Origin DNS error",
                "No endpoint is left that could be reached by its address.",
                "origin_dns",
                "dns",
                None,
                "Check the fallback pool and the endpoints' host names.",
            ),
            _ => (
                "Web server returned an unknown error",
                "The endpoint's answer was empty, cut off or malformed.",
                "origin_unknown",
                "origin",
                Some(60),
                "Look into the endpoint's error log.",
            ),
        };
        Kind { title, detail, name, category, retry_after_s, advice }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::of(error.status())
    }
}

impl From<Unavailable> for Refusal {
    fn from(why: Unavailable) -> Self {
        let detail = match why {
            Unavailable::DnsOnly => {
                "The load balancer with this name is DNS-only; set proxied to true to serve it here."
            }
            _ => "",
        };
        Self::with_code(why.status(), why.error_code(), detail)
    }
}

impl From<GiveUp> for Refusal {
    fn from(why: GiveUp) -> Self {
        match why {
            GiveUp::Failed(failure) => failure.into(),
            GiveUp::Unavailable(why) => why.into(),
        }
    }
}

impl From<DialFailure> for Refusal {
    fn from(failure: DialFailure) -> Self {
        Self::of(failure.status())
    }
}

/// The form a client asked for (behaviour.md 11.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Json,
    Markdown,
    /// No page: the status of a call.
    Grpc,
}

impl Form {
    /// Calls have a form of their own. Else by the `Accept` field: JSON when it is named, markdown for other text, else HTML.
    pub(crate) fn asked_by(buffer: &[u8], fields: &[Field]) -> Self {
        if grpc::is_call(buffer, fields) {
            return Self::Grpc;
        }
        let accept = |field: &&Field| field.name.of(buffer).eq_ignore_ascii_case(b"accept");
        let Some(field) = fields.iter().find(accept) else { return Self::Html };
        let value = String::from_utf8_lossy(field.value.of(buffer)).to_ascii_lowercase();
        if value.contains("text/html") {
            Self::Html
        } else if value.contains("application/json") || value.contains("application/problem+json") {
            Self::Json
        } else if value.contains("text/markdown") || value.contains("text/*") {
            Self::Markdown
        } else {
            Self::Html
        }
    }
}

/// What a refusal's response depends on besides its reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) ray: &'a Ray,
    /// Host name of the request; empty when unknown.
    pub(crate) zone: &'a str,
    pub(crate) form: Form,
    /// Whether the body is left out, as after HEAD.
    pub(crate) is_head: bool,
    pub(crate) keeps_alive: bool,
}

impl<'a> Occasion<'a> {
    /// After a head that could not be read: nothing is known, and the connection ends.
    pub(crate) fn malformed(ray: &'a Ray) -> Self {
        Self { ray, zone: "", form: Form::Html, is_head: false, keeps_alive: false }
    }
}

/// Writes the whole response. `date` is `now` as HTTP writes it.
pub(crate) fn write(
    out: &mut Vec<u8>,
    refusal: Refusal,
    occasion: &Occasion<'_>,
    now: Timestamp,
    date: &str,
) {
    let kind = refusal.kind();
    let (content_type, body) = match occasion.form {
        Form::Html => ("text/html; charset=utf-8", html(refusal, &kind, occasion)),
        Form::Json => ("application/problem+json", json(refusal, &kind, occasion, now)),
        Form::Markdown => ("text/markdown; charset=utf-8", markdown(refusal, &kind, occasion)),
        Form::Grpc => return write_status(out, refusal, &kind, occasion, date),
    };
    let mut head = format!(
        "HTTP/1.1 {} {}\r\nDate: {date}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Cache-Control: private, no-store\r\nServer: evenkeel\r\nCF-Ray: {}\r\n",
        refusal.status,
        kind.title,
        body.len(),
        occasion.ray.as_str(),
    );
    if let Some(seconds) = kind.retry_after_s {
        write!(head, "Retry-After: {seconds}\r\n").expect("writing to a String cannot fail");
    }
    if refusal.status == 405 {
        // RFC 9110 section 15.5.6: which methods would do. CONNECT and TRACE are the ones that do not.
        head.push_str("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    }
    head.push_str(if occasion.keeps_alive { "\r\n" } else { "Connection: close\r\n\r\n" });
    out.extend_from_slice(head.as_bytes());
    if !occasion.is_head {
        out.extend_from_slice(body.as_bytes());
    }
}

/// Writes the answer to a call: a status in the place of trailers, which are all there is.
fn write_status(
    out: &mut Vec<u8>,
    refusal: Refusal,
    kind: &Kind,
    occasion: &Occasion<'_>,
    date: &str,
) {
    // Details are plain ASCII without a percent sign, which is what a message may hold unescaped.
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\
         Grpc-Status: {}\r\nGrpc-Message: {}: {}\r\nServer: evenkeel\r\nCF-Ray: {}\r\n",
        grpc::status_of(refusal.status),
        refusal.shown_code(),
        refusal.detail(kind),
        occasion.ray.as_str(),
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(if occasion.keeps_alive {
        b"\r\n"
    } else {
        b"Connection: close\r\n\r\n"
    });
}

impl Refusal {
    fn detail(self, kind: &Kind) -> &'static str {
        if self.detail.is_empty() { kind.detail } else { self.detail }
    }

    fn shown_code(self) -> u16 {
        self.code.unwrap_or(self.status)
    }
}

fn html(refusal: Refusal, kind: &Kind, occasion: &Occasion<'_>) -> String {
    let (status, code, title) = (refusal.status, refusal.shown_code(), kind.title);
    let (detail, advice, ray) = (refusal.detail(kind), kind.advice, occasion.ray.as_str());
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{status} {title}</title></head>\n\
         <body><h1>Error {code}</h1><h2>{title}</h2><p>{detail}</p><p>{advice}</p>\n\
         <p>Ray ID: <code>{ray}</code></p></body></html>\n"
    )
}

fn markdown(refusal: Refusal, kind: &Kind, occasion: &Occasion<'_>) -> String {
    let (code, title, ray) = (refusal.shown_code(), kind.title, occasion.ray.as_str());
    format!(
        "# Error {code}: {title}\n\n{}\n\n{}\n\nRay ID: `{ray}`\n",
        refusal.detail(kind),
        kind.advice
    )
}

fn json(refusal: Refusal, kind: &Kind, occasion: &Occasion<'_>, now: Timestamp) -> String {
    let ray = occasion.ray.as_str();
    let time = i64::try_from(now.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": kind.title,
        "status": refusal.status,
        "detail": refusal.detail(kind),
        "instance": ray,
        "error_code": refusal.shown_code(),
        "error_name": kind.name,
        "error_category": kind.category,
        "ray_id": ray,
        "timestamp": time.unwrap_or_default().to_string(),
        "zone": occasion.zone,
        "cloudflare_error": true,
        "retryable": kind.retry_after_s.is_some(),
        "retry_after": kind.retry_after_s,
        "owner_action_required": kind.category != "client",
        "what_you_should_do": kind.advice,
        "footer": "Generated by Evenkeel",
    })
    .to_string();
    body.push('\n');
    body
}
