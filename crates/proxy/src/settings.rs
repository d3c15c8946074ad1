//! What an operator may set about the data plane, and the documented defaults.

use std::time::Duration;

use evenkeel_h1::Limits;
use evenkeel_model::{Node, Reach};

use crate::fronts::Fronts;

/// Settings of the HTTP data plane, the same for every worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Code of the PoP this node stands in; the tail of every `CF-Ray`.
    pub pop: String,
    /// Names this node in `CDN-Loop`, so that a request that comes back is noticed. 16 hex digits.
    pub node: String,
    /// Where this node stands, for policies that go by places.
    pub site: Node,
    /// Where names of endpoints may lead. Addresses in documents were judged when they were written.
    pub reach: Reach,
    /// Bounds on heads.
    pub limits: Limits,
    /// Time limits.
    pub timeouts: Timeouts,
    /// What stands between clients and this node.
    pub fronts: Fronts,
    /// Where clients reach this node over TLS, for those that are sent there.
    pub https_port: Option<u16>,
    /// When endpoints that are spoken to without TLS are spoken to in HTTP/2.
    pub cleartext_http2: CleartextHttp2,
    /// How endpoints are told at the start of a connection whom it is opened for.
    pub proxy_protocol: ProxyProtocol,
    /// Idle connections one worker keeps to one endpoint; the oldest are closed first.
    pub idle_per_endpoint_max: usize,
}

/// When HTTP/2 is spoken with an endpoint without TLS, which has no way to agree on it
/// (behaviour.md 9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CleartextHttp2 {
    /// Never.
    #[default]
    Off,
    /// For gRPC calls, which know no other protocol.
    Grpc,
}

/// What a connection to an endpoint begins with (haproxy.org/download/3.3/doc/proxy-protocol.txt).
/// Whoever sends it gives every client connections of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// With the request, or TLS.
    #[default]
    Off,
    /// With a line that names the client.
    V1,
    /// With the same in binary form.
    V2,
}

/// Time limits of one exchange.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// A client connection between requests (behaviour.md 10, item 6).
    pub downstream_idle: Duration,
    /// PROXY header and TLS handshake of a client, each: what ends one that stalls.
    pub handshake: Duration,
    /// From the first byte of a request head to its last: what ends a slowloris. Status 408.
    pub request_head: Duration,
    /// Between two reads of a request body. Status 408.
    pub request_body: Duration,
    /// Between two writes to a client: what ends a client that never reads.
    pub downstream_write: Duration,
    /// TCP handshake with an endpoint (behaviour.md 11.4). Status 522.
    pub connect: Duration,
    /// Until an endpoint acknowledges what it was sent (behaviour.md 11.4). Status 522.
    pub upstream_ack: Duration,
    /// Between two reads from an endpoint, the first byte included (behaviour.md 11.4). Status 524.
    pub upstream_read: Duration,
    /// Between two writes to an endpoint (behaviour.md 11.4). Status 524.
    pub upstream_write: Duration,
    /// An endpoint connection between requests, since its last use (behaviour.md 10, item 1).
    pub upstream_idle: Duration,
    /// Silence in both directions of an upgraded connection (behaviour.md 9.6).
    pub tunnel_idle: Duration,
    /// How long a connection that is to be closed is still read, so that the client gets the
    /// answer before the reset.
    pub linger: Duration,
    /// How long requests may take to finish once the node drains.
    pub drain: Duration,
    /// How long bodies and tunnels may take to finish once another process has taken over.
    pub upgrade_drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            downstream_idle: Duration::from_secs(400),
            handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(30),
            request_body: Duration::from_secs(60),
            downstream_write: Duration::from_secs(30),
            connect: Duration::from_secs(19),
            upstream_ack: Duration::from_secs(90),
            upstream_read: Duration::from_secs(125),
            upstream_write: Duration::from_secs(30),
            upstream_idle: Duration::from_secs(900),
            tunnel_idle: Duration::from_secs(3600),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(30),
            upgrade_drain: Duration::from_secs(3600),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pop: "LOC".to_owned(),
            node: "0000000000000000".to_owned(),
            site: Node::default(),
            reach: Reach::EVERYWHERE,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            fronts: Fronts::default(),
            https_port: None,
            cleartext_http2: CleartextHttp2::Off,
            proxy_protocol: ProxyProtocol::Off,
            idle_per_endpoint_max: 1_024,
        }
    }
}
