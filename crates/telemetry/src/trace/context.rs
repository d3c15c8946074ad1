//! Where a request stands in its trace.

use super::TraceParent;

/// A request's place in a trace: its own span, the span of its attempts, and the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanContext {
    /// Of the whole trace.
    pub trace_id: [u8; 16],
    /// The caller's span; `None` when the trace begins here.
    pub parent_id: Option<[u8; 8]>,
    /// The span of the request as we serve it.
    pub server_id: [u8; 8],
    /// The span of what we ask of an endpoint, inside the other.
    pub client_id: [u8; 8],
    /// Whether the spans are exported.
    pub is_sampled: bool,
}

impl SpanContext {
    /// Whether the client's trace goes on. If not, its `tracestate` is not passed on either, which
    /// would speak of another trace.
    #[must_use]
    pub fn continues_trace(&self) -> bool {
        self.parent_id.is_some()
    }

    /// Writes the value of `traceparent` for the endpoint.
    pub fn write_traceparent(&self, out: &mut Vec<u8>) {
        let Self { trace_id, client_id, is_sampled, .. } = *self;
        TraceParent { trace_id, span_id: client_id, is_sampled }.write(out);
    }
}
