//! What is known of the endpoints' health, and what follows from it for pools.

use alloc::vec::Vec;
use core::fmt;

use crate::config::{Config, EndpointIx, PoolIx};
use crate::{Endpoint, Pool};

/// What we conclude about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// No decisive result yet. With a monitor attached this counts as down (behaviour.md 1.3).
    #[default]
    Unknown,
    /// Passes its monitor.
    Healthy,
    /// Fails its monitor.
    Unhealthy,
}

/// Why a probe failed, in the exact words of behaviour.md 7.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each prints as its documented sentence")]
pub enum FailureReason {
    #[default]
    NoFailures,
    TcpConnectionFailed,
    TcpTimeout,
    HttpTimeout,
    HttpInvalidResponse,
    ResponseCodeMismatch,
    ResponseBodyMismatch,
    TlsUntrustedCertificate,
    TlsNameMismatch,
    TlsProtocol,
    TlsUnrecognizedName,
    TlsHandshakeFailure,
    NoRouteToHost,
    NetworkUnreachable,
    ConnectionReset,
    DnsUnknownHost,
    DnsInternal,
    MonitorConfig,
    Other,
}

impl FailureReason {
    /// All of them, in the documented order.
    pub const ALL: [Self; 19] = [
        Self::NoFailures,
        Self::TcpConnectionFailed,
        Self::TcpTimeout,
        Self::HttpTimeout,
        Self::HttpInvalidResponse,
        Self::ResponseCodeMismatch,
        Self::ResponseBodyMismatch,
        Self::TlsUntrustedCertificate,
        Self::TlsNameMismatch,
        Self::TlsProtocol,
        Self::TlsUnrecognizedName,
        Self::TlsHandshakeFailure,
        Self::NoRouteToHost,
        Self::NetworkUnreachable,
        Self::ConnectionReset,
        Self::DnsUnknownHost,
        Self::DnsInternal,
        Self::MonitorConfig,
        Self::Other,
    ];

    /// The reason of a documented sentence.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The documented sentence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoFailures => "No failures",
            Self::TcpConnectionFailed => "TCP connection failed",
            Self::TcpTimeout => "TCP Timeout",
            Self::HttpTimeout => "HTTP timeout occurred",
            Self::HttpInvalidResponse => "HTTP Invalid Response",
            Self::ResponseCodeMismatch => "Response code mismatch error",
            Self::ResponseBodyMismatch => "Response body mismatch error",
            Self::TlsUntrustedCertificate => "TLS untrusted certificate error",
            Self::TlsNameMismatch => "TLS name mismatch error",
            Self::TlsProtocol => "TLS protocol error",
            Self::TlsUnrecognizedName => "TLS unrecognized name error",
            Self::TlsHandshakeFailure => "TLS Handshake Failure",
            Self::NoRouteToHost => "No route to host error",
            Self::NetworkUnreachable => "Network Unreachable",
            Self::ConnectionReset => "Connection Reset by Peer",
            Self::DnsUnknownHost => "DNS Unknown Host",
            Self::DnsInternal => "DNS Internal",
            Self::MonitorConfig => "Monitor Config Error",
            Self::Other => "Other Failure",
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointHealth {
    /// The published conclusion.
    pub verdict: Verdict,
    /// Why the last probe failed; `NoFailures` when it passed or none ran.
    pub reason: FailureReason,
    /// Status of the last response, 0 without one: of HTTP or SMTP, and of a gRPC call that failed.
    pub response_code: u16,
    /// From the start of connect to the first byte of the last success, in microseconds.
    pub rtt_us: Option<u32>,
}

/// What follows for a pool (behaviour.md 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolStatus {
    /// No monitor, or nothing decided yet on any enabled endpoint.
    Unknown,
    /// Every enabled endpoint is healthy.
    Healthy,
    /// Some are not, but enough are.
    Degraded,
    /// Fewer healthy endpoints than the pool's minimum.
    Critical,
    /// Switched off by the user.
    Disabled,
}

/// A pool's condition, counted once per view so that no request counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolHealth {
    /// The status word.
    pub status: PoolStatus,
    /// Whether it may be chosen for new traffic (behaviour.md 1.3).
    pub is_fit: bool,
    /// Whether sessions may go on in it: as `is_fit`, but its endpoints may all have weight 0
    /// (behaviour.md 1.4).
    pub keeps_sessions: bool,
    /// Sum of the fit endpoints' weights, in hundredths.
    pub fit_weight: u32,
}

