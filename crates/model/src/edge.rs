//! What a zone says of the connections on both sides: TLS with clients and with endpoints, the
//! protocols that may be spoken, and a few limits.
//!
//! Each load balancer carries the copy of its zone, so that a request finds everything in one place.

/// What a zone's settings say about TLS on both sides and the protocols spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When endpoints are spoken to over TLS, and what of their certificates is checked (`ssl`).
    pub endpoint_tls: EndpointTls,
    /// Whether clients that come without TLS are sent to the same address with it
    /// (`always_use_https`).
    pub always_use_https: bool,
    /// The oldest version clients may speak (`min_tls_version`).
    pub tls_min: TlsVersion,
    /// Whether endpoints are shown the zone's client certificate (`tls_client_auth`).
    pub endpoint_certificate: bool,
    /// Whether clients may speak HTTP/2 (`http2`).
    pub http2: bool,
    /// Whether endpoints are offered HTTP/2 where TLS lets both sides agree on it
    /// (`origin_max_http_version`).
    pub endpoint_http2: bool,
    /// Whether WebSocket handshakes are let through (`websockets`).
    pub websockets: bool,
    /// Longest body of a request, in bytes (`max_upload`); unlimited when absent.
    pub request_body_bytes_max: Option<u64>,
    /// How long an endpoint may be silent, in milliseconds (`proxy_read_timeout`); as long as the
    /// node says when absent.
    pub upstream_read_ms: Option<u32>,
}

impl Default for Edge {
    /// What a zone means that nobody has set anything for.
    fn default() -> Self {
        Self {
            endpoint_tls: EndpointTls::Off,
            always_use_https: false,
            tls_min: TlsVersion::Tls12,
            endpoint_certificate: false,
            http2: true,
            endpoint_http2: true,
            websockets: true,
            request_body_bytes_max: None,
            upstream_read_ms: None,
        }
    }
}

/// When endpoints are spoken to over TLS (behaviour.md 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndpointTls {
    /// Never, whatever clients speak.
    #[default]
    Off,
    /// Never, except for clients that came over TLS to another port than 443: these as
    /// [`Full`](Self::Full).
    Flexible,
    /// As the client came. The endpoint's certificate may be anything.
    Full,
    /// As the client came. The endpoint's certificate has to be valid, from an authority that is
    /// trusted, and for the host that is asked for or the endpoint's own.
    Strict,
}

/// A version of TLS that is spoken here. Older ones are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}
