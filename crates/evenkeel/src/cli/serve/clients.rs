//! The flags of `evenkeel serve` about clients: what stands between them and this node, how many are
//! let in, how long they may take.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct ClientArgs {
    /// Networks of load balancers in front that begin every connection with a PROXY header,
    /// version 1 or 2; repeatable [default: none]
    #[arg(long, value_name = "CIDR")]
    pub(crate) proxy_protocol: Vec<String>,
    /// Networks of proxies in front whose CF-Connecting-IP, X-Forwarded-For and X-Forwarded-Proto
    /// are believed; repeatable [default: none]
    #[arg(long, value_name = "CIDR")]
    pub(crate) trusted_proxies: Vec<String>,
    /// Client connections open at once [default: half of the files that may be open, up to 100000]
    #[arg(long, value_name = "N")]
    pub(crate) connections_max: Option<String>,
    /// Client connections from one IPv4 address or IPv6 /64 [default: unlimited]
    #[arg(long, value_name = "N")]
    pub(crate) connections_per_address_max: Option<String>,
    /// Memory of the process, in MiB, from which on no further clients are let in
    /// [default: unlimited]
    #[arg(long, value_name = "MIB")]
    pub(crate) memory_max: Option<String>,
    /// Seconds for a PROXY header, and for a TLS handshake [default: 10]
    #[arg(long, value_name = "S")]
    pub(crate) handshake_timeout: Option<String>,
    /// Seconds from the first byte of a request's head to its last [default: 30]
    #[arg(long, value_name = "S")]
    pub(crate) request_head_timeout: Option<String>,
    /// Seconds between two reads of a request's body [default: 60]
    #[arg(long, value_name = "S")]
    pub(crate) request_body_timeout: Option<String>,
    /// Seconds between two writes to a client [default: 30]
    #[arg(long, value_name = "S")]
    pub(crate) client_write_timeout: Option<String>,
    /// Seconds that a client's connection is kept between requests [default: 400]
    #[arg(long, value_name = "S")]
    pub(crate) client_idle_timeout: Option<String>,
    /// Seconds of silence after which a tunnel (WebSocket, CONNECT of HTTP/2) ends [default: 3600]
    #[arg(long, value_name = "S")]
    pub(crate) tunnel_idle_timeout: Option<String>,
    /// Seconds that requests may take to finish once the node drains [default: 30]
    #[arg(long, value_name = "S")]
    pub(crate) drain_timeout: Option<String>,
    /// Seconds that bodies and tunnels may take to finish once another process has taken over
    /// [default: 3600]
    #[arg(long, value_name = "S")]
    pub(crate) upgrade_drain: Option<String>,
    /// Seconds for a connection to an endpoint, TLS included [default: 19]
    #[arg(long, value_name = "S")]
    pub(crate) connect_timeout: Option<String>,
    /// Seconds between two reads from an endpoint, the first byte included [default: 125]
    #[arg(long, value_name = "S")]
    pub(crate) endpoint_read_timeout: Option<String>,
    /// Seconds between two writes to an endpoint [default: 30]
    #[arg(long, value_name = "S")]
    pub(crate) endpoint_write_timeout: Option<String>,
    /// Whether requests of gRPC reach endpoints without TLS by HTTP/2: off, grpc [default: off]
    #[arg(long, value_name = "WORD")]
    pub(crate) h2c_endpoints: Option<String>,
    /// PROXY header that connections to endpoints begin with: off, v1, v2 [default: off]
    #[arg(long, value_name = "WORD")]
    pub(crate) proxy_protocol_out: Option<String>,
    /// Seconds that an endpoint's connection is kept for reuse [default: 900]
    #[arg(long, value_name = "S")]
    pub(crate) endpoint_idle_timeout: Option<String>,
}