impl PoolHealth {
    fn new(config: &Config, pool: &Pool, endpoints: &[EndpointHealth], admits: &[Admits]) -> Self {
        let (mut enabled, mut passing, mut fit_weight) = (0, 0, 0);
        let mut decided = false;
        for ix in pool.endpoints() {
            let endpoint = config.endpoint(ix);
            if !endpoint.enabled {
                continue;
            }
            enabled += 1;
            decided |= endpoints[ix.get()].verdict != Verdict::Unknown;
            if admits[ix.get()] != Admits::Nothing {
                passing += 1;
                // Adds nothing where new traffic is refused: there the weight is 0.
                fit_weight += endpoint.weight.hundredths();
            }
        }
        let enough = passing >= pool.endpoints_min;
        let status = match pool.is_monitored() {
            _ if !pool.enabled => PoolStatus::Disabled,
            false => PoolStatus::Unknown,
            true if !decided && enabled > 0 => PoolStatus::Unknown,
            true if !enough => PoolStatus::Critical,
            true if passing < enabled => PoolStatus::Degraded,
            true => PoolStatus::Healthy,
        };
        let keeps_sessions = pool.enabled && enough;
        Self { status, is_fit: keeps_sessions && fit_weight > 0, keeps_sessions, fit_weight }
    }
}

/// How soon a pool's probes come back, as the node's own region sees it (behaviour.md 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// Mean over the enabled healthy endpoints of their moving averages, in microseconds.
    pub mean_us: u32,
    /// Successful probes behind it.
    pub samples: u32,
}

/// What an endpoint may be given (behaviour.md 1.3, 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admits {
    /// Disabled, unhealthy, or unknown with a monitor attached.
    Nothing,
    /// Requests of the sessions it has: its weight is 0.
    Sessions,
    /// New traffic too.
    All,
}

impl Admits {
    fn new(endpoint: &Endpoint, monitored: bool, verdict: Verdict) -> Self {
        if !endpoint.enabled || (monitored && verdict != Verdict::Healthy) {
            Self::Nothing
        } else if endpoint.weight.is_zero() {
            Self::Sessions
        } else {
            Self::All
        }
    }
}

/// Health of every endpoint and pool of one [`Config`].
#[derive(Debug, Clone, Default)]
pub struct Health {
    endpoints: Vec<EndpointHealth>,
    admits: Vec<Admits>,
    pools: Vec<PoolHealth>,
    /// Empty while nobody measures.
    latencies: Vec<Option<Latency>>,
}

impl Health {
    /// Draws the conclusions for a configuration from what `of` knows of each endpoint.
    #[must_use]
    pub fn new(config: &Config, mut of: impl FnMut(EndpointIx) -> EndpointHealth) -> Self {
        let endpoints: Vec<_> = config.endpoints_indexed().map(|(ix, _)| of(ix)).collect();
        let admits: Vec<_> = config
            .endpoints
            .iter()
            .zip(&endpoints)
            .map(|(endpoint, known)| {
                let monitored = config.pool(endpoint.pool).is_monitored();
                Admits::new(endpoint, monitored, known.verdict)
            })
            .collect();
        let pools =
            config.pools.iter().map(|pool| PoolHealth::new(config, pool, &endpoints, &admits));
        Self { pools: pools.collect(), endpoints, admits, latencies: Vec::new() }
    }

    /// The same, with what is known of the pools' latencies.
    #[must_use]
    pub fn with_latencies(mut self, mut of: impl FnMut(PoolIx) -> Option<Latency>) -> Self {
        self.latencies = (0..).map(PoolIx).take(self.pools.len()).map(&mut of).collect();
        self
    }

    /// How soon a pool's probes come back; `None` when nobody has measured.
    #[must_use]
    pub fn latency(&self, ix: PoolIx) -> Option<Latency> {
        self.latencies.get(ix.get()).copied().flatten()
    }

    /// What is known of one endpoint.
    #[must_use]
    pub fn endpoint(&self, ix: EndpointIx) -> &EndpointHealth {
        &self.endpoints[ix.get()]
    }

    /// Whether an endpoint may take new traffic: enabled, weight above zero, and healthy unless
    /// nothing monitors it (behaviour.md 1.3).
    #[must_use]
    pub fn is_fit(&self, ix: EndpointIx) -> bool {
        self.admits[ix.get()] == Admits::All
    }

    /// Whether an endpoint may go on with the sessions it has: as [`Self::is_fit`], but weight 0
    /// is fine (behaviour.md 1.4, 4.7).
    #[must_use]
    pub fn keeps_sessions(&self, ix: EndpointIx) -> bool {
        self.admits[ix.get()] != Admits::Nothing
    }

    /// The condition of one pool.
    #[must_use]
    pub fn pool(&self, ix: PoolIx) -> &PoolHealth {
        &self.pools[ix.get()]
    }
}
