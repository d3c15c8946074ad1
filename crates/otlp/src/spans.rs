//! A request as spans: one of ours as the server, and inside it one for what was asked of an
//! endpoint. Attributes go by the semantic conventions for HTTP where those have a name; what only
//! a load balancer knows is below `evenkeel.`.

use evenkeel_telemetry::{RequestEnd, RequestSpan};

use crate::attributes::{Attributes, known_method, path_and_query};
use crate::wire::{
    ExportTraceServiceRequest, InstrumentationScope, Resource, ResourceSpans, ScopeSpans, Span,
    SpanKind, Status, StatusCode,
};

/// The conventions that attributes go by.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The W3C flag of a recorded span, and the bits that say whether its parent is another process.
const SAMPLED: u32 = 0x001;
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Who the spans are of.
pub(crate) fn resource(version: &str, instance: &str) -> Resource {
    let mut attributes = Attributes::default();
    attributes.text("service.name", "evenkeel");
    attributes.text("service.version", version);
    attributes.text("service.instance.id", instance);
    Resource { attributes: attributes.0 }
}

/// A message with the spans of some requests.
pub(crate) fn message(
    resource: &Resource,
    version: &str,
    requests: &[RequestSpan],
) -> ExportTraceServiceRequest {
    let spans = requests.iter().flat_map(|request| {
        let asked = request.attempts > 0;
        std::iter::once(server(request)).chain(asked.then(|| client(request)))
    });
    let scope = InstrumentationScope { name: "evenkeel".to_owned(), version: version.to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: spans.collect() }];
    let resource = Some(resource.clone());
    let schema_url = SCHEMA.to_owned();
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, schema_url }],
    }
}

/// The request as the client saw it.
fn server(request: &RequestSpan) -> Span {
    let mut attributes = Attributes::default();
    method(request, &mut attributes);
    let (path, query) = path_and_query(&request.target);
    attributes.text("url.scheme", request.scheme);
    attributes.text("url.path", path);
    attributes.optional("url.query", query.as_deref());
    attributes.text("server.address", &*request.host);
    attributes.text("client.address", request.client.to_string());
    if request.client_port > 0 {
        attributes.number("client.port", request.client_port.into());
    }
    attributes.text("network.protocol.name", "http");
    attributes.text("network.protocol.version", protocol_version(request.protocol));
    if let Some(version) = request.tls {
        attributes.text("tls.protocol.version", version.trim_start_matches("TLSv"));
    }
    if !request.user_agent.is_empty() {
        attributes.text("user_agent.original", &*request.user_agent);
    }
    attributes.number("http.request.body.size", request.received_bytes);
    attributes.number("evenkeel.sent_bytes", request.sent_bytes);
    if request.status > 0 {
        attributes.number("http.response.status_code", request.status.into());
    }
    let error = match request.end {
        _ if request.status >= 500 => Some(request.status.to_string()),
        RequestEnd::ClientGone | RequestEnd::EndpointCut => Some(request.end.as_str().to_owned()),
        RequestEnd::Whole | RequestEnd::Own | RequestEnd::Tunnel => None,
    };
    attributes.optional("error.type", error.as_deref());
    attributes.text("evenkeel.ray", &*request.ray);
    attributes.text("evenkeel.end", request.end.as_str());
    attributes.optional("evenkeel.load_balancer", request.load_balancer.as_deref());
    place(request, &mut attributes);
    attributes.number("evenkeel.attempts", request.attempts.into());
    attributes.text("evenkeel.trail", &*request.trail);
    let parent = request.context.parent_id;
    let flags = if parent.is_some() { IS_REMOTE } else { 0 };
    Span {
        span_id: request.context.server_id.to_vec(),
        parent_span_id: parent.map(Vec::from).unwrap_or_default(),
        kind: SpanKind::Server.into(),
        flags: SAMPLED | KNOWS_REMOTE | flags,
        ..span(request, attributes, error.is_some())
    }
}

/// What was asked of endpoints: all attempts, told by the last.
fn client(request: &RequestSpan) -> Span {
    let mut attributes = Attributes::default();
    method(request, &mut attributes);
    if let Some(address) = request.endpoint_address {
        attributes.text("server.address", address.ip().to_string());
        attributes.number("server.port", address.port().into());
        attributes.text("network.peer.address", address.ip().to_string());
        attributes.number("network.peer.port", address.port().into());
    }
    if let Some(status) = request.endpoint_status {
        attributes.number("http.response.status_code", status.into());
    }
    if request.attempts > 1 {
        attributes.number("http.request.resend_count", u64::from(request.attempts) - 1);
    }
    let error = match request.endpoint_status {
        // Nobody answered, or not to the end.
        None => Some("no_response".to_owned()),
        Some(status) if status >= 400 => Some(status.to_string()),
        Some(_) if request.end == RequestEnd::EndpointCut => Some(request.end.as_str().to_owned()),
        Some(_) => None,
    };
    attributes.optional("error.type", error.as_deref());
    place(request, &mut attributes);
    attributes.flag("evenkeel.connection_reused", request.is_reused);
    for (key, time_us) in [
        ("evenkeel.connect_us", request.connect_us),
        ("evenkeel.first_byte_us", request.first_byte_us),
    ] {
        if let Some(time_us) = time_us {
            attributes.number(key, time_us);
        }
    }
    Span {
        span_id: request.context.client_id.to_vec(),
        parent_span_id: request.context.server_id.to_vec(),
        kind: SpanKind::Client.into(),
        flags: SAMPLED | KNOWS_REMOTE,
        ..span(request, attributes, error.is_some())
    }
}

fn span(request: &RequestSpan, attributes: Attributes, is_error: bool) -> Span {
    let start = request.at_us.saturating_mul(1000);
    let code = if is_error { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: request.context.trace_id.to_vec(),
        name: known_method(&request.method).unwrap_or("HTTP").to_owned(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(request.total_us.saturating_mul(1000)),
        attributes: attributes.0,
        status: Some(Status { code: code.into(), message: String::new() }),
        ..Span::default()
    }
}

fn method(request: &RequestSpan, attributes: &mut Attributes) {
    match known_method(&request.method) {
        Some(known) => attributes.text("http.request.method", known),
        None => {
            attributes.text("http.request.method", "_OTHER");
            attributes.text("http.request.method_original", &*request.method);
        }
    }
}

fn place(request: &RequestSpan, attributes: &mut Attributes) {
    attributes.optional("evenkeel.pool", request.pool.as_deref());
    attributes.optional("evenkeel.endpoint", request.endpoint.as_deref());
}

/// `2` rather than `2.0`, as the conventions want it.
fn protocol_version(protocol: &str) -> &str {
    let version = protocol.strip_prefix("HTTP/").unwrap_or(protocol);
    if version == "2.0" { "2" } else { version }
}
