//! What is exported of a request: the record, owned.

use std::net::{IpAddr, SocketAddr};

use super::SpanContext;
use crate::{RequestEnd, RequestRecord};

/// Bytes of a value that a client sent which are kept: collectors cut or refuse longer ones, and one
/// request shall not fill the queue.
const VALUE_BYTES_MAX: usize = 1024;

/// A traced request that is over. Fields mean what those of [`RequestRecord`] do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the record documents them")]
pub struct RequestSpan {
    pub context: SpanContext,
    pub at_us: u64,
    pub total_us: u64,
    pub ray: Box<str>,
    pub client: IpAddr,
    pub client_port: u16,
    pub protocol: &'static str,
    pub tls: Option<&'static str>,
    pub method: Box<str>,
    pub scheme: &'static str,
    pub host: Box<str>,
    pub target: Box<str>,
    pub user_agent: Box<str>,
    pub status: u16,
    pub end: RequestEnd,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub load_balancer: Option<Box<str>>,
    pub pool: Option<Box<str>>,
    pub endpoint: Option<Box<str>>,
    pub endpoint_address: Option<SocketAddr>,
    pub endpoint_status: Option<u16>,
    pub attempts: u32,
    pub is_reused: bool,
    pub connect_us: Option<u64>,
    pub first_byte_us: Option<u64>,
    pub trail: Box<str>,
}

impl RequestSpan {
    pub(super) fn new(context: SpanContext, record: &RequestRecord<'_>) -> Self {
        Self {
            context,
            at_us: record.at_us,
            total_us: record.total_us,
            ray: record.ray.into(),
            client: record.client,
            client_port: record.client_port,
            protocol: record.protocol,
            tls: record.tls,
            method: text(record.method),
            scheme: record.scheme,
            host: record.host.into(),
            target: text(record.target),
            user_agent: text(record.user_agent),
            status: record.status,
            end: record.end,
            received_bytes: record.received_bytes,
            sent_bytes: record.sent_bytes,
            load_balancer: record.load_balancer.map(Into::into),
            pool: record.pool.map(Into::into),
            endpoint: record.endpoint.map(Into::into),
            endpoint_address: record.endpoint_address,
            endpoint_status: record.endpoint_status,
            attempts: record.attempts,
            is_reused: record.is_reused,
            connect_us: record.connect_us,
            first_byte_us: record.first_byte_us,
            trail: record.trail.to_string().into(),
        }
    }

    /// How many spans it becomes: one for the request, and one for the last attempt if there was
    /// any.
    #[must_use]
    pub fn spans(&self) -> u64 {
        1 + u64::from(self.attempts > 0)
    }
}

/// What a client sent, as text: collectors take UTF-8 only.
fn text(value: &[u8]) -> Box<str> {
    let value = value.get(..VALUE_BYTES_MAX).unwrap_or(value);
    String::from_utf8_lossy(value).into()
}
